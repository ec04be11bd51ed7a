"""Seeds in words: "0-15,20". No torch."""

import re
from collections.abc import Sequence

from stylegan.errors import InputError

MAX_SEED = 2**32 - 1  # of numpy's RandomState
MAX_COUNT = 1_000_000  # a slip of the keyboard, not a wish

Seeds = str | Sequence[int]
"""Seeds in words ("0-15,20") or as numbers."""


def parse_seeds(seeds: Seeds) -> list[int]:
    """The seeds of "0-15,20", in the given order; both ends of a range belong to it.

    Raises InputError for what is no whole number from 0 to 2^32 - 1, and for a range that ends before it starts.
    """
    if not isinstance(seeds, str):
        found = [range(seed, seed + 1) for seed in seeds]
    else:
        found = [_range(part, seeds) for part in seeds.split(",")]
    too_big = [str(r[-1]) for r in found if r[-1] > MAX_SEED or r[0] < 0]
    count = sum(map(len, found))
    if too_big:
        raise InputError(f"seeds {', '.join(too_big)}: must be 0 to {MAX_SEED}")
    if not 0 < count <= MAX_COUNT:
        raise InputError(f"seeds {seeds!r} are {count:,}: give 1 to {MAX_COUNT:,}")
    return [seed for r in found for seed in r]


def describe_seeds(seeds: Sequence[int]) -> str:
    """The inverse: "0-15,20"."""
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][1] + 1:
            parts[-1][1] = seed
        else:
            parts.append([seed, seed])
    return ",".join(f"{a}-{b}" if a < b else str(a) for a, b in parts)


def _range(part: str, seeds: str) -> range:
    match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
    if match is None:
        raise InputError(f"seeds {seeds!r}: {part.strip()!r} is no seed; give numbers and ranges such as 0-15,20")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise InputError(f"seeds {seeds!r}: the range {part.strip()} ends before it starts")
    return range(first, last + 1)
