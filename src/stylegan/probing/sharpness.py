"""Is a cut a boundary? Two nulls decide: the layers in any order, and the same change spread evenly over depth."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import factorial, prod

import numpy as np

from stylegan.probing.segments import Array, Segmentation, at_once, means, segment, z_scores
from stylegan.probing.subject import GROUPS

LEAST_DIFFERENCE = 0.1  # of neighbouring groups, root mean square over the features, to be of different kinds
LEAST_GAIN = 0.07  # of the variance, explained by one more group
LEAST_REMOVED = 0.5  # of what was unexplained, by one more group: within a group it falls by less
LEAST_RATIO = 0.5  # of the smallest to the largest distance between neighbouring groups
LEAST_AT_ONCE = 0.75  # of the way between groups, in the step across a boundary: no random gradual network of 10 to 18
LEAST_AT_ONCE_OF_FEW = 0.85  # layers reached it, of 76; of those with fewer than FEW layers, 2 of 44 passed this one
FEW = 10
RESAMPLES = 400
NULLS = 200
CHANCE = 0.05


@dataclass(frozen=True)
class Cut:
    """The layers cut into `groups`, and the evidence.

    intervals: 95 % of each boundary, over pairs. at_once: of each boundary, see `segments.at_once`. ramp: what 95 % of
    gradual networks with the same groups stay below, in the least of at_once. order: share of random orders of the
    layers that are explained as well. problems: why this is not a set of levels, in words; empty where it is.
    """

    groups: int
    boundaries: tuple[int, ...]
    explained: float
    intervals: tuple[tuple[int, int], ...]
    at_once: tuple[float, ...]
    ramp: float
    order: float
    problems: tuple[str, ...]

    @property
    def gradual(self) -> bool:
        """The groups are there, but they blend into one another."""
        return self.problems == (GRADUAL,)


GRADUAL = "gradual: the change from group to group is spread over several layers, as on a ramp"


def cuts(F: Array, seed: int = 0) -> list[Cut]:
    """The best cut for each number of groups, from 2. F: (pairs, layers, features), the layers' kinds; no NaN."""
    rng = np.random.default_rng(seed)
    signature = F.mean(axis=0)
    z = z_scores(signature)
    weights = rng.multinomial(len(F), np.full(len(F), 1 / len(F)), RESAMPLES) / len(F)
    resampled = np.einsum("rp,plf->rlf", weights, F)
    found: list[Cut] = []
    explained = 0.0
    for groups in range(2, min(GROUPS, len(z)) + 1):
        best = segment(z, groups)
        sizes = np.diff([0, *best.boundaries, len(z)]).tolist()
        problems = groups_problems(signature, best, explained)
        order = order_chance(z, best, rng)
        if order > max(CHANCE, 1.5 * unavoidable(best, len(z))):
            problems.append(f"order: {order:.0%} of random orders of the layers are explained as well")
        ramp = float(np.quantile(list(ramps(z, best, rng)), 1 - CHANCE))
        steps = at_once(z, best.boundaries)
        if 1 in sizes[1:-1] or max(sizes[:2]) < 2 or max(sizes[-2:]) < 2:
            problems.append("single: one layer between two groups is an odd layer or a step of a ramp, not a group")
        if steps.min() <= max(least_at_once(len(z)), ramp):
            problems.append(GRADUAL)
        moved = np.array([segment(z_scores(s), groups).boundaries for s in resampled])
        low, high = np.quantile(moved, [0.025, 0.975], axis=0, method="nearest").astype(int)
        intervals = tuple(zip(low.tolist(), high.tolist(), strict=True))
        found.append(
            Cut(groups, best.boundaries, best.explained, intervals, tuple(steps.tolist()), ramp, order, tuple(problems))
        )
        explained = best.explained
    return found


def least_at_once(layers: int) -> float:
    """What a boundary's `at_once` must exceed: in few layers a ramp takes large steps."""
    return LEAST_AT_ONCE_OF_FEW if layers < FEW else LEAST_AT_ONCE


def groups_problems(signature: Array, best: Segmentation, explained_by_fewer: float) -> list[str]:
    """Why the groups are not different kinds, or are too many, in words."""
    mu = means(signature, best.boundaries)
    between = np.sqrt((np.diff(mu, axis=0) ** 2).mean(axis=1))
    distances = np.linalg.norm(np.diff(means(z_scores(signature), best.boundaries), axis=0), axis=1)
    gain = best.explained - explained_by_fewer
    problems = []
    if between.min() < LEAST_DIFFERENCE:
        problems.append(
            f"alike: neighbouring groups differ by only {between.min():.2f}; the least is {LEAST_DIFFERENCE}"
        )
    if gain < LEAST_GAIN or gain < LEAST_REMOVED * (1 - explained_by_fewer):
        problems.append(
            f"no gain: this group adds {gain:.0%} to the {explained_by_fewer:.0%} explained with one group fewer"
        )
    if distances.min() < LEAST_RATIO * distances.max():
        problems.append("uneven: one boundary is far weaker than another")
    return problems


def order_chance(z: Array, best: Segmentation, rng: np.random.Generator) -> float:
    """The share of random orders of the layers in which as many groups explain as much."""
    orders = (rng.permutation(len(z)) for _ in range(NULLS))
    hits = sum(segment(z[order], best.groups).explained >= best.explained - 1e-9 for order in orders)
    return (hits + 1) / (NULLS + 1)


def unavoidable(best: Segmentation, layers: int) -> float:
    """The share of orders that keep every group together: with few layers no order test can fall below it."""
    sizes = np.diff([0, *best.boundaries, layers]).tolist()
    return factorial(best.groups) * prod(map(factorial, sizes)) / factorial(layers)


def ramps(z: Array, best: Segmentation, rng: np.random.Generator) -> Iterator[float]:
    """The least `at_once` of gradual networks, cut anew: the same groups at their middles, with a path between
    them that is straight or as steep in its middle as a blend of two amplitudes, and with the scatter of the layers.
    """
    ends = [0, *best.boundaries, len(z)]
    mu = means(z, best.boundaries)
    scatter = z - np.repeat(mu, np.diff(ends), axis=0)
    middles = (np.array(ends[:-1]) + np.array(ends[1:]) - 1) / 2
    for _ in range(NULLS):
        at = np.interp(np.arange(len(z)), np.sort(middles + rng.uniform(-0.5, 0.5, len(middles))), np.arange(len(mu)))
        k = np.minimum(at.astype(int), len(mu) - 2)
        way, power = at - k, rng.uniform(1, 2)
        way = way**power / (way**power + (1 - way) ** power)
        path = mu[k] + (mu[k + 1] - mu[k]) * way[:, None]
        signs = rng.choice([-1, 1], (len(z), 1))
        ramp = path + scatter[rng.integers(len(z), size=len(z))] * signs
        yield float(at_once(ramp, segment(ramp, best.groups).boundaries).min())


def ordered(F: Array, seed: int = 0) -> bool:
    """Do layers differ in kind, and neighbours less than they would in a random order?"""
    signature = F.mean(axis=0)
    z = z_scores(signature)
    farthest = np.sqrt(((signature[:, None] - signature[None]) ** 2).mean(axis=2)).max()
    rng = np.random.default_rng(seed)
    orders = (z[rng.permutation(len(z))] for _ in range(NULLS))
    length = (np.diff(z, axis=0) ** 2).sum()
    shorter = sum((np.diff(other, axis=0) ** 2).sum() <= length + 1e-9 for other in orders)
    return bool(farthest >= LEAST_DIFFERENCE and (shorter + 1) / (NULLS + 1) <= CHANCE)


def on_layers(cut: Cut, layers: list[int]) -> Cut:
    """The cut of the layers that were given as `layers`, counted among all."""
    return replace(
        cut,
        boundaries=tuple(layers[b] for b in cut.boundaries),
        intervals=tuple((layers[low], layers[high]) for low, high in cut.intervals),
    )
