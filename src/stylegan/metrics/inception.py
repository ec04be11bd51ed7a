"""The Inception network of 2015-12-05, whose features give the FID (Heusel et al., arXiv 1706.08500).

The layers are those of "Rethinking the Inception Architecture" (Szegedy et al., arXiv 1512.00567), named as in the
state dict that pytorch-fid and torch-fidelity publish. Unlike in torchvision's network, average pooling does not count
its padding, the last block pools the maximum instead, and there are 1008 classes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FEATURES = 2048
SIDE_PX = 299  # size of the pictures that the network was trained on
CLASSES = 1008
BATCH_NORM_EPSILON = 1e-3

Layer = tuple[str, int, tuple[int, int], int]
"""Name, output channels, kernel (height, width), stride. A kernel is padded unless its stride is 2."""


def chain(name: str, *layers: str, first: int = 1) -> list[Layer]:
    """Layers written as "64 3x3" (channels, kernel) or "96 3x3/2" (with stride 2), named NAME_`first` and so on."""
    found = []
    for i, text in enumerate(layers, first):
        channels, _, kernel = text.partition(" ")
        kernel, _, stride = kernel.partition("/")
        height, width = map(int, kernel.split("x"))
        found.append((f"{name}_{i}", int(channels), (height, width), int(stride or 1)))
    return found


def only(name: str, channels: int) -> list[Layer]:
    """A 1x1 convolution that is a separate branch."""
    return [(name, channels, (1, 1), 1)]


def fork(name: str, channels: int, *, at: int) -> list[Layer]:
    """A 1x3 and a 3x1 convolution side by side, NAME_2a and NAME_2b."""
    return [(f"{name}_{at}a", channels, (1, 3), 1), (f"{name}_{at}b", channels, (3, 1), 1)]


class Unit(nn.Module):
    """A convolution without bias, then batch normalization, then ReLU."""

    def __init__(self, in_channels: int, layer: Layer, padding: tuple[int, int]) -> None:
        super().__init__()
        _, channels, kernel, stride = layer
        self.conv = nn.Conv2d(in_channels, channels, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=BATCH_NORM_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Parallel branches whose outputs are concatenated. Blocks at 35, 17 and 8 px differ only in their branches."""

    def __init__(self, in_channels: int, branches: list[list[Layer]], *, pool: str) -> None:
        """pool: how the last branch begins: "average" or "max", then a convolution, or "reduce", a maximum with stride
        2 and nothing after it."""
        super().__init__()
        self.pool, self.branches = pool, [[name for name, *_ in branch] for branch in branches]
        self.channels = in_channels if pool == "reduce" else 0
        for branch in branches:
            width = in_channels
            for layer in branch:
                name, channels, (height, kernel_width), stride = layer
                padding = (height // 2, kernel_width // 2) if stride == 1 else (0, 0)
                self.add_module(name, Unit(width, layer, padding))
                width = width if name.endswith("a") else channels  # the b beside an a sees what the a sees
            self.channels += sum(layer[1] for layer in branch if layer is branch[-1] or layer[0].endswith("a"))

    def forward(self, x: Tensor) -> Tensor:
        *branches, last = self.branches if self.pool != "reduce" else [*self.branches, []]
        return torch.cat([*(self.run(branch, x) for branch in branches), self.run(last, pooled(x, self.pool))], dim=1)

    def run(self, branch: list[str], x: Tensor) -> Tensor:
        """Apply one branch, which may fork at its end."""
        forked = []
        for name in branch:
            y = self.get_submodule(name)(x)
            if name.endswith(("a", "b")):
                forked.append(y)
            else:
                x = y
        return torch.cat(forked, dim=1) if forked else x


def pooled(x: Tensor, pool: str) -> Tensor:
    """3x3 pooling: "average" without counting the padding, "max", or "reduce", a maximum with stride 2."""
    if pool == "average":
        return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    return F.max_pool2d(x, 3, stride=1, padding=1) if pool == "max" else F.max_pool2d(x, 3, stride=2)


def at_35(pool_channels: int) -> list[list[Layer]]:
    """Branches of a block at 35 px (Figure 5 of the Inception paper)."""
    return [
        only("branch1x1", 64),
        chain("branch5x5", "48 1x1", "64 5x5"),
        chain("branch3x3dbl", "64 1x1", "96 3x3", "96 3x3"),
        only("branch_pool", pool_channels),
    ]


def at_17(width: int) -> list[list[Layer]]:
    """Branches of a block at 17 px, with 7x7 split into 1x7 and 7x1 (Figure 6)."""
    return [
        only("branch1x1", 192),
        chain("branch7x7", f"{width} 1x1", f"{width} 1x7", "192 7x1"),
        chain("branch7x7dbl", f"{width} 1x1", f"{width} 7x1", f"{width} 1x7", f"{width} 7x1", "192 1x7"),
        only("branch_pool", 192),
    ]


AT_8 = [  # Figure 7
    only("branch1x1", 320),
    chain("branch3x3", "384 1x1") + fork("branch3x3", 384, at=2),
    chain("branch3x3dbl", "448 1x1", "384 3x3") + fork("branch3x3dbl", 384, at=3),
    only("branch_pool", 192),
]
TO_17 = [[("branch3x3", 384, (3, 3), 2)], chain("branch3x3dbl", "64 1x1", "96 3x3", "96 3x3/2")]
TO_8 = [chain("branch3x3", "192 1x1", "320 3x3/2"), chain("branch7x7x3", "192 1x1", "192 1x7", "192 7x1", "192 3x3/2")]
MIXED = [  # name, branches, pooling
    ("Mixed_5b", at_35(32), "average"),
    ("Mixed_5c", at_35(64), "average"),
    ("Mixed_5d", at_35(64), "average"),
    ("Mixed_6a", TO_17, "reduce"),
    ("Mixed_6b", at_17(128), "average"),
    ("Mixed_6c", at_17(160), "average"),
    ("Mixed_6d", at_17(160), "average"),
    ("Mixed_6e", at_17(192), "average"),
    ("Mixed_7a", TO_8, "reduce"),
    ("Mixed_7b", AT_8, "average"),
    ("Mixed_7c", AT_8, "max"),
]
STEM = [  # name, input channels, output channels, kernel, stride, padding
    ("Conv2d_1a_3x3", 3, 32, 3, 2, 0),
    ("Conv2d_2a_3x3", 32, 32, 3, 1, 0),
    ("Conv2d_2b_3x3", 32, 64, 3, 1, 1),
    ("Conv2d_3b_1x1", 64, 80, 1, 1, 0),
    ("Conv2d_4a_3x3", 80, 192, 3, 1, 0),
]
REDUCED_AFTER = {"Conv2d_2b_3x3", "Conv2d_4a_3x3"}


class Inception(nn.Module):
    """Pictures (N, 3, 299, 299) in [-1, 1] -> features (N, 2048), the averages over positions before the classes."""

    def __init__(self) -> None:
        super().__init__()
        for name, in_channels, channels, kernel, stride, padding in STEM:
            self.add_module(name, Unit(in_channels, (name, channels, (kernel, kernel), stride), (padding, padding)))
        width = STEM[-1][2]
        for name, branches, pool in MIXED:
            block = Mixed(width, branches, pool=pool)
            self.add_module(name, block)
            width = block.channels
        self.fc = nn.Linear(FEATURES, CLASSES)  # not used, but in the file, which is loaded strictly

    def forward(self, images: Tensor) -> Tensor:
        x = (images * 127.5 - 0.5) / 128  # [-1, 1] -> (uint8 - 128) / 128, as in its training
        for name, *_ in STEM:
            x = self.get_submodule(name)(x)
            if name in REDUCED_AFTER:
                x = F.max_pool2d(x, 3, stride=2)
        for name, *_ in MIXED:
            x = self.get_submodule(name)(x)
        return x.mean(dim=(2, 3))
