"""The layers of both networks, as the paper defines them. Pictures and features are (N, C, H, W).

Each `@fast.dispatched` definition has a faster equivalent with the same result; `fast.off()` disables it.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylegan.config import GROUP_SIZE
from stylegan.networks import fast

NORM_EPS = 1e-8  # of the authors' code; the paper names none
SQRT2 = 2**0.5  # the gain of He et al.'s initialization, for layers before a leaky ReLU


# Equalized learning rate (Progressive GAN, Section 4.1): weights are stored with unit variance and scaled when used.


class EqualizedLinear(nn.Module):
    """A linear layer: (N, in_features) -> (N, out_features).

    lrmul: how much slower weights and bias learn than the rest: they are stored 1 / lrmul times larger (Appendix C).
    """

    def __init__(self, in_features: int, out_features: int, *, gain: float = SQRT2, lrmul: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lrmul)
        self.bias = nn.Parameter(torch.zeros(out_features))
        self.weight_gain = gain / math.sqrt(in_features) * lrmul
        self.lrmul = lrmul

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.weight_gain, self.bias * self.lrmul)  # (N, out_features)


class EqualizedConv2d(nn.Module):
    """A convolution, 3x3 or 1x1. Its bias comes later: after blur and noise, or after scaling."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3, *, gain: float = SQRT2) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.weight_gain = gain / math.sqrt(in_channels * kernel_size**2)

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.weight, self.weight_gain)  # (N, out_channels, H, W)


class EqualizedConv2dUp(EqualizedConv2d):
    """Double, then convolve [3x3]."""

    def forward(self, x: Tensor) -> Tensor:
        return conv2d_up(x, self.weight, self.weight_gain)  # (N, out_channels, 2H, 2W)


class EqualizedConv2dDown(EqualizedConv2d):
    """Convolve [3x3], then take the mean of every 2x2 pixels."""

    def forward(self, x: Tensor) -> Tensor:
        return conv2d_down(x, self.weight, self.weight_gain)  # (N, out_channels, H/2, W/2)


class Bias(nn.Module):
    """A number to add to each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias[:, None, None]  # (N, C, H, W)


@fast.dispatched
def conv2d(x: Tensor, weight: Tensor, gain: float) -> Tensor:
    """Convolve, zeros beyond the border. weight: (out_channels, in_channels, k, k), used `gain` times as large."""
    return F.conv2d(x, weight * gain, padding="same")


@fast.dispatched
def conv2d_up(x: Tensor, weight: Tensor, gain: float) -> Tensor:
    """Double, then convolve."""
    return conv2d(upsample(x), weight, gain)


@fast.dispatched
def conv2d_down(x: Tensor, weight: Tensor, gain: float) -> Tensor:
    """Convolve, then the mean of 2x2."""
    return downsample(conv2d(x, weight, gain))


# Resampling


def upsample(x: Tensor, factor: int = 2) -> Tensor:
    """Repeat every pixel `factor` times in height and width."""
    return x if factor == 1 else F.interpolate(x, scale_factor=factor, mode="nearest")


def downsample(x: Tensor, factor: int = 2) -> Tensor:
    """The mean of every `factor` x `factor` pixels."""
    return x if factor == 1 else F.avg_pool2d(x, factor)


class Blur(nn.Module):
    """The binomial filter [1, 2, 1] in height and width (Section 2, bilinear sampling)."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 2.0, 1.0])
        self.register_buffer("kernel", torch.outer(taps, taps) / 16, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return blur(x, self.kernel)  # (N, C, H, W)


@fast.dispatched
def blur(x: Tensor, kernel: Tensor) -> Tensor:
    """Convolve every channel with the binomial kernel (3, 3), zeros beyond the border."""
    C = x.shape[1]
    return F.conv2d(x, kernel.to(x.dtype).expand(C, 1, 3, 3), padding="same", groups=C)


# Noise, bias and activation


@fast.dispatched
def noisy_leaky_relu(x: Tensor, bias: Tensor, noise: Tensor | None, strength: Tensor | None) -> Tensor:
    """Add noise (N or 1, 1, H, W), for each channel by its strength (C,); then bias (C,) and leaky ReLU: Figure 1b."""
    if noise is not None and strength is not None:
        x = x + noise * strength[:, None, None]
    return leaky_relu(x, bias)


@fast.dispatched
def leaky_relu(x: Tensor, bias: Tensor | None = None) -> Tensor:
    """Leaky ReLU with slope 0.2, the only activation of the paper, after adding a bias (C,) where one is given.

    x: (N, C, H, W), or any shape without bias. The gradient at 0 is 1, as in the authors' code; torch's own has 0.2.
    """
    if bias is not None:  # under autocast x may be bfloat16, and the float32 bias makes the sum float32
        x = x + bias[:, None, None]
    return torch.where(x < 0, 0.2 * x, x)


# Normalization


class AdaIN(nn.Module):
    """Adaptive instance normalization: the style y = (y_s, y_b) = A(w) scales and shifts each channel (Equation 1).

    x: (N, channels, H, W); w: (N, w_dim). The learned affine A gives y_s - 1, so that y_s starts around 1.
    """

    def __init__(self, channels: int, w_dim: int, *, eps: float = NORM_EPS) -> None:
        super().__init__()
        self.affine = EqualizedLinear(w_dim, 2 * channels, gain=1)
        self.eps = eps

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        y_s, y_b = self.affine(w)[:, :, None, None].chunk(2, dim=1)  # (N, channels, 1, 1) each
        return adain(x, y_s + 1, y_b, self.eps)  # (N, channels, H, W)


@fast.dispatched
def adain(x: Tensor, y_s: Tensor, y_b: Tensor, eps: float = NORM_EPS) -> Tensor:
    """Equation 1: y_s (x - mu(x)) / sigma(x) + y_b. y_s, y_b: (N, C, 1, 1); eps is added to sigma(x)^2."""
    return y_s * instance_norm(x, eps) + y_b


def instance_norm(x: Tensor, eps: float = NORM_EPS) -> Tensor:
    """Every channel of every picture gets mean 0 and deviation 1: (x - mu(x)) / sigma(x).

    Moments are taken in float32 where x has fewer bits: squares in bfloat16 keep two digits.
    """
    if x.dtype in (torch.bfloat16, torch.float16):
        return instance_norm(x.float(), eps).to(x.dtype)  # (N, C, H, W)
    # Row by row: where all pixels are equal, as in a new network's 4x4 input, rounding must not look like a deviation.
    mu = x.mean(dim=3, keepdim=True).mean(dim=2, keepdim=True)  # (N, C, 1, 1)
    sigma = ((x - mu).square().mean(dim=(2, 3), keepdim=True) + eps).sqrt()  # (N, C, 1, 1)
    return (x - mu) / sigma  # (N, C, H, W)


def pixel_norm(x: Tensor) -> Tensor:
    """Divide by the root mean square over dimension 1: the channels of a pixel, or the entries of a latent."""
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)  # the shape of x


def minibatch_stddev(x: Tensor, group_size: int = GROUP_SIZE) -> Tensor:
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
    y = x.reshape(G, N // G, C, H, W)  # (G, N / G, C, H, W)
    y = ((y - y.mean(dim=0)).square().mean(dim=0) + 1e-8).sqrt()  # (N / G, C, H, W)
    y = y.mean(dim=(1, 2, 3))  # (N / G,)
    return torch.cat([x, y.repeat(G)[:, None, None, None].expand(N, 1, H, W)], dim=1)
