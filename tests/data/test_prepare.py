"""The data set doctor, with every kind of bad file."""

import errno
import io
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from stylegan.data import sources, writer
from stylegan.data.dataset import ImageDataset
from stylegan.data.prepare import WORKERS, _examine, _in_order, _Picture, prepare
from stylegan.errors import InputError

from conftest import PATIENCE_SEC, wait_until

RNG = np.random.default_rng(0)


def picture(width=8, height=None) -> Image.Image:
    return Image.fromarray(RNG.integers(0, 256, (height or width, width, 3), np.uint8))


def encoded(image: Image.Image, kind="PNG") -> bytes:
    f = io.BytesIO()
    image.save(f, kind)
    return f.getvalue()


def put(folder, **pictures: Image.Image | bytes):
    """Write `name=picture` as name.png; two underscores are a slash."""
    for name, content in pictures.items():
        path = folder / (name.replace("__", "/") + ".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else encoded(content))
    return folder


def listing(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def names(dest) -> list[str]:
    return (dest / "names.txt").read_text().splitlines()


@pytest.fixture
def src(tmp_path):
    (tmp_path / "src").mkdir()
    return tmp_path / "src"


@pytest.fixture
def dest(tmp_path):
    return tmp_path / "dest"


def test_a_folder_becomes_a_data_set_in_the_order_of_names(src, dest):
    images = {name: picture() for name in ("b", "a", "sub__c")}
    report = prepare(put(src, **images), dest)
    assert (report.kept, report.bad, report.path, report.img_resolution) == (3, (), dest, 8)
    assert names(dest) == ["a.png", "b.png", "sub/c.png"]
    expected = np.stack([np.asarray(images[name]) for name in ("a", "b", "sub__c")]).transpose(0, 3, 1, 2)
    assert np.array_equal(ImageDataset(dest).batch(8, range(3)), expected)


def test_numpy_opens_the_arrays_too(src, dest):
    prepare(put(src, a=picture(16), b=picture(16)), dest)
    assert {r: np.load(dest / f"{r}x{r}.npy", mmap_mode="r").shape for r in (16, 8, 4)} == {
        16: (2, 16, 16, 3),
        8: (2, 8, 8, 3),
        4: (2, 4, 4, 3),
    }


def test_a_zip_gives_the_same_as_the_folder(src, dest, tmp_path):
    put(src, cat__a=picture(), dog__b=picture(), dog__c=b"no picture")
    with zipfile.ZipFile(tmp_path / "src.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(src.rglob("*"), reverse=True):
            archive.write(path, path.relative_to(src))
    of_folder = prepare(src, dest)
    of_zip = prepare(tmp_path / "src.zip", tmp_path / "of_zip")
    assert of_zip.bad == of_folder.bad
    assert ImageDataset(tmp_path / "of_zip").fingerprint == ImageDataset(dest).fingerprint


def test_class_folders_give_labels(src, dest):
    report = prepare(put(src, dog__a=picture(), cat__deep__b=picture(), dog__c=picture()), dest)
    assert report.class_names == ("cat", "dog")
    assert names(dest) == ["cat/deep/b.png", "dog/a.png", "dog/c.png"]
    assert ImageDataset(dest).labels(range(3)).argmax(1).tolist() == [0, 1, 1]


def test_a_class_without_a_good_picture_and_a_text_at_the_top_do_not_count(src, dest):
    (src / "README.txt").write_text("my pictures")
    report = prepare(put(src, cat__a=picture(), dog__b=picture(), eel__c=b"broken"), dest)
    assert report.class_names == ("cat", "dog")


def test_the_one_folder_that_was_zipped_is_no_class_but_may_hold_classes(dest, tmp_path):
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for name in ("pets/cat/a.png", "pets/dog/b.png", "__MACOSX/pets/cat/._a.png"):
            archive.writestr(name, encoded(picture()))
    assert prepare(tmp_path / "pets.zip", dest).class_names == ("cat", "dog")


@pytest.mark.parametrize("start", ["./", "../", "./../"])
def test_a_zip_whose_names_start_with_dots_gives_its_pictures_and_classes(start, dest, tmp_path):
    with zipfile.ZipFile(tmp_path / "src.zip", "w") as archive:
        archive.writestr(f"{start}cats/a.png", encoded(picture()))
        archive.writestr(f"{start}dogs/b.png", encoded(picture()))
        archive.writestr(f"{start}dogs/.hidden.png", encoded(picture()))
    report = prepare(tmp_path / "src.zip", dest)
    assert (report.kept, report.bad, report.class_names) == (2, (), ("cats", "dogs"))


def test_every_bad_file_is_reported_and_the_good_ones_are_kept(src, dest):
    good = picture(64)
    put(src, good=good, small=picture(16, 20), noise=b"hello", empty=b"", twin=good, half=encoded(picture(64))[:3000])
    (src / "link.png").symlink_to("gone.png")
    os.mkfifo(src / "pipe.png")
    (src / ".hidden.png").write_bytes(b"skipped")
    (src / "Thumbs.db").write_bytes(b"skipped")
    report = prepare(src, dest, resolution=64)
    assert list(report.lines()) == [
        "empty.png: an empty file",
        next(line for line in report.lines() if line.startswith("half.png: truncated: ")),
        "link.png: unreadable: a broken link to gone.png",
        "noise.png: not an image (JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF, JPEG 2000 or PPM)",
        "pipe.png: unreadable: not a regular file",
        "small.png: too small: 16 x 20, needs 64 x 64",
        "twin.png: duplicate of good.png",
        "no classes: the pictures lie in one folder; with one folder for each class there would be classes",
        f"kept 1 of 8 pictures at 64x64 in {dest}",
    ]
    assert len(ImageDataset(dest)) == 1


def test_a_file_without_permission_is_reported(src, dest, monkeypatch):
    put(src, a=picture(), b=picture())
    plain = sources._open_file

    def open_file(path):
        if path.name == "a.png":
            raise PermissionError(13, "Permission denied", str(path))  # chmod does not stop root, who runs some tests
        return plain(path)

    monkeypatch.setattr(sources, "_open_file", open_file)
    assert prepare(src, dest).bad == (("a.png", "unreadable: Permission denied"),)


def test_a_folder_without_permission_is_reported(src, dest, monkeypatch):
    put(src, a=picture(), locked__b=picture())
    plain = os.scandir

    def scandir(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert prepare(src, dest).bad == (("locked", "unreadable folder: Permission denied"),)


def test_a_link_to_a_folder_is_followed_once(src, dest, tmp_path):
    put(tmp_path / "elsewhere", a=picture())
    (src / "there").symlink_to(tmp_path / "elsewhere")
    (src / "up").symlink_to(src)
    report = prepare(src, dest)
    assert report.bad == (("up", "a link to a folder that was read already"),)
    assert names(dest) == ["there/a.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_any_name_is_one_line(src, dest):
    (src / "new\nline.png").write_bytes(encoded(picture()))
    (src / os.fsdecode(b"\xff.png")).write_bytes(encoded(picture()))
    (src / "tab\t[red].png").write_bytes(b"broken")
    report = prepare(src, dest)
    assert names(dest) == ["new\\nline.png", "\\udcff.png"]
    assert next(report.lines()).startswith("tab\\t[red].png: not an image")


def damaged_zip(path, *, flag_bits=0, spoil=b""):
    """A zip with good.png and bad.png; bad.png has other flags, or one of its bytes changed."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.png", encoded(picture()))
        archive.writestr("bad.png", encoded(picture()))
        offset = archive.getinfo("bad.png").header_offset
    data = bytearray(path.read_bytes())
    central = data.rfind(b"PK\1\2")
    data[offset + 6] |= flag_bits
    data[central + 8] |= flag_bits
    data[offset + 30 + len("bad.png") + 60] ^= bool(spoil)
    path.write_bytes(data)
    return path


def test_an_encrypted_zip_entry_is_reported(dest, tmp_path):
    report = prepare(damaged_zip(tmp_path / "src.zip", flag_bits=1), dest)
    ((name, reason),) = report.bad
    assert name == "bad.png"
    assert "encrypted" in reason


def test_a_zip_entry_with_a_bad_checksum_is_reported(dest, tmp_path):
    report = prepare(damaged_zip(tmp_path / "src.zip", spoil=b"x"), dest)
    assert report.bad == (("bad.png", "unreadable: Bad CRC-32 for file 'bad.png'"),)


def test_with_none_kept_nothing_is_written(src, dest):
    report = prepare(put(src, a=b"broken"), dest)
    assert report.kept == 0
    assert list(report.lines())[-1] == f"kept 0 of 1 pictures: {dest} is not written"
    assert listing(dest.parent) == ["src"]


@pytest.mark.parametrize(
    ("sides", "crop", "expected"),
    [
        ([(64, 64)] * 9 + [(10, 10)], "center", 64),  # exactly 90 %
        ([(64, 64)] * 8 + [(10, 10)] * 2, "center", 8),
        ([(130, 127)] * 3, "center", 64),
        ([(130, 127)] * 3, "pad", 128),
        ([(64, 64), (300, 200)], "refuse", 64),
        ([(3, 3)], "center", 4),
    ],
)
def test_the_default_resolution_is_what_90_percent_reach(sides, crop, expected, src, dest):
    put(src, **{f"p{i}": picture(*size) for i, size in enumerate(sides)})
    assert prepare(src, dest, crop=crop).img_resolution == expected


def test_broken_files_do_not_count_for_the_default_resolution(src, dest):
    assert prepare(put(src, a=picture(32), b=b"", c=b"broken"), dest).img_resolution == 32


@pytest.mark.parametrize("img_channels", [1, 3, 4])
def test_channels_are_as_asked_for(img_channels, src, dest):
    prepare(put(src, a=picture()), dest, img_channels=img_channels)
    assert ImageDataset(dest).batch(4, [0]).shape == (1, img_channels, 4, 4)


def test_the_manifest_tells_where_the_data_come_from(src, dest):
    prepare(put(src, a=picture(), b=b"broken"), dest, crop="pad")
    manifest = json.loads((dest / "manifest.json").read_text())
    assert (manifest["count"], manifest["crop"]) == (1, "pad")
    assert manifest["provenance"]["source"] == str(src)
    assert manifest["provenance"]["bad_files"] == 1
    assert manifest["provenance"]["options"] == {
        **{"resolution": None, "crop": "pad", "img_channels": 3, "seed": 0},
        "classes": "auto",
    }


def test_all_bad_options_are_told_at_once_and_nothing_is_written(src):
    with pytest.raises(InputError) as error:
        prepare("portraits:-3", src, resolution=100, crop="middle", img_channels=2)
    assert str(error.value).splitlines() == [
        f"{src} exists already: give a DEST that does not, or delete it first",
        "resolution is 100; allowed are powers of two from 4: 64, 128, 256, 512, 1024 ...",
        "crop is 'middle'; allowed are center, pad, refuse",
        "img_channels is 2; allowed are 1 (gray), 3 (RGB) and 4 (RGBA)",
        "portraits:-3: COUNT is '-3'; it must be a whole number from 1 to 100,000,000, as in portraits:1000, or "
        "portraits:1000:half",
    ]


def test_an_empty_folder_is_refused(src, dest):
    (src / ".DS_Store").write_bytes(b"")
    with pytest.raises(InputError, match=r"src holds no files: give a folder or a zip with pictures"):
        prepare(src, dest)
    assert not dest.exists()


def test_a_missing_source_is_refused(dest, tmp_path):
    with pytest.raises(InputError, match=r"nowhere does not exist: give a folder, a zip or portraits:COUNT"):
        prepare(tmp_path / "nowhere", dest)


def test_a_source_that_is_no_zip_is_refused(dest, tmp_path):
    (tmp_path / "src.zip").write_bytes(b"PK, but no more")
    with pytest.raises(InputError, match=r"src.zip is neither a folder nor a zip that can be read"):
        prepare(tmp_path / "src.zip", dest)


def test_a_destination_inside_a_file_is_refused(src, tmp_path):
    put(src, a=picture())
    with pytest.raises(InputError, match=r"cannot be made: .*a.png is a file"):
        prepare(src, src / "a.png" / "dest")


def test_a_destination_that_cannot_be_made_is_refused_with_the_reason(src, tmp_path):
    for dest in (tmp_path / ("x" * 300), tmp_path / ("x" * 300) / "dest"):
        with pytest.raises(InputError, match=r"a name of .* characters is too long"):
            prepare(put(src, a=picture()), dest)


def test_a_disk_without_room_for_the_folder_is_no_wrong_input(src, dest, monkeypatch):
    def no_space(path, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    put(src, a=picture())
    monkeypatch.setattr(writer.Path, "mkdir", no_space)
    with pytest.raises(OSError, match="No space left"):
        prepare(src, dest)


def test_a_dangling_link_as_destination_is_refused(src, dest):
    dest.symlink_to("gone")
    with pytest.raises(InputError, match=r"exists already"):
        prepare(put(src, a=picture()), dest)


def test_ctrl_c_leaves_nothing(src, dest, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    before = {*threading.enumerate()}  # one of another test may end meanwhile
    monkeypatch.setattr(writer.DatasetWriter, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(put(src, a=picture()), dest)
    assert listing(dest.parent) == ["src"]
    for thread in {*threading.enumerate()} - before:
        thread.join(10)  # the progress bar's own thread is told to end, and does at its next turn
        assert not thread.is_alive()


def test_a_full_disk_is_an_os_error_and_leaves_nothing(src, dest):
    put(src, **{f"p{i}": picture(64) for i in range(20)})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # bytes in one file: the disk is full there
    try:
        with pytest.raises(OSError, match=r"File too large"):
            prepare(src, dest)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert listing(dest.parent) == ["src"]


SLOW = """
import sys, time
from stylegan.data import prepare
plain = prepare._examine
prepare._examine = lambda *args, **options: (time.sleep(0.05), plain(*args, **options))[1]
prepare.prepare(*sys.argv[1:])
"""


@contextmanager
def stopped_midway(src, dest, number):
    """Another process that prepares and has begun to write; after the block it gets a signal and has ended."""
    put(src, **{f"p{i:03}": picture() for i in range(200)})  # 5 seconds on 2 processors

    def as_from_a_terminal():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it, and so would its children

    command = [sys.executable, "-c", SLOW, src, dest]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, preexec_fn=as_from_a_terminal)
    try:
        wait_until(lambda: list(dest.parent.glob(".dest.partial-*/dest/8x8.npy")) or process.poll() is not None)
        assert process.poll() is None
        yield
        process.send_signal(number)
        process.wait(PATIENCE_SEC)
    finally:
        process.kill()
        process.wait()


def test_killed_midway_there_is_no_data_set_and_the_next_run_clears_up(src, dest):
    with stopped_midway(src, dest, signal.SIGKILL):
        pass
    assert not dest.exists()
    assert list(dest.parent.glob(".dest.partial-*"))
    assert prepare(src, dest).kept == 200
    assert listing(dest.parent) == ["dest", "src"]
    assert "lock" not in listing(dest)


def test_ctrl_c_from_the_keyboard_ends_it_and_leaves_nothing(src, dest):
    with stopped_midway(src, dest, signal.SIGINT):
        pass
    assert listing(dest.parent) == ["src"]


def test_two_at_a_time_into_one_destination_are_refused(src, dest):
    message = r"another process is writing .*dest at this moment"
    with stopped_midway(src, dest, signal.SIGINT), pytest.raises(InputError, match=message):
        prepare(src, dest)


def test_memory_does_not_grow_with_the_number_of_pictures(dest, tmp_path):
    with zipfile.ZipFile(tmp_path / "src.zip", "w") as archive:
        for i in range(1500):
            archive.writestr(f"{i}.bmp", encoded(picture(64), "BMP"))
    tracemalloc.start()
    try:
        assert prepare(tmp_path / "src.zip", dest, resolution=64).kept == 1500
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    pixels_bytes = sum((dest / f"{r}x{r}.npy").stat().st_size for r in (4, 8, 16, 32, 64))
    assert peak_bytes < pixels_bytes / 2  # of it 5 MiB are the buffers of the five files


def test_files_are_read_only_a_little_ahead_of_the_writer():
    taken = []
    results = _in_order(str, (taken.append(i) or i for i in range(1000)))
    assert [next(results) for _ in range(3)] == ["0", "1", "2"]
    assert len(taken) <= 2 * WORKERS + 3
    assert list(results) == [str(i) for i in range(3, 1000)]


def test_progress_goes_to_the_console_given(src, dest):
    text = io.StringIO()
    prepare(put(src, a=picture()), dest, console=Console(file=text, force_terminal=True))
    assert "preparing" in text.getvalue()
    assert "1/1" in text.getvalue()


def test_preparing_does_not_load_torch():
    code = "import sys, stylegan.data.prepare; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.fixture
def stand_in(monkeypatch):
    """Portraits that are one colour: the drawing has its own tests."""
    module = type(sys)("stylegan.data.portraits.portraits")
    module.portrait = lambda index, resolution, *, seed, half: (
        np.full((resolution, resolution, 3), index + 10 * seed + 100 * half, np.uint8),
        {"smile": index / 4, "yaw": -0.5},
    )
    monkeypatch.setitem(sys.modules, "stylegan.data.portraits.portraits", module)


def test_portraits_are_drawn_with_their_factors(stand_in, dest):
    report = prepare("portraits:3", dest, seed=2)
    assert (report.kept, report.img_resolution, report.class_names) == (3, 64, ())
    assert ImageDataset(dest).batch(4, range(3))[:, 0, 0, 0].tolist() == [20, 21, 22]
    assert (dest / "factors.csv").read_text().splitlines() == ["smile,yaw", "0.0,-0.5", "0.25,-0.5", "0.5,-0.5"]


def test_portraits_have_the_channels_asked_for(stand_in, dest):
    prepare("portraits:2", dest, resolution=8, img_channels=4)
    assert ImageDataset(dest).batch(8, [1])[0, :, 0, 0].tolist() == [1, 1, 1, 255]


def test_portraits_can_be_half_as_large(stand_in, dest):
    report = prepare("portraits:2:half", dest, resolution=8)
    assert report.kept == 2
    assert ImageDataset(dest).batch(8, [0, 1])[:, 0, 0, 0].tolist() == [100, 101]


@pytest.mark.parametrize("count", ["0", "-1", "1.5", "", "many", ":half", "3:quarter"])
def test_a_count_of_portraits_is_a_whole_number_above_0(count, dest):
    with pytest.raises(InputError, match=r"COUNT is .* it must be a whole number from 1 to 100,000,000"):
        prepare(f"portraits:{count}", dest)


def test_what_the_centre_square_leaves_out_is_told_and_extremes_are_named(src, dest):
    sizes = {"square": (32, 32), "photo": (48, 32), "strip": (128, 32), "tall": (32, 96)}
    report = prepare(put(src, **{name: picture(*size) for name, size in sizes.items()}), dest, resolution=32)
    lines = list(report.lines())
    assert "cut to the centre square: 3 of 4 pictures, 58% of each on average" in lines  # (1/3 + 3/4 + 2/3) / 3
    assert (
        "more than half is cut from strip.png (75% of 128 x 32), tall.png (67% of 32 x 96): "
        "`crop pad` keeps whole pictures"
    ) in lines


def test_of_many_extremes_the_first_are_named_and_the_rest_counted(src, dest):
    lines = prepare(put(src, **{f"p{i:02}": picture(24, 8) for i in range(10)}), dest).lines()
    line = next(line for line in lines if line.startswith("more than half"))
    assert "p07.png (67% of 24 x 8) and 2 more: `crop pad`" in line


def test_padded_pictures_are_not_cut(src, dest):
    lines = prepare(put(src, a=picture(32, 16)), dest, crop="pad").lines()
    assert not [line for line in lines if "cut" in line]


def test_converted_colours_are_counted_and_a_broken_profile_named(src, dest):
    f = io.BytesIO()
    picture().save(f, "PNG", icc_profile=b"broken")
    report = prepare(put(src, a=f.getvalue(), b=picture()), dest)
    assert report.kept == 2
    assert next(report.lines()).startswith("a.png: its colour profile cannot be read")


def test_what_is_typed_and_has_no_use_is_refused(src, dest):
    with pytest.raises(InputError, match=r"seed is 3: it is for portraits:COUNT only; .*src does not use it"):
        prepare(put(src, a=picture()), dest, seed=3)
    with pytest.raises(
        InputError, match=r"crop is pad: portraits are drawn square.*\nclasses is folders: portraits have"
    ):
        prepare("portraits:3", dest, crop="pad", classes="folders")


@pytest.mark.parametrize(("source", "into"), [("", "d"), ("src", ""), (" ", "d")])
def test_an_empty_path_is_not_the_current_folder(source, into, src, monkeypatch):
    put(src, a=picture())
    monkeypatch.chdir(src.parent)
    with pytest.raises(InputError, match=r"give a name, or \. for the current folder"):
        prepare(source, into)
    assert listing(src.parent) == ["src"]


def test_a_tilde_is_the_home_folder(src, monkeypatch):
    put(src, a=picture())
    monkeypatch.setenv("HOME", str(src.parent))
    monkeypatch.chdir(src)
    prepare("~/src", "~/made")
    assert listing(src.parent) == ["made", "src"]
    assert listing(src) == ["a.png"]


def test_a_hostile_name_is_escaped_and_bounded_in_everything_that_is_said(dest, tmp_path):
    name = "\x1b]0;title\x07" + "x" * 9000 + "\u202e.png"
    with zipfile.ZipFile(tmp_path / "src.zip", "w") as archive:
        archive.writestr("ok.png", encoded(picture()))
        archive.writestr(name, b"broken")
    lines = list(prepare(tmp_path / "src.zip", dest).lines())
    assert all(line.isprintable() and len(line) < 500 for line in lines)
    assert lines[0].startswith("\\x1b]0;title")
    assert ".png: not an image" in lines[0]


def as_command(*args, encoding, cwd):
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "stylegan", "prepare", *args]
    return subprocess.run(command, env=environment, capture_output=True, cwd=cwd)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_names_that_cannot_be_encoded_do_not_spoil_the_summary(encoding, src, tmp_path):
    put(src, ЖЖ__a=picture(), Ж__b=picture(), Ж__c=b"broken")
    dest = tmp_path / os.fsdecode(b"d\xff")
    done = as_command(src, dest, encoding=encoding, cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert b"d\\udcff, 2 classes" in done.stdout
    assert len(ImageDataset(dest)) == 2


def test_the_command_refuses_empty_paths_and_takes_classes(src, tmp_path):
    put(src, cat__a=picture(), dog__b=picture())
    for args in (["", "d"], ["src", ""]):
        done = as_command(*args, encoding="utf-8", cwd=tmp_path)
        assert (done.returncode, b"give a name, or . for the current folder" in done.stderr) == (2, True)
    done = as_command("src", "d", "--classes", "none", encoding="utf-8", cwd=tmp_path)
    assert b"no classes: as requested\n" in done.stdout


def test_a_zip_entry_packed_in_an_unknown_way_is_reported(dest, tmp_path):
    path = damaged_zip(tmp_path / "src.zip")
    data = bytearray(path.read_bytes())
    offset = zipfile.ZipFile(path).getinfo("bad.png").header_offset
    for at in (offset + 8, data.rfind(b"PK\1\2") + 10):
        data[at] = 9  # Deflate64, as Windows packs what is large
    path.write_bytes(data)
    ((name, why),) = prepare(path, dest).bad
    assert (name, why) == (
        "bad.png",
        "unreadable: packed in a way (method 9) that Python cannot read: zip it again, or unpack it",
    )


def test_an_encrypted_entry_says_the_way_out(dest, tmp_path):
    ((_, why),) = prepare(damaged_zip(tmp_path / "src.zip", flag_bits=1), dest).bad
    assert why == "unreadable: encrypted: unpack the zip with its password, and prepare the folder"


def test_whatever_byte_of_a_zip_is_damaged_is_a_reason_and_no_traceback(tmp_path):
    path = tmp_path / "src.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", encoded(picture()))
        archive.writestr("b/c.png", encoded(picture()))
    whole = path.read_bytes()
    directory = whole.index(b"PK\1\2")
    for at in [*range(0, 60), *range(directory, len(whole))]:
        for byte in (0, 0xFF, whole[at] ^ 1):
            path.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
            try:
                with sources.open_source(path) as source:
                    for entry in source.entries:
                        assert isinstance(_examine(entry, resolution=8, crop="center", img_channels=3), (str, _Picture))
            except InputError as error:
                assert "src.zip" in str(error)


def test_a_seed_or_a_count_of_portraits_that_cannot_be_is_refused_at_once(tmp_path):
    with pytest.raises(InputError, match=r"seed is -1: it must be 0 to 4294967295"):
        prepare("portraits:8", tmp_path / "d", resolution=16, seed=-1)
    with pytest.raises(InputError, match=r"COUNT is '9+'; it must be a whole number from 1 to 100,000,000"):
        prepare("portraits:" + "9" * 20, tmp_path / "d", resolution=16)
