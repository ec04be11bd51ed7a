"""Seeds to pictures: the one road from weights to pixels."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylegan.config import NoiseMode
from stylegan.data.pixels import to_uint8
from stylegan.errors import InputError
from stylegan.networks.generator import Generator
from stylegan.networks.levels import Levels, layer_indices, num_layers, resolution_of
from stylegan.networks.styles import nearest, truncate
from stylegan.sampling.seeds import parse_seeds


def seed_z(seed: int, z_dim: int) -> Tensor:
    """The latent of a seed, (1, z_dim), as the whole field draws it: RandomState(seed).randn(1, z_dim)."""
    return torch.from_numpy(np.random.RandomState(seed).randn(1, z_dim)).float()


def seed_noise(seed: int, G: Generator) -> list[Tensor]:
    """The noise of a seed, a map (1, 1, H, H) for each layer from 4x4 up: what follows z in the seed's own stream."""
    random = np.random.RandomState(seed)
    random.randn(1, G.z_dim)
    resolutions = [resolution_of(layer) for layer in range(num_layers(G))]
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
    truncation_psi: float | Sequence[float] = 1.0,
    truncation_cutoff: int | None = None,
    towards: Tensor | None = None,
    noise_mode: NoiseMode = "random",
    noise_seed: int | None = None,
    noise_layers: Levels | None = None,
    batch: int = 16,
) -> Iterator[NDArray[np.uint8]]:
    """Pictures of the seeds, in order, in batches: uint8 (n, C, H, H).

    One seed is one picture, whatever the batch or the device: z and, in mode "random", the noise come from it alone.
    c: (len(seeds), c_dim) labels for a network with classes. towards: what truncation pulls to, see `truncated`.
    The noise is that of `noise_of`.
    """
    for start in range(0, len(seeds), batch):
        chunk = seeds[start : start + batch]
        ws = styles_of(G, chunk, c=None if c is None else c[start : start + batch])
        ws = truncated(G, ws, truncation_psi, truncation_cutoff, towards)
        noise = noise_of(G, chunk, mode=noise_mode, noise_seed=noise_seed, layers=noise_layers)
        yield from render(G, ws, noise, batch=batch)


@torch.no_grad()
def styles_of(G: Generator, seeds: Sequence[int], *, c: Tensor | None = None) -> Tensor:
    """The styles of seeds before truncation, (N, num_ws, w_dim) where G is: what every command starts from."""
    device = G.w_avg.device
    z = torch.cat([seed_z(seed, G.z_dim) for seed in seeds]).to(device)
    return G.broadcast(G.mapping(z, None if c is None else c.to(device)))


def truncated(
    G: Generator,
    ws: Tensor,
    psi: float | Sequence[float],
    cutoff: int | None = None,
    towards: Tensor | None = None,
) -> Tensor:
    """`truncate` towards w_avg, towards another mean (w_dim,), or each w towards the nearest of centres (K, w_dim)."""
    if towards is None:
        towards = G.w_avg
    return truncate(ws, nearest(ws, towards) if towards.ndim == 2 else towards, psi, cutoff)


def noise_of(
    G: Generator,
    seeds: Sequence[int],
    *,
    mode: NoiseMode = "random",
    noise_seed: int | None = None,
    layers: Levels | None = None,
    own: Sequence[Tensor] | None = None,
) -> list[Tensor] | None:
    """The noise of the pictures of `seeds`, maps (N or 1, 1, H, H) for every layer where G is; None for none at all.

    mode "random": each seed's own, or that of `noise_seed` for all of them; "const": the network's stored maps.
    layers: the only ones that get noise, the others get zeros. own: maps (N, 1, H, H) in place of the seeds' own.
    """
    if noise_seed is not None and mode != "random":
        raise InputError(f"noise seed {noise_seed} with noise {mode}: a seed is for noise random")
    if not G.config.noise and (noise_seed is not None or layers is not None):
        raise InputError("noise seed or noise layers were given, and this network has no noise inputs")
    if not G.config.noise or mode == "none":
        return None
    if mode == "const":
        maps = [m for m in G.synthesis.noise_maps(1, "const", None, None, 0) if m is not None]
    elif mode == "random":
        if noise_seed is not None:
            maps = seed_noise(parse_seeds([noise_seed])[0], G)
        else:
            maps = stack_noise(seeds, G) if own is None else list(own)
    else:
        raise InputError(f"noise {mode!r}: must be random, const or none")
    on = range(num_layers(G)) if layers is None else layer_indices(layers, G)
    return [m.to(G.w_avg.device) for m in only_layers(maps, on)]


def only_layers(maps: Sequence[Tensor], layers: Sequence[int]) -> list[Tensor]:
    """Noise maps of every layer, with zeros in all but these layers."""
    return [m if i in layers else torch.zeros_like(m) for i, m in enumerate(maps)]


@torch.no_grad()
def render(
    G: Generator, ws: Tensor, noise: Sequence[Tensor] | None, *, batch: int | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Styles (N, num_ws, w_dim) and noise maps (N or 1, 1, H, H), or none, to batches of pictures: uint8."""
    batch = batch or max(1, min(16, 2**22 // G.img_resolution**2))  # bounds the memory for large pictures
    for start in range(0, len(ws), batch):
        part = slice(start, start + batch)
        maps = None if noise is None else [m if len(m) == 1 else m[part] for m in noise]
        yield to_uint8(G.synthesis(ws[part], noise_mode="none", noise=maps)).cpu().numpy()
