"""Two numbers instead of one: how realistic generated pictures are, and how much of the real ones they cover.

Each set is seen as a union of balls. Around each point is a ball that reaches to its k-th neighbour in the set.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from stylegan.errors import InputError
from stylegan.metrics.arrays import Array, checked
from stylegan.metrics.neighbours import squared_distances


class PrecisionRecall(NamedTuple):
    """precision: the share of generated pictures inside the real balls. recall: of real ones inside the generated."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """density: in how many real balls a generated picture is on average, divided by k. coverage: the share of real
    balls that hold a generated picture."""

    density: float
    coverage: float


def precision_recall(real: Array, fake: Array, *, k: int = 3) -> PrecisionRecall:
    """Precision and recall (Kynkaanniemi et al., arXiv 1904.06991) of features real (N, F) and fake (M, F).

    Raises InputError for k below 1, fewer than k + 1 rows, other shapes, NaN or infinity.
    """
    among_real, recalled = inside_balls(real, fake, k=k)
    return PrecisionRecall(precision=_mean(among_real), recall=_mean(recalled))


def density_coverage(real: Array, fake: Array, *, k: int = 5) -> DensityCoverage:
    """Density and coverage (Naeem et al., arXiv 2002.09797) of features real (N, F) and fake (M, F).

    Both are near 1 if real and fake have the same distribution. As in the authors' code, but unlike in precision, a
    point on the surface of a ball is outside. Raises InputError as `precision_recall` does.
    """
    balls, covered = balls_around(real, fake, k=k)
    return DensityCoverage(density=_mean(balls) / k, coverage=_mean(covered))


def inside_balls(real: Array, fake: Array, *, k: int) -> tuple[Tensor, Tensor]:
    """Whether each generated picture is in a real ball, (M,), and each real one in a generated ball, (N,); bool."""
    real, fake = _checked(real, fake, k)
    real_radii, fake_radii = _squared_radii(real, k), _squared_radii(fake, k)
    among_real = torch.zeros(len(fake), dtype=torch.bool, device=fake.device)
    recalled, done = [], 0
    for block in squared_distances(real, fake):
        among_real |= (block <= real_radii[done : done + len(block), None]).any(dim=0)
        recalled.append((block <= fake_radii).any(dim=1))
        done += len(block)
    return among_real, torch.cat(recalled)


def balls_around(real: Array, fake: Array, *, k: int) -> tuple[Tensor, Tensor]:
    """In how many real balls each generated picture is, (M,), and whether each real ball holds one, (N,)."""
    real, fake = _checked(real, fake, k)
    radii = _squared_radii(real, k)
    balls = torch.zeros(len(fake), dtype=torch.long, device=fake.device)
    covered, done = [], 0
    for block in squared_distances(real, fake):
        inside = block < radii[done : done + len(block), None]  # (n, M)
        balls += inside.sum(dim=0)
        covered.append(inside.any(dim=1))
        done += len(block)
    return balls, torch.cat(covered)


def _mean(marks: Tensor) -> float:
    return int(marks.sum()) / len(marks)


def _checked(real: Array, fake: Array, k: int) -> list[Tensor]:
    if k < 1:
        raise InputError(f"k = {k} neighbours: must be 1 or more; the papers take 3 and 5")
    return checked(at_least=k + 1, real=real, fake=fake)


def _squared_radii(centres: Tensor, k: int) -> Tensor:
    """The squared distance (N,) of each centre to its k-th neighbour. The smallest of all is that to itself."""
    return torch.cat([block.kthvalue(k + 1, dim=1).values for block in squared_distances(centres, centres)])
