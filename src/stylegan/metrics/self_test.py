"""Tests whether metrics can be trusted on a data set: compares real pictures with real, blurred and noisy ones."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from stylegan.data.dataset import ImageDataset
from stylegan.data.pixels import to_float, to_uint8
from stylegan.errors import InputError, printable
from stylegan.metrics.features import OFFLINE, FeatureNetwork, extract, find_features
from stylegan.metrics.frechet import frechet_distance
from stylegan.metrics.kernel import kid
from stylegan.metrics.kinds import DIRECTIONS, SUBSET_SIZE, SUBSETS
from stylegan.metrics.names import LEAST_FRECHET
from stylegan.metrics.precision_recall import density_coverage, precision_recall
from stylegan.metrics.reference import pictures, real_order
from stylegan.metrics.sliced import mind

MOST = 2500  # pictures in a half: enough for the Frechet distance; 5 minutes on a CPU
LEAST = 100
LEVEL = 1 / 127.5  # one of the 255 steps of uint8, in [-1, 1]
SMALL = 3  # by how many deviations KID of the two halves may differ from 0


class Comparison(NamedTuple):
    """The first half of the real pictures against `what`. numbers: metric -> value. kid_error: KID's deviation."""

    what: str
    numbers: dict[str, float]
    kid_error: float


class SelfTest(NamedTuple):
    """half: how many pictures each side has. problems: what is not small or not in order, in words."""

    features: str
    half: int
    comparisons: list[Comparison]
    problems: list[str]

    @property
    def passed(self) -> bool:
        return not self.problems

    def lines(self) -> list[str]:
        """The outcome as lines of text for people."""
        names = list(self.comparisons[0].numbers)
        widest = max(len(comparison.what) for comparison in self.comparisons)
        table = [" " * widest + "".join(f"{name:>11}" for name in names)]
        for what, numbers, _ in self.comparisons:
            table.append(f"{what:<{widest}}" + "".join(f"{numbers[name]:>11.4g}" for name in names))
        verdict = ["passed: what must be small is small and in order"] if self.passed else self.problems
        return [f"{self.half:,} real pictures against {self.half:,} others, {self.features}", *table, *verdict]


Change = Callable[[Tensor, torch.Generator], Tensor]
"""Changes pictures (N, C, H, H) in [-1, 1]."""


def blur(times: int) -> Change:
    """Blur with the binomial 3x3 filter, this many times."""

    def change(images: Tensor, generator: torch.Generator) -> Tensor:
        C = images.shape[1]
        line = images.new_tensor([0.25, 0.5, 0.25])
        kernel = (line[:, None] * line).expand(C, 1, 3, 3)
        for _ in range(times):
            images = F.conv2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), kernel, groups=C)
        return images

    return change


def noise(levels: float) -> Change:
    """Add Gaussian noise to each value. levels: its deviation, in steps of uint8."""

    def change(images: Tensor, generator: torch.Generator) -> Tensor:
        return images + levels * LEVEL * torch.randn(images.shape, generator=generator)

    return change


CHANGES: dict[str, Change] = {
    "the other half": lambda images, generator: images,
    "blurred": blur(1),
    "blurred more": blur(4),
    "noisy": noise(10),
    "noisier": noise(40),
}
"""Changes of the other half. Each must put it further away, and the second of a kind further than the first."""


def run_self_test(dataset: ImageDataset | Path | str, *, features: FeatureNetwork | Path | str = OFFLINE) -> SelfTest:
    """Compare one half of the real pictures, at most 2,500, with the other half: unchanged, blurred and noisy.

    The Frechet distance is left out if a half has fewer than 2,048 pictures. Raises InputError for fewer than 100.
    """
    network = find_features(features)
    dataset = dataset if isinstance(dataset, ImageDataset) else ImageDataset(dataset)
    count = min(len(dataset) // 2, MOST)
    if count < LEAST:
        raise InputError(
            f"{printable(dataset.path)} has {len(dataset)} pictures: the self-test needs {2 * LEAST} or more"
        )
    order = real_order(dataset)
    reals = extract(network, pictures(dataset, order[:count], resolution=dataset.img_resolution))
    found = []
    for what, change in CHANGES.items():
        others = pictures(dataset, order[count : 2 * count], resolution=dataset.img_resolution)
        found.append(compare(what, reals, extract(network, (changed(batch, change) for batch in others))))
    return SelfTest(network.name, count, found, problems_of(found))


def changed(batch: NDArray[np.uint8], change: Change) -> NDArray[np.uint8]:
    """The changed uint8 pictures (n, C, H, H). Noise differs within a batch but is the same for each batch."""
    images = change(to_float(torch.from_numpy(np.ascontiguousarray(batch))), torch.Generator().manual_seed(0))
    return to_uint8(images).numpy()


def compare(what: str, real: Tensor, other: Tensor) -> Comparison:
    """All numbers of two sets of features, (N, F) each. what: a name for the second."""
    generator = torch.Generator().manual_seed(0)
    found = kid(real, other, subsets=SUBSETS, subset_size=min(SUBSET_SIZE, len(real) // 2), generator=generator)
    distances = {"kid": found.value, "mind": mind(real, other, directions=DIRECTIONS, generator=generator)}
    if len(real) >= LEAST_FRECHET:
        distances = {"fd": frechet_distance(real, other)} | distances
    shares = precision_recall(real, other)._asdict() | density_coverage(real, other)._asdict()
    return Comparison(what, distances | shares, found.error)


def problems_of(found: list[Comparison]) -> list[str]:
    """What is not as it must be: KID of the halves small, distances rising with the change, coverage falling."""
    same, blurred, more, noisy, noisier = found
    problems = []
    if abs(same.numbers["kid"]) > SMALL * same.kid_error:
        problems.append(f"kid of two halves is {same.numbers['kid']:.2g} +- {same.kid_error:.2g}: must be about 0")
    for name in [name for name in ("fd", "kid", "mind") if name in same.numbers]:
        for chain in ((same, blurred, more), (same, noisy, noisier)):
            for a, b in pairwise(chain):
                if not a.numbers[name] < b.numbers[name]:
                    problems.append(f"{name} of {a.what} must be below that of {b.what}")
    for other in found[1:]:
        if not same.numbers["coverage"] > other.numbers["coverage"]:
            problems.append(f"coverage of {same.what} must be above that of {other.what}")
    return problems
