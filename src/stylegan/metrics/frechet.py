"""The Frechet distance of two sets of features, seen as Gaussians (Heusel et al., arXiv 1706.08500).

Called FID only where the features are those of the Inception network of 2015-12-05.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from stylegan.errors import InputError
from stylegan.metrics.arrays import Array, checked, subset
from stylegan.metrics.estimate import Estimate

SMALLEST_INFINITY = 20  # the smallest subset is a tenth, and a covariance needs two


class Gaussian(NamedTuple):
    """What the distance needs from a set of features. root: (min(N, F), F), whose root.T @ root is the covariance."""

    mean: Tensor
    root: Tensor


def frechet_distance(a: Array, b: Array) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of features (N, F) and (M, F); covariances over N - 1."""
    a, b = checked(a=a, b=b)
    return distance(fit(a), fit(b))


def fit(features: Tensor) -> Gaussian:
    """The Gaussian of (N, F) float64. QR never forms the covariance, whose rounding would be squared."""
    mean = features.mean(dim=0)
    root = torch.linalg.qr(features - mean, mode="r").R
    return Gaussian(mean, root / math.sqrt(len(features) - 1))


def distance(p: Gaussian, q: Gaussian) -> float:
    """The squared 2-Wasserstein distance of two Gaussians.

    The eigenvalues of C_p C_q are the squared singular values of root_p root_q^T. So nothing is complex, and a
    covariance of low rank (N <= F) is exact too.
    """
    product = torch.linalg.svdvals(p.root @ q.root.T).sum()
    value = (p.mean - q.mean).square().sum() + p.root.square().sum() + q.root.square().sum() - 2 * product
    return max(value.item(), 0.0)  # below 0 by rounding alone


def frechet_infinity(real: Array, fake: Array, *, generator: torch.Generator, points: int = 15) -> Estimate:
    """The distance for infinitely many generated pictures: the intercept of a line over 1/N, and its standard error.

    Chong & Forsyth (arXiv 1911.07023). N goes from min(5000, len(fake) / 10) to len(fake) in `points` even steps,
    each a random subset of `fake`; `real` is used whole. The bias follows 1/N only where N is well above F.
    """
    real, fake = checked(real=real, fake=fake)
    if len(fake) < SMALLEST_INFINITY or points < 3:
        raise InputError(
            f"extrapolation from {len(fake)} pictures and {points} points: "
            f"must be {SMALLEST_INFINITY} pictures or more and 3 points or more"
        )
    sizes = np.linspace(min(5000, len(fake) // 10), len(fake), points).astype(int)
    reference = fit(real)
    values = [distance(reference, fit(subset(fake, size, generator))) for size in sizes]
    return intercept(1 / sizes, np.array(values))


def intercept(x: np.ndarray, y: np.ndarray) -> Estimate:
    """Where the least-squares line through the points meets x = 0, with the standard error of that."""
    X = np.stack([np.ones_like(x), x], axis=1)
    solution = np.linalg.lstsq(X, y, rcond=None)[0]
    variance = np.square(y - X @ solution).sum() / (len(x) - 2)
    return Estimate(float(solution[0]), float(np.sqrt(variance * np.linalg.inv(X.T @ X)[0, 0])))
