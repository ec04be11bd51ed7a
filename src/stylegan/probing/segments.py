"""Layers in contiguous groups: where to cut, so that the layers of a group differ least in what they change."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FAINT = 0.05  # layers that differ less than this in a root share are alike in it: z-scores do not inflate them

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Segmentation:
    """The best cut into `groups`. boundaries: the first layer of each group but the first.

    explained: the share of the layers' variance that lies between groups.
    """

    groups: int
    boundaries: tuple[int, ...]
    explained: float


def z_scores(signature: Array) -> Array:
    """(layers, features) -> each feature with mean 0 and deviation 1 over layers, or less where layers are alike."""
    return (signature - signature.mean(axis=0)) / np.maximum(signature.std(axis=0), FAINT)


def segment(z: Array, groups: int) -> Segmentation:
    """The contiguous groups of least scatter, by dynamic programming. z: (layers, features)."""
    L = len(z)
    cost = scatter(z)
    best, last = cost[0].copy(), np.zeros((groups, L + 1), int)  # best[e]: least scatter of layers 0 to e - 1
    for k in range(1, groups):
        totals = best[:, None] + cost  # (start of the last group, its end)
        totals[:k] = np.inf
        last[k] = totals.argmin(axis=0)
        best = totals.min(axis=0)
    cuts, end = [], L
    for k in range(groups - 1, 0, -1):
        end = int(last[k, end])
        cuts.append(end)
    total = cost[0, L]
    return Segmentation(groups, tuple(reversed(cuts)), float(1 - best[L] / total) if total > 1e-12 else 0.0)


def scatter(z: Array) -> Array:
    """[i, j]: the summed squared distance of layers i to j - 1 from their mean; infinite for no layer."""
    L = len(z)
    sums = np.concatenate([np.zeros((1, z.shape[1])), z.cumsum(axis=0)])
    squares = np.concatenate([[0.0], (z**2).sum(axis=1).cumsum()])
    counts = np.arange(L + 1)[None] - np.arange(L + 1)[:, None]
    within = squares[None] - squares[:, None] - ((sums[None] - sums[:, None]) ** 2).sum(axis=2) / np.maximum(counts, 1)
    return np.where(counts > 0, np.maximum(within, 0), np.inf)


def means(z: Array, boundaries: Sequence[int]) -> Array:
    """The mean of each group: (groups, features)."""
    return np.stack([part.mean(axis=0) for part in np.split(z, list(boundaries))])


def at_once(z: Array, boundaries: Sequence[int]) -> Array:
    """For each boundary, how much of the way between its two groups the one step across it covers, as a share.

    1 where the groups are flat; 1 / (layers in a group) for a ramp.
    """
    mu = means(z, boundaries)
    found = []
    for k, b in enumerate(boundaries):
        way = mu[k + 1] - mu[k]
        found.append((z[b] - z[b - 1]) @ way / max(way @ way, 1e-12))
    return np.array(found)
