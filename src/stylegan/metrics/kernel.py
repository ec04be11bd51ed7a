"""KID: the squared maximum mean discrepancy with a cubic kernel, unbiased (Binkowski et al., arXiv 1801.01401)."""

import math

import torch
from torch import Tensor

from stylegan.errors import InputError
from stylegan.metrics.arrays import Array, checked, subset
from stylegan.metrics.estimate import Estimate


def kid(a: Array, b: Array, *, subsets: int, subset_size: int, generator: torch.Generator) -> Estimate:
    """The mean over pairs of random subsets of features (N, F) and (M, F), and the deviation of one pair's value.

    The error is what the field prints. The mean over many subsets is more precise than that, but subsets of one
    set overlap, so not by the root of their number. It may be
    below 0, as the estimate has no bias and the true value may be 0.
    """
    a, b = checked(a=a, b=b)
    smaller = min(len(a), len(b))
    if subsets < 1 or not 2 <= subset_size <= smaller:
        raise InputError(
            f"KID with {subsets} subsets of {subset_size}: "
            f"must be 1 or more, of 2 to {smaller} pictures, as many as the smaller set has"
        )
    values = [mmd(*(subset(x, subset_size, generator) for x in (a, b))) for _ in range(subsets)]
    mean = sum(values) / subsets
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (subsets - 1)) if subsets > 1 else math.nan
    return Estimate(mean, spread)


def mmd(x: Tensor, y: Tensor) -> float:
    """The unbiased estimate from all pairs: no picture is compared with itself."""
    xx, yy = (_off_diagonal_mean(kernel(own, own)) for own in (x, y))
    return (xx + yy - 2 * kernel(x, y).mean()).item()


def kernel(x: Tensor, y: Tensor) -> Tensor:
    """(x . y / F + 1)^3 of each pair of rows: (N, M)."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def _off_diagonal_mean(K: Tensor) -> Tensor:
    N = len(K)
    return (K.sum() - K.diagonal().sum()) / (N * (N - 1))
