"""How different two pictures look: the distance between their features in a network for vision.

Like LPIPS (Zhang et al., arXiv 1801.03924), but without its learned weights. Any network that maps pictures to feature
maps can be used. The default is EfficientNet-Lite0, whose weights come with a package and need no download.
"""

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

MIN_SIDE_PX = 64  # smaller pictures are enlarged: at 32 px the deepest map would be a single position


class Perceptual(Protocol):
    """A differentiable network: pictures (N, 3, H, W) in [-1, 1] -> feature maps (N, C_i, H_i, W_i)."""

    def __call__(self, images: Tensor, /) -> list[Tensor]: ...


def distance(features: list[Tensor], others: list[Tensor]) -> Tensor:
    """The squared difference of unit feature vectors, averaged over positions and maps: (N,), from 0 (equal) to 4.

    features, others: feature maps (N, C_i, H_i, W_i) of the same shapes.
    """
    parts = [(_unit(a) - _unit(b)).square().sum(dim=1).mean(dim=(1, 2)) for a, b in zip(features, others, strict=True)]
    return torch.stack(parts).mean(dim=0)  # (N,)


def to_seen(images: Tensor) -> Tensor:
    """Gray, RGB or RGBA pictures (N, C, H, H) -> RGB, enlarged by a whole factor to at least MIN_SIDE_PX.

    Both are in [-1, 1]. RGBA is laid over white.
    """
    images = over_white(images)
    factor = -(-MIN_SIDE_PX // images.shape[-1])
    return images if factor == 1 else F.interpolate(images, scale_factor=factor, mode="bilinear", align_corners=False)


def over_white(images: Tensor) -> Tensor:
    """Gray, RGB or RGBA pictures (N, C, H, W) -> RGB, both in [-1, 1]. Transparent pixels become white."""
    if images.shape[1] == 4:
        opacity = (images[:, 3:] + 1) / 2
        images = 1 + (images[:, :3] - 1) * opacity
    return images.expand(-1, 3, -1, -1)


def _unit(features: Tensor) -> Tensor:
    return features * torch.rsqrt(features.square().sum(dim=1, keepdim=True) + 1e-6)
