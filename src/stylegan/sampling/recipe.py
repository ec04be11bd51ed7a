"""From styles and noise to pixels: the only place where pictures are computed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylegan.data.pixels import to_uint8
from stylegan.networks.generator import Generator
from stylegan.networks.styles import copy_styles

CHUNK = 16  # pictures prepared together
MOST_PIXELS = 2**22  # computed together, to bound memory: 4 pictures at 1024 px


@dataclass(frozen=True)
class Recipe:
    """The inputs of N pictures: styles ws (N, num_ws, w_dim), truncated and moved, and noise (N or 1, 1, H, H)."""

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

        Without layers the result is this picture, with all layers exactly the other. Lengths are equal, or 1.
        """
        noise = None
        if self.noise is not None and other.noise is not None:
            noise = [b if i in indices else a for i, (a, b) in enumerate(zip(self.noise, other.noise, strict=True))]
        return Recipe(copy_styles(self.ws, other.ws, indices), noise)

    def pictures(self, G: Generator) -> NDArray[np.uint8]:
        """uint8 (N, C, H, H)."""
        return np.concatenate(list(self.batches(G)))

    def batches(self, G: Generator, batch: int | None = None) -> Iterator[NDArray[np.uint8]]:
        """The same in batches as they are computed, see `synthesize`."""
        return (to_uint8(images).cpu().numpy() for images in synthesize(G, self, batch))


@torch.no_grad()
def synthesize(G: Generator, recipe: Recipe, batch: int | None = None) -> Iterator[Tensor]:
    """Batches of images (n, C, H, H) where G is, nominally in [-1, 1], not clamped.

    n is `batch`, 16 by default, or fewer where MOST_PIXELS bounds the memory.
    """
    n = min(batch or CHUNK, max(1, MOST_PIXELS // G.img_resolution**2))
    for start in range(0, len(recipe), n):
        part = slice(start, start + n)
        maps = None if recipe.noise is None else [m if len(m) == 1 else m[part] for m in recipe.noise]
        yield G.synthesis(recipe.ws[part], noise_mode="none", noise=maps)
