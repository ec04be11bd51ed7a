"""Whether what lies on the disk is what was written: data sets, runs, networks, shards, directions, projections."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylegan.checkpoint import load_networks
from stylegan.data.manifest import MANIFEST
from stylegan.data.verify import verify as verify_data
from stylegan.errors import InputError, printable
from stylegan.files import user_path
from stylegan.tensors import TensorFile, check_fields
from stylegan.training.run.folder import CONFIG, read_config

SHARDS = "shard-*-of-*.json"


@dataclass(frozen=True)
class Check:
    """One thing that was read. words: what was found. is_good: no damage was."""

    words: str
    is_good: bool

    def __str__(self) -> str:
        return self.words


def verify(path: Path | str) -> list[Check]:
    """Read all of what lies at `path` and compare it with the checksums that were written with it.

    path: a data set, a run folder, a folder of shards or of networks, directions and projections, or one such file.
    Files of older versions have no checksums: they are read, and their line says so. Changes nothing.
    Raises InputError where there is nothing of ours.
    """
    path = user_path(path)
    checks = [_check(name, look) for name, look in _parts(path)]
    if not checks:
        raise InputError(f"{printable(path)}: no data set, run, network, shard, direction or projection to verify")
    return checks


def _parts(path: Path) -> Iterator[tuple[Path, Callable[[Path], str]]]:
    """What there is to read, each with the function that reads it and says what it found, or raises InputError."""
    if not path.is_dir():
        yield path, _verify_shard if path.suffix in (".tar", ".json") else _verify_tensors
        return
    if (path / MANIFEST).is_file():
        yield path, lambda folder: verify_data(folder).removeprefix(f"{printable(folder)}: ")
        return
    if (path / CONFIG).is_file() and any(path.glob("snapshot-*")):
        yield path / CONFIG, _verify_config
    for manifest in sorted(path.glob(SHARDS)):
        yield manifest, _verify_shard
    for file in sorted(path.glob("*.safetensors")):
        yield file, _verify_tensors
    for folder in sorted(path.glob("*directions")):
        for file in sorted(folder.glob("*.safetensors")):
            yield file, _verify_tensors


def _check(path: Path, look: Callable[[Path], str]) -> Check:
    try:
        return Check(f"{printable(path)}: {look(path)}", is_good=True)
    except InputError as e:
        return Check(str(e), is_good=False)


def _verify_config(path: Path) -> str:
    read_config(path.parent)
    return "a configuration that can be read"


def _verify_tensors(path: Path) -> str:
    file = TensorFile(path, kind=None)
    file.check(file.tensors)
    kind = printable(file.header.get("kind"), 40)
    if kind == "network":
        load_networks(path)  # every tensor there, finite, and of the right shape
    old = "" if file.has_sums else " (an older file, without checksums)"
    return f"{kind}, {len(file.tensors):,} tensors, as they were written{old}"


def _verify_shard(path: Path) -> str:
    manifest, tar = path.with_suffix(".json"), path.with_suffix(".tar")
    try:
        facts: Any = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as e:
        raise InputError(f"{printable(manifest)} cannot be read: {printable(e)}") from e
    check_fields(facts if isinstance(facts, dict) else {}, {"bytes": int, "sha256": str, "count": int}, manifest)
    if not tar.is_file():
        raise InputError(f"{printable(tar)} is missing: run its `stylegan sample --shard` again")
    with tar.open("rb") as f:
        digest = hashlib.file_digest(f, "sha256").hexdigest()
    if digest != facts["sha256"]:
        raise InputError(
            f"{printable(tar)} is damaged: delete {manifest.name}, run its `stylegan sample --shard` again"
        )
    return f"{facts['count']:,} pictures, {facts['bytes']:,} bytes, as they were written"
