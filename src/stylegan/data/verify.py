"""Checks that a data set is, byte for byte, what `prepare` wrote."""

import hashlib
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from stylegan.data.arrays import header_bytes, read_array
from stylegan.data.dataset import CHECKSUMS, array_shapes, problems_of, pyramid_resolutions
from stylegan.data.manifest import read_manifest
from stylegan.data.prepare import progress_bar
from stylegan.errors import InputError, printable, refuse
from stylegan.files import user_path

BLOCK_BYTES = 2**22
NAMED = 8  # damaged pictures of a file, at most


def verify(path: Path | str, *, console: Console | None = None) -> str:
    """Compare all of the data set at `path` with all of its digests; return a line that says what was compared.

    console: where progress goes, stderr by default. Raises InputError naming every damaged file and its pictures.
    """
    folder = user_path(path).absolute()
    manifest = read_manifest(folder)
    shapes = array_shapes(manifest)
    refuse(_named(folder, problems_of(partial(header_bytes, folder / n, *shape) for n, shape in shapes.items())))
    sums: dict[str, str | None] = dict(manifest["data_sha256"])
    sums |= {CHECKSUMS: manifest.get("checksums_sha256")}
    files = [name for name in shapes if sums.get(name)]
    starts = {name: header_bytes(folder / name, *shapes[name]) for name in files}
    total = sum((folder / name).stat().st_size - start for name, start in starts.items())
    problems = []
    with progress_bar(console) as progress:
        task = progress.add_task("verifying", total=total)
        for name in files:
            digest = hashlib.sha256()
            for block in _blocks(folder / name, starts[name]):
                digest.update(block)
                progress.advance(task, len(block))
            if digest.hexdigest() != sums[name]:
                problems.append(f"{name} is damaged{_which(folder, manifest, name, shapes)}")
    for name, digest in manifest.get("text_sha256", {}).items():
        if not (text := folder / Path(name).name).is_file() or hashlib.sha256(text.read_bytes()).hexdigest() != digest:
            problems.append(f"{printable(name)} is missing, damaged or was changed")
    refuse(_named(folder, problems))
    old = "" if manifest.get("checksums_sha256") else " (an older data set, without checksums of each picture)"
    return f"{printable(folder)}: {manifest['count']:,} pictures, {total:,} bytes, as they were prepared{old}"


def _blocks(path: Path, start: int, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    with path.open("rb") as f:
        f.seek(start)
        while block := f.read(size):
            yield block


def _which(folder: Path, manifest: dict[str, Any], name: str, shapes: dict[str, Any]) -> str:
    """The pictures of a damaged file that differ, as far as there are checksums."""
    shape, kind = shapes[name]
    if len(shape) < 4 or CHECKSUMS not in shapes:
        return ""
    level = pyramid_resolutions(manifest["img_resolution"]).index(shape[1])
    try:
        sums = read_array(folder / CHECKSUMS, *shapes[CHECKSUMS])[level].tolist()
    except InputError:  # cut while this reads
        return ""
    pictures = _blocks(folder / name, header_bytes(folder / name, shape, kind), int(np.prod(shape[1:])))
    bad = [row for row, (data, crc) in enumerate(zip(pictures, sums, strict=False)) if zlib.crc32(data) != crc]
    more = f" and {len(bad) - NAMED:,} more" if len(bad) > NAMED else ""
    return f": pictures {', '.join(map(str, bad[:NAMED]))}{more} (counted from 0)" if bad else ""


def _named(folder: Path, problems: list[str]) -> list[str]:
    if not problems:
        return []
    shown = printable(folder)
    return [*problems, f"{shown} is damaged: delete it and run `stylegan prepare SRC {shown}` again"]
