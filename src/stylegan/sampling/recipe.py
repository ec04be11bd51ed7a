"""What pictures are made of: the styles and the noise that seeds and controls give."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylegan.errors import InputError
from stylegan.networks.generator import Generator
from stylegan.networks.levels import describe_levels
from stylegan.networks.styles import copy_styles
from stylegan.sampling.controls import Controls
from stylegan.sampling.sample import noise_of, render, styles_of, truncated
from stylegan.sampling.truncation import describe_truncation, parse_psi, parse_towards


@dataclass(frozen=True)
class Recipe:
    """All that N pictures are made of: styles ws (N, num_ws, w_dim), truncated, and noise maps (N or 1, 1, H, H)."""

    ws: Tensor
    noise: list[Tensor] | None

    def __len__(self) -> int:
        return len(self.ws)

    def __getitem__(self, i: int) -> "Recipe":
        """The recipe of the i-th picture alone."""
        noise = None if self.noise is None else [m if len(m) == 1 else m[i : i + 1] for m in self.noise]
        return Recipe(self.ws[i : i + 1], noise)

    def with_layers_of(self, other: "Recipe", indices: Sequence[int]) -> "Recipe":
        """This with the styles of `other` in the layers `indices`, and the noise of `other` there too.

        So no layer gives this picture and all layers give the other, to the last freckle. Lengths are equal, or 1.
        """
        noise = None
        if self.noise is not None and other.noise is not None:
            noise = [b if i in indices else a for i, (a, b) in enumerate(zip(self.noise, other.noise, strict=True))]
        return Recipe(copy_styles(self.ws, other.ws, indices), noise)

    def pictures(self, G: Generator) -> NDArray[np.uint8]:
        """uint8 (N, C, H, H)."""
        return np.concatenate(list(render(G, self.ws, self.noise)))


def recipe(G: Generator, seeds: Sequence[int], controls: Controls) -> Recipe:
    """What the pictures of `seeds` are made of."""
    ws = styles_of(G, seeds, c=labels_of(G, controls.class_index, len(seeds)))
    return Recipe(truncate_as(G, ws, controls), controlled_noise(G, seeds, controls))


def truncate_as(G: Generator, ws: Tensor, controls: Controls) -> Tensor:
    """Styles truncated as the controls say."""
    return truncated(G, ws, parse_psi(controls.psi, G), check_cutoff(controls.cutoff), towards_of(G, controls))


def towards_of(G: Generator, controls: Controls) -> Tensor | None:
    """What the controls truncate to, for `truncated`; None for the training's w_avg."""
    return parse_towards(controls.towards, G, labels_of(G, controls.class_index, 1))


def controlled_noise(G: Generator, seeds: Sequence[int], controls: Controls) -> list[Tensor] | None:
    """The noise maps of seeds as the controls say, (N or 1, 1, H, H) for each layer; None for no noise."""
    return noise_of(G, seeds, mode=controls.noise, noise_seed=controls.noise_seed, layers=controls.noise_layers)


def labels_of(G: Generator, class_index: int | None, N: int) -> Tensor | None:
    """The one-hot labels (N, c_dim) of a class; None for a network without classes. Raises InputError for a misfit."""
    if not G.c_dim:
        if class_index is not None:
            raise InputError(f"class {class_index} was given, and this network has no classes")
        return None
    if class_index is None:
        raise InputError(f"this network has {G.c_dim} classes: say which with --class, 0 to {G.c_dim - 1}")
    if not 0 <= class_index < G.c_dim:
        raise InputError(f"class {class_index}: must be 0 to {G.c_dim - 1}")
    return torch.eye(G.c_dim)[class_index].repeat(N, 1)


def check_cutoff(cutoff: int | None) -> int | None:
    """The cutoff. Raises InputError for one below 0."""
    if cutoff is not None and cutoff < 0:
        raise InputError(f"cutoff {cutoff}: must be 0 (no style is truncated) or above")
    return cutoff


def describe_controls(G: Generator, controls: Controls) -> str:
    """In words: "psi 0.7 on all styles, noise of each seed"."""
    words = [describe_truncation(G, controls.psi, check_cutoff(controls.cutoff), controls.towards)]
    return ", ".join([*words, *describe_noise(G, controls)])


def describe_noise(G: Generator, controls: Controls) -> list[str]:
    """In words: "noise of each seed", and the class."""
    words = []
    if G.config.noise:
        each = "noise of each seed" if controls.noise_seed is None else f"noise of seed {controls.noise_seed}"
        words += [{"random": each, "const": "stored noise", "none": "no noise"}[controls.noise]]
        if controls.noise_layers is not None:
            words[-1] += f" on {describe_levels(controls.noise_layers, G)}"
    return words + ([f"class {controls.class_index}"] if controls.class_index is not None else [])
