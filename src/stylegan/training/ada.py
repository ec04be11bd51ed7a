"""Adaptive augmentation (ADA, arXiv 2006.06676): transforms that share one probability, which a controller sets."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from stylegan.training.warp import constant, warp

NUMBERS = 28  # random numbers per picture
TARGET = 0.6  # the mean sign of D's logits on reals that the controller aims for
STEPS = 4  # steps of D between two moves of the probability

LN2 = math.log(2)


def ada(images: Tensor, u: Tensor) -> Tensor:
    """Pixel blitting, geometry and colour transforms ("bgc", Appendix B there), each with probability p.

    images: (N, C, H, H) in [-1, 1] -> the same shape. u: (N, 29), 28 random numbers in [0, 1), then p.
    """
    draws = Draws(u)
    images = warp(images, geometry(draws, images.shape[-1]))
    return recoloured(images, colours(draws))


def moved(p: float, signs: Sequence[float], *, images: float, kimg: float) -> float:
    """The probability, in [0, 1], after steps of D in which its logits on reals had the mean signs `signs`.

    It rises if their mean is above TARGET, and falls if it is below. images: how many images these steps showed.
    kimg: thousands of images in which p could go from 0 to 1.
    """
    ahead = round(sum(signs) / len(signs) - TARGET, 6)  # the signs come with float32's rounding
    return min(max(p + math.copysign(images / (1000 * kimg), ahead), 0.0), 1.0) if ahead else p


class Draws:
    """The random numbers of N pictures, handed out in a fixed order."""

    def __init__(self, u: Tensor) -> None:
        self.p = u[:, -1]
        self._numbers: Iterator[Tensor] = iter(u[:, :-1].unbind(1))

    def uniform(self) -> Tensor:
        """(N,) in [0, 1)."""
        return next(self._numbers)

    def normal(self) -> Tensor:
        """(N,) from the standard normal distribution."""
        return math.sqrt(2) * torch.erfinv((2 * self.uniform() - 1).clamp(-1 + 1e-6, 1 - 1e-6))

    def angle(self) -> Tensor:
        """(N,) in radians, uniform in [-pi, pi)."""
        return math.pi * (2 * self.uniform() - 1)

    def gated(self, value: Tensor, neutral: float, p: Tensor | None = None) -> Tensor:
        """`value` with probability p (by default the picture's), else `neutral`, with which nothing changes. (N,)."""
        return torch.where(self.uniform() < (self.p if p is None else p), value, neutral)


def geometry(draws: Draws, size: int) -> Tensor:
    """(N, 3, 3): maps a position in the result to its position in the picture; pixels from the centre, x right, y down.

    size: of the picture, in pixels.
    """
    flip = draws.gated(1 - 2 * (2 * draws.uniform()).floor(), 1)
    quarters = draws.gated((4 * draws.uniform()).floor(), 0)
    gate = draws.uniform() < draws.p
    whole = [torch.where(gate, (size * (2 * draws.uniform() - 1) / 8).round(), 0) for _ in "xy"]
    scale = draws.gated(torch.exp(0.2 * LN2 * draws.normal()), 1)
    p_rotate = 1 - (1 - draws.p).clamp(min=0).sqrt()  # so that at least one of the two rotations has probability p
    before = draws.gated(draws.angle(), 0, p_rotate)
    stretch = draws.gated(torch.exp(0.2 * LN2 * draws.normal()), 1)
    after = draws.gated(draws.angle(), 0, p_rotate)
    gate = draws.uniform() < draws.p
    part = [torch.where(gate, size * draws.normal() / 8, 0) for _ in "xy"]
    one = torch.ones_like(flip)
    inverse = scaling(1 / flip, one) @ rotation(-math.pi / 2 * quarters) @ translation(-whole[0], -whole[1])
    inverse = inverse @ scaling(1 / scale, 1 / scale) @ rotation(-before) @ scaling(1 / stretch, stretch)
    return inverse @ rotation(-after) @ translation(-part[0], -part[1])


def colours(draws: Draws) -> Tensor:
    """(N, 4, 4): maps a colour (R, G, B, 1) to the new colour."""
    brightness = draws.gated(0.2 * draws.normal(), 0)
    contrast = draws.gated(torch.exp(0.5 * LN2 * draws.normal()), 1)
    luma = draws.gated(1 - 2 * (2 * draws.uniform()).floor(), 1)
    hue = draws.gated(draws.angle(), 0)
    saturation = draws.gated(torch.exp(LN2 * draws.normal()), 1)
    eye = torch.eye(4, device=luma.device, dtype=luma.dtype)
    gray = constant([*[1 / 3, 1 / 3, 1 / 3, 0] * 3, *[0] * 4], luma).view(4, 4)  # projects onto the gray axis
    last = constant([*[0] * 15, 1], luma).view(4, 4)
    rest = eye - gray - last
    a = 1 / math.sqrt(3)
    turned = constant([0, -a, a, 0, a, 0, -a, 0, -a, a, *[0] * 6], luma).view(4, 4)  # the cross product with that axis

    def on(along: Tensor, across: Tensor, aside: Tensor | None = None) -> Tensor:
        matrix = along[:, None, None] * gray + across[:, None, None] * rest + last
        return matrix if aside is None else matrix + aside[:, None, None] * turned

    brighter = eye.repeat(len(luma), 1, 1)
    brighter[:, :3, 3] = brightness[:, None]
    one = torch.ones_like(luma)
    return on(one, saturation) @ on(one, hue.cos(), hue.sin()) @ on(luma, one) @ on(contrast, contrast) @ brighter


def recoloured(images: Tensor, matrix: Tensor) -> Tensor:
    """Pictures (N, C, H, H) with their colours mapped by (N, 4, 4). C: 1, 3 or 4. Gray stays gray; opacity is kept."""
    x = images[:, :3].expand(-1, 3, -1, -1)
    x = (matrix[:, :3, :3] @ x.flatten(2) + matrix[:, :3, 3:]).view_as(x)
    return x.mean(dim=1, keepdim=True) if images.shape[1] == 1 else torch.cat([x, images[:, 3:]], dim=1)


def scaling(x: Tensor, y: Tensor) -> Tensor:
    """Matrices (N, 3, 3) that scale by x and y, each (N,)."""
    return torch.diag_embed(torch.stack([x, y, torch.ones_like(x)], dim=1))


def rotation(angle: Tensor) -> Tensor:
    """Matrices (N, 3, 3) that rotate by `angle` (N,), in radians, from x towards y."""
    c, s, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([c, -s, zero, s, c, zero, zero, zero, one], dim=1).unflatten(1, (3, 3))


def translation(x: Tensor, y: Tensor) -> Tensor:
    """Matrices (N, 3, 3) that move by x and y, each (N,), in pixels."""
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return torch.stack([one, zero, x, zero, one, y, zero, zero, one], dim=1).unflatten(1, (3, 3))
