"""How far a number may be off because other pictures could have been drawn."""

import math
from collections.abc import Callable

from torch import Tensor

from stylegan.sampling.progress import progress

GROUPS = 10
JACKKNIFE = f"jackknife over {GROUPS} groups"


def jackknife(function: Callable[[Tensor, Tensor], float], a: Tensor, b: Tensor) -> float:
    """The standard error of function(a, b): it is computed again without each tenth of the rows of both.

    Resampling with replacement would put copies into a set, which distances take for real clusters. NaN for sets of
    fewer than two rows a group.
    """
    if min(len(a), len(b)) < 2 * GROUPS:
        return math.nan
    values = [function(without(a, i), without(b, i)) for i in progress(range(GROUPS), "spread")]
    mean = sum(values) / GROUPS
    return math.sqrt((GROUPS - 1) / GROUPS * sum((value - mean) ** 2 for value in values))


def without(rows: Tensor, group: int) -> Tensor:
    """All rows but the group-th tenth; neighbours, such as mirror images, are in one tenth as far as possible."""
    edges = [len(rows) * i // GROUPS for i in range(GROUPS + 1)]
    kept: Tensor = rows.new_empty((len(rows) - (edges[group + 1] - edges[group]), *rows.shape[1:]))
    kept[: edges[group]] = rows[: edges[group]]
    kept[edges[group] :] = rows[edges[group + 1] :]
    return kept


def standard_error(marks: Tensor) -> float:
    """Of the mean of independent marks (N,)."""
    return marks.double().std().item() / math.sqrt(len(marks)) if len(marks) > 1 else math.nan
