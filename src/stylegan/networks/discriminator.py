"""The progressive discriminator: the mirror image of the traditional generator, unchanged by the paper (Section 2)."""

import math

import torch
from torch import Tensor, nn

from stylegan.config import NetworkConfig
from stylegan.networks.fade import fade
from stylegan.networks.fast.layout import lay_out
from stylegan.networks.generator import RESAMPLES, as_input, check_c, check_lod
from stylegan.networks.layers import (
    EqualizedConv2d,
    EqualizedConv2dDown,
    EqualizedLinear,
    downsample,
    leaky_relu,
    minibatch_stddev,
)


class Discriminator(nn.Module):
    """D: pictures to one number each, high for pictures that look real. lod: as in `Generator`."""

    def __init__(self, config: NetworkConfig, lod: float = 0.0) -> None:
        super().__init__()
        self.config = config.network
        self.lod = lod
        resolutions = [2**i for i in range(2, int(math.log2(config.img_resolution)) + 1)]  # as G's: from 4 px up
        self.fromrgb = nn.ModuleList(FromRGB(config, resolution) for resolution in resolutions)
        self.blocks = nn.ModuleList(DownBlock(config, resolution) for resolution in resolutions[1:])
        self.head = Head(config)
        lay_out(self)

    def forward(self, img: Tensor, c: Tensor | None = None, *, lod: float | None = None) -> Tensor:
        """img: (N, img_channels, H, H) with H = img_resolution / 2^floor(lod), c: (N, c_dim) -> logits (N, 1)."""
        lod = self.lod if lod is None else lod
        check_lod(lod, self.config)
        if not torch.is_floating_point(img):
            raise ValueError(f"img of {img.dtype}: must be floats, nominally in [-1, 1]")
        img, c = as_input(img, "img", self.head.bias), None if c is None else as_input(c, "c", self.head.bias)
        grown = len(self.blocks) - math.floor(lod)  # blocks that are grown, besides 4x4
        H = self.config.resolution_at(lod)
        if img.shape[1:] != (self.config.img_channels, H, H):
            raise ValueError(
                f"pictures of shape {tuple(img.shape)}: "
                f"must be (N, {self.config.img_channels}, {H}, {H}) at lod {lod:g}"
            )
        check_c(c, len(img), self.config.c_dim)
        x = self.fromrgb[grown](img)  # (N, C, H, H)
        for i in reversed(range(grown)):
            x = self.blocks[i](x)  # (N, C, 4 * 2^i, 4 * 2^i)
            if lod % 1 and i == grown - 1:
                x = torch.lerp(x, self.fromrgb[i](downsample(img)), fade(lod))  # (N, C, H/2, H/2)
        return self.head(x, c)  # (N, 1)


class FromRGB(nn.Module):
    """Picture channels to features: a 1x1 convolution, bias, activation."""

    def __init__(self, config: NetworkConfig, resolution: int) -> None:
        super().__init__()
        channels = config.channels(resolution)
        self.conv = EqualizedConv2d(config.img_channels, channels, 1)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, img: Tensor) -> Tensor:
        return leaky_relu(self.conv(img), self.bias)  # (N, channels, H, H)


class DownBlock(nn.Module):
    """Two convolutions at one resolution; the second halves it."""

    def __init__(self, config: NetworkConfig, resolution: int) -> None:
        super().__init__()
        channels, out_channels = config.channels(resolution), config.channels(resolution // 2)
        self.conv0 = EqualizedConv2d(channels, channels)
        self.bias0 = nn.Parameter(torch.zeros(channels))
        self.blur = RESAMPLES[config.resample]()
        self.conv1 = EqualizedConv2dDown(channels, out_channels)
        self.bias1 = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        x = leaky_relu(self.conv0(x), self.bias0)  # (N, channels, H, H)
        return leaky_relu(self.conv1(self.blur(x)), self.bias1)  # (N, out_channels, H/2, H/2)


class Head(nn.Module):
    """4x4: minibatch deviation, a convolution, two dense layers; with classes, the logit of the picture's own class."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        channels, out_channels = config.channels(4), config.channels(2)
        self.conv = EqualizedConv2d(channels + 1, channels)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.dense0 = EqualizedLinear(channels * 16, out_channels)
        self.dense1 = EqualizedLinear(out_channels, max(config.c_dim, 1), gain=1)

    def forward(self, x: Tensor, c: Tensor | None) -> Tensor:
        x = minibatch_stddev(x)  # (N, channels + 1, 4, 4)
        x = leaky_relu(self.conv(x), self.bias)  # (N, channels, 4, 4)
        x = self.dense1(leaky_relu(self.dense0(x.flatten(1))))  # (N, max(c_dim, 1))
        return x if c is None or not c.shape[1] else (x * c).sum(dim=1, keepdim=True)  # (N, 1)
