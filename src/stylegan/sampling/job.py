"""A job of many seeds, split into shards. The batches do not depend on the number of shards. No torch."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from stylegan.errors import InputError, printable
from stylegan.sampling.seeds import MAX_SEED, Seeds, cut, describe_ranges, refuse_repeats, seed_ranges
from stylegan.sampling.sources import ARRAY_SUFFIXES, SUFFIX

ENDS = (SUFFIX, *ARRAY_SUFFIXES)
BATCH = 16  # pictures computed together; constant, because the batch size affects rounding


@dataclass(frozen=True)
class Shard:
    """Shard i of the N of a job: the pictures of the job's seeds from the start-th up to the stop-th."""

    ranges: tuple[range, ...]  # the seeds of the whole job
    i: int
    N: int

    def __len__(self) -> int:
        return self.stop - self.start

    def __str__(self) -> str:
        return f"{self.i}/{self.N}"

    @property
    def count(self) -> int:
        """The pictures of the whole job."""
        return sum(map(len, self.ranges))

    @property
    def start(self) -> int:
        return self._edge(self.i)

    @property
    def stop(self) -> int:
        return self._edge(self.i + 1)

    @property
    def seeds(self) -> list[range]:
        """Those of this shard."""
        return cut(self.ranges, self.start, self.stop)

    @property
    def firsts(self) -> range:
        """The positions in the job at which this shard's batches begin."""
        return range(self.start // BATCH * BATCH, self.stop, BATCH)

    def batches(self) -> Iterator[tuple[list[int], slice]]:
        """The seeds of each of these batches, and which of its pictures belong to this shard."""
        seeds = chain.from_iterable(cut(self.ranges, self.firsts[0], self.firsts[-1] + BATCH))
        for first in self.firsts:
            yield list(islice(seeds, BATCH)), slice(max(self.start - first, 0), self.stop - first)

    def _edge(self, i: int) -> int:
        step = BATCH if self.count >= self.N * BATCH else 1  # between batches, so that none is computed twice
        return self.count if i == self.N else i * self.count // self.N // step * step


def shard_of(seeds: Seeds, shard: str | tuple[int, int]) -> Shard:
    """Shard "I/N" of the seeds. Raises InputError for a bad I or N, a seed given twice, and more shards than seeds."""
    i, N = parse_shard(shard)
    if any(isinstance(part, Path) or (isinstance(part, str) and _has_file(part)) for part in _list(seeds)):
        raise InputError(f"shard {i}/{N}: shards are parts of ranges of seeds; sample projections without shard")
    ranges = seed_ranges(seeds, at_most=MAX_SEED + 1)
    refuse_repeats(ranges)
    found = Shard(tuple(ranges), i, N)
    if found.count < N:
        raise InputError(
            f"shard {found} of {found.count} pictures ({describe_ranges(ranges)}): N is at most {found.count}"
        )
    return found


def _has_file(text: str) -> bool:
    return any(end in text for end in ENDS)


def _list(seeds: Seeds) -> Sequence[object]:
    return [seeds] if isinstance(seeds, str) else seeds if isinstance(seeds, list | tuple) else []


def parse_shard(shard: str | tuple[int, int]) -> tuple[int, int]:
    """I and N of "I/N". Raises InputError unless 0 <= I < N."""
    text = "/".join(map(str, shard)) if isinstance(shard, tuple | list) else str(shard)
    match = re.fullmatch(r"(\d{1,99})/(\d{1,99})", text)
    i, N = (int(match[1]), int(match[2])) if match else (0, 0)
    if not i < N:
        N = N or 4
        shown = printable(text, 60)
        raise InputError(
            f"shard {shown!r}: must be I/N; shards count from 0: 0/{N} to {N - 1}/{N} are the parts of {N}"
        )
    return i, N
