"""All randomness of a training run, as a function of its seed and the image count, so there is no state to store."""

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
    """Pictures (N, C, H, H) that G made, and the mean (w_dim,) of their w; None once w_avg has moved towards it."""

    images: Tensor
    w_mean: Tensor | None


class Latents(NamedTuple):
    """What G turns into a batch of pictures.

    c: labels (N, c_dim), or None without classes. z, z2: (N, z_dim). crossover: a whole number (), the first layer
    whose styles come from z2. noise: a map (N, 1, H, H) for each layer, or None without noise inputs. made: the
    pictures, if they exist already.
    """

    c: Tensor | None
    z: Tensor
    z2: Tensor
    crossover: Tensor
    noise: list[Tensor] | None
    made: Fakes | None = None

    def part(self, i: slice) -> "Latents":
        """The latents of some of the pictures."""
        if len(self.z[i]) == len(self.z):
            return self  # with the pictures that are already made
        noise = self.noise and [map_[i] if len(map_) > 1 else map_ for map_ in self.noise]
        return Latents(None if self.c is None else self.c[i], self.z[i], self.z2[i], self.crossover, noise)


def draw(
    G: Generator,
    c: Tensor | None,
    N: int,
    *,
    style_mixing_prob: float,
    generator: torch.Generator,
    part: slice = slice(None),
) -> Latents:
    """Draw the latents of the pictures `part`, with labels c, of a batch of N.

    The numbers drawn for a picture do not depend on the part. The whole batch has one crossover, among the layers that
    have grown (Section 3.1).
    """
    device = generator.device
    z, z2 = torch.randn(2, N, G.z_dim, generator=generator, device=device)
    u, v = torch.rand(2, generator=generator, device=device)
    crossover = crossover_at(u, v, prob=style_mixing_prob, active=max(G.num_ws - 2 * int(G.lod), 1))
    return Latents(c, z[part], z2[part], crossover, draw_noise(G, N, part, generator) if G.config.noise else None)


def crossover_at(u: Tensor, v: Tensor, *, prob: float, active: int) -> Tensor:
    """A whole number (): with probability `prob` one from 1 to active - 1, else `active`, which mixes nothing.

    u, v: () on the device, uniform in [0, 1). The host does not wait for the result.
    """
    if u.device.type == "mps":  # MPS has no float64, and rounding in float32 could reach `active`
        return crossover_at(u.cpu(), v.cpu(), prob=prob, active=active).to(u.device)
    place = 1 + (v.double() * (active - 1)).long()
    return torch.where(u.double() < prob, place, active)


def draw_noise(G: Generator, N: int, part: slice, generator: torch.Generator) -> list[Tensor]:
    """A map (pictures, 1, H, H) for every layer that has grown, for the pictures `part` of N.

    The numbers do not depend on the part. They are drawn picture by picture on the CPU and map by map elsewhere, so
    that the noise of the joint batch is never held at once.
    """
    device, dtype = generator.device, G.w_avg.dtype
    mine = range(N)[part]
    maps = []
    for H in (H for H in (4 << i for i in range(len(G.synthesis.grown_blocks(G.lod)))) for _ in range(2)):
        if device.type == "cpu" and len(mine) < N:  # same numbers: the CPU draws in blocks of 16, which divide H * H
            every = (torch.randn(1, 1, H, H, generator=generator, dtype=dtype) for _ in range(N))
            maps.append(torch.cat([map_ for i, map_ in enumerate(every) if i in mine]))
        else:
            joint = torch.randn(N, 1, H, H, generator=generator, device=device, dtype=dtype)
            maps.append(joint if len(mine) == N else joint[part].clone())
    return maps


class DataOrder:
    """Which pictures a step shows. Every epoch is a new permutation of `indices`."""

    def __init__(self, indices: NDArray[np.int64], seed: int) -> None:
        self.indices = indices
        self.seed = seed
        self._epoch = -1
        self._permutation = indices

    def __call__(self, cur_nimg: int, N: int) -> NDArray[np.int64]:
        """The indices (N,) of the pictures in the step after `cur_nimg` images."""
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
