"""Reads files of any torch.save without torch.load: zip archives or, from before PyTorch 1.6, five pickles."""

import mmap
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stylegan.errors import InputError, printable
from stylegan.interop.pickles import Malformed
from stylegan.interop.records import Record, Storage, recorded

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
MOST_DATA = 2**28  # bytes of the pickle in a zip; a network's takes about 100 kB


@dataclass(frozen=True)
class TorchFile:
    """value: what was saved, with a Record for each tensor. named: all globals that torch.load would import.
    nbytes: of the whole file. raw: the key of a storage -> its bytes."""

    value: Any
    named: set[str]
    nbytes: int
    raw: Callable[[str], bytes | memoryview]

    def tensor(self, record: Record) -> Tensor:
        """A float32 copy of the tensor. Raises Malformed if it is damaged, cut short or larger than the file."""
        if record.nbytes > self.nbytes:
            raise Malformed(f"a tensor of {record.nbytes:,} bytes is larger than the file")
        dtype = record.storage.dtype
        start, count = record.offset * dtype.itemsize, record.span * dtype.itemsize
        try:
            part = np.frombuffer(self.raw(record.storage.key), np.uint8)[start : start + count].copy()
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, KeyError) as e:
            raise Malformed(f"storage {printable(record.storage.key, 40)} is damaged: {printable(e, 100)}") from e
        if len(part) != count:
            raise Malformed(f"storage {printable(record.storage.key, 40)} is cut short")
        flat = torch.from_numpy(part).view(dtype)
        return flat.as_strided(record.shape, record.stride).float().contiguous().clone()


def read_torch_file(path: Path) -> TorchFile:
    """What torch.save wrote. Nothing in the file is executed. Sizes are compared with it before memory is allocated.

    Raises InputError for a file that is truncated, damaged or a program (TorchScript).
    """
    try:
        with path.open("rb") as f:
            is_zip = f.read(4) == b"PK\x03\x04"
        return _read_zip(path) if is_zip else _read_pickles(path)
    except (InputError, Malformed) as e:
        raise InputError(f"{path}: {e}") from e
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OverflowError) as e:
        raise InputError(f"{path}: truncated or damaged: {printable(e)}") from e


def _read_zip(path: Path) -> TorchFile:
    archive = zipfile.ZipFile(path)
    nbytes = path.stat().st_size
    entries = {entry.filename: entry for entry in archive.infolist()}
    _check_entries(archive.infolist(), nbytes)
    found = [name for name in entries if name.count("/") == 1 and name.endswith("/data.pkl")]
    if any("/code/" in name or name.endswith("constants.pkl") for name in entries):
        raise InputError("a TorchScript program, not weights: save the state_dict of the network with torch.save")
    if len(found) != 1:
        raise InputError("a zip archive without PyTorch's data.pkl: unpack it first")
    folder = found[0].removesuffix("data.pkl")
    if f"{folder}byteorder" in entries and archive.read(f"{folder}byteorder") != b"little":
        raise InputError("its numbers are big-endian: save it again on an ordinary machine")
    if entries[found[0]].file_size > MOST_DATA:
        raise InputError(f"its data.pkl has {entries[found[0]].file_size:,} bytes: no network needs {MOST_DATA:,}")

    def check(storage: Storage) -> None:
        entry = entries.get(f"{folder}data/{storage.key}")
        if entry is None or entry.file_size < storage.nbytes:
            held = "nothing" if entry is None else f"{entry.file_size:,} bytes"
            key = printable(storage.key, 40)
            raise Malformed(f"storage {key} is said to have {storage.nbytes:,} bytes, but the file holds {held} of it")

    value, named = recorded(archive.read(found[0]), check)
    return TorchFile(value, named, nbytes, lambda key: archive.read(f"{folder}data/{key}"))


def _check_entries(entries: list[zipfile.ZipInfo], nbytes: int) -> None:
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names):
        raise InputError("a zip archive in which a name appears twice: PyTorch writes none")
    packed = [entry.filename for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
    if packed:
        raise InputError(f"a zip archive with compressed entries ({printable(packed[0], 60)}): unpack it first")
    if any(name.startswith("/") or ".." in name.split("/") for name in names):
        raise InputError("a zip archive with paths that lead out of it: PyTorch writes none")
    if sum(entry.file_size for entry in entries) > nbytes:
        raise InputError("a zip archive whose entries share their bytes: PyTorch writes none")


def _read_pickles(path: Path) -> TorchFile:
    with path.open("rb") as f:
        data = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)  # genops gets no more than there is
    seen: dict[str, Storage] = {}

    def check(storage: Storage) -> None:
        if storage.nbytes > len(data):
            raise Malformed(f"a storage is said to have {storage.nbytes:,} bytes, but the file has {len(data):,}")
        if seen.setdefault(storage.key, storage).dtype != storage.dtype:
            raise Malformed(f"storage {printable(storage.key, 40)} has two types")

    magic, protocol, system = (recorded(data, check)[0] for _ in range(3))
    if magic != MAGIC or protocol != PROTOCOL or not isinstance(system, dict):
        raise Malformed("not a file of torch.save: it begins differently")
    if system.get("little_endian") is not True:
        raise InputError("its numbers are big-endian: save it again on an ordinary machine")
    value, named = recorded(data, check)
    keys, _ = recorded(data, check)
    places = _places(data, keys, seen)
    return TorchFile(value, named, len(data), lambda key: data[slice(*places[key])])


def _places(data: mmap.mmap, keys: Any, seen: dict[str, Storage]) -> dict[str, tuple[int, int]]:
    """The first byte and the end of each storage's numbers. They follow the pickles, each storage after its count."""
    if not isinstance(keys, list) or not all(isinstance(key, str) and key in seen for key in keys):
        raise Malformed("the list of its storages is damaged")
    if len(set(keys)) != len(keys) or set(keys) != set(seen):
        raise Malformed("the list of its storages does not name each of them once")
    places, at = {}, data.tell()
    for key in keys:
        numel = int.from_bytes(data[at : at + 8], "little")
        end = at + 8 + numel * seen[key].dtype.itemsize
        if numel < seen[key].numel or end > len(data):
            raise Malformed(f"truncated: storage {printable(key, 40)} ends at byte {end:,} of {len(data):,}")
        places[key] = at + 8, end
        at = end
    return places
