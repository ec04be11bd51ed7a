"""Seeds in words: "0-15,20". No torch."""

import operator
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from stylegan.errors import InputError, printable
from stylegan.sampling.numbers import is_whole

MAX_SEED = 2**32 - 1  # of numpy's RandomState
MAX_COUNT = 1_000_000  # more is a typing error

Seeds = int | str | Sequence[int | str]
"""Seeds in words ("0-15,20"), one number, or a list of numbers and words. NumPy's numbers and arrays are taken too."""


def parse_seeds(seeds: Seeds) -> list[int]:
    """The seeds of "0-15,20", in the given order; a range includes both of its ends.

    Raises InputError for anything but whole numbers from 0 to 2^32 - 1, and for a range that ends before it starts.
    """
    return [seed for part in seed_ranges(seeds) for seed in part]


def seed_ranges(seeds: Seeds, *, at_most: int = MAX_COUNT) -> list[range]:
    """The same as non-empty ranges: a billion seeds need no memory."""
    found = [part for item in _items(seeds) for part in _ranges(item)]
    too_big = [str(r[-1]) for r in found if r[-1] > MAX_SEED or r[0] < 0]
    if too_big:
        raise InputError(f"seeds {printable(', '.join(too_big[:5]))}: must be 0 to {MAX_SEED}")
    count = sum(map(len, found))
    if not 0 < count <= at_most:
        raise InputError(f"seeds {printable(repr(seeds), 80)} are {count:,}: give 1 to {at_most:,}")
    return found


def refuse_repeats(ranges: Sequence[range]) -> None:
    """Raise InputError where a seed is in two of the ranges."""
    for a, b in pairwise(sorted(ranges, key=lambda r: r.start)):
        if b.start < a.stop:
            raise InputError(f"seeds {describe_ranges([a])} and {describe_ranges([b])} overlap: give each seed once")


def cut(ranges: Sequence[range], start: int, stop: int) -> list[range]:
    """The seeds at the positions from `start` up to `stop`, as ranges."""
    found, before = [], 0  # seeds in the ranges gone through
    for part in ranges:
        found.append(part[max(start - before, 0) : max(stop - before, 0)])
        before += len(part)
    return [part for part in found if part]


def describe_seeds(seeds: Sequence[int]) -> str:
    """The inverse of parse_seeds: "0-15,20"."""
    return describe_ranges([range(seed, seed + 1) for seed in seeds])


def describe_ranges(ranges: Sequence[range]) -> str:
    """The inverse of seed_ranges; neighbours become one: "0-15,20"."""
    joined: list[range] = []
    for part in ranges:
        if joined and joined[-1].stop == part.start:
            joined[-1] = range(joined[-1].start, part.stop)
        else:
            joined.append(part)
    return ",".join(f"{r[0]}-{r[-1]}" if len(r) > 1 else str(r[0]) for r in joined)


def no_seed(value: object, also: str = "") -> InputError:
    """The error for something that is not a seed. also: what else is allowed."""
    shown = repr(printable(value, 80)) if isinstance(value, str) else printable(repr(value), 80)
    return InputError(f"seeds: {shown} is not a seed; give numbers and ranges such as 0-15,20{also}")


def _items(seeds: Any) -> Iterable[Any]:
    """The parts of a list; a number or a text is a list of one."""
    if isinstance(seeds, str | range) or is_whole(seeds):
        return [seeds]
    if isinstance(seeds, bytes | dict | set) or not isinstance(seeds, Iterable):
        raise no_seed(seeds)
    try:
        return list(seeds)
    except TypeError as e:  # an array of no dimension
        raise no_seed(seeds) from e


def _ranges(item: Any) -> Iterable[range]:
    """The ranges of one item of a list."""
    if isinstance(item, str):
        return [_range(part, item) for part in item.split(",")]
    if isinstance(item, range):
        if item.step == 1:
            return [item] if item else []
        if len(item) > MAX_COUNT:
            raise InputError(f"seeds {item!r} are {len(item):,}: give 1 to {MAX_COUNT:,}")
        return (range(seed, seed + 1) for seed in item)
    if not is_whole(item):
        raise no_seed(item)
    seed = operator.index(item)
    return [range(seed, seed + 1)]


def _range(part: str, seeds: str) -> range:
    match = re.fullmatch(r"\s*(\d{1,999})\s*(?:-\s*(\d{1,999})\s*)?", part)
    if match is None:
        raise InputError(
            f"seeds {printable(seeds, 80)!r}: {printable(part.strip(), 80)!r} is not a seed; "
            "give numbers and ranges such as 0-15,20"
        )
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise InputError(f"seeds {printable(seeds, 80)!r}: the range {part.strip()} ends before it starts")
    return range(first, last + 1)
