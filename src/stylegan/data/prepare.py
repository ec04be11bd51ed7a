"""Builds a data set from any pictures, and gives a reason for every file that could not be used."""

import hashlib
import os
import warnings
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from stylegan import __version__
from stylegan.data.classes import Classes, Labels, choose, classify, natural
from stylegan.data.decode import MODES, Channels, Crop, Original, decode, read_bytes, read_size, reason, square_side
from stylegan.data.portraits.stream import portraits
from stylegan.data.pyramid import pyramid
from stylegan.data.report import Findings, Report
from stylegan.data.sources import Entry, Listing, open_source
from stylegan.data.whole import BadPictureError
from stylegan.data.writer import DatasetWriter, new_dataset
from stylegan.errors import printable, refuse
from stylegan.fields import is_resolution
from stylegan.files import user_path

PORTRAITS = "portraits:"
HALF = ":half"
PORTRAITS_RESOLUTION = 64
MOST_PORTRAITS = 10**8  # days of drawing and 1.6 TB at 64 px
WORKERS = min(8, os.cpu_count() or 1)

T = TypeVar("T")
R = TypeVar("R")


def prepare(
    src: Path | str,
    dest: Path | str,
    *,
    resolution: int | None = None,
    crop: Crop = "center",
    img_channels: Channels = 3,
    seed: int = 0,
    classes: Path | str = "auto",
    console: Console | None = None,
) -> Report:
    """Make the data set `dest` from the pictures in `src`: a folder, a zip, or `portraits:COUNT` (drawn from `seed`).
    `portraits:COUNT:half` draws the same people half as large.

    resolution: a power of two; by default the largest that 90 % of the pictures reach, 64 for portraits.
    crop: keep the centre square, pad to a square with black, or refuse what is not square.
    img_channels: 1 gray, 3 RGB (transparent parts over white), 4 RGBA.
    classes: "folders"; "none"; a CSV or JSON file of names and classes; or "auto": those of a dataset.json in `src`,
    else the folders that divide the pictures. The report says which classes were found, and why.
    console: where progress goes, stderr by default.
    Pictures keep the order of their names. Bad files are listed in the report and do not stop it. If no picture is
    kept, nothing is written. Raises InputError.
    """
    dest = Path(os.path.abspath(user_path(dest)))  # noqa: PTH100  resolve() would follow a link at `dest` itself
    portrayed = _portrayed(str(src))
    problems = _problems(dest, resolution, crop, img_channels)
    if portrayed is not None:
        problems += _problems_of_portraits(portrayed, crop, classes, seed)
    elif seed:
        problems.append(f"seed is {seed}: it is for {PORTRAITS}COUNT only; {printable(src)} does not use it")
    refuse(problems)
    about = {
        "crop": crop,
        "provenance": {
            "source": str(src),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "stylegan": __version__,
            "options": {
                **{"resolution": resolution, "crop": crop, "img_channels": img_channels, "seed": seed},
                "classes": str(classes),
            },
            "bad_files": 0,
        },
    }
    with warnings.catch_warnings(), progress_bar(console) as progress:
        warnings.simplefilter("ignore")  # Pillow's remarks on odd tags: what matters becomes a reason in the report
        if isinstance(portrayed, _Portrayed):
            size = resolution or PORTRAITS_RESOLUTION
            return _from_portraits(portrayed, dest, size, img_channels, seed, about, progress)
        with open_source(user_path(src)) as listed:
            source, labels = choose(str(classes), listed)
            if resolution is None:
                resolution = _default_resolution(source.entries, crop, progress)
            with new_dataset(dest, resolution, img_channels) as writer:
                job = _Job(writer, crop, img_channels, about, str(classes), labels)
                return job.run(source, dest, progress)


def _problems(dest: Path, resolution: int | None, crop: str, img_channels: int) -> list[str]:
    problems = []
    if os.path.lexists(dest):
        problems.append(f"{printable(dest)} exists already: give a DEST that does not, or delete it first")
    for parent in dest.parents:
        if os.path.exists(parent) and not parent.is_dir():  # noqa: PTH110  exists() raises for a name too long
            problems.append(f"{printable(dest)} cannot be made: {printable(parent)} is a file")
    if resolution is not None and not (type(resolution) is int and is_resolution(resolution)):
        problems.append(
            f"resolution is {printable(resolution, 60)}; allowed are powers of two from 4: 64, 128, 256, 512, 1024 ..."
        )
    if crop not in get_args(Crop):
        problems.append(f"crop is {crop!r}; allowed are {', '.join(get_args(Crop))}")
    if img_channels not in get_args(Channels):
        problems.append(f"img_channels is {img_channels}; allowed are 1 (gray), 3 (RGB) and 4 (RGBA)")
    return problems


@dataclass(frozen=True)
class _Portrayed:
    """What `portraits:COUNT` or `portraits:COUNT:half` asks for."""

    count: int
    half: bool


def _problems_of_portraits(portrayed: _Portrayed | str, crop: str, classes: Path | str, seed: int) -> list[str]:
    problems = [portrayed] if isinstance(portrayed, str) else []
    if not 0 <= seed < 2**32:
        problems.append(f"seed is {seed}: it must be 0 to {2**32 - 1}")
    if crop in ("pad", "refuse"):
        problems.append(f"crop is {crop}: portraits are drawn square; leave it out")
    if str(classes) not in ("auto", "none"):
        problems.append(f"classes is {printable(classes)}: portraits have none; their factors are in factors.csv")
    return problems


def _portrayed(src: str) -> _Portrayed | str | None:
    """What a `src` that begins with `portraits:` asks for, or what is wrong with it; None if it is something else."""
    if not src.startswith(PORTRAITS):
        return None
    text = src.removeprefix(PORTRAITS).removesuffix(HALF)
    if text.isdecimal() and len(text) <= len(str(MOST_PORTRAITS)) and 0 < int(text) <= MOST_PORTRAITS:
        return _Portrayed(int(text), half=src.endswith(HALF))
    allowed = f"a whole number from 1 to {MOST_PORTRAITS:,}, as in {PORTRAITS}1000"
    return f"{printable(src)}: COUNT is {printable(text)!r}; it must be {allowed}, or {PORTRAITS}1000{HALF}"


def _default_resolution(entries: list[Entry], crop: Crop, progress: Progress) -> int:
    """The largest power of two that 90 % of the pictures reach, as far as their headers can be read."""

    def side(entry: Entry) -> int:
        try:
            with entry.open() as f:
                return square_side(read_size(f), crop)
        except Exception:  # decoding the file will report it
            return 0

    sides = sorted(filter(None, progress.track(_in_order(side, entries), len(entries), description="reading sizes")))
    reached = sides[len(sides) // 10] if sides else 4  # at most 10 % are smaller
    return max(4, 1 << (reached.bit_length() - 1))


@dataclass
class _Job:
    """Turns files into a data set, and records which are kept, which are not, and why."""

    writer: DatasetWriter
    crop: Crop
    img_channels: Channels
    about: dict[str, Any]
    classes: str
    labels: Labels | None
    bad: list[tuple[str, str]] = field(default_factory=list)
    kept: list[Entry] = field(default_factory=list)
    twins: dict[int, list[Entry]] = field(default_factory=dict)  # row -> files with the same pixels
    originals: list[Original] = field(default_factory=list)  # one for each of `kept`

    def run(self, source: Listing, dest: Path, progress: Progress) -> Report:
        self.bad += source.unreadable
        examine = partial(
            _examine, resolution=self.writer.img_resolution, crop=self.crop, img_channels=self.img_channels
        )
        rows: dict[bytes, int] = {}  # digest of the pixels -> the row that has them
        with closing(_in_order(examine, source.entries)) as found:
            found_so_far = progress.track(found, len(source.entries), description="preparing")
            for picture, entry in zip(found_so_far, source.entries, strict=True):
                if isinstance(picture, str):
                    self.bad.append((entry.name, picture))
                elif (row := rows.setdefault(picture.digest, len(self.kept))) < len(self.kept):
                    self.twins.setdefault(row, []).append(entry)
                else:
                    self.writer.add(printable(entry.name, None), picture.levels)
                    self.kept.append(entry)
                    self.originals.append(picture.original)
        if not self.kept:
            return self._report(dest, [], "no picture was kept")
        chosen = self._classify()
        counts = Counter(printable(name, None) for name in chosen.of if name is not None)
        names = sorted(counts, key=natural)
        self.about["classes"] = chosen.reason
        self.about["provenance"]["bad_files"] = len(self.bad)
        of = [printable(name, None) for name in chosen.of if name is not None]
        self.writer.finish(classes=of, class_names=names, factors=(), about=self.about)
        return self._report(dest, [(name, counts[name]) for name in names], chosen.reason)

    def _classify(self) -> Classes:
        """The classes of the rows; rows without a class are left out."""
        chosen = classify([entry.parts for entry in self.kept], self.classes, self.labels)
        if None in chosen.of:
            self._prefer_twins_inside(chosen)
            chosen = classify([entry.parts for entry in self.kept], self.classes, self.labels)
        for row, entries in sorted(self.twins.items()):
            self.bad += [(entry.name, f"duplicate of {self.kept[row].name}") for entry in entries]
        rows = [row for row, name in enumerate(chosen.of) if name is not None]
        if chosen.of and len(rows) < len(self.kept):
            out = set(range(len(self.kept))).difference(rows)
            self.bad += [(self.kept[row].name, "in no class folder: left out") for row in sorted(out)]
            self.writer.keep(rows)
            self.kept = [self.kept[row] for row in rows]
            self.originals = [self.originals[row] for row in rows]
        return Classes([name for name in chosen.of if name is not None], chosen.reason)

    def _prefer_twins_inside(self, chosen: Classes) -> None:
        """If a stray picture also lies in a class folder, keep the one in the folder."""
        for row, name in enumerate(chosen.of):
            if name is None and row in self.twins:
                deepest = max(self.twins[row], key=lambda entry: len(entry.parts))
                if len(deepest.parts) > len(self.kept[row].parts):
                    self.twins[row][self.twins[row].index(deepest)] = self.kept[row]
                    self.kept[row] = deepest
                    self.writer.names[row] = printable(deepest.name, None)

    def _report(self, dest: Path, classes: Sequence[tuple[str, int]], why: str) -> Report:
        lines = tuple(sorted((printable(name), printable(why)) for name, why in self.bad))
        findings, size = Findings(), self.writer.img_resolution
        for entry, original in zip(self.kept, self.originals, strict=True):
            findings.add(entry.name, original, self.crop)
        return Report(len(self.kept), lines, dest, size, self.img_channels, tuple(classes), why, findings)


@dataclass(frozen=True)
class _Picture:
    original: Original
    levels: list[NDArray[np.uint8]]  # as `pyramid` returns them
    digest: bytes


def _examine(entry: Entry, *, resolution: int, crop: Crop, img_channels: Channels) -> _Picture | str:
    """The picture in a file, or the reason why there is none."""
    try:
        with entry.open() as f:
            data = read_bytes(f)
        decoded = decode(data, resolution, crop=crop, img_channels=img_channels)
    except BadPictureError as error:
        return str(error)
    except Exception as error:  # of opening and reading: no permission, a zip's bad checksum, encryption ...
        return reason(error)
    digest = hashlib.blake2b(decoded.pixels.tobytes(), digest_size=16).digest()
    return _Picture(decoded.original, pyramid(decoded.pixels), digest)


def _in_order(function: Callable[[T], R], items: Iterable[T]) -> Generator[R, None, None]:
    """An ordered map() by threads that stays a few items ahead of the reader, so that memory is bounded."""
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


def progress_bar(console: Console | None) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=console or Console(stderr=True))


def _from_portraits(
    portrayed: _Portrayed,
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
        closing(portraits(portrayed.count, resolution, seed=seed, half=portrayed.half)) as drawn,
    ):
        for pixels, values in progress.track(drawn, portrayed.count, description="drawing"):
            image = Image.fromarray(pixels).convert(MODES[img_channels])
            writer.add(f"{PORTRAITS}{len(factors)}", pyramid(np.atleast_3d(np.asarray(image))))
            factors.append(values)
        writer.finish(classes=(), factors=factors, about=about)
    why = "portraits have factors instead, in factors.csv"
    return Report(len(factors), (), dest, resolution, img_channels, (), why)
