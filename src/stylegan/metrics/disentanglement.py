"""DCI: does each coordinate of a code encode one factor, and is each factor encoded by one coordinate?

Eastwood & Williams, ICLR 2018. The importance of a coordinate for a factor is the size of its weight in a lasso that
predicts the factor from all coordinates. The paper's other choice, random forests, would need another library.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from stylegan.errors import InputError
from stylegan.metrics.arrays import Array, checked
from stylegan.metrics.lasso import lasso_path

PENALTIES = np.logspace(0, -3, 13)[1:]  # relative to the smallest penalty that makes all weights 0
PARTS = (0.6, 0.2, 0.2)  # of the pictures: to train, to choose the penalty, to test


class DCI(NamedTuple):
    """Three scores from 0 to 1, the best.

    disentanglement: whether each coordinate is important for one factor only. completeness: whether each factor depends
    on one coordinate only. informativeness: the share of the factors' variance that is explained on the test pictures.
    """

    disentanglement: float
    completeness: float
    informativeness: float


def dci(codes: Array, factors: Array) -> DCI:
    """The scores of codes z or w (N, D) for factors (N, K), which are continuous or 0 and 1. Rows in random order.

    The first 60 % of the rows train the lasso, the next 20 % choose each factor's penalty, the last 20 % test it.
    Raises InputError for fewer than 10 rows, 2 coordinates or 2 factors, for arrays that do not fit together, and for a
    factor that is constant in one of the three parts.
    """
    codes, factors = checked(at_least=10, codes=codes, factors=factors, same_width=False)
    if len(codes) != len(factors):
        raise InputError(f"codes of {len(codes)} pictures and factors of {len(factors)}: must be of the same pictures")
    if codes.shape[1] < 2 or factors.shape[1] < 2:
        raise InputError(
            "disentanglement needs 2 coordinates and 2 factors or more: a single one has nothing to be entangled with"
        )
    sizes = [int(part * len(codes)) for part in PARTS[:2]]
    X, Y = (_parts(x, sizes, name) for x, name in ((codes, ""), (factors, "factor")))
    weights = lasso_path(X[0], Y[0], PENALTIES)  # (penalties, D, K)
    errors = (Y[1] - X[1] @ weights).square().mean(dim=1)  # (penalties, K)
    best = weights[errors.argmin(dim=0), :, torch.arange(Y[0].shape[1])].T  # (D, K)
    unexplained = (Y[2] - X[2] @ best).square().mean(dim=0) / (Y[2] - Y[2].mean(dim=0)).square().mean(dim=0)
    scores = importance_scores(best.abs())
    return DCI(*scores, (1 - unexplained).clamp(min=0).mean().item())


def importance_scores(importance: Tensor) -> tuple[float, float]:
    """(disentanglement, completeness) from (D, K), the importance of each coordinate for each factor, 0 or more.

    In the first, coordinates are weighted by their share of the total importance, so that unused ones do not count. In
    the second, all factors have the same weight, and one that no coordinate explains counts as 0.
    """
    total = importance.sum()
    if not total > 0:
        return 0.0, 0.0
    disentanglement = (importance.sum(dim=1) / total) @ _concentration(importance)
    return disentanglement.item(), _concentration(importance.T).mean().item()


def _concentration(rows: Tensor) -> Tensor:
    """1 - entropy / largest possible entropy of each row: 1 for a single entry above 0, 0 for equal entries."""
    sums = rows.sum(dim=1, keepdim=True)
    p = torch.where(sums > 0, rows / sums, 1 / rows.shape[1])
    return 1 + torch.xlogy(p, p).sum(dim=1) / np.log(rows.shape[1])


def _parts(x: Tensor, sizes: list[int], name: str) -> list[Tensor]:
    """The three parts, scaled so that the first has mean 0 and deviation 1.

    Raises InputError for a constant column if the columns have a name.
    """
    parts = [*x.split([*sizes, len(x) - sum(sizes)])]
    mean, deviation = parts[0].mean(dim=0), parts[0].std(dim=0, correction=0)
    constant = [i for part in parts for i in (part == part[0]).all(dim=0).nonzero().flatten().tolist()]
    if name and constant:
        raise InputError(
            f"{name} {sorted(set(constant))}: must vary within each of the three parts; give more pictures"
        )
    deviation = torch.where(deviation > 0, deviation, 1.0)
    return [(part - mean) / deviation for part in parts]
