"""Styles of the user's own: arrays, and the .npy and .npz files that NumPy and other programs write."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylegan.errors import InputError, printable
from stylegan.sampling.seeds import MAX_COUNT
from stylegan.sampling.sources import Array, Style

MAX_BYTES = 2**34  # of an array in a file: a million w of 512 numbers are 2^31
NAMES = ("ws", "w")  # of the array in an .npz file with several


def read_styles(path: Path) -> list[Style]:
    """The styles in a file: w (N, w_dim) or ws (N, num_ws, w_dim). Raises InputError for anything else."""
    return _styles(read_array(path), path.stem, path, printable(path))


def styles_of(array: Array, name: str) -> list[Style]:
    """The same of an array or tensor. name: what the styles are called, with a number behind it."""
    values = np.asarray(array.detach().cpu().float()) if _is_tensor(array) else np.asarray(array)  # type: ignore[attr-defined]
    return _styles(values, name, object(), name)


def read_vector(path: Path) -> NDArray[np.float32]:
    """One vector from a file, (w_dim,), in which it may also be (1, w_dim), as programs for boundaries write it."""
    array = read_array(path)
    vector = array.reshape(-1) if array.shape[:1] == (1,) and array.ndim == 2 else array
    if vector.ndim != 1:
        raise InputError(f"{printable(path)} holds an array of shape {array.shape}: a direction is a vector (w_dim,)")
    return _finite(vector, printable(path))


def read_array(path: Path) -> NDArray[Any]:
    """The array of numbers in a .npy file, or the one called ws or w, or the only one, in an .npz. Never a pickle."""
    shown = printable(path)
    if not path.is_file():
        raise InputError(f"{shown}: no such file")
    try:
        with path.open("rb") as f:
            start = f.read(4)
        if start == b"PK\3\4":
            return _from_zip(path)
        # A memory map compares the header with the size of the file before anything is allocated.
        return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
    except InputError:
        raise
    except Exception as e:  # NumPy and zipfile raise anything: ValueError, EOFError, TokenError, BadZipFile, zlib.error
        why = printable(e, 120) or type(e).__name__
        raise InputError(f"{shown} cannot be read as a NumPy array, or is truncated or damaged: {why}") from e


def _from_zip(path: Path) -> NDArray[Any]:
    with zipfile.ZipFile(path) as archive:
        sizes = {info.filename.removesuffix(".npy"): info.file_size for info in archive.infolist()}
    chosen = next((name for name in NAMES if name in sizes), next(iter(sizes)) if len(sizes) == 1 else None)
    if chosen is None:
        there = printable(", ".join(sizes), 100) or "none"
        raise InputError(f"{printable(path)} holds the arrays {there}: call the styles ws or w, or keep only them")
    if sizes[chosen] > MAX_BYTES:
        raise InputError(f"{printable(path)}: its array has {sizes[chosen]:,} bytes; at most {MAX_BYTES:,} are allowed")
    with np.load(path, allow_pickle=False) as arrays:
        return np.asarray(arrays[chosen])


def _styles(array: NDArray[Any], name: str, of: object, shown: str) -> list[Style]:
    if array.ndim not in (2, 3):
        raise InputError(
            f"{shown}: styles of shape {array.shape}: must be w (N, w_dim) or ws (N, num_ws, w_dim), N 1 for one"
        )
    if not 1 <= len(array) <= MAX_COUNT:
        raise InputError(f"{shown} holds {len(array):,} styles: give 1 to {MAX_COUNT:,}")
    values = _finite(array, shown)
    names = [name] if len(values) == 1 else [f"{name}-{i:04d}" for i in range(len(values))]
    return [Style(each, of, i, values[i]) for i, each in enumerate(names)]


def _finite(array: NDArray[Any], shown: str) -> NDArray[np.float32]:
    if array.dtype.kind not in "fiu":
        raise InputError(f"{shown} holds {array.dtype}: styles are real numbers")
    with np.errstate(over="ignore"):
        values = array.astype(np.float32)
    if not np.isfinite(values).all():
        raise InputError(f"{shown} holds numbers that are not finite: make the styles again")
    return values


def _is_tensor(array: object) -> bool:
    return not isinstance(array, np.ndarray | np.generic | list)
