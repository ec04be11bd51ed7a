"""The layers that both networks are made of. Pictures and features are (N, C, H, W)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3, *, gain: float = SQRT2) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.weight_gain = gain / math.sqrt(in_channels * kernel_size**2)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.weight_gain, padding=self.weight.shape[-1] // 2)


class EqualizedConv2dUp(EqualizedConv2d):
    """Nearest-neighbour doubling, then the 3x3 convolution, in one."""

    def forward(self, x: Tensor) -> Tensor:
        # Each input pixel is seen by 4 x 4 outputs: as a transposed convolution this costs 16 and not 36 products.
        kernel = _sum_of_shifts((self.weight * self.weight_gain).flip(2, 3))
        return F.conv_transpose2d(x, kernel.transpose(0, 1), stride=2, padding=1)


class EqualizedConv2dDown(EqualizedConv2d):
    """The 3x3 convolution, then the mean of every 2x2 pixels, in one."""

    def forward(self, x: Tensor) -> Tensor:
        kernel = _sum_of_shifts(self.weight * self.weight_gain) / 4
        return F.conv2d(x, kernel, stride=2, padding=1)


def _sum_of_shifts(kernel: Tensor) -> Tensor:
    """The 4x4 kernel of a 3x3 kernel followed or preceded by a 2x2 box of ones."""
    padded = F.pad(kernel, (1, 1, 1, 1))  # (..., 5, 5)
    return padded[..., 1:, 1:] + padded[..., :-1, 1:] + padded[..., 1:, :-1] + padded[..., :-1, :-1]


def upsample(x: Tensor, factor: int = 2) -> Tensor:
    """Repeat every pixel `factor` times in height and width."""
    return x if factor == 1 else F.interpolate(x, scale_factor=factor, mode="nearest")


def downsample(x: Tensor, factor: int = 2) -> Tensor:
    """The mean of every `factor` x `factor` pixels."""
    return x if factor == 1 else F.avg_pool2d(x, factor)


class Blur(nn.Module):
    """The binomial filter [1, 2, 1] in height and width, zeros beyond the border (Section 2, bilinear sampling)."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 2.0, 1.0])
        self.register_buffer("kernel", torch.outer(taps, taps) / 16, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        return F.conv2d(x, self.kernel.to(x.dtype).expand(channels, 1, 3, 3), padding=1, groups=channels)


def leaky_relu(x: Tensor, bias: Tensor | None = None) -> Tensor:
    """Leaky ReLU with slope 0.2, the only activation of the paper, after adding a bias to each channel.

    x: (N, C, H, W) with bias (C,), or any shape without. As in the authors' code the gradient at 0 is 1, and not 0.2:
    what is too small to change a number lifts a 0 off the corner.
    """
    tiny = 1e-30
    return F.leaky_relu(x + (tiny if bias is None else (bias + tiny)[:, None, None]), 0.2)


def pixel_norm(x: Tensor) -> Tensor:
    """Divide by the root mean square over dimension 1: the channels of a pixel, or the entries of a latent."""
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


def instance_norm(x: Tensor) -> Tensor:
    """Zero mean and unit deviation for every channel of every picture (the inner part of Equation 1)."""
    x = x - x.mean(dim=(2, 3), keepdim=True)
    return x * torch.rsqrt(x.square().mean(dim=(2, 3), keepdim=True) + 1e-8)


class AdaIN(nn.Module):
    """Adaptive instance normalization: the style y = (y_s, y_b) = A(w) scales and shifts each channel (Equation 1).

    x: (N, channels, H, W), w: (N, w_dim). The learned affine A gives y_s - 1, so that it starts around 1.
    """

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()
        self.affine = EqualizedLinear(w_dim, 2 * channels, gain=1)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        y_s, y_b = self.affine(w)[:, :, None, None].chunk(2, dim=1)  # (N, channels, 1, 1) each
        return instance_norm(x) * (y_s + 1) + y_b


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
    y = (y.var(dim=0, unbiased=False) + 1e-8).sqrt()  # (N / G, C, H, W)
    y = y.mean(dim=(1, 2, 3))  # (N / G,)
    return torch.cat([x, y.repeat(G)[:, None, None, None].expand(N, 1, H, W)], dim=1)
