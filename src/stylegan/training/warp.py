"""Affine maps of pictures between low-pass filters (ADA, Appendix B), differentiable any number of times."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

# The low-pass filter of the wavelet sym6 (Daubechies, Ten Lectures on Wavelets, Section 8.1): orthogonal to its own
# shifts by two, so that `halved` undoes `doubled` exactly.
SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
CENTRE = sum(k * h for k, h in enumerate(SYM6)) / sum(SYM6)  # doubling puts pixel i at 2 i + CENTRE
MARGIN = len(SYM6) // 2  # pixels added around the picture for the filters


def warp(images: Tensor, inverse: Tensor) -> Tensor:
    """Map pictures (N, C, H, H), mirrored at their edges: low-pass filter to twice the size, map, filter back.

    inverse: (N, 3, 3), maps a position (x, y, 1) in the result to its position in the picture; in pixels from the
    centre, x to the right, y down.
    """
    H = images.shape[-1]
    large = doubled(mirrored(images, MARGIN))  # its pixel 0 lies at 2 * MARGIN - 2 of the whole doubled picture
    places = torch.arange(2 * H + len(SYM6) - 2, device=images.device, dtype=images.dtype)  # what `halved` asks for
    centre = H - 1 + CENTRE  # of the picture, counted from the first of these places
    y, x = torch.meshgrid((places - centre) / 2, (places - centre) / 2, indexing="ij")
    at = torch.stack([x, y, torch.ones_like(x)]).flatten(1)  # (3, places)
    x, y, _ = (2 * (inverse @ at) + centre + 2).unbind(1)
    return halved(bilinear(large, x, y).unflatten(2, (len(places), len(places))))


def mirrored(images: Tensor, margin: int) -> Tensor:
    """(N, C, H, H) -> (N, C, H + 2 margin, H + 2 margin), continued by its mirror images."""
    size = images.shape[-1]
    at = _inside(torch.arange(-margin, size + margin, device=images.device), size)
    return images.index_select(2, at).index_select(3, at)


def doubled(images: Tensor) -> Tensor:
    """(N, C, P, P) -> (N, C, 2P - 10, 2P - 10), filtered. Only places with all 6 neighbours per direction are kept."""
    edge, scale = len(SYM6) - 2, math.sqrt(2)
    for dim in (2, 3):
        filters, stride = _filters(images, dim, scale)
        images = F.conv_transpose2d(images, filters, stride=stride, groups=images.shape[1])
        images = images.narrow(dim, edge, images.shape[dim] - 2 * edge)
    return images


def halved(images: Tensor) -> Tensor:
    """(N, C, 2H + 10, 2H + 10) -> (N, C, H, H), filtered."""
    for dim in (2, 3):
        filters, stride = _filters(images, dim, 1 / math.sqrt(2))
        images = F.conv2d(images, filters, stride=stride, groups=images.shape[1])
    return images


def bilinear(images: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The values of (N, C, P, P) at the pixels x, y of shape (N, M), mirrored at the edges: (N, C, M)."""
    C, size = images.shape[1], images.shape[-1]
    pixels, left, top = images.flatten(2), x.floor(), y.floor()

    def at(x: Tensor, y: Tensor) -> Tensor:
        place = _inside(y.long(), size) * size + _inside(x.long(), size)
        return pixels.gather(2, place[:, None].expand(-1, C, -1))

    right_part, low_part = (x - left)[:, None], (y - top)[:, None]
    above = torch.lerp(at(left, top), at(left + 1, top), right_part)
    below = torch.lerp(at(left, top + 1), at(left + 1, top + 1), right_part)
    return torch.lerp(above, below, low_part)


def constant(values: Sequence[float], like: Tensor) -> Tensor:
    """A tensor of these numbers, filled in on the device, because a CUDA graph cannot record a copy from the host."""
    return torch.stack([like.new_full((), value) for value in values])


def _inside(at: Tensor, size: int) -> Tensor:
    """Pixel indices, mirrored at the edges until they are in 0 to size - 1."""
    at = at.remainder(2 * size)
    return torch.minimum(at, 2 * size - 1 - at)


def _filters(images: Tensor, dim: int, scale: float) -> tuple[Tensor, tuple[int, int]]:
    """The filter along `dim` for each channel, and the stride with which it doubles or halves."""
    row = scale * constant(SYM6, images)
    shape, stride = ((1, 1, -1, 1), (2, 1)) if dim == 2 else ((1, 1, 1, -1), (1, 2))
    return row.reshape(shape).repeat(images.shape[1], 1, 1, 1), stride
