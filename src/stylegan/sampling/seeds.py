"""Seeds in words: "0-15,20". No torch."""

import re
from collections.abc import Sequence
from itertools import pairwise

from stylegan.errors import InputError

MAX_SEED = 2**32 - 1  # of numpy's RandomState
MAX_COUNT = 1_000_000  # a slip of the keyboard, not a wish

Seeds = str | Sequence[int]
"""Seeds in words ("0-15,20") or as numbers."""


def parse_seeds(seeds: Seeds) -> list[int]:
    """The seeds of "0-15,20", in the given order; both ends of a range belong to it.

    Raises InputError for what is no whole number from 0 to 2^32 - 1, and for a range that ends before it starts.
    """
    return [seed for part in seed_ranges(seeds) for seed in part]


def seed_ranges(seeds: Seeds, *, at_most: int = MAX_COUNT) -> list[range]:
    """The same as ranges, none empty: a billion seeds need no memory."""
    if isinstance(seeds, str):
        found = [_range(part, seeds) for part in seeds.split(",")]
    elif isinstance(seeds, range) and seeds.step == 1:
        found = [seeds] if seeds else []
    else:
        found = [range(seed, seed + 1) for seed in seeds]
    too_big = [str(r[-1]) for r in found if r[-1] > MAX_SEED or r[0] < 0]
    if too_big:
        raise InputError(f"seeds {', '.join(too_big)}: must be 0 to {MAX_SEED}")
    count = sum(map(len, found))
    if not 0 < count <= at_most:
        raise InputError(f"seeds {seeds!r} are {count:,}: give 1 to {at_most:,}")
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


def _range(part: str, seeds: str) -> range:
    match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
    if match is None:
        raise InputError(f"seeds {seeds!r}: {part.strip()!r} is no seed; give numbers and ranges such as 0-15,20")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise InputError(f"seeds {seeds!r}: the range {part.strip()} ends before it starts")
    return range(first, last + 1)
