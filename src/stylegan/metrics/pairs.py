"""Makes and compares pairs of pictures that differ only in their styles."""

from collections.abc import Callable
from typing import get_args

import torch
from torch import Tensor

from stylegan.config import NoiseMode
from stylegan.errors import InputError
from stylegan.networks.generator import Generator
from stylegan.sampling.noise import random_noise

Distance = Callable[[Tensor, Tensor], Tensor]
"""Two batches of pictures (N, C, H, W), nominally in [-1, 1] but not clamped -> how different each pair looks, (N,)."""


@torch.no_grad()
def picture_pairs(
    G: Generator, ws_a: Tensor, ws_b: Tensor, *, noise_mode: NoiseMode, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """The pictures of ws_a and of ws_b, (N, num_ws, w_dim) each. The two pictures of a pair have the same noise.

    noise_mode "random": each pair has noise maps of its own, drawn on the device of `generator`, so that they are the
    same wherever G is.
    """
    noise = random_noise(G, len(ws_a), generator) if noise_mode == "random" and G.config.noise else None
    a, b = (G.synthesis(ws, noise_mode=noise_mode, noise=noise) for ws in (ws_a, ws_b))
    return a, b


def compare(a: Tensor, b: Tensor, distance: Distance) -> Tensor:
    """The distance (N,) of each pair. Raises InputError if `distance` gives another shape."""
    found = distance(a, b)
    if found.shape != (len(a),):
        raise InputError(f"the distance of {len(a)} pairs has shape {tuple(found.shape)}: must be ({len(a)},)")
    return found


def refuse_unknown(**choices: tuple[str, object]) -> None:
    """Raise InputError for a word that its Literal does not have: refuse_unknown(space=(space, Space))."""
    for name, (word, literal) in choices.items():
        if word not in get_args(literal):
            raise InputError(f"{name} {word!r}: must be {' or '.join(get_args(literal))}")
