"""The format of all our files of tensors: safetensors with JSON. It has no pickles, so reading runs no code.

The JSON is the value of "stylegan" in safetensors' own metadata. It holds a CRC-32 of every tensor ("crc32") and, at
its end, one of all the JSON before ("header_crc32"). Files of older versions have neither and are not checked. (The
metadata have no second key, because safetensors would write the two in any order, and equal files would differ.)
"""

import json
import math
import re
import types
import typing
import zlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from stylegan.errors import DamagedError, InputError, printable
from stylegan.files import need_file, whole_file
from stylegan.foreign import what_it_is

VERSION = 1  # of the format; to be raised when older files need translating
NAMED = 5  # the most damaged tensors that a message names


def write_tensors(path: Path | str, tensors: dict[str, Tensor], *, kind: str, header: dict[str, Any]) -> None:
    """Write tensors and JSON data as one file, whole or not at all. kind: what the file is; the reader checks it.

    Raises OSError if it cannot be written, as on a full disk. What was there before then stays.
    """
    ordered = sorted(tensors.items())  # so that equal tensors give equal files
    plain = {name: t.detach().cpu().contiguous() for name, t in ordered}
    sums = _sums(plain)
    text = json.dumps({"version": VERSION, "kind": kind, **header, "crc32": sums})
    text = f'{text[:-1]}, "header_crc32": "{zlib.crc32(text.encode()):08x}"}}'
    with whole_file(path) as partial:
        try:
            safetensors.torch.save_file(plain, partial, metadata={"stylegan": text})
        except safetensors.SafetensorError as e:  # raised instead of OSError on a full disk
            number = re.search(r"os error (\d+)", str(e))
            raise OSError(int(number[1]) if number else 0, printable(e), str(path)) from e


def read_tensors(path: Path, *, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, copied to memory, and the JSON data of a file of this kind.

    Raises DamagedError if a tensor is not as it was written, and InputError if it is not such a file.
    """
    file = TensorFile(path, kind=kind)
    file.check(file.tensors)
    return {name: t.clone() for name, t in file.tensors.items()}, file.header


def read_header(path: Path, *, kind: str) -> dict[str, Any]:
    """Only the JSON data; no tensor is read, and no memory is allocated for one. Errors: as in `read_tensors`."""
    return TensorFile(path, kind=kind).header


class TensorFile:
    """An open file of this format. header: its JSON data. kind: what it must be; None accepts any kind.

    tensors: views of the file, read when they are used, so copy them before the file can change. Using a tensor after
    the file was truncated kills the process (SIGBUS).
    """

    def __init__(self, path: Path, *, kind: str | None) -> None:
        self.path = path
        need_file(path)
        try:
            with safetensors.safe_open(path, framework="pt") as f:
                metadata = f.metadata() or {}
                self.tensors: dict[str, Tensor] = {name: f.get_tensor(name) for name in f.keys()}  # noqa: SIM118 (no mapping, only has keys())
        except (safetensors.SafetensorError, ValueError) as e:
            raise _unreadable(path, e) from e
        text = metadata.get("stylegan", "{}")
        sealed = re.fullmatch(r'(.*), "header_crc32": "([0-9a-f]{8})"\}', text, re.DOTALL)
        if sealed and f"{zlib.crc32((sealed[1] + '}').encode()):08x}" != sealed[2]:
            raise DamagedError(f"{path} is damaged: its header is not as it was written")
        try:
            header = json.loads(text)
        except (ValueError, RecursionError) as e:
            raise DamagedError(f"{path} is damaged: its header is not JSON ({printable(e)})") from e
        self.header: dict[str, Any] = _checked_header(header, path, kind)
        self.header.pop("header_crc32", None)
        sums = self.header.pop("crc32", {})
        self.sums: dict[str, Any] = sums if isinstance(sums, dict) else {}

    @property
    def has_sums(self) -> bool:
        """Does the file have checksums? Files of older versions do not."""
        return bool(self.sums)

    def check(self, names: Iterable[str]) -> None:
        """Raise DamagedError if the bytes of these tensors are not as they were written."""
        found = _sums({name: self.tensors[name] for name in names if name in self.sums})
        wrong = [name for name, crc32 in found.items() if crc32 != self.sums[name]]
        if wrong:
            more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
            named = ", ".join(printable(name, 100) for name in wrong[:NAMED])
            raise DamagedError(f"{self.path} is damaged: the bytes have changed in {named}{more}")


def check_fields(header: Mapping[str, Any], kinds: Mapping[str, Any], path: Path) -> None:
    """Raise DamagedError that names every field of a file's header that is missing or of another type.

    kinds: name -> str, int, float (finite; an int will do), list, dict, list[int] and the like, or float | None.
    """
    problems = [f"its header has no '{name}'" for name in kinds if name not in header]
    problems += [
        f"its {name} is {printable(repr(header[name]), 100)}, not {_in_words(kind)}"
        for name, kind in kinds.items()
        if name in header and not _is_a(header[name], kind)
    ]
    if problems:
        raise DamagedError(f"{path} is damaged: {'; '.join(problems)}")


def _is_a(value: Any, kind: Any) -> bool:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return any(_is_a(value, each) for each in args)
    if origin is list:
        return isinstance(value, list) and all(_is_a(item, args[0]) for item in value)
    if kind is float:
        return type(value) in (int, float) and abs(value) < 2**1000 and math.isfinite(value)
    return isinstance(value, kind) and not (isinstance(value, bool) and kind is int)


def _in_words(kind: Any) -> str:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return " or ".join(map(_in_words, args))
    if origin is list:
        return f"a list, each {_in_words(args[0])}"
    words = {str: "text", int: "a whole number", float: "a number", list: "a list", dict: "the fields of an object"}
    return words.get(kind, "null")


def _checked_header(header: Any, path: Path, kind: str | None) -> dict[str, Any]:
    if not isinstance(header, dict):
        raise DamagedError(f"{path} is damaged: its header is {type(header).__name__}, not an object")
    if kind is not None and header.get("kind") != kind:
        found = printable(header.get("kind", "something else"), 100)
        raise InputError(f"{path} holds {found}, not a stylegan {kind}")
    if type(header.get("version")) is not int:
        raise DamagedError(
            f"{path} is damaged: its version is {printable(repr(header.get('version')), 100)}, not a number"
        )
    if header["version"] > VERSION:
        raise InputError(
            f"{path} has format {printable(header['version'], 40)}, but this package only reads up to {VERSION}: "
            "upgrade stylegan"
        )
    return header


def _unreadable(path: Path, e: Exception) -> InputError:
    if found := what_it_is(path):
        return InputError(f"{path} is {found}, not a safetensors file")
    return DamagedError(f"{path} is not a safetensors file, or is truncated or damaged: {printable(e)}")


def _sums(tensors: dict[str, Tensor]) -> dict[str, str]:
    """The CRC-32 of each tensor, computed on all cores: zlib releases Python's lock."""
    with ThreadPoolExecutor() as pool:
        return dict(zip(tensors, pool.map(_crc32, tensors.values()), strict=True))


def _crc32(t: Tensor) -> str:
    """The CRC-32 of type, shape and numbers: 8 hex digits."""
    start = zlib.crc32(f"{t.dtype} {tuple(t.shape)}".encode())
    return f"{zlib.crc32(t.reshape(-1).view(torch.uint8).numpy().data, start):08x}"
