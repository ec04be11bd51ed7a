"""The lasso: linear regression with a penalty on the weights' sizes that makes most of them 0 (Tibshirani, 1996)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

SWEEPS = 1000
TOLERANCE = 1e-6  # the largest change of a weight in the last sweep: deviations of the factor per deviation of the code


def lasso_path(X: Tensor, Y: Tensor, penalties: Sequence[float] | np.ndarray) -> Tensor:
    """Weights (penalties, D, K) that predict Y (N, K) from X (N, D). Every column must have mean 0.

    Minimises |Y - X B|^2 / (2 N) + a |B|_1 for each column of Y, where a is the penalty times the smallest a that makes
    every weight 0. Solved by coordinate descent for all columns at once. Each penalty starts from the weights of the
    one before.
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
    """Coordinate descent from B (D, K): each coordinate moves to its optimum, given the others. a: (K,)."""
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
