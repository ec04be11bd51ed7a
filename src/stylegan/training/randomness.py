"""Everything random in a training run as a function of its seed and the image count: nothing to store, or to lose."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylegan.networks.generator import Generator


def step_generator(seed: int, cur_nimg: int, device: torch.device) -> torch.Generator:
    """The random stream of the step that begins after `cur_nimg` images."""
    (state,) = np.random.SeedSequence([seed, cur_nimg]).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(state) >> 1)  # manual_seed takes 63 bits on every device


class Fakes(NamedTuple):
    """Pictures that G made, (N, C, H, H), and the mean of their w, (w_dim,); None where it has moved w_avg already."""

    images: Tensor
    w_mean: Tensor | None


class Latents(NamedTuple):
    """What G makes a batch of pictures of.

    c: (N, c_dim) labels, or None without classes; z, z2: (N, z_dim); styles from `crossover`, a whole number (), on
    come from z2; noise: a map (N, 1, H, H) for each layer, or None without. made: the pictures, if they exist already.
    """

    c: Tensor | None
    z: Tensor
    z2: Tensor
    crossover: Tensor
    noise: list[Tensor] | None
    made: Fakes | None = None

    def part(self, i: slice) -> "Latents":
        """Those of some of the pictures."""
        if len(self.z[i]) == len(self.z):
            return self  # with what is made of them
        noise = self.noise and [map_[i] if len(map_) > 1 else map_ for map_ in self.noise]
        return Latents(None if self.c is None else self.c[i], self.z[i], self.z2[i], self.crossover, noise)


def draw(G: Generator, c: Tensor | None, N: int, *, style_mixing_prob: float, generator: torch.Generator) -> Latents:
    """Draw for a batch of N, with one crossover for the whole batch, among the layers that are grown (Section 3.1)."""
    device = generator.device
    z, z2 = torch.randn(2, N, G.z_dim, generator=generator, device=device)
    u, v = torch.rand(2, generator=generator, device=device).tolist()
    active = max(G.num_ws - 2 * int(G.lod), 1)
    place = 1 + int(v * (active - 1)) if u < style_mixing_prob else active
    crossover = torch.full((), place, device=device)
    maps = G.synthesis.noise_maps(N, "random", None, generator, G.lod)
    return Latents(c, z, z2, crossover, [map_ for map_ in maps if map_ is not None] or None)


class DataOrder:
    """Which pictures the step after `cur_nimg` images sees: every epoch a new permutation of `indices`."""

    def __init__(self, indices: NDArray[np.int64], seed: int) -> None:
        self.indices = indices
        self.seed = seed
        self._epoch = -1
        self._permutation = indices

    def __call__(self, cur_nimg: int, N: int) -> NDArray[np.int64]:
        """(N,) indices."""
        places = np.arange(cur_nimg, cur_nimg + N)
        epochs = places // len(self.indices)
        return np.concatenate(
            [self._order(e)[places[epochs == e] % len(self.indices)] for e in range(epochs[0], epochs[-1] + 1)]
        )

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if epoch != self._epoch:
            random = np.random.RandomState(np.random.MT19937(np.random.SeedSequence([self.seed, epoch, 1])))
            self._epoch, self._permutation = epoch, random.permutation(self.indices)
        return self._permutation
