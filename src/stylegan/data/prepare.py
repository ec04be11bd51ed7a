"""The data set doctor: any pictures -> a data set, and a reason for every file that gave none."""

import hashlib
import os
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from stylegan.data.decode import (
    MODES,
    BadPictureError,
    Channels,
    Crop,
    decode,
    read_bytes,
    read_size,
    reason,
    square_side,
)
from stylegan.data.portraits.stream import portraits
from stylegan.data.pyramid import pyramid
from stylegan.data.sources import Entry, Listing, open_source
from stylegan.data.writer import new_dataset
from stylegan.errors import refuse
from stylegan.fields import is_resolution

PORTRAITS = "portraits:"
PORTRAITS_RESOLUTION = 64
WORKERS = min(8, os.cpu_count() or 1)

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Report:
    """What `prepare` found. Names are escaped where needed, so that each fits on one line."""

    kept: int
    bad: tuple[tuple[str, str], ...]  # (name, reason), sorted by name
    path: Path
    img_resolution: int
    img_channels: int
    class_names: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """One line a bad file, then the summary."""
        yield from (f"{name}: {reason}" for name, reason in self.bad)
        total = f"kept {self.kept:,} of {self.kept + len(self.bad):,} pictures"
        size = f"{self.img_resolution}x{self.img_resolution}"
        classes = f", {len(self.class_names)} classes" if self.class_names else ""
        yield f"{total} at {size} in {self.path}{classes}" if self.kept else f"{total}: {self.path} is not written"


def prepare(
    src: Path | str,
    dest: Path | str,
    *,
    resolution: int | None = None,
    crop: Crop = "center",
    img_channels: Channels = 3,
    seed: int = 0,
    console: Console | None = None,
) -> Report:
    """Make the data set `dest` of the pictures in `src`: a folder, a zip, or `portraits:COUNT` (drawn from `seed`).

    resolution: a power of two; by default the largest that 90 % of the pictures reach, 64 for portraits.
    crop: keep the centre square, pad to a square with black, or refuse what is not square.
    img_channels: 1 gray, 3 RGB (what is see-through lies over white), 4 RGBA.
    console: where progress goes, stderr by default.
    Pictures keep the order of their names. Folders at the top of `src` are classes if every picture lies in one of at
    least two. Bad files are in the report and do not stop it; with none kept nothing is written. Raises InputError.
    """
    dest = Path(os.path.abspath(dest))  # noqa: PTH100  resolve() would follow a link at `dest` itself
    count = _portrait_count(str(src))
    refuse(_problems(dest, resolution, crop, img_channels) + ([count] if isinstance(count, str) else []))
    about = {
        "crop": crop,
        "provenance": {
            "source": str(src),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "stylegan": version("stylegan"),
            "options": {"resolution": resolution, "crop": crop, "img_channels": img_channels, "seed": seed},
            "bad_files": 0,
        },
    }
    with warnings.catch_warnings(), _progress(console) as progress:
        warnings.simplefilter("ignore")  # Pillow's remarks on odd tags: what matters becomes a reason in the report
        if isinstance(count, int):
            return _from_portraits(count, dest, resolution or PORTRAITS_RESOLUTION, img_channels, seed, about, progress)
        with open_source(Path(src)) as source:
            if resolution is None:
                resolution = _default_resolution(source.entries, crop, progress)
            return _from_files(source, dest, resolution, crop, img_channels, about, progress)


def _problems(dest: Path, resolution: int | None, crop: str, img_channels: int) -> list[str]:
    problems = []
    if os.path.lexists(dest):
        problems.append(f"{dest} exists already: give a DEST that does not, or delete it first")
    for parent in dest.parents:
        if os.path.exists(parent) and not parent.is_dir():  # noqa: PTH110  exists() raises for a name too long
            problems.append(f"{dest} cannot be made: {parent} is a file")
    if resolution is not None and not is_resolution(resolution):
        problems.append(f"resolution is {resolution}; allowed are powers of two from 4: 64, 128, 256, 512, 1024 ...")
    if crop not in get_args(Crop):
        problems.append(f"crop is {crop!r}; allowed are {', '.join(get_args(Crop))}")
    if img_channels not in get_args(Channels):
        problems.append(f"img_channels is {img_channels}; allowed are 1 (gray), 3 (RGB) and 4 (RGBA)")
    return problems


def _portrait_count(src: str) -> int | str | None:
    """The COUNT of `portraits:COUNT`, None if `src` is something else, or what is wrong with it."""
    if not src.startswith(PORTRAITS):
        return None
    text = src.removeprefix(PORTRAITS)
    if text.isdecimal() and int(text) > 0:
        return int(text)
    return f"{src}: COUNT is {text!r}; it must be a whole number above 0, as in {PORTRAITS}1000"


def _default_resolution(entries: list[Entry], crop: Crop, progress: Progress) -> int:
    """The largest power of two that 90 % of the pictures reach, as far as their headers can be read."""

    def side(entry: Entry) -> int:
        try:
            with entry.open() as f:
                return square_side(read_size(f), crop)
        except Exception:  # whatever it is, decoding the file will report it
            return 0

    sides = sorted(filter(None, progress.track(_in_order(side, entries), len(entries), description="reading sizes")))
    reached = sides[len(sides) // 10] if sides else 4  # at most 10 % are smaller
    return max(4, 1 << (reached.bit_length() - 1))


def _from_files(
    source: Listing,
    dest: Path,
    resolution: int,
    crop: Crop,
    img_channels: Channels,
    about: dict[str, Any],
    progress: Progress,
) -> Report:
    bad = list(source.unreadable)
    tops: list[str | None] = []
    names: dict[bytes, str] = {}  # digest of the pixels -> the first file that has them
    examine = partial(_examine, resolution=resolution, crop=crop, img_channels=img_channels)
    with new_dataset(dest, resolution, img_channels) as writer, closing(_in_order(examine, source.entries)) as found:
        found_so_far = progress.track(found, len(source.entries), description="preparing")
        for picture, entry in zip(found_so_far, source.entries, strict=True):
            if isinstance(picture, str):
                bad.append((entry.name, picture))
            elif picture.digest in names:
                bad.append((entry.name, f"duplicate of {names[picture.digest]}"))
            else:
                names[picture.digest] = entry.name
                writer.add(_one_line(entry.name), picture.levels)
                tops.append(entry.top)
        classes = _classes(tops)
        if tops:
            about["provenance"]["bad_files"] = len(bad)
            writer.finish(classes=classes, factors=(), about=about)
    lines = tuple(sorted((_one_line(name), _one_line(why)) for name, why in bad))
    return Report(len(tops), lines, dest, resolution, img_channels, tuple(sorted(set(classes))))


@dataclass(frozen=True)
class _Picture:
    levels: list[NDArray[np.uint8]]  # as `pyramid` gives them
    digest: bytes


def _examine(entry: Entry, *, resolution: int, crop: Crop, img_channels: Channels) -> _Picture | str:
    """The picture in a file, or why there is none."""
    try:
        with entry.open() as f:
            data = read_bytes(f)
        pixels = decode(data, resolution, crop=crop, img_channels=img_channels)
    except BadPictureError as error:
        return str(error)
    except Exception as error:  # of opening and reading: no permission, a zip's bad checksum, encryption ...
        return reason(error)
    return _Picture(pyramid(pixels), hashlib.blake2b(pixels.tobytes(), digest_size=16).digest())


def _classes(tops: list[str | None]) -> list[str]:
    """Each picture's class, where every one lies in one of at least two folders; else none at all."""
    classes = [top for top in tops if top is not None]
    return classes if len(classes) == len(tops) and len(set(classes)) > 1 else []


def _in_order(function: Callable[[T], R], items: Iterable[T]) -> Generator[R, None, None]:
    """map() by threads, in order, a few items ahead of the reader: memory does not grow with the number of items."""
    pool = ThreadPoolExecutor(WORKERS)
    ahead: deque[Future[R]] = deque()
    try:
        for item in items:
            ahead.append(pool.submit(function, item))
            if len(ahead) > 2 * WORKERS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _one_line(text: str) -> str:
    """`text` with line breaks and what cannot be printed or encoded written as escapes."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _progress(console: Console | None) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=console or Console(stderr=True))


def _from_portraits(
    count: int,
    dest: Path,
    resolution: int,
    img_channels: Channels,
    seed: int,
    about: dict[str, Any],
    progress: Progress,
) -> Report:
    factors: list[dict[str, float]] = []
    with (
        new_dataset(dest, resolution, img_channels) as writer,
        closing(portraits(count, resolution, seed)) as drawn,
    ):
        for pixels, values in progress.track(drawn, count, description="drawing"):
            image = Image.fromarray(pixels).convert(MODES[img_channels])
            writer.add(f"{PORTRAITS}{len(factors)}", pyramid(np.atleast_3d(np.asarray(image))))
            factors.append(values)
        writer.finish(classes=(), factors=factors, about=about)
    return Report(count, (), dest, resolution, img_channels, ())
