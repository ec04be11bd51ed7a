"""Large features without gradients: in place, in bands of rows that stay in the processor's cache.

At 1024 x 1024 a layer's features are 64 MB. The functions below pass over memory once or twice where a chain of
operations passes over it four times. Those whose names end in _ overwrite their input. `when.large_unrecorded` says
where they pay.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

BAND_BYTES = 2**22  # in the third-level cache; with two threads 4 to 9 % less CPU time than the second-level cache full


def convolve_(x: Tensor, w: Tensor, groups: int = 1) -> Tensor:
    """The convolution of x (N, C, H, W) with w (C, C / groups, 3, 3), zeros beyond the border."""
    for picture in x.split(1):  # whose bands lie in memory in one piece
        last = new = picture[:, :, :0]
        for band in _bands(picture):
            rows, own = _with_neighbours(picture, band)
            y = F.conv2d(rows, w, padding=1, groups=groups)
            last.copy_(new)  # not before: the band needed the row above it as it was
            last, new = picture[:, :, band], y[:, :, own]
        last.copy_(new)
    return x


def convolve_up(x: Tensor, w: Tensor) -> Tensor:
    """The transposed convolution with stride 2, x (N, C, H, W), w (C, O, 4, 4) -> (N, O, 2H, 2W). Leaves x as it is.

    On the whole picture, oneDNN needs as much extra memory as its output.
    """
    N, _, H, W = x.shape
    y = x.new_empty(N, 2 * H, 2 * W, w.shape[1]).permute(0, 3, 1, 2)
    for picture, to in zip(x.split(1), y.split(1), strict=True):
        for band in _bands(picture):
            rows, own = _with_neighbours(picture, band)
            wide = F.conv_transpose2d(rows, w, stride=2, padding=1)
            to[:, :, 2 * band.start : 2 * band.stop] = wide[:, :, 2 * own.start : 2 * own.stop]
    return y


def activate_(x: Tensor, bias: Tensor, noise: Tensor | None, strength: Tensor | None) -> Tensor:
    """Noise, bias and leaky ReLU. bias, strength: (C, 1, 1); noise: (N or 1, 1, H, W)."""
    for band in _bands(x):
        part = x[:, :, band].add_(bias)
        if noise is not None and strength is not None:
            part.addcmul_(noise[:, :, band], strength)
        F.leaky_relu_(part, 0.2)
    return x


def instance_norm_(x: Tensor, scale: Tensor, shift: Tensor, eps: float = 1e-8) -> Tensor:
    """Every channel of every picture to mean `shift` and deviation `scale`, (N, C, 1, 1) each; eps: as of AdaIN."""
    for picture, y_s, y_b in zip(x.split(1), scale.split(1), shift.split(1), strict=True):
        parts = [picture[:, :, band] for band in _bands(picture)]
        mean, variance = _moments(parts)
        factor = torch.rsqrt(variance + eps) * y_s
        term = y_b - mean * factor
        for part in parts:
            torch.addcmul(term, part, factor, out=part)
    return x


def _moments(parts: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and variance of the channels of a picture, (C, 1, 1) each, from those of its parts."""
    found = [torch.batch_norm_update_stats(part, None, None, 0.0) for part in parts]
    means, variances = (torch.stack(column, dim=1) for column in zip(*found, strict=True))  # (C, parts)
    rows = means.new_tensor([part.shape[2] for part in parts])
    shares = rows / rows.sum()
    mean = means @ shares
    variance = (variances + (means - mean[:, None]).square()) @ shares
    return mean[:, None, None], variance[:, None, None]


def _with_neighbours(x: Tensor, band: slice) -> tuple[Tensor, slice]:
    """The band with the rows above and below it, where there are any, and which of these rows are its own."""
    above = min(band.start, 1)
    return x[:, :, band.start - above : band.stop + 1], slice(above, above + band.stop - band.start)


def _bands(x: Tensor) -> Iterator[slice]:
    """Rows of x: slices from top to bottom."""
    rows = max(1, BAND_BYTES * x.shape[2] // (x.numel() * x.element_size()))
    return (slice(start, min(start + rows, x.shape[2])) for start in range(0, x.shape[2], rows))
