"""Each dispatched definition of `layers` again, by name: faster, with the same arguments.

Doubling or halving and a 3x3 convolution are one 4x4 convolution with stride 2: 16 products for 36.
"""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan.networks.fast import bands, convolution
from stylegan.networks.fast.when import EXACT, in_place, large_unrecorded

TINY = 1e-30


def box_places() -> Tensor:
    """(16, 9): where the taps of a 3x3 kernel land in its convolution with a 2x2 box of ones."""
    row = torch.eye(4, 3) + torch.eye(4, 3).roll(1, dims=0)  # a tap is seen at its place, and at the next
    return torch.kron(row, row)


PLACES = box_places()
PLACES_UP = PLACES.flip(1)  # a transposed convolution takes the taps from right to left


def conv2d(x: Tensor, weight: Tensor, gain: float) -> Tensor:
    """In bands, or as `convolution` finds best."""
    weight = weight * gain
    if in_place(x) and weight.shape == (x.shape[1], x.shape[1], 3, 3):
        return bands.convolve_(x, weight)
    return convolution.conv2d(x, weight)


def conv2d_up(x: Tensor, weight: Tensor, gain: float) -> Tensor:
    """Each input pixel is seen by 4 x 4 outputs: a transposed convolution."""
    kernel = _box_kernel(weight.transpose(0, 1), PLACES_UP, gain)
    return bands.convolve_up(x, kernel) if large_unrecorded(x) else convolution.conv2d_up(x, kernel)


def conv2d_down(x: Tensor, weight: Tensor, gain: float) -> Tensor:
    """Each output pixel sees 4 x 4 inputs."""
    return convolution.conv2d_down(x, _box_kernel(weight, PLACES, gain / 4))


def blur(x: Tensor, kernel: Tensor) -> Tensor:
    """In bands, or as `convolution` finds best."""
    if in_place(x):
        return bands.convolve_(x, convolution.for_each_channel(kernel, x), groups=x.shape[1])
    return convolution.blur(x, kernel)


def leaky_relu(x: Tensor, bias: Tensor | None = None) -> Tensor:
    """torch's own, which has another gradient at 0: what is too small to change a number lifts a 0 off the corner."""
    return F.leaky_relu_(x + (TINY if bias is None else (bias + TINY)[:, None, None]), 0.2)


def noisy_leaky_relu(x: Tensor, bias: Tensor, noise: Tensor | None, strength: Tensor | None) -> Tensor:
    """In bands, or as two operations."""
    strength = None if strength is None else strength[:, None, None]
    if in_place(x):
        return bands.activate_(x, bias[:, None, None], noise, strength)
    return leaky_relu(x if noise is None or strength is None else torch.addcmul(x, noise, strength), bias)


def adain(x: Tensor, y_s: Tensor, y_b: Tensor, eps: float = 1e-8) -> Tensor:
    """In bands, or with the deviation and the style as one factor."""
    if in_place(x):
        return bands.instance_norm_(x, y_s, y_b, eps)
    if x.dtype not in EXACT:  # with fewer bits, the moments are taken in float32
        return adain(x.float(), y_s.float(), y_b.float(), eps).to(x.dtype)
    x = x - x.mean(dim=3, keepdim=True).mean(dim=2, keepdim=True)
    factor = torch.rsqrt(x.square().mean(dim=(2, 3), keepdim=True) + eps) * y_s
    return torch.addcmul(y_b.to(x), x, factor)


def _box_kernel(weight: Tensor, places: Tensor, gain: float) -> Tensor:
    """(O, C, 3, 3) -> (O, C, 4, 4): convolved with a 2x2 box of ones, and scaled."""
    on_gpu = weight.is_cuda and not torch.compiler.is_compiling()  # there every step would wait for the copy
    places = _kept(places, weight.device, weight.dtype) if on_gpu else places.to(weight.device, weight.dtype)
    kernel = (places * gain) @ weight.permute(0, 2, 3, 1).flatten(1, 2)  # (O, 16, C)
    return kernel.view(len(weight), 4, 4, -1).permute(0, 3, 1, 2)


@cache
def _kept(places: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    return places.to(device, dtype)
