"""The subject of measurements: a network, its data set, and the features of both, which are computed once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylegan.config import NoiseMode
from stylegan.data.dataset import ImageDataset
from stylegan.data.pixels import to_float
from stylegan.errors import printable, refuse
from stylegan.metrics.features import FeatureNetwork, extract
from stylegan.metrics.pairs import refuse_unknown
from stylegan.metrics.reference import BATCH, real_features
from stylegan.networks.generator import Generator
from stylegan.sampling.controls import Controls
from stylegan.sampling.latents import seed_ws, seed_z
from stylegan.sampling.progress import progress
from stylegan.sampling.sampler import Sampler
from stylegan.sampling.seeds import MAX_COUNT, MAX_SEED

MAX_MEASURE_SEED = (MAX_SEED + 1) // MAX_COUNT - 1


@dataclass(frozen=True)
class Classifier:
    """Tells attributes of pictures, for separability.

    function: pictures (N, C, H, H) in [-1, 1] -> logits (N, attributes), above 0 if the attribute is present; their
    size is the confidence.
    """

    name: str
    attributes: list[str]
    function: Callable[[Tensor], Tensor]


class Subject:
    """The pictures of G and the real ones at the same resolution. Each `seed` has a million pictures of its own.

    The arguments are those of `measure`. Raises InputError that names every problem, for a data set whose size,
    channels or classes are not G's and for a seed out of range.
    """

    def __init__(
        self,
        G: Generator,
        dataset: ImageDataset,
        network: FeatureNetwork,
        *,
        seed: int = 0,
        psi: float = 1.0,
        noise_mode: NoiseMode = "random",
        mirror: bool = False,
        classifier: Classifier | None = None,
    ) -> None:
        refuse(misfits(G, dataset, seed))
        refuse_unknown(noise_mode=(noise_mode, NoiseMode))
        self.G, self.dataset, self.network = G, dataset, network
        self.seed, self.psi, self.noise_mode, self.mirror = seed, psi, noise_mode, mirror
        self.classifier = classifier
        self.resolution = G.resolution
        self.sampler = Sampler(G, Controls(psi=psi, cutoff=None, noise=noise_mode))
        self._fakes = torch.empty(0, network.width)
        self._reals: dict[int, tuple[Tensor, bool]] = {}
        self._judged: dict[tuple[int, object], tuple[Tensor, Tensor, Tensor]] = {}

    def reals(self, count: int) -> tuple[Tensor, bool]:
        """Features of `count` real pictures, or of all if there are fewer, and whether they came from the cache.

        The shape is (count, width), or (2 count, width) with mirror images.
        """
        count = min(count, len(self.dataset))
        for known, (features, cached) in self._reals.items():
            if known >= count:  # in the same order
                return features[: count * (2 if self.mirror else 1)], cached
        self._reals[count] = real_features(
            self.dataset,
            self.network,
            resolution=self.resolution,
            count=count,
            mirror=self.mirror,
            device=self.device,
        )
        return self._reals[count]

    def fakes(self, count: int) -> Tensor:
        """Features (count, width) of the first `count` generated pictures."""
        have = len(self._fakes)
        if have < count:
            batches = self.pictures(have, count, "features of generated pictures")
            self._fakes = torch.cat([self._fakes, extract(self.network, batches, device=self.device)])
        return self._fakes[:count]

    def pictures(self, start: int, stop: int, words: str) -> Iterator[NDArray[np.uint8]]:
        """The generated pictures start to stop - 1 in batches, uint8 (n, C, H, H). words: for the progress bar."""
        for first in progress(range(start, stop, BATCH), words):
            seeds, c = self.drawn(first, min(first + BATCH, stop))
            yield np.concatenate(list(self.sampler.pictures(seeds, c=c)))

    def drawn(self, start: int, stop: int) -> tuple[range, Tensor | None]:
        """Seeds of pictures start to stop - 1, and labels (n, c_dim) with the data set's frequencies or None."""
        first = self.seed * MAX_COUNT
        c = None if self._classes is None else torch.from_numpy(self.dataset.labels(self._classes[start:stop]))
        return range(first + start, first + stop), c

    @torch.no_grad()
    def judged(self, count: int, classifier: Classifier) -> tuple[Tensor, Tensor, Tensor]:
        """z (count, z_dim), w (count, w_dim) and the classifier's logits of their pictures (count, attributes)."""
        known = count, classifier.function
        if known not in self._judged:
            found = []
            for first in progress(range(0, count, BATCH), "attributes of generated pictures"):
                seeds, c = self.drawn(first, min(first + BATCH, count))
                images = np.concatenate(list(self.sampler.pictures(seeds, c=c)))
                logits = classifier.function(to_float(torch.from_numpy(images).to(self.device)))
                z = torch.cat([seed_z(seed, self.G.z_dim) for seed in seeds])
                found.append((z, seed_ws(self.G, seeds, c=c)[:, 0].cpu(), logits.cpu()))
            z, w, logits = (torch.cat(parts) for parts in zip(*found, strict=True))
            self._judged[known] = z, w, logits
        return self._judged[known]

    @property
    def device(self) -> torch.device:
        return self.G.w_avg.device

    @cached_property
    def _classes(self) -> NDArray[np.integer] | None:
        """Indices of the real pictures whose labels the generated ones get. None if G has no classes."""
        if not self.G.c_dim:
            return None
        return np.random.RandomState(self.seed).randint(len(self.dataset), size=MAX_COUNT)


def misfits(G: Generator, dataset: ImageDataset, seed: int) -> list[str]:
    """Why the two cannot be compared, one line for each reason."""
    shown = printable(dataset.path)
    problems = []
    if dataset.img_resolution != G.img_resolution:
        problems.append(
            f"{shown} is of {dataset.img_resolution} px and this network of {G.img_resolution} px: pictures of two "
            f"sizes cannot be compared; run `stylegan prepare SRC DEST --resolution {G.img_resolution}`"
        )
    if dataset.img_channels != G.img_channels:
        problems.append(
            f"{shown} has pictures of {dataset.img_channels} channels, this network makes {G.img_channels}: "
            f"run `stylegan prepare SRC DEST --channels {G.img_channels}`"
        )
    if G.c_dim and dataset.c_dim != G.c_dim:
        problems.append(f"{shown} has {dataset.c_dim} classes and this network {G.c_dim}: must be as many")
    if not 0 <= seed <= MAX_MEASURE_SEED:
        problems.append(f"seed {seed}: must be 0 to {MAX_MEASURE_SEED}; each stands for a million seeds of pictures")
    return problems
