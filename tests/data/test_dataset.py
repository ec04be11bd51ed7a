"""Opening a prepared data set."""

import json
import pickle
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from stylegan.data.dataset import ImageDataset, image_grid, save_png
from stylegan.data.prepare import prepare
from stylegan.errors import InputError

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
    with pytest.raises(InputError, match=r"src is no data set .* run `stylegan prepare .*src DEST`"):
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
    (folder / "manifest.json").write_text(json.dumps(manifest | fields))
    return folder


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
    with pytest.raises(InputError, match=r"manifest.json is no JSON"):
        ImageDataset(copy)


def test_another_programs_manifest_is_refused(copy):
    (copy / "manifest.json").write_text('{"name": "a web app"}')
    with pytest.raises(InputError, match=r"is not the manifest of a stylegan-dataset"):
        ImageDataset(copy)


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
