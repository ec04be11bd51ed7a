"""DiffAugment (arXiv 2006.10738): colour, translation and cutout of every picture that D sees, real or generated."""

import torch
from torch import Tensor

NUMBERS = 7  # random numbers per picture
SHIFT = 1 / 8  # the largest translation, as a fraction of the size
CUTOUT = 1 / 2  # the side of the square that is cut out, as a fraction of the size


def diffaugment(images: Tensor, u: Tensor) -> Tensor:
    """Pictures (N, C, H, H) in [-1, 1] and u, (N, 7) in [0, 1) -> the same shape. Empty areas are 0, mid-gray."""
    brightness, saturation, contrast, down, right, top, left = u[:, :, None, None, None].unbind(1)
    images = coloured(images, brightness - 0.5, 2 * saturation, 0.5 + contrast)
    return cut_out(translated(images, down, right), top, left)


def coloured(images: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor) -> Tensor:
    """Add `brightness`, then scale distances from gray by `saturation` and from the mean by `contrast`.

    The three are (N, 1, 1, 1). A fourth channel, opacity, stays as it is.
    """
    x, opacity = images[:, :3], images[:, 3:]
    x = x + brightness
    gray = x.mean(dim=1, keepdim=True)
    x = torch.lerp(gray, x, saturation)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return torch.cat([torch.lerp(mean, x, contrast), opacity], dim=1)


def translated(images: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Move by whole pixels, up to SHIFT times the size in each direction. down, right: (N, 1, 1, 1) in [0, 1)."""
    N, _, H, _ = images.shape
    most = round(SHIFT * H)
    to = torch.arange(H, device=images.device)
    rows, columns = (to - (of.reshape(N, 1) * (2 * most + 1)).floor().long() + most for of in (down, right))
    inside = ((rows >= 0) & (rows < H))[:, None, :, None] & ((columns >= 0) & (columns < H))[:, None, None, :]
    rows, columns = rows.clamp(0, H - 1)[:, None, :, None], columns.clamp(0, H - 1)[:, None, None, :]
    moved = images.gather(2, rows.expand_as(images)).gather(3, columns.expand_as(images))
    return torch.where(inside, moved, 0)


def cut_out(images: Tensor, top: Tensor, left: Tensor) -> Tensor:
    """Erase a square of CUTOUT times the size, centred anywhere in the picture. top, left: (N, 1, 1, 1) in [0, 1)."""
    N, _, H, _ = images.shape
    side, to = round(CUTOUT * H), torch.arange(H, device=images.device)
    rows, columns = ((of.reshape(N, 1) * (H + 1 - side % 2)).floor() - side // 2 for of in (top, left))
    inside_rows, inside_columns = ((to >= first) & (to < first + side) for first in (rows, columns))
    return torch.where(inside_rows[:, None, :, None] & inside_columns[:, None, None, :], 0, images)
