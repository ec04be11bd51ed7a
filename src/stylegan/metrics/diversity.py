"""Measures how much each level of styles (coarse, middle, fine) adds to the variety of pictures (Section 3.1)."""

import torch
from torch import Tensor

from stylegan.config import NoiseMode
from stylegan.errors import refuse
from stylegan.metrics.pairs import Distance, compare, picture_pairs, refuse_unknown
from stylegan.networks.generator import Generator
from stylegan.networks.levels import Levels, style_indices
from stylegan.networks.styles import copy_styles


@torch.no_grad()
def level_diversity(
    G: Generator,
    ws_a: Tensor,
    ws_b: Tensor,
    levels: Levels,
    *,
    distance: Distance,
    noise_mode: NoiseMode = "random",
    generator: torch.Generator | None = None,
) -> Tensor:
    """The distance (N,) between each picture of ws_a and the same picture with the styles `levels` taken from ws_b.

    ws_a, ws_b: (N, num_ws, w_dim), independent draws. levels: as in `style_indices`; "all" gives the distance between
    any two pictures that share their noise. Raises InputError for other shapes, levels or noise modes.
    """
    refuse_unknown(noise_mode=(noise_mode, NoiseMode))
    shape = (len(ws_a), G.num_ws, G.w_dim)
    given = {"ws_a": tuple(ws_a.shape), "ws_b": tuple(ws_b.shape)}
    refuse([f"{name} of shape {found}: must be {shape}" for name, found in given.items() if found != shape])
    mixed = copy_styles(ws_a, ws_b, style_indices(levels, G))
    return compare(*picture_pairs(G, ws_a, mixed, noise_mode=noise_mode, generator=generator), distance)
