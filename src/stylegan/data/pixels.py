"""The one place where pixels change between uint8 and the networks' [-1, 1]."""

import torch
from torch import Tensor


def to_float(images: Tensor) -> Tensor:
    """uint8 images, any shape -> float32 in [-1, 1]: 0 is -1 and 255 is 1. The memory format stays as it was."""
    return images.to(torch.float32) * (2 / 255) - 1


def to_levels(images: Tensor) -> Tensor:
    """Float images, any shape, [-1, 1] -> 0 to 255, not rounded: for statistics. What lies outside saturates."""
    return ((images.clamp(-1, 1) + 1) * 127.5).float()


def to_uint8(images: Tensor) -> Tensor:
    """Float images, any shape, [-1, 1] -> uint8; what lies outside saturates.

    trunc(127.5 x + 128), as the authors' `convert_images_to_uint8`: the nearest of 256 levels, 255 for x = 1.
    """
    return (images.to(torch.float32) * 127.5 + 128).clamp(0, 255).to(torch.uint8)
