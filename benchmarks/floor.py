"""The floor: only the convolutions of a job, each computed directly, from tensors that exist already.

Doubling and halving are one 4x4 convolution with stride 2, which is exact. A training step counts as the fewest passes
over the networks that it needs. Each convolution uses the faster memory layout, contiguous or channels_last; the cost
of converting to it does not count. Convolutions with fewer products (Winograd) can go below this floor.
"""

from collections import Counter
from typing import NamedTuple

import torch
from clock import Seconds, timed

from stylegan.config import Config


class Conv(NamedTuple):
    """A convolution of H x H. kernel: 1, 3, or 4 with stride 2, which halves H, or doubles it for `up`."""

    in_channels: int
    out_channels: int
    kernel: int
    H: int
    up: bool = False

    @property
    def flops(self) -> int:
        """Operations for a picture, two for each product; the same number for each field of Passes."""
        places = self.H if self.kernel < 4 or self.up else self.H // 2  # where the kernel is laid
        return 2 * self.in_channels * self.out_channels * (self.kernel * places) ** 2


class Passes(NamedTuple):
    """How often a job computes each operation of a convolution."""

    forward: int
    input_gradient: int
    weight_gradient: int


PASSES = {
    "generate": {"G": Passes(1, 0, 0), "D": Passes(0, 0, 0)},
    # G: pictures for D, and its own step. D: fakes (1, 1, 1); reals with R1 (1, 1, 0), whose second backward pass is
    # (1, 0, 1) for R1's and (0, 1, 1) for the first forward pass; G's step (1, 1, 0).
    "train": {"G": Passes(2, 1, 1), "D": Passes(4, 4, 3)},
}


def floor(section: str, config: Config, *, N: int, lod: float, seconds: float) -> Seconds:
    """Seconds for all convolutions of a batch of N. seconds: the time allowed for timing each operation."""
    wall = cpu = 0.0
    for (conv, operation), count in operations(section, config, lod).items():
        took = fastest(conv, operation, N=N, seconds=seconds)
        wall, cpu = wall + count * took.wall, cpu + count * took.cpu
    return Seconds(wall, cpu)


def gflop(section: str, config: Config, lod: float) -> float:
    """Thousand millions of operations (GFLOP) of all convolutions, for a picture."""
    return sum(count * conv.flops for (conv, _), count in operations(section, config, lod).items()) / 1e9


def operations(section: str, config: Config, lod: float) -> Counter[tuple[Conv, str]]:
    """(convolution, field of Passes) -> how often."""
    counts: Counter[tuple[Conv, str]] = Counter()
    for name, convs in convolutions(config, lod).items():
        for operation, count in PASSES[section][name]._asdict().items():
            for conv in convs:
                counts[conv, operation] += count
    return +counts


def convolutions(config: Config, lod: float) -> dict[str, list[Conv]]:
    """The convolutions in a pass over G and over D."""
    C, rgb = config.channels, config.img_channels
    top = config.img_resolution >> int(lod)
    pictures = [top, top // 2] if lod % 1 else [top]
    above_4 = [1 << i for i in range(3, top.bit_length())]
    same = [Conv(C(H), C(H), 3, H) for H in above_4]
    up = [Conv(C(H // 2), C(H), 4, H // 2, up=True) for H in above_4]
    down = [Conv(C(H), C(H // 2), 4, H) for H in above_4]
    return {
        "G": [Conv(C(4), C(4), 3, 4), *same, *up, *(Conv(C(H), rgb, 1, H) for H in pictures)],
        "D": [Conv(C(4) + 1, C(4), 3, 4), *same, *down, *(Conv(rgb, C(H), 1, H) for H in pictures)],
    }


@torch.no_grad()
def fastest(conv: Conv, operation: str, *, N: int, seconds: float) -> Seconds:
    """The time of an operation on a batch of N, in the faster of two memory layouts."""
    stride, padding = (2 if conv.kernel == 4 else 1), conv.kernel // 2 if conv.kernel < 4 else 1
    settings = ([stride] * 2, [padding] * 2, [1, 1], conv.up, [0, 0], 1)
    mask = [operation == "input_gradient", operation == "weight_gradient", False]
    channels = (conv.in_channels, conv.out_channels) if conv.up else (conv.out_channels, conv.in_channels)
    found = []
    for order in (torch.contiguous_format, torch.channels_last):
        x = torch.randn(N, conv.in_channels, conv.H, conv.H).contiguous(memory_format=order)
        w = torch.randn(*channels, conv.kernel, conv.kernel).contiguous(memory_format=order)
        arguments = (x, w, None, *settings)
        if operation == "forward":
            found.append(timed(lambda a=arguments: torch.ops.aten.convolution(*a), seconds=seconds))
        else:
            y = torch.ops.aten.convolution(*arguments).contiguous(memory_format=order)
            found.append(
                timed(lambda a=(y, *arguments): torch.ops.aten.convolution_backward(*a, mask), seconds=seconds)
            )
    return min(found, key=lambda took: took.cpu)
