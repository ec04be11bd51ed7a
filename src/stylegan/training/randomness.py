"""All randomness of a training run, as a function of its seed and the image count: there is no state to store."""

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
    """Pictures that G made, (N, C, H, H), and the mean of their w, (w_dim,); None once it has moved w_avg."""

    images: Tensor
    w_mean: Tensor | None


class Latents(NamedTuple):
    """What G turns into a batch of pictures.

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
        """The part for some of the pictures."""
        if len(self.z[i]) == len(self.z):
            return self  # with what is made of them
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
    """Draw for the pictures `part`, with labels c, of a batch of N: the draws of a picture do not depend on the part.

    One crossover for the whole batch, among the layers that are grown (Section 3.1).
    """
    device = generator.device
    z, z2 = torch.randn(2, N, G.z_dim, generator=generator, device=device)
    u, v = torch.rand(2, generator=generator, device=device)
    crossover = crossover_at(u, v, prob=style_mixing_prob, active=max(G.num_ws - 2 * int(G.lod), 1))
    return Latents(c, z[part], z2[part], crossover, draw_noise(G, N, part, generator) if G.config.noise else None)


def crossover_at(u: Tensor, v: Tensor, *, prob: float, active: int) -> Tensor:
    """A whole number () from 1 to active - 1 with probability `prob`, else `active`: nothing is mixed. The GPU decides.

    u, v: uniform in [0, 1).
    """
    if u.device.type == "mps":  # which has no float64, and rounding could reach `active`
        return crossover_at(u.cpu(), v.cpu(), prob=prob, active=active).to(u.device)
    place = 1 + (v.double() * (active - 1)).long()
    return torch.where(u.double() < prob, place, active)


def draw_noise(G: Generator, N: int, part: slice, generator: torch.Generator) -> list[Tensor]:
    """The maps of the pictures `part` of N, for every layer that is grown: the same numbers, whatever the part.

    On the CPU picture by picture, elsewhere map by map, so that the noise of the joint batch is never held.
    """
    device, dtype = generator.device, G.w_avg.dtype
    mine = range(N)[part]
    maps = []
    for H in (H for H in (4 << i for i in range(len(G.synthesis.grown_blocks(G.lod)))) for _ in range(2)):
        if device.type == "cpu" and len(mine) < N:  # H * H is a multiple of 16, in which the CPU draws
            every = (torch.randn(1, 1, H, H, generator=generator, dtype=dtype) for _ in range(N))
            maps.append(torch.cat([map_ for i, map_ in enumerate(every) if i in mine]))
        else:
            joint = torch.randn(N, 1, H, H, generator=generator, device=device, dtype=dtype)
            maps.append(joint if len(mine) == N else joint[part].clone())
    return maps


class DataOrder:
    """The pictures of the step after `cur_nimg` images: every epoch is a new permutation of `indices`."""

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
