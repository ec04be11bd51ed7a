"""Opens safetensors files, ours and others', as a `TorchFile`. Only the header is read until a tensor is asked for."""

import json
import math
from pathlib import Path
from typing import Any

import torch

from stylegan.errors import InputError, printable
from stylegan.interop.records import MOST, Record, Storage, strides
from stylegan.interop.torch_files import TorchFile

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
DTYPES |= {"I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8}
DTYPES |= {"U8": torch.uint8, "BOOL": torch.bool}
MOST_HEADER = 100_000_000  # bytes, the limit of safetensors itself


def is_safetensors(path: Path) -> bool:
    """Does it begin with the length of a header and a brace? A truncated file does too."""
    with path.open("rb") as f:
        start = f.read(9)
    return start[8:] == b"{" and int.from_bytes(start[:8], "little") <= MOST_HEADER


def read_safetensors(path: Path) -> tuple[TorchFile, dict[str, Any]]:
    """The tensors by name, each a Record, and the metadata. Raises InputError for a truncated or damaged file."""
    nbytes = path.stat().st_size
    with path.open("rb") as f:
        length = int.from_bytes(f.read(8), "little")
        if 8 + length > nbytes:
            raise InputError(f"{path}: truncated: its header of {length:,} bytes is longer than the file")
        try:
            header = json.loads(f.read(length), object_pairs_hook=_once)
        except (ValueError, RecursionError) as e:
            raise InputError(f"{path}: damaged: its header is not JSON ({printable(e, 100)})") from e
    metadata = header.pop("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(metadata, dict):
        raise InputError(f"{path}: damaged: its header is not an object of tensors")
    begin, found, at = 8 + length, {}, {}
    for name, entry in header.items():
        try:
            found[name], at[name] = _record(name, entry, nbytes - begin)
        except InputError as e:
            raise InputError(f"{path}: {printable(name, 100)}: {e}") from e

    def raw(key: str) -> bytes:
        with path.open("rb") as f:
            f.seek(begin + at[key])
            return f.read(found[key].nbytes)

    return TorchFile(found, set(), nbytes, raw), metadata


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name appears twice")
    return found


def _record(name: str, entry: Any, there: int) -> tuple[Record, int]:
    match entry:
        case {"dtype": str(kind), "shape": list(shape), "data_offsets": [int(first), int(end)]} if kind in DTYPES:
            pass
        case {"dtype": str(kind)} if kind not in DTYPES:
            raise InputError(f"numbers of type {printable(kind, 40)}, which cannot be read")
        case _:
            raise InputError("damaged: no valid type, shape and place")
    if len(shape) > 8 or not all(type(n) is int and 0 <= n < MOST for n in shape):
        raise InputError("damaged: an impossible shape")
    storage = Storage(DTYPES[kind], name, math.prod(shape))
    if not 0 <= first <= end or end - first != storage.nbytes:
        raise InputError(f"damaged: its shape {tuple(shape)} needs {printable(storage.nbytes, 40)} bytes")
    if end > there:
        raise InputError(f"truncated: it ends at byte {printable(end, 40)} of {there:,}")
    return Record(storage, 0, tuple(shape), strides(shape)), first
