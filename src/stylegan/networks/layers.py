"""The layers that both networks are made of. Pictures and features are (N, C, H, W)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylegan.networks.fast import bands
from stylegan.networks.fast.convolution import (
    conv2d,
    conv2d_down,
    conv2d_up,
    depthwise,
    for_each_channel,
    large_unrecorded,
)

SQRT2 = 2**0.5  # the gain of He et al.'s initialization, for layers before a leaky ReLU


class EqualizedLinear(nn.Module):
    """A linear layer whose stored weights have unit variance and are scaled when used (Progressive GAN, Section 4.1).

    lrmul: how much slower weights and bias learn than the rest: they are stored 1 / lrmul times larger (Appendix C).
    (N, in_features) -> (N, out_features).
    """

    def __init__(self, in_features: int, out_features: int, *, gain: float = SQRT2, lrmul: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lrmul)
        self.bias = nn.Parameter(torch.zeros(out_features))
        self.weight_gain = gain / math.sqrt(in_features) * lrmul
        self.lrmul = lrmul

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.weight_gain, self.bias * self.lrmul)


class EqualizedConv2d(nn.Module):
    """A convolution with equalized learning rate. Its bias comes later: after blur and noise, or after scaling.

    (N, in_channels, H, W) -> (N, out_channels, H, W); twice the height and width for Up, half for Down.
    overwrite: with as many channels out as in, it may overwrite what it is given, where no gradient is recorded.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        gain: float = SQRT2,
        overwrite: bool = False,
    ) -> None:
        super().__init__()
        self.overwrite = overwrite
        weight = torch.randn(out_channels, in_channels, kernel_size, kernel_size)
        self.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last))
        self.weight_gain = gain / math.sqrt(in_channels * kernel_size**2)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight * self.weight_gain
        return bands.convolve_(x, weight) if self.overwrite and large_unrecorded(x) else conv2d(x, weight)


class EqualizedConv2dUp(EqualizedConv2d):
    """Nearest-neighbour doubling, then the 3x3 convolution, in one."""

    places: Tensor

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        transposed = self.weight.detach().transpose(0, 1).contiguous(memory_format=torch.channels_last)
        self.weight = nn.Parameter(transposed.transpose(0, 1))  # lies in memory as it is used
        self.register_buffer("places", box_places().flip(1), persistent=False)  # transposed: taps from right to left

    def forward(self, x: Tensor) -> Tensor:
        # Each input pixel is seen by 4 x 4 outputs: as a transposed convolution this costs 16 and not 36 products.
        weight = box_kernel(self.weight.transpose(0, 1), self.places * self.weight_gain)
        return bands.convolve_up(x, weight) if large_unrecorded(x) else conv2d_up(x, weight)


class EqualizedConv2dDown(EqualizedConv2d):
    """The 3x3 convolution, then the mean of every 2x2 pixels, in one."""

    places: Tensor

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.register_buffer("places", box_places(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return conv2d_down(x, box_kernel(self.weight, self.places * (self.weight_gain / 4)))


def box_places() -> Tensor:
    """(16, 9): where the taps of a 3x3 kernel come to lie in that of the same kernel and a 2x2 box of ones."""
    row = torch.eye(4, 3) + torch.eye(4, 3).roll(1, dims=0)  # a tap is seen at its place, and at the next
    return torch.kron(row, row)


def box_kernel(weight: Tensor, places: Tensor) -> Tensor:
    """(O, C, 3, 3) -> (O, C, 4, 4)."""
    kernel = places @ weight.permute(0, 2, 3, 1).flatten(1, 2)  # (O, 16, C)
    return kernel.view(len(weight), 4, 4, -1).permute(0, 3, 1, 2)


def upsample(x: Tensor, factor: int = 2) -> Tensor:
    """Repeat every pixel `factor` times in height and width."""
    return x if factor == 1 else F.interpolate(x, scale_factor=factor, mode="nearest")


def downsample(x: Tensor, factor: int = 2) -> Tensor:
    """The mean of every `factor` x `factor` pixels."""
    return x if factor == 1 else F.avg_pool2d(x, factor)


class Blur(nn.Module):
    """The binomial filter [1, 2, 1] in height and width, zeros beyond the border (Section 2, bilinear sampling).

    overwrite: it may overwrite what it is given, where no gradient is recorded.
    """

    kernel: Tensor

    def __init__(self, *, overwrite: bool = False) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 2.0, 1.0])
        self.register_buffer("kernel", torch.outer(taps, taps) / 16, persistent=False)
        self.overwrite = overwrite

    def forward(self, x: Tensor) -> Tensor:
        if self.overwrite and large_unrecorded(x):
            return bands.convolve_(x, for_each_channel(self.kernel, x), groups=x.shape[1])
        return depthwise(x, self.kernel)


def leaky_relu(x: Tensor, bias: Tensor | None = None) -> Tensor:
    """Leaky ReLU with slope 0.2, the only activation of the paper, after adding a bias to each channel.

    x: (N, C, H, W) with bias (C,), or any shape without. As in the authors' code the gradient at 0 is 1, and not 0.2:
    what is too small to change a number lifts a 0 off the corner.
    """
    return F.leaky_relu_(x + (TINY if bias is None else (bias + TINY)[:, None, None]), 0.2)


TINY = 1e-30


def noisy_leaky_relu(x: Tensor, bias: Tensor, noise: Tensor | None, strength: Tensor | None) -> Tensor:
    """The same after adding noise (N or 1, 1, H, W), for each channel by its strength (C,): Figure 1b.

    Overwrites x where no gradient is recorded.
    """
    strength = None if strength is None else strength[:, None, None]
    if large_unrecorded(x):
        return bands.activate_(x, bias[:, None, None], noise, strength)
    return leaky_relu(x if noise is None or strength is None else torch.addcmul(x, noise, strength), bias)


def pixel_norm(x: Tensor) -> Tensor:
    """Divide by the root mean square over dimension 1: the channels of a pixel, or the entries of a latent."""
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


def instance_norm(x: Tensor, scale: Tensor | float = 1.0, shift: Tensor | float = 0.0) -> Tensor:
    """Equation 1: every channel of every picture gets mean `shift` and deviation `scale`, (N, C, 1, 1) or numbers."""
    # Row by row: where all pixels are equal, as a new network's 4x4 input, rounding must not become their deviation.
    x = x - x.mean(dim=3, keepdim=True).mean(dim=2, keepdim=True)
    scale = torch.rsqrt(x.square().mean(dim=(2, 3), keepdim=True) + 1e-8) * scale
    return torch.addcmul(torch.as_tensor(shift).to(x), x, scale)


class AdaIN(nn.Module):
    """Adaptive instance normalization: the style y = (y_s, y_b) = A(w) scales and shifts each channel (Equation 1).

    x: (N, channels, H, W), overwritten where no gradient is recorded; w: (N, w_dim). The learned affine A gives
    y_s - 1, so that it starts around 1.
    """

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()
        self.affine = EqualizedLinear(w_dim, 2 * channels, gain=1)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        y_s, y_b = self.affine(w)[:, :, None, None].chunk(2, dim=1)  # (N, channels, 1, 1) each
        return bands.instance_norm_(x, y_s + 1, y_b) if large_unrecorded(x) else instance_norm(x, y_s + 1, y_b)


class PixelNorm(nn.Module):
    """The traditional generator's normalization: styles have no say."""

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        return pixel_norm(x)


def minibatch_stddev(x: Tensor, group_size: int = 4) -> Tensor:
    """Append a channel: the deviation over a group of pictures, averaged over channels and pixels.

    With M = N / group_size groups, picture i is in group i mod M. (N, C, H, W) -> (N, C + 1, H, W). N below
    group_size is one group; else N must be a multiple of it (ValueError).
    """
    N, C, H, W = x.shape
    G = min(group_size, N)
    if N % G:
        raise ValueError(
            f"a batch of {N} pictures: the minibatch deviation needs 1, 2, 3 or a multiple of {group_size}"
        )
    y = x.reshape(G, N // G, C, H, W)
    y = ((y - y.mean(dim=0)).square().mean(dim=0) + 1e-8).sqrt()  # (N / G, C, H, W)
    y = y.mean(dim=(1, 2, 3))  # (N / G,)
    return torch.cat([x, y.repeat(G)[:, None, None, None].expand(N, 1, H, W)], dim=1)
