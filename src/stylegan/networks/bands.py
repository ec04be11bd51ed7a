"""Large features without gradients: in place, in bands of rows that stay in the processor's cache.

At 1024 x 1024 a layer's features are 64 MB. Every function below goes through memory once where a chain of operations
goes through it four times, and keeps nothing besides. All overwrite what they are given.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._C._functorch import peek_interpreter_stack

from stylegan.networks.convolution import EXACT, ours

BAND_BYTES = 2**20  # as a second-level cache; twice or half as much is as fast
LARGE_BYTES = 2**23


def pay(x: Tensor) -> bool:
    """Is x large, on the CPU, and does nobody record gradients or a graph, or transform the function (vmap)?"""
    if not ours(x) or torch.is_grad_enabled() or peek_interpreter_stack() is not None:
        return False
    return x.dtype in EXACT and x.numel() * x.element_size() >= LARGE_BYTES


def convolve_(x: Tensor, w: Tensor, groups: int = 1) -> Tensor:
    """The convolution of x (N, C, H, W) with w (C, C / groups, 3, 3), zeros beyond the border."""
    above = torch.zeros_like(x[:, :, :1])  # the row above the band, as it was
    for band in _bands(x):
        below = x[:, :, band.stop : band.stop + 1] if band.stop < x.shape[2] else torch.zeros_like(above)
        rows = torch.cat([above, x[:, :, band], below], dim=2).contiguous(memory_format=torch.channels_last)
        above = rows[:, :, -2:-1]
        x[:, :, band] = F.conv2d(rows, w, padding=(0, 1), groups=groups)
    return x


def activate_(x: Tensor, bias: Tensor, noise: Tensor | None, strength: Tensor | None) -> Tensor:
    """Noise, bias and leaky ReLU. bias, strength: (C, 1, 1); noise: (N or 1, 1, H, W)."""
    for band in _bands(x):
        part = x[:, :, band].add_(bias)
        if noise is not None and strength is not None:
            part.addcmul_(noise[:, :, band], strength)
        F.leaky_relu_(part, 0.2)
    return x


def instance_norm_(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Every channel of every picture to mean `shift` and deviation `scale`, (N, C, 1, 1) each."""
    mean = x.mean(dim=(2, 3), keepdim=True)
    squares = torch.zeros_like(mean)
    for band in _bands(x):
        squares += x[:, :, band].sub_(mean).square().sum(dim=(2, 3), keepdim=True)
    scale = torch.rsqrt(squares / (x.shape[2] * x.shape[3]) + 1e-8) * scale
    for band in _bands(x):
        x[:, :, band].mul_(scale).add_(shift)
    return x


def _bands(x: Tensor) -> Iterator[slice]:
    """Rows of x: slices from top to bottom."""
    rows = max(1, BAND_BYTES * x.shape[2] // (x.numel() * x.element_size()))
    return (slice(start, min(start + rows, x.shape[2])) for start in range(0, x.shape[2], rows))
