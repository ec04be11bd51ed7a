"""Checks that files are as they were written: data sets, runs, networks, shards, directions, projections."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from stylegan.checkpoint import load_networks
from stylegan.data.manifest import MANIFEST
from stylegan.data.verify import verify as verify_data
from stylegan.data.whole import BadPictureError, check_start, check_whole
from stylegan.data.writer import FACTORS, NAMES
from stylegan.errors import InputError, printable, refuse
from stylegan.files import LOCK, user_path
from stylegan.sampling.made import file_digest, recorded
from stylegan.sealed import is_intact, is_sealed
from stylegan.tensors import TensorFile, check_fields
from stylegan.training.run.folder import CONFIG, read_config, read_record
from stylegan.training.run.record import STATS, places_of

SHARDS = "shard-*-of-*.json"
NAMED = 8  # the most files that a line names
OLD = " (an older file, without checksums)"

Part = tuple[Path, list[Path], Callable[[], str]]
"""What a line is about, the files that it covers, and the function that reads them and says what it found."""


@dataclass(frozen=True)
class Check:
    """The result for one part. words: what was found. is_good: whether it is undamaged."""

    words: str
    is_good: bool

    def __str__(self) -> str:
        return self.words


def verify(path: Path | str) -> list[Check]:
    """Read everything at `path`, and compare it with the checksums that were written with it. Changes nothing.

    path: a data set, a run folder, a folder of shards, of samples or of networks, directions and projections, or one
    such file. Files of older versions have no checksums; they are read, and their result says so. The last result names
    the files of a folder that have nothing to be compared with. Raises InputError if nothing at `path` is ours.
    """
    path = user_path(path)
    parts = list(_parts(path))
    checks = [_check(name, look) for name, _, look in parts]
    if not checks:
        raise InputError(f"{printable(path)}: no data set, run, network, shard, direction or projection to verify")
    return [*checks, *_unchecked(path, {file for _, files, _ in parts for file in files})]


def _parts(path: Path) -> Iterator[Part]:
    if not path.is_dir():
        yield path, [path], partial(_verify_shard if path.suffix in (".tar", ".json") else _verify_tensors, path)
        return
    if (path / MANIFEST).is_file():
        held = [*path.glob("*.npy"), *(path / name for name in (MANIFEST, NAMES, FACTORS))]
        yield path, held, lambda: verify_data(path).removeprefix(f"{printable(path)}: ")
        return
    if (path / CONFIG).is_file() and any(path.glob("snapshot-*")):
        yield from _parts_of_a_run(path)
    for manifest in sorted(path.glob(SHARDS)):
        yield manifest, [manifest, manifest.with_suffix(".tar")], partial(_verify_shard, manifest)
    for file in sorted(path.glob("*.safetensors")):
        yield file, [file], partial(_verify_tensors, file)
    for folder in sorted([path, *path.glob("*directions")]):
        for file in sorted(folder.glob("*.safetensors")) if folder != path else ():
            yield file, [file], partial(_verify_tensors, file)
        if files := [folder / name for name in sorted(recorded(folder)) if (folder / name).is_file()]:
            yield folder, files, partial(_verify_made, folder)


def _parts_of_a_run(path: Path) -> Iterator[Part]:
    yield path / CONFIG, [path / CONFIG], partial(_verify_config, path / CONFIG)
    yield path / STATS, [path / STATS], partial(_verify_stats, path / STATS)
    if pictures := [*path.glob("reals.png"), *sorted(path.glob("fakes-*.png"))]:
        yield path, pictures, partial(_verify_pictures, pictures)


def _unchecked(path: Path, covered: set[Path]) -> list[Check]:
    """A result that names the files in a folder that were not compared with anything; none if there are none."""
    others = [p for p in sorted(path.iterdir()) if p not in covered] if path.is_dir() else []
    names = [p.name for p in others if p.is_file() and p.name != LOCK and not p.name.startswith(".")]
    if not names:
        return []
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    shown = ", ".join(printable(name, 60) for name in names[:NAMED])
    return [Check(f"{printable(path)}: not checked, because they have no checksums: {shown}{more}", is_good=True)]


def _check(path: Path, look: Callable[[], str]) -> Check:
    try:
        return Check(f"{printable(path)}: {look()}", is_good=True)
    except InputError as e:
        return Check(str(e), is_good=False)


def _verify_config(path: Path) -> str:
    read_config(path.parent)
    return f"a configuration, as it was written{'' if is_sealed(read_record(path.parent)) else OLD}"


def _verify_stats(path: Path) -> str:
    """Check for lines of JSON in which cur_nimg grows. A run that was killed may leave half a last line."""
    if not path.is_file():
        raise InputError(f"{printable(path)} is missing: a resumed run continues without the earlier statistics")
    places, cut_short = places_of(path)
    bad, latest = [], -1
    for number, nimg in enumerate(places, 1):
        if nimg is None or nimg <= latest:
            bad.append(number)
        latest = latest if nimg is None else max(latest, nimg)
    if bad:
        raise InputError(f"{printable(path)} is damaged: line {bad[0]} is not a line of statistics, or is out of order")
    half = "; the last line was cut short, and resuming removes it" if cut_short else ""
    return f"{len(places):,} lines of statistics in order; their numbers have no checksums{half}"


def _verify_pictures(pictures: list[Path]) -> str:
    """Check the checksums that PNG files contain."""
    problems = []
    for path in pictures:
        try:
            data = path.read_bytes()
            check_start(data)
            check_whole(data, "PNG")
        except BadPictureError as e:
            problems.append(f"{printable(path)} is damaged: {e}")
    refuse(problems)
    return f"{len(pictures):,} pictures (reals.png, fakes-*.png), with the checksums that they were written with"


def _verify_made(folder: Path) -> str:
    """Check files against the SHA-256 that the folder's record keeps."""
    kept = {folder / name: sums for name, sums in sorted(recorded(folder).items())}
    there = [path for path in kept if path.is_file()]
    refuse(
        [
            f"{printable(path)} is damaged or was changed: delete it, and run the command that made it again"
            for path in there
            if file_digest(path) not in kept[path]
        ]
    )
    gone = f" ({len(kept) - len(there):,} others were moved or deleted)" if len(there) < len(kept) else ""
    return f"{len(there):,} files made here, as they were written{gone}"


def _verify_tensors(path: Path) -> str:
    file = TensorFile(path, kind=None)
    file.check(file.tensors)
    kind = printable(file.header.get("kind"), 40)
    if kind == "network":
        load_networks(path)  # checks that every tensor is there, finite, and of the right shape
    return f"{kind}, {len(file.tensors):,} tensors, as they were written{'' if file.has_sums else OLD}"


def _verify_shard(path: Path) -> str:
    manifest, tar = path.with_suffix(".json"), path.with_suffix(".tar")
    try:
        facts: Any = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as e:
        raise InputError(f"{printable(manifest)} cannot be read: {printable(e)}") from e
    facts = facts if isinstance(facts, dict) else {}
    check_fields(facts, {"bytes": int, "sha256": str, "count": int}, manifest)
    again = "run its `stylegan sample --shard` again"
    if not is_intact(facts):
        raise InputError(f"{printable(manifest)} is damaged or was edited: delete it, {again}")
    if not tar.is_file():
        raise InputError(f"{printable(tar)} is missing: {again}")
    with tar.open("rb") as f:
        digest = hashlib.file_digest(f, "sha256").hexdigest()
    if digest != facts["sha256"]:
        raise InputError(f"{printable(tar)} is damaged: delete {manifest.name}, {again}")
    old = "" if is_sealed(facts) else OLD
    return f"{facts['count']:,} pictures, {facts['bytes']:,} bytes, as they were written{old}"
