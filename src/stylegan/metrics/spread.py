"""Estimates how far a number may be off by chance, because other pictures could have been drawn."""

import math
from collections.abc import Callable

from torch import Tensor

from stylegan.sampling.progress import progress

GROUPS = 10
JACKKNIFE = f"jackknife over {GROUPS} groups"


def jackknife(function: Callable[[Tensor, Tensor], float], a: Tensor, b: Tensor) -> float:
    """The standard error of function(a, b) for a (N, F) and b (M, F): it is computed again without each tenth of both.

    The bootstrap would put copies into a set, which distances take for clusters. NaN if a or b has fewer than 20 rows.
    """
    if min(len(a), len(b)) < 2 * GROUPS:
        return math.nan
    values = [function(without(a, i), without(b, i)) for i in progress(range(GROUPS), "spread")]
    mean = sum(values) / GROUPS
    return math.sqrt((GROUPS - 1) / GROUPS * sum((value - mean) ** 2 for value in values))


def without(rows: Tensor, group: int) -> Tensor:
    """All rows except the group-th tenth. Tenths are contiguous, so most mirror images stay with their pictures."""
    edges = [len(rows) * i // GROUPS for i in range(GROUPS + 1)]
    kept: Tensor = rows.new_empty((len(rows) - (edges[group + 1] - edges[group]), *rows.shape[1:]))
    kept[: edges[group]] = rows[: edges[group]]
    kept[edges[group] :] = rows[edges[group + 1] :]
    return kept


def standard_error(marks: Tensor) -> float:
    """The standard error of the mean of independent numbers (N,). NaN for a single one."""
    return marks.double().std().item() / math.sqrt(len(marks)) if len(marks) > 1 else math.nan
