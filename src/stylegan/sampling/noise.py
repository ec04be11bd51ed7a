"""The noise of a seed, and the noise that the controls ask for (Section 3.2)."""

import operator
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from stylegan.errors import InputError, printable
from stylegan.networks.generator import Generator
from stylegan.networks.levels import Levels, layer_indices, noise_resolutions, num_layers
from stylegan.sampling.controls import Controls
from stylegan.sampling.numbers import is_whole, whole_number
from stylegan.sampling.seeds import MAX_SEED


def seed_noise(seed: int, G: Generator) -> list[Tensor]:
    """The noise of a seed, one map (1, 1, H, H) per layer from 4x4 up, drawn after z from the seed's random stream."""
    random = np.random.RandomState(seed)
    random.randn(1, G.z_dim)
    return [torch.from_numpy(random.randn(1, 1, H, H)).float() for H in noise_resolutions(G)]


def random_noise(G: Generator, N: int, generator: torch.Generator | None) -> list[Tensor]:
    """Fresh maps (N, 1, H, H) for each layer where G is, drawn where `generator` is: the same on any device."""
    device = "cpu" if generator is None else generator.device
    return [torch.randn(N, 1, H, H, generator=generator, device=device).to(G.w_avg) for H in noise_resolutions(G)]


def stack_noise(seeds: Sequence[int], G: Generator) -> list[Tensor]:
    """The noise of several seeds as one batch: maps of (N, 1, H, H)."""
    return concatenate([seed_noise(seed, G) for seed in seeds])


def concatenate(each: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """The maps of several pictures as one batch, layer by layer."""
    return [torch.cat(maps) for maps in zip(*each, strict=True)]


def stored_noise(G: Generator) -> list[Tensor]:
    """The maps stored in the network, for noise "const": (1, 1, H, H) each."""
    return [m for m in G.synthesis.noise_maps(1, "const", None, None, 0) if m is not None]


def only_layers(maps: Sequence[Tensor], layers: Sequence[int]) -> list[Tensor]:
    """Noise maps of every layer, with zeros in all but these layers."""
    return [m if i in layers else torch.zeros_like(m) for i, m in enumerate(maps)]


def noisy_layers(G: Generator, controls: Controls) -> list[int]:
    """The layers that get noise. Raises InputError for controls of noise that this network cannot follow."""
    mode, seed, layers = controls.noise, controls.noise_seed, controls.noise_layers
    if mode not in ("random", "const", "none"):
        raise InputError(f"noise {printable(mode, 60)!r}: must be random, const or none")
    if seed is not None and mode != "random":
        raise InputError(f"noise seed {printable(seed, 60)} with noise {mode}: a seed is for noise random")
    if not G.config.noise and (seed is not None or layers is not None):
        raise InputError("noise seed or noise layers were given, and this network has no noise inputs")
    if seed is not None:
        whole_number(seed, "noise seed", most=MAX_SEED)
    return list(range(num_layers(G))) if layers is None else layer_indices(checked_levels(layers), G)


def checked_levels(levels: Levels) -> Levels:
    """Levels in words, or as whole numbers of any type. Raises InputError for anything else."""
    if isinstance(levels, str):
        return levels
    if isinstance(levels, bytes | dict | set) or not isinstance(levels, Iterable) or not all(map(is_whole, levels)):
        raise InputError(f"levels {printable(levels, 80)}: give words such as 4px, or a list of layers such as [0, 1]")
    return [operator.index(layer) for layer in levels]
