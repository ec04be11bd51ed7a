"""Seeds to pictures: the one road from weights to pixels."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from stylegan.data.pixels import to_uint8
from stylegan.networks.generator import Generator, NoiseMode


def seed_z(seed: int, z_dim: int) -> Tensor:
    """The latent of a seed, (1, z_dim), as the whole field draws it: RandomState(seed).randn(1, z_dim)."""
    return torch.from_numpy(np.random.RandomState(seed).randn(1, z_dim)).float()


def seed_noise(seed: int, G: Generator) -> list[Tensor]:
    """The noise of a seed, a map (1, 1, H, H) for each layer from 4x4 up: what follows z in the seed's own stream."""
    random = np.random.RandomState(seed)
    random.randn(1, G.z_dim)
    resolutions = [4 * 2 ** (i // 2) for i in range(2 * len(G.synthesis.blocks))]
    return [torch.from_numpy(random.randn(1, 1, H, H)).float() for H in resolutions]


def stack_noise(seeds: Sequence[int], G: Generator) -> list[Tensor]:
    """The noise of several seeds as one batch: maps of (N, 1, H, H)."""
    return [torch.cat(maps) for maps in zip(*(seed_noise(seed, G) for seed in seeds), strict=True)]


@torch.no_grad()
def sample(
    G: Generator,
    seeds: Sequence[int],
    *,
    c: Tensor | None = None,
    truncation_psi: float = 1.0,
    truncation_cutoff: int | None = None,
    noise_mode: NoiseMode = "random",
    batch: int = 16,
) -> Iterator[np.ndarray]:
    """Pictures of the seeds, in order, in batches: uint8 (n, C, H, H).

    One seed is one picture, whatever the batch or the device: z and, in mode "random", the noise come from it alone.
    c: (len(seeds), c_dim) labels for a network with classes.
    """
    device = G.w_avg.device
    for start in range(0, len(seeds), batch):
        chunk = seeds[start : start + batch]
        z = torch.cat([seed_z(seed, G.z_dim) for seed in chunk]).to(device)
        labels = None if c is None else c[start : start + batch].to(device)
        noise = None
        if noise_mode == "random" and G.config.noise:
            noise = [map_.to(device) for map_ in stack_noise(chunk, G)]
        images = G(
            z,
            labels,
            truncation_psi=truncation_psi,
            truncation_cutoff=truncation_cutoff,
            noise_mode=noise_mode,
            noise=noise,
        )
        yield to_uint8(images).cpu().numpy()
