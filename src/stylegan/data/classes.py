"""The class of each picture: from its folder, from a file of labels, or none; always with the reason."""

import csv
import io
import json
import re
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylegan.data.decode import read_size
from stylegan.data.sources import Entry, Listing, common_folder, path_parts
from stylegan.errors import InputError, printable
from stylegan.files import refuse_special, user_path

DATASET_JSON = "dataset.json"  # the usual list of labels: {"labels": [["a.png", 0], ...]}
MAX_BYTES = 2**30  # of a list of labels
HEADINGS = {"name", "file", "filename", "image", "path", "picture"}  # of a CSV's first column
REMEDY = "fix it, or choose classes folders or classes none"

Parts = tuple[str, ...]


@dataclass(frozen=True)
class Classes:
    """A class for each picture (None: the picture is left out), or no classes at all ([]); and the reason."""

    of: Sequence[str | None]
    reason: str


@dataclass(frozen=True)
class Labels:
    """A list of labels: paths and their classes. A path is relative to the source, or to `base` in it."""

    file: str
    classes: dict[Parts, str]
    base: Parts

    def of(self, path: Parts) -> str | None:
        """The class of the picture with this path in the source."""
        inside = path[len(self.base) :] if path[: len(self.base)] == self.base else path
        return self.classes.get(path, self.classes.get(inside))


def natural(name: str) -> tuple[list[Any], str]:
    """A sort key for natural order: 0, 1, 2, 10."""
    pieces: list[Any] = re.split(r"(\d+)", name)
    pieces[1::2] = [(len(digits.lstrip("0")), digits.lstrip("0")) for digits in pieces[1::2]]
    return pieces, name


def choose(classes: str, source: Listing) -> tuple[Listing, Labels | None]:
    """The source without its dataset.json, and the labels that `classes` (auto, none, folders or a file) asks for.

    Raises InputError, before anything is decoded, if a list of labels is malformed or does not cover every picture.
    """
    lists = [entry for entry in source.entries if entry.parts[-1] == DATASET_JSON]
    depth = min((len(entry.parts) for entry in lists), default=0)
    top = [entry for entry in lists if len(entry.parts) == depth]
    if classes == "folders":
        _by_folder([entry.parts for entry in source.entries], asked=True)  # refuse now, not after an hour
    if classes in ("none", "folders"):
        chosen = None
    elif classes != "auto":
        chosen = _of_file(user_path(classes), source)
    elif len(top) > 1:
        raise InputError(f"{printable(top[0].name)} and {printable(top[1].name)}: which one? {REMEDY}, or a file")
    else:
        chosen = _of_entry(top[0]) if top else None
    source = Listing([entry for entry in source.entries if entry not in top], source.unreadable)
    if chosen is not None:
        _check_cover(chosen, source.entries)
    return source, chosen


def classify(paths: Sequence[Parts], classes: str, labels: Labels | None) -> Classes:
    """The classes of the pictures that were kept."""
    if classes == "none":
        return Classes([], "as requested")
    if labels is None:
        return _by_folder(paths, asked=classes == "folders")
    of = [labels.of(path) for path in paths]
    known = set(paths)
    unknown = sum(not {path, labels.base + path} & known for path in labels.classes)
    also = f"; {unknown:,} of its names match no picture here" if unknown else ""
    if len(set(of)) < 2:
        return Classes([], f"{labels.file} puts every picture into one{also}")
    return Classes(of, f"as {labels.file} says{also}")


def _by_folder(paths: Sequence[Parts], *, asked: bool) -> Classes:
    """The first level, below any folders that contain everything, where the pictures divide into two or more folders.

    Pictures above it are strays. Few (one, or one in ten) are left out; with many there are no classes, unless asked.
    """
    inside, level = list(paths), 0
    while len(folders := {path[level] for path in inside if len(path) > level + 1}) == 1:
        inside, level = [path for path in inside if len(path) > level + 1], level + 1
    inside = [path for path in inside if len(path) > level + 1]
    if not folders:
        if asked:
            raise InputError("classes folders: the pictures lie in one folder. Give each class its own folder")
        return Classes([], "the pictures lie in one folder; with one folder for each class there would be classes")
    deep = set(inside)
    strays = [path for path in paths if path not in deep]
    where = printable("/".join(inside[0][:level]) or "the top")
    if not strays:
        return Classes([path[level] for path in paths], f"folders in {where}")
    few = len(strays) == 1 or 10 * len(strays) <= len(paths)
    told = f"{len(strays):,} of {len(paths):,} pictures lie beside them ({printable('/'.join(strays[0]), 60)})"
    if asked or few:
        of = [path[level] if path in deep else None for path in paths]
        return Classes(of, f"folders in {where}; {told} and are left out: classes none keeps everything")
    return Classes([], f"{len(folders)} folders, but {told}: classes folders leaves those out")


def _of_entry(entry: Entry) -> Labels | None:
    """The labels of a dataset.json in the source; None if it says that there are none."""
    file = printable(entry.name)
    try:
        with entry.open() as f:
            data = f.read(MAX_BYTES)
    except Exception as error:  # of a zip, too
        raise InputError(f"{file} cannot be read ({printable(error)}): {REMEDY}") from error
    record = _json(data, file)
    if not isinstance(record, dict) or "labels" not in record:
        raise InputError(f'{file} has no "labels": it should be {{"labels": [["a.png", 0], ...]}}; {REMEDY}')
    return None if record["labels"] is None else Labels(file, _pairs(record["labels"], file), entry.parts[:-1])


def _of_file(path: Path, source: Listing) -> Labels:
    """The labels of a file that the user named: CSV (name,class), or JSON as dataset.json or {"a.png": "cat", ...}."""
    file = printable(path)
    refuse_special(path)
    try:
        with path.open("rb") as f:
            data = f.read(MAX_BYTES)
    except OSError as error:
        raise InputError(
            f"classes {file}: {error.strerror}; allowed are auto, none, folders, or a CSV or JSON file"
        ) from error
    base = common_folder([entry.parts for entry in source.entries if entry.parts[-1] != DATASET_JSON])
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return Labels(file, _checked(enumerate(_rows(data, file), 1), file), base)
    record = _json(data, file)
    if isinstance(record, dict) and not isinstance(record.get("labels"), list):
        return Labels(file, _checked(enumerate(record.items(), 1), file), base)
    return Labels(file, _pairs(record["labels"] if isinstance(record, dict) else record, file), base)


def _json(data: bytes, file: str) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file} is not JSON ({printable(error)}): {REMEDY}") from error


def _rows(data: bytes, file: str) -> list[tuple[object, object]]:
    try:
        rows = [row for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True) if row]
    except (csv.Error, ValueError) as error:
        raise InputError(f"{file} is not CSV ({printable(error)}): {REMEDY}") from error
    if rows and rows[0][0].strip().lower() in HEADINGS:
        del rows[0]
    for row in rows:
        if len(row) != 2:
            raise InputError(f"{file}: {_short(row)} is not a line name,class: {REMEDY}")
    return [(name, label.strip()) for name, label in rows]


def _pairs(labels: object, file: str) -> dict[Parts, str]:
    if not isinstance(labels, list):
        raise InputError(f'{file}: "labels" is {_short(labels)}, not a list of [name, class]; {REMEDY}')
    for number, pair in enumerate(labels, 1):
        if not isinstance(pair, list) or len(pair) != 2:
            raise InputError(f"{file}: label {number} is {_short(pair)}, not [name, class]; {REMEDY}")
    return _checked(enumerate(labels, 1), file)


def _checked(pairs: Any, file: str) -> dict[Parts, str]:
    """Each name's class. A class is a name, or a number from 0."""
    classes: dict[Parts, str] = {}
    for number, (name, label) in pairs:
        path = path_parts(name) if isinstance(name, str) else ()
        if isinstance(label, int) and not isinstance(label, bool) and label >= 0:
            label = str(label)
        if not path or not isinstance(label, str) or not label:
            raise InputError(
                f"{file}: label {number} is {_short([name, label])}; "
                f"it must be a name and a class, which is a name or a number from 0: {REMEDY}"
            )
        if classes.setdefault(path, label) != label:
            raise InputError(f"{file} gives {printable(name, 80)} two classes: {REMEDY}")
    return classes


def _short(value: object) -> str:
    return printable(reprlib.repr(value), 80)


def _check_cover(labels: Labels, entries: Sequence[Entry]) -> None:
    """Refuse a list that leaves out a picture. Other files, such as texts, need no class."""
    uncovered = [entry for entry in entries if labels.of(entry.parts) is None]
    for entry in uncovered:
        try:
            with entry.open() as f:
                read_size(f)
        except Exception:  # not a picture: decoding will say so
            continue
        raise InputError(
            f"{labels.file} covers only part: {len(uncovered):,} of {len(entries):,} files have no class in it, "
            f"the picture {printable(entry.name, 80)} among them: {REMEDY}"
        )
