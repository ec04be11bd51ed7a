"""The order of the weights in memory."""

import torch
from torch import nn

from stylegan.networks import fast
from stylegan.networks.layers import EqualizedConv2d, EqualizedConv2dUp


def lay_out(network: nn.Module) -> None:
    """Put the weights of convolutions into the order in which they are used. No number, shape or name changes.

    Channels come last: for an up-convolution the input channels, as in the transposed convolution that computes it.
    """
    for module in network.modules() if not fast.is_off() else ():
        if isinstance(module, EqualizedConv2d):
            axes = (1, 0) if isinstance(module, EqualizedConv2dUp) else (0, 1)
            used = module.weight.detach().permute(*axes, 2, 3).contiguous(memory_format=torch.channels_last)
            module.weight = nn.Parameter(used.permute(*axes, 2, 3))
