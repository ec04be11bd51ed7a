"""Linear regression with a penalty on the size of the weights, which leaves most of them 0 (Tibshirani, 1996)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

SWEEPS = 1000
TOLERANCE = 1e-6  # the largest change of a weight in a sweep, in deviations of a factor per deviation of a code


def lasso_path(X: Tensor, Y: Tensor, penalties: Sequence[float] | np.ndarray) -> Tensor:
    """Weights (penalties, D, K) for X (N, D) and Y (N, K), each column of mean 0: each starts from the one before.

    Minimises |Y - X B|^2 / (2 N) + a |B|_1 for each column of Y, where a is the penalty times the smallest a that
    leaves every weight 0. Coordinate descent, all columns at once.
    """
    gram, target = X.T @ X / len(X), X.T @ Y / len(X)
    largest = target.abs().amax(dim=0)  # (K,)
    B = torch.zeros_like(target)
    found = []
    for penalty in penalties:
        B = _descend(gram, target, penalty * largest, B)
        found.append(B)
    return torch.stack(found)


def _descend(gram: Tensor, target: Tensor, a: Tensor, B: Tensor) -> Tensor:
    """Coordinate descent from B: each coordinate moves to its optimum, given the others; a: (K,)."""
    B = B.clone()
    live = gram.diagonal().nonzero().flatten().tolist()  # a coordinate that does not vary keeps the weight 0
    for _ in range(SWEEPS):
        change = 0.0
        for j in live:
            rest = target[j] - gram[j] @ B + gram[j, j] * B[j]  # (K,) what the others leave unexplained
            new = rest.sign() * (rest.abs() - a).clamp(min=0) / gram[j, j]
            change = max(change, (new - B[j]).abs().max().item())
            B[j] = new
        if change < TOLERANCE:
            break
    return B
