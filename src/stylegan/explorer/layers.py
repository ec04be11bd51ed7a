"""The synthesis network layer by layer: only from the first one whose style or noise changed, it is computed again.

The pictures are those of `Recipe.pictures`, to the bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylegan.data.pixels import to_uint8
from stylegan.networks.fade import fade
from stylegan.networks.generator import Block, Generator
from stylegan.networks.layers import upsample
from stylegan.sampling.recipe import Recipe


@dataclass(frozen=True)
class Kept:
    """The output of a layer, and what it was computed from beside the layer before it."""

    w: Tensor
    noise: Tensor | None
    x: Tensor

    def is_of(self, w: Tensor, noise: Tensor | None) -> bool:
        """Was it computed from these?"""
        if (noise is None) != (self.noise is None) or not torch.equal(w, self.w):
            return False
        return noise is None or self.noise is None or torch.equal(noise, self.noise)


class Layers:
    """One picture at a time of G, with the outputs of all its layers kept for the next."""

    def __init__(self, G: Generator) -> None:
        self.G = G
        self.kept: list[Kept] = []
        self.computed = 0
        """The layers that were computed for the last picture."""

    @torch.no_grad()
    def picture(self, recipe: Recipe) -> NDArray[np.uint8]:
        """uint8 (C, H, H), of a recipe of one picture."""
        blocks, lod = self.G.synthesis.grown_blocks(self.G.lod), self.G.lod
        self._bring_up_to_date(blocks, recipe)
        grown = blocks[-1].torgb(self.kept[-1].x)  # (1, C, H, H)
        if lod % 1:
            grown = torch.lerp(grown, upsample(blocks[-2].torgb(self.kept[-3].x)), fade(lod))
        picture: NDArray[np.uint8] = to_uint8(grown)[0].cpu().numpy()
        return picture

    @property
    def bytes(self) -> int:
        """The memory of all that is kept."""
        return sum(kept.x.numel() * kept.x.element_size() for kept in self.kept)

    def _bring_up_to_date(self, blocks: Sequence[Block], recipe: Recipe) -> None:
        count = 2 * len(blocks)
        ws = recipe.ws.expand(-1, max(recipe.ws.shape[1], count), -1)  # without styles, one w for all layers
        maps = [None] * count if recipe.noise is None else recipe.noise
        same = 0
        while same < len(self.kept) and self.kept[same].is_of(ws[:, same], maps[same]):
            same += 1
        del self.kept[same:]
        self.computed = count - same
        x = self.kept[-1].x if self.kept else ws[:, 0]  # (1, w_dim): the input uses w, or only its batch size
        for i in range(same, count):
            x = blocks[i // 2].one(x, ws[:, i], maps[i], i=i % 2)  # (1, channels, H, H)
            self.kept.append(Kept(ws[:, i], maps[i], x))
