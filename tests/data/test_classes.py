"""The classes of a data set: from folders, from lists of labels, or none, and always with the reason."""

import io
import itertools
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from stylegan.data.classes import natural
from stylegan.data.dataset import ImageDataset
from stylegan.data.prepare import prepare
from stylegan.errors import InputError, printable

RNG = np.random.default_rng(0)


def png() -> bytes:
    f = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (8, 8, 3), np.uint8)).save(f, "PNG")
    return f.getvalue()


PETS = {f"{pet}/{i}.png": png() for pet in ("cat", "dog") for i in range(3)}
ONE = png()


def put(where, files, *, kind):
    """The files as a folder, a zip, or a zip as Windows writes some."""
    if kind == "folder":
        for name, content in files.items():
            (where / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            (where / "src" / name).write_bytes(content)
        return where / "src"
    with zipfile.ZipFile(where / "src.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("/", "\\") if kind == "backslashes" else name, content)
    return where / "src.zip"


KINDS = ["folder", "zip", "backslashes"]
AROUND = {
    "as it is": {},
    "a text at the top": {"README.txt": b"my pictures"},
    "a broken picture in a third folder": {"eel/0.png": ONE[:60]},
    "what macOS leaves": {"__MACOSX/cat/._0.png": ONE, ".DS_Store": b"", "cat/.DS_Store": b""},
    "what Synology leaves": {"@eaDir/cat/thumb.png": ONE},
    "a stray picture": {"cover.png": ONE},
    "a run": {"run/config.json": b"{}", "run/stats.jsonl": b"", "run/fakes-0.png": ONE, "run/reals.png": png()},
    "a data set": {"data/manifest.json": b"{}", "data/4x4.npy": b"", "data/sheet.png": ONE},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrapping", ["", "pets/", "a/b/pets/"])
@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND.keys())
def test_a_folder_for_each_class_gives_classes_whatever_lies_around(around, wrapping, kind, tmp_path):
    files = {wrapping + name: content for name, content in PETS.items()} | around
    report = prepare(put(tmp_path, files, kind=kind), tmp_path / "made")
    assert report.classes == (("cat", 3), ("dog", 3))
    dataset = ImageDataset(tmp_path / "made")
    assert (len(dataset), dataset.class_names) == (6, ["cat", "dog"])
    assert dataset.labels(range(6)).argmax(1).tolist() == [0, 0, 0, 1, 1, 1]
    assert any(line.startswith("classes (folders in ") and line.endswith(": cat 3, dog 3") for line in report.lines())


def test_stray_pictures_are_counted_named_and_left_out_and_the_rest_is_whole(tmp_path):
    files = {f"{pet}/{i:02}.png": png() for pet in ("cat", "dog") for i in range(9)}
    src = put(tmp_path, files | {"cover.png": ONE, "a.png": png()}, kind="folder")
    report = prepare(src, tmp_path / "made")
    assert report.bad == (("a.png", "in no class folder: left out"), ("cover.png", "in no class folder: left out"))
    assert "2 of 20 pictures lie beside them (a.png) and are left out: classes none keeps everything" in "\n".join(
        report.lines()
    )
    prepare(put(tmp_path / "clean", files, kind="folder"), tmp_path / "undisturbed")
    for name in ("8x8.npy", "4x4.npy", "labels.npy", "checksums.npy", "names.txt"):
        assert (tmp_path / "made" / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()
    assert prepare(src, tmp_path / "all", classes="none").kept == 20


def test_what_is_left_out_is_not_counted_among_what_is_cut(tmp_path):
    wide = io.BytesIO()
    Image.new("RGB", (24, 8)).save(wide, "PNG")
    lines = prepare(put(tmp_path, PETS | {"cover.png": wide.getvalue()}, kind="folder"), tmp_path / "made").lines()
    assert not [line for line in lines if "cut" in line]


def test_a_stray_that_also_lies_in_a_folder_stays_there(tmp_path):
    report = prepare(put(tmp_path, {"cover.png": PETS["dog/1.png"]} | PETS, kind="folder"), tmp_path / "made")
    assert report.classes == (("cat", 3), ("dog", 3))
    assert report.bad == (("cover.png", "duplicate of dog/1.png"),)


def test_many_pictures_beside_the_folders_make_no_classes_and_the_reason_is_said(tmp_path):
    src = put(tmp_path, PETS | {"a.png": ONE, "b.png": png()}, kind="folder")
    report = prepare(src, tmp_path / "made")
    assert (report.kept, report.class_names) == (8, ())
    words = "no classes: 2 folders, but 2 of 8 pictures lie beside them (a.png): classes folders leaves those out"
    assert words in list(report.lines())
    report = prepare(src, tmp_path / "asked", classes="folders")
    assert (report.kept, report.class_names) == (6, ("cat", "dog"))


def test_pictures_in_one_folder_have_no_classes(tmp_path):
    src = put(tmp_path, {f"cat/{i}.png": png() for i in range(3)}, kind="folder")
    assert any(line.startswith("no classes: the pictures lie in one") for line in prepare(src, tmp_path / "a").lines())
    with pytest.raises(InputError, match="classes folders: the pictures lie in one folder"):
        prepare(src, tmp_path / "b", classes="folders")


def test_numbers_are_in_their_natural_order(tmp_path):
    prepare(put(tmp_path, {f"{i}/a.png": png() for i in (10, 2, 0, 1)}, kind="folder"), tmp_path / "made")
    dataset = ImageDataset(tmp_path / "made")
    assert dataset.class_names == ["0", "1", "2", "10"]
    assert dataset.labels(range(4)).argmax(1).tolist() == [0, 1, 3, 2]  # pictures keep the order of their names


def test_names_sort_as_ever_but_for_their_numbers():
    names = ["cat", "cat2", "cat10", "cat02", "dog", "Zebra", "9" * 5000, "1", "01"]
    assert sorted(names, key=natural) == ["01", "1", "9" * 5000, "Zebra", "cat", "cat02", "cat2", "cat10", "dog"]


LABELS = [["cat/0.png", 1], ["cat/1.png", 1], ["cat/2.png", 10], ["dog/0.png", 1], ["dog/1.png", 2], ["dog/2.png", 2]]


@pytest.mark.parametrize(("kind", "wrapping"), itertools.product(KINDS, ["", "pets/"]))
def test_the_usual_dataset_json_is_read(kind, wrapping, tmp_path):
    files = PETS | {"dataset.json": json.dumps({"labels": LABELS}).encode()}
    src = put(tmp_path, {wrapping + name: data for name, data in files.items()} | {"README": b"hi"}, kind=kind)
    report = prepare(src, tmp_path / "made")
    assert report.classes == (("1", 3), ("2", 2), ("10", 1))
    assert [name for name, _ in report.bad] == ["README"]
    assert ImageDataset(tmp_path / "made").labels(range(6)).argmax(1).tolist() == [0, 0, 2, 0, 1, 1]
    assert prepare(src, tmp_path / "none", classes="none").class_names == ()
    assert prepare(src, tmp_path / "folders", classes="folders").class_names == ("cat", "dog")


def test_a_dataset_json_that_says_it_has_no_labels_leaves_it_to_the_folders(tmp_path):
    src = put(tmp_path, PETS | {"dataset.json": b'{"labels": null}'}, kind="zip")
    assert prepare(src, tmp_path / "made").class_names == ("cat", "dog")


MALFORMED = {
    "no JSON": (b"{", "is not JSON"),
    "deep": (b"[" * 100_000, "is not JSON"),
    "no labels": (b"{}", 'has no "labels"'),
    "not a list": (b'{"labels": 3}', '"labels" is 3, not a list'),
    "not a pair": (b'{"labels": [["cat/0.png"]]}', "label 1 is .*, not .name, class"),
    "a vector": (b'{"labels": [["cat/0.png", [0, 1]]]}', "label 1 is .*; it must be a name and a class"),
    "a negative class": (b'{"labels": [["cat/0.png", -1]]}', "label 1 is"),
    "a truth": (b'{"labels": [["cat/0.png", true]]}', "label 1 is"),
    "a number for a name": (b'{"labels": [[3, 0]]}', "label 1 is"),
    "two classes": (b'{"labels": [["a.png", 0], ["a.png", 1]]}', "gives a.png two classes"),
    "a part": (json.dumps({"labels": LABELS[:-1]}).encode(), "covers only part: .* the picture dog/2.png among them"),
    "\x1b[2J": (b'{"labels": [["\x1b[2J", 0]]}', "is not JSON"),
}


@pytest.mark.parametrize(("content", "words"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_dataset_json_is_refused_by_name_with_the_reason_and_the_way_out(content, words, tmp_path):
    src = put(tmp_path, PETS | {"dataset.json": content}, kind="folder")
    with pytest.raises(InputError, match=f"^dataset.json.*{words}") as error:
        prepare(src, tmp_path / "made")
    assert "choose classes folders or classes none" in str(error.value)
    assert printable(error.value, None) == str(error.value)
    assert len(str(error.value)) < 500
    assert not (tmp_path / "made").exists()


FILES = {
    "CSV": "cat/0.png,tabby\ncat/1.png,tabby\ncat/2.png,siamese\n" + "".join(f"dog/{i}.png,dog\n" for i in range(3)),
    "a JSON mapping": json.dumps({name: "dog" if "dog" in name else "tabby" for name in PETS}),
    "JSON as dataset.json": json.dumps({"labels": [[name, i % 2] for i, name in enumerate(PETS)]}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrapping", ["", "pets/"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FILES["CSV"], (("dog", 3), ("siamese", 1), ("tabby", 2))),
        ("\ufefffilename,class\r\n" + FILES["CSV"].replace("/", "\\"), (("dog", 3), ("siamese", 1), ("tabby", 2))),
        (FILES["a JSON mapping"], (("dog", 3), ("tabby", 3))),
        (FILES["JSON as dataset.json"], (("0", 3), ("1", 3))),
    ],
)
def test_classes_can_be_told_by_a_file(text, expected, wrapping, kind, tmp_path):
    (tmp_path / "labels").write_text(text, encoding="utf-8")
    src = put(tmp_path, {wrapping + name: data for name, data in PETS.items()}, kind=kind)
    assert prepare(src, tmp_path / "made", classes=tmp_path / "labels").classes == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cat/0.png,a,b\n", "is not a line name,class"),
        ('"cat/0.png,a\n', "is not CSV"),
        ("cat/0.png,\n", "label 1 is"),
        ("cat/0.png,a\n", "covers only part: 5 of 6 files have no class in it"),
        ("\0", "is not a line name,class|is not CSV"),
    ],
)
def test_a_file_that_tells_no_classes_is_refused(text, words, tmp_path):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(InputError, match=f"labels.csv.*({words})"):
        prepare(put(tmp_path, PETS, kind="folder"), tmp_path / "made", classes=tmp_path / "labels.csv")


def test_names_in_a_list_that_are_no_pictures_are_counted(tmp_path):
    (tmp_path / "labels.csv").write_text(FILES["CSV"] + "gone.png,dog\n")
    report = prepare(put(tmp_path, PETS, kind="folder"), tmp_path / "made", classes=tmp_path / "labels.csv")
    assert report.classes_reason.endswith("labels.csv says; 1 of its names match no picture here")


def test_an_unknown_choice_is_refused_with_what_is_allowed(tmp_path):
    with pytest.raises(InputError, match="allowed are auto, none, folders, or a CSV or JSON file"):
        prepare(put(tmp_path, PETS, kind="folder"), tmp_path / "made", classes="folder")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"config.json": b"{}", "stats.jsonl": b"", "reals.png": ONE}, "is a run folder of `stylegan train`"),
        ({"manifest.json": b"{}", "4x4.npy": b"", "a.png": ONE}, "is a data set already: train on it"),
    ],
)
def test_our_own_folders_are_no_sources(files, words, tmp_path):
    with pytest.raises(InputError, match=words):
        prepare(put(tmp_path, files, kind="folder"), tmp_path / "made")


def test_a_class_name_is_escaped_once_and_for_all(tmp_path):
    files = {"cat\x1b[2J/a.png": png(), "dog/b.png": png()}
    report = prepare(put(tmp_path, files, kind="folder"), tmp_path / "made")
    assert ImageDataset(tmp_path / "made").class_names == ["cat\\x1b[2J", "dog"]
    assert all(line.isprintable() for line in report.lines())
