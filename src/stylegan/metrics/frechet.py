"""The Frechet distance of two sets of features, each seen as a Gaussian (Heusel et al., arXiv 1706.08500).

It is called FID only if the features are those of the Inception network of 2015-12-05.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from stylegan.errors import InputError
from stylegan.metrics.arrays import Array, checked, subset
from stylegan.metrics.estimate import Estimate

SMALLEST_INFINITY = 20  # pictures: the smallest subset is a tenth of them, and a covariance needs two


class Gaussian(NamedTuple):
    """What the distance needs of features (N, F). mean: (F,); root: (min(N, F), F), root.T @ root is the covariance."""

    mean: Tensor
    root: Tensor


def frechet_distance(a: Array, b: Array) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of features a (N, F) and b (M, F).

    Covariances are divided by N - 1. Raises InputError for arrays of another shape, fewer than 2 rows, NaN or infinity.
    """
    a, b = checked(a=a, b=b)
    return distance(fit(a), fit(b))


def fit(features: Tensor) -> Gaussian:
    """The Gaussian of float64 features (N, F). QR does not form the covariance, which would lose half of the digits."""
    mean = features.mean(dim=0)
    root = torch.linalg.qr(features - mean, mode="r").R
    return Gaussian(mean, root / math.sqrt(len(features) - 1))


def distance(p: Gaussian, q: Gaussian) -> float:
    """The squared 2-Wasserstein distance of two Gaussians.

    The eigenvalues of C_p C_q are the squared singular values of root_p root_q^T. So no number becomes complex, and
    covariances of low rank (N <= F) are handled exactly.
    """
    product = torch.linalg.svdvals(p.root @ q.root.T).sum()
    value = (p.mean - q.mean).square().sum() + p.root.square().sum() + q.root.square().sum() - 2 * product
    return max(value.item(), 0.0)  # only rounding could make it negative


def frechet_infinity(real: Array, fake: Array, *, generator: torch.Generator, points: int = 15) -> Estimate:
    """The distance for infinitely many generated pictures: the intercept of a line over 1/N, with its standard error.

    Chong & Forsyth (arXiv 1911.07023). real: (M, F), used whole; fake: (N, F). The line is fitted to `points` random
    subsets of `fake`, whose sizes are evenly spaced from min(5000, N / 10) to N. The bias is proportional to 1/N only
    if N is well above F. Raises InputError for fewer than 20 generated pictures or 3 points.
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
    """The value at x = 0 of the least-squares line through the points x (n,), y (n,), with its standard error."""
    X = np.stack([np.ones_like(x), x], axis=1)
    solution = np.linalg.lstsq(X, y, rcond=None)[0]
    variance = np.square(y - X @ solution).sum() / (len(x) - 2)
    return Estimate(float(solution[0]), float(np.sqrt(variance * np.linalg.inv(X.T @ X)[0, 0])))
