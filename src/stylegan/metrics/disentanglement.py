"""DCI: is each coordinate of a code about one factor, and each factor in one coordinate?

Eastwood & Williams, ICLR 2018. Importance is the size of a coordinate's weight in a lasso from all
coordinates to the factor, one of the two choices of the paper; random forests, the other, would need a library.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from stylegan.errors import InputError
from stylegan.metrics.arrays import Array, checked
from stylegan.metrics.lasso import lasso_path

PENALTIES = np.logspace(0, -3, 13)[1:]  # of the smallest penalty that leaves no weight
PARTS = (0.6, 0.2, 0.2)  # train, choose the penalty, test


class DCI(NamedTuple):
    """All from 0 to 1, 1 the best. informativeness: the share of the factors' variance
    explained on held-out pictures."""

    disentanglement: float
    completeness: float
    informativeness: float


def dci(codes: Array, factors: Array) -> DCI:
    """The scores of codes z or w (N, D) for factors (N, K), continuous or 0 and 1, both in random order.

    The first 60 % of the pictures train, the next 20 % choose each factor's penalty, the last 20 % test.
    """
    codes, factors = checked(at_least=10, codes=codes, factors=factors, same_width=False)
    if len(codes) != len(factors):
        raise InputError(f"codes of {len(codes)} pictures and factors of {len(factors)}: must be of the same pictures")
    if codes.shape[1] < 2 or factors.shape[1] < 2:
        raise InputError(
            "disentanglement needs 2 coordinates and 2 factors or more: a single one cannot be entangled with anything"
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
    """Disentanglement and completeness of (D, K), the importance of each coordinate for each factor, 0 or more.

    A coordinate's share in the first is its share of all importance, so that dead ones do not count; factors count
    alike, and one that no coordinate explains counts as 0.
    """
    total = importance.sum()
    if not total > 0:
        return 0.0, 0.0
    disentanglement = (importance.sum(dim=1) / total) @ _concentration(importance)
    return disentanglement.item(), _concentration(importance.T).mean().item()


def _concentration(rows: Tensor) -> Tensor:
    """1 - the entropy of each row divided by its maximum: 1 for a single entry, 0 for equal entries."""
    sums = rows.sum(dim=1, keepdim=True)
    p = torch.where(sums > 0, rows / sums, 1 / rows.shape[1])
    return 1 + torch.xlogy(p, p).sum(dim=1) / np.log(rows.shape[1])


def _parts(x: Tensor, sizes: list[int], name: str) -> list[Tensor]:
    """The three parts, with mean 0 and deviation 1 in the first. InputError for a named column that does not vary."""
    parts = [*x.split([*sizes, len(x) - sum(sizes)])]
    mean, deviation = parts[0].mean(dim=0), parts[0].std(dim=0, correction=0)
    constant = [i for part in parts for i in (part == part[0]).all(dim=0).nonzero().flatten().tolist()]
    if name and constant:
        raise InputError(
            f"{name} {sorted(set(constant))}: must vary within each of the three parts; give more pictures"
        )
    deviation = torch.where(deviation > 0, deviation, 1.0)
    return [(part - mean) / deviation for part in parts]
