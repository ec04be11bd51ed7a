"""Opening a prepared data set."""

import json
import pickle
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from stylegan.data.arrays import CHECKED_BYTES
from stylegan.data.dataset import ImageDataset, image_grid, save_png
from stylegan.data.manifest import read_manifest
from stylegan.data.prepare import prepare
from stylegan.data.verify import verify
from stylegan.errors import InputError
from stylegan.sealed import is_sealed, sealed

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (6, 8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data set of six pictures of two classes; not to be changed."""
    folder = tmp_path_factory.mktemp("images")
    for i, pixels in enumerate(PICTURES):
        path = folder / "src" / ("cat" if i < 2 else "dog") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    prepare(folder / "src", folder / "made")
    return folder / "made"


@pytest.fixture
def copy(made, tmp_path):
    """The same, to be damaged."""
    return shutil.copytree(made, tmp_path / "copy")


def test_it_tells_what_is_inside(made):
    dataset = ImageDataset(str(made))
    assert dataset.path == made
    assert len(dataset) == 6
    assert (dataset.img_resolution, dataset.img_channels) == (8, 3)
    assert (dataset.c_dim, dataset.class_names) == (2, ["cat", "dog"])
    assert dataset.manifest["provenance"]["bad_files"] == 0


def test_a_batch_holds_the_pictures_asked_for(made):
    batch = ImageDataset(made).batch(8, [5, 0, 5])
    assert batch.dtype == np.uint8
    assert np.array_equal(batch, PICTURES[[5, 0, 5]].transpose(0, 3, 1, 2))


def test_a_batch_of_a_lower_resolution_holds_box_means(made):
    means = PICTURES.reshape(6, 4, 2, 4, 2, 3).mean(axis=(2, 4))
    assert np.array_equal(ImageDataset(made).batch(4, np.arange(6)), np.rint(means).transpose(0, 3, 1, 2))


def test_a_batch_is_channels_last_without_a_copy(made):
    batch = ImageDataset(made).batch(8, [0, 1])
    x = torch.from_numpy(batch)
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert x.data_ptr() == batch.ctypes.data


def test_a_batch_can_be_written_to(made):
    dataset = ImageDataset(made)
    dataset.batch(8, [0])[:] = 0
    assert dataset.batch(8, [0]).any()


def test_labels_are_one_hot(made):
    labels = ImageDataset(made).labels([0, 2, 5])
    assert labels.dtype == np.float32
    assert labels.tolist() == [[1, 0], [0, 1], [0, 1]]


def test_without_labels_c_dim_is_0(made, tmp_path):
    prepare(made.parent / "src" / "cat", tmp_path / "made")
    dataset = ImageDataset(tmp_path / "made")
    assert (dataset.c_dim, dataset.class_names) == (0, [])
    assert dataset.labels([0, 1]).shape == (2, 0)


def test_the_fingerprint_is_that_of_the_data(made, copy, tmp_path):
    prepare(made.parent / "src", tmp_path / "again")
    prepare(made.parent / "src" / "dog", tmp_path / "other")
    fingerprint = ImageDataset(made).fingerprint
    assert ImageDataset(tmp_path / "again").fingerprint == fingerprint
    assert ImageDataset(copy).fingerprint == fingerprint
    assert ImageDataset(tmp_path / "other").fingerprint != fingerprint


def test_another_process_gets_the_path_and_not_the_pixels(made):
    sent = pickle.dumps(ImageDataset(made))
    assert len(sent) < 1000
    assert np.array_equal(pickle.loads(sent).batch(8, [3]), ImageDataset(made).batch(8, [3]))


def test_a_resolution_it_does_not_have_is_refused(made):
    with pytest.raises(InputError, match=r"no pictures of resolution 16, only \[4, 8\]"):
        ImageDataset(made).batch(16, [0])


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"nowhere does not exist: .* run `stylegan prepare SRC .*nowhere`"):
        ImageDataset(tmp_path / "nowhere")


def test_a_file_is_refused(made):
    with pytest.raises(InputError, match=r"manifest.json is a file, not a folder"):
        ImageDataset(made / "manifest.json")


def test_a_folder_of_pictures_is_told_to_be_prepared(made):
    with pytest.raises(InputError, match=r"src is not a data set .* run `stylegan prepare .*src DEST`"):
        ImageDataset(made.parent / "src")


def test_all_damage_is_told_at_once(copy):
    whole = (copy / "8x8.npy").read_bytes()
    (copy / "8x8.npy").write_bytes(whole[:-1])
    (copy / "4x4.npy").unlink()
    np.save(copy / "labels.npy", np.zeros(5, "<i4"))
    with pytest.raises(InputError) as error:
        ImageDataset(copy)
    assert f"8x8.npy has {len(whole) - 1:,} bytes instead of {len(whole):,}" in str(error.value)
    assert "4x4.npy is missing" in str(error.value)
    assert "labels.npy holds int32 (5,) instead of int32 (6,)" in str(error.value)
    assert f"delete it and run `stylegan prepare SRC {copy}` again" in str(error.value)


def test_an_array_of_other_numbers_is_refused(copy):
    np.save(copy / "4x4.npy", np.zeros((6, 4, 4, 3), np.float32))
    with pytest.raises(InputError, match=r"4x4.npy holds float32 \(6, 4, 4, 3\) instead of uint8"):
        ImageDataset(copy)


def test_an_array_that_is_cut_in_its_header_is_refused(copy):
    (copy / "4x4.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(InputError, match=r"4x4.npy cannot be read"):
        ImageDataset(copy)


def changed(folder, **fields):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest |= fields
    (folder / "manifest.json").write_text(json.dumps(sealed(manifest) if is_sealed(manifest) else manifest))
    return folder


def test_a_manifest_with_a_wrong_bit_is_refused(copy):
    manifest = copy / "manifest.json"
    whole, read = manifest.read_bytes(), read_manifest(copy)
    for at in range(len(whole)):
        manifest.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 7]) + whole[at + 1 :])
        try:
            found = read_manifest(copy)
        except InputError:
            continue
        assert found.items() >= {name: read[name] for name in read.keys() - {"record_sha256"}}.items()


def test_an_edited_manifest_is_refused_with_the_way_to_other_classes(copy):
    text = (copy / "manifest.json").read_text()
    (copy / "manifest.json").write_text(text.replace('"crop": "center"', '"crop": "pad"', 1))
    with pytest.raises(
        InputError, match=r"manifest.json is damaged or was edited.*give `classes` a file for other classes"
    ):
        ImageDataset(copy)


def test_a_manifest_that_does_not_fit_the_arrays_is_refused(copy):
    with pytest.raises(InputError, match=r"8x8.npy holds uint8 \(6, 8, 8, 3\) instead of uint8 \(7, 8, 8, 3\)"):
        ImageDataset(changed(copy, count=7))


def test_an_unknown_version_is_refused(copy):
    with pytest.raises(InputError, match=r"version 2; this stylegan reads version 1: prepare the pictures again"):
        ImageDataset(changed(copy, version=2))


def test_missing_fields_are_told(copy):
    with pytest.raises(InputError, match=r"count is None, not int\n.*class_names is 3, not list"):
        ImageDataset(changed(copy, count=None, class_names=3))


def test_half_a_manifest_is_refused(copy):
    text = (copy / "manifest.json").read_text()
    (copy / "manifest.json").write_text(text[: len(text) // 2])
    with pytest.raises(InputError, match=r"manifest.json is not JSON"):
        ImageDataset(copy)


def test_another_programs_manifest_is_refused(copy):
    (copy / "manifest.json").write_text('{"name": "a web app"}')
    with pytest.raises(InputError, match=r"is not the manifest of a stylegan-dataset"):
        ImageDataset(copy)


HEADERS = {  # NumPy's reader makes of these SyntaxError, TokenError, OverflowError, ValueError, RecursionError ...
    "open brackets": "{'descr': '|u1', 'fortran_order': False, 'shape': (" + "(" * 40,
    "an open string": "{'descr': '|u1",
    "a number too large": "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999999999, 4, 4, 3)}",
    "a negative number": "{'descr': '|u1', 'fortran_order': False, 'shape': (-6, 4, 4, 3)}",
    "objects": "{'descr': '|O', 'fortran_order': False, 'shape': (6, 4, 4, 3)}",
    "a strange dtype": "{'descr': [('a', '|u1', (-1,))], 'fortran_order': False, 'shape': (6, 4, 4, 3)}",
    "Fortran's order": "{'descr': '|u1', 'fortran_order': True, 'shape': (6, 4, 4, 3)}",
    "deep": "-" * 5000 + "1",
    "nothing": "",
    "a null": "{'descr': '|u1\0'}",
    "an escape": "{'descr': '\x1b[2J', 'fortran_order': False, 'shape': (6, 4, 4, 3)}",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_a_header_that_is_none_is_a_damaged_file(header, copy):
    whole = (copy / "4x4.npy").read_bytes()
    text = header.encode() + b"\n"
    (copy / "4x4.npy").write_bytes(whole[:8] + len(text).to_bytes(2, "little") + text + whole[-6 * 48 :])
    with pytest.raises(InputError, match=r"^4x4.npy (cannot be read|holds)[^\n]*\n.* is damaged: delete it") as error:
        ImageDataset(copy)
    assert all(line.isprintable() and len(line) < 500 for line in str(error.value).splitlines())


@pytest.mark.parametrize("name", ["4x4.npy", "checksums.npy", "labels.npy", "manifest.json"])
def test_any_byte_of_a_head_may_be_any_other(name, copy):
    whole = (copy / name).read_bytes()
    for at in range(min(len(whole), 128)):
        for byte in (0, 0x28, 0xFF, whole[at] ^ 1):
            (copy / name).write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
            try:
                ImageDataset(copy)
            except InputError:
                continue


@pytest.mark.parametrize("count", [-1, 0, 2**63, 2**64, 10**4000, True, 1.5, "6", None, [6]])
def test_a_count_that_cannot_be_is_refused(count, copy):
    with pytest.raises(InputError, match=r"manifest.json: count is ") as error:
        ImageDataset(changed(copy, count=count))
    assert len(str(error.value)) < 5000


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"img_resolution": 2**62}, "img_resolution is 4611686018427387904; allowed are powers of two from 4"),
        ({"img_resolution": 12}, "img_resolution is 12"),
        ({"img_channels": 2}, "img_channels is 2; allowed are 1, 3 and 4"),
        ({"class_names": ["a", "a"]}, "class_names are .*; they must be names, all different"),
        ({"class_names": [3]}, "class_names are .*; they must be names, all different"),
        ({"data_sha256": {"8x8.npy": 5}}, "not all of its digests have 64 hex digits"),
        ({"checksums_sha256": "x"}, "not all of its digests have 64 hex digits"),
        ({"text_sha256": [[]]}, "not all of its digests have 64 hex digits"),
        ({"version": "\x1b[2J" * 99}, "is a stylegan-dataset of version "),
    ],
)
def test_every_field_that_is_used_is_checked_first(fields, words, copy):
    with pytest.raises(InputError, match=words) as error:
        ImageDataset(changed(copy, **fields))
    assert str(error.value).isprintable()


def test_json_too_deep_for_the_parser_is_refused(copy):
    (copy / "manifest.json").write_text("[" * 200_000)
    with pytest.raises(InputError, match=r"manifest.json is not JSON"):
        ImageDataset(copy)


def test_sizes_are_compared_before_anything_is_allocated(copy):
    header = b"{'descr': '<i4', 'fortran_order': False, 'shape': (1099511627776,)}"  # 4 TiB
    data = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header
    (copy / "labels.npy").write_bytes(data)
    with pytest.raises(InputError, match=r"labels.npy holds int32 \(1099511627776,\) instead of int32 \(6,\)"):
        ImageDataset(copy)
    with pytest.raises(InputError, match=r"labels.npy has \d+ bytes instead of 4,398,046,511,\d+"):
        ImageDataset(changed(copy, count=2**40))


def test_a_picture_changed_after_preparing_is_noticed_on_opening(copy):
    flip(copy / "8x8.npy", -1)
    with pytest.raises(InputError, match=r"8x8.npy is damaged or was changed: picture 5 .*Prepare the pictures again"):
        ImageDataset(copy)


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    with path.open("r+b") as f:  # the same file, as a program that writes into it has it
        f.write(data)


def test_a_picture_changed_while_training_is_noticed_in_the_batch_that_shows_it(copy):
    dataset = ImageDataset(copy)
    flip(copy / "4x4.npy", -1)
    assert dataset.batch(4, [0, 1, 2, 3, 4]).shape == (5, 3, 4, 4)
    with pytest.raises(InputError, match=r"4x4.npy is damaged or was changed: picture 5 "):
        dataset.batch(4, [0, 5])


def test_of_large_pictures_one_in_each_batch_is_compared(copy, monkeypatch):
    monkeypatch.setattr("stylegan.data.arrays.CHECKED_BYTES", 1)
    assert CHECKED_BYTES > 1
    dataset = ImageDataset(copy)
    flip(copy / "8x8.npy", -1)
    assert dataset.batch(8, [0, 5]).shape == (2, 3, 8, 8)
    with pytest.raises(InputError, match="picture 5"):
        dataset.batch(8, [5, 0])


def test_a_data_set_cut_while_it_is_in_use_is_a_message_and_no_signal(copy):
    dataset = ImageDataset(copy)
    with (copy / "8x8.npy").open("r+b") as f:
        f.truncate(300)
    with pytest.raises(
        InputError, match=r"8x8.npy was cut short while it was in use: it has 300 bytes instead of 1,280"
    ):
        dataset.batch(8, [5])


def test_a_data_set_that_is_removed_while_it_is_in_use_can_still_be_read(copy):
    dataset = ImageDataset(copy)
    shutil.rmtree(copy)
    assert np.array_equal(dataset.batch(8, [5]), PICTURES[5:].transpose(0, 3, 1, 2))


@pytest.mark.parametrize("rows", [[6], [-1], [0, 2**40]])
def test_a_picture_it_does_not_have_is_an_index_error(rows, made):
    with pytest.raises(IndexError, match="the data set has 0 to 5"):
        ImageDataset(made).batch(8, rows)


def test_changed_labels_are_noticed(copy):
    np.save(copy / "labels.npy", np.array([0, 0, 1, 1, 1, 0], "<i4"))
    with pytest.raises(InputError, match=r"labels.npy is damaged or was changed"):
        ImageDataset(copy)


def old(folder):
    """The same data set as version 0.1.0 wrote it: no checksums, no digests of texts."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in ("checksums_sha256", "text_sha256", "classes", "record_sha256"):
        del manifest[name]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "checksums.npy").unlink()
    return folder


def test_an_older_data_set_opens_and_is_the_same(copy, made):
    dataset = ImageDataset(old(copy))
    assert dataset.fingerprint == ImageDataset(made).fingerprint
    assert np.array_equal(dataset.batch(8, [5, 0]), ImageDataset(made).batch(8, [5, 0]))
    assert "6 pictures, " in verify(copy)


def test_labels_out_of_range_are_refused_in_an_older_data_set_too(copy):
    sums = json.loads((copy / "manifest.json").read_text())["data_sha256"]
    np.save(copy / "labels.npy", np.array([0, 0, 1, 1, 1, 7], "<i4"))
    del sums["labels.npy"]
    with pytest.raises(InputError, match=r"labels.npy holds 0 to 7, for 2 classes"):
        ImageDataset(changed(old(copy), data_sha256=sums))


def test_a_path_that_is_empty_is_refused_and_home_is_known(made, monkeypatch):
    with pytest.raises(InputError, match=r"give a name, or \. for the current folder"):
        ImageDataset("")
    monkeypatch.setenv("HOME", str(made.parent))
    assert len(ImageDataset("~/made")) == 6


def test_verifying_compares_every_byte(copy):
    assert verify(copy) == f"{copy}: 6 pictures, 1,512 bytes, as they were prepared"  # 6 * (3 * (64 + 16) + 4 + 2 * 4)
    for name in ("8x8.npy", "4x4.npy", "labels.npy", "checksums.npy", "names.txt"):
        for at in (-1, -20):
            flip(copy / name, at)
            with pytest.raises(InputError, match=rf"^{name} .*(damaged|cannot be read)"):
                verify(copy)
            flip(copy / name, at)
    assert verify(copy)


def test_verifying_names_the_damaged_pictures(copy):
    flip(copy / "8x8.npy", -1)
    flip(copy / "8x8.npy", -1 - 2 * 192)
    flip(copy / "names.txt", 0)
    with pytest.raises(InputError) as error:
        verify(copy)
    assert str(error.value).splitlines() == [
        "8x8.npy is damaged: pictures 3, 5 (counted from 0)",
        "names.txt is missing, damaged or was changed",
        f"{copy} is damaged: delete it and run `stylegan prepare SRC {copy}` again",
    ]


def test_verifying_an_older_data_set_finds_the_file(copy):
    flip(old(copy) / "4x4.npy", -1)
    with pytest.raises(InputError, match=r"^4x4.npy is damaged\n"):
        verify(copy)


def test_verifying_tells_what_is_missing(copy):
    (copy / "4x4.npy").unlink()
    with pytest.raises(InputError, match=r"^4x4.npy is missing\n"):
        verify(copy)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_a_grid_is_filled_row_by_row(channels, mode, tmp_path):
    images = RNG.integers(1, 256, (5, channels, 2, 3), np.uint8)
    save_png(image_grid(images, 3), tmp_path / "grid.png")
    sheet = Image.open(tmp_path / "grid.png")
    pixels = np.asarray(sheet).reshape(4, 9, channels)
    assert sheet.mode == mode
    assert np.array_equal(pixels[:2, 3:6], images[1].transpose(1, 2, 0))
    assert np.array_equal(pixels[2:, 3:6], images[4].transpose(1, 2, 0))
    assert (pixels[2:, 6:] == 0).all()
