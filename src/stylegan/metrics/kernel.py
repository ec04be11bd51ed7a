"""KID: the squared maximum mean discrepancy with a cubic kernel, unbiased (Binkowski et al., arXiv 1801.01401)."""

import math

import torch
from torch import Tensor

from stylegan.errors import InputError
from stylegan.metrics.arrays import Array, checked, subset
from stylegan.metrics.estimate import Estimate


def kid(a: Array, b: Array, *, subsets: int, subset_size: int, generator: torch.Generator) -> Estimate:
    """The mean over pairs of random subsets of features (N, F) and (M, F), with the deviation of a single pair's value.

    The field publishes this deviation as the error. The mean is more precise, but by less than the root of the number
    of subsets, because subsets of one set overlap. The mean may be negative, because the estimate is unbiased and the
    true value may be 0. Raises InputError for fewer than 1 subset and for sizes that are not 2 to min(N, M).
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
    """The unbiased estimate from all pairs of rows x (N, F) and y (M, F). No row is compared with itself."""
    xx, yy = (_off_diagonal_mean(kernel(own, own)) for own in (x, y))
    return (xx + yy - 2 * kernel(x, y).mean()).item()


def kernel(x: Tensor, y: Tensor) -> Tensor:
    """(x . y / F + 1)^3 (N, M) for each pair of rows of x (N, F) and y (M, F)."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def _off_diagonal_mean(K: Tensor) -> Tensor:
    N = len(K)
    return (K.sum() - K.diagonal().sum()) / (N * (N - 1))
