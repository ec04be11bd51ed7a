"""The two losses of the paper: non-saturating logistic with R1, and Wasserstein with gradient penalty.

Pure functions of logits (N, 1) and pictures (N, C, H, H); each returns a value for every picture, (N, 1).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def d_logistic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Loss of D: -log(sigmoid(D(real))) - log(1 - sigmoid(D(fake)))."""
    return F.softplus(-real_logits) + F.softplus(fake_logits)


def g_logistic(fake_logits: Tensor) -> Tensor:
    """Loss of G, non-saturating: -log(sigmoid(D(fake)))."""
    return F.softplus(-fake_logits)


def r1(real_logits: Tensor, reals: Tensor, *, gamma: float, lod: float = 0.0) -> Tensor:
    """R1: gamma / 2 times the squared gradient of D at the real pictures, which must require a gradient (Appendix C).

    It counts at full resolution, as in the authors' code: a picture of lod l repeats each pixel 4^l times there.
    """
    return gamma / 2 * _squared_gradient(real_logits, reals) / 4 ** math.floor(lod)


def d_wgan_gp(
    real_logits: Tensor,
    fake_logits: Tensor,
    between_logits: Tensor,
    between: Tensor,
    *,
    lod: float = 0.0,
    penalty: float = 10.0,
    target: float = 1.0,
    epsilon: float = 0.001,
) -> Tensor:
    """Loss of D: D(fake) - D(real), plus two penalties (Progressive GAN, A.1).

    penalty: the weight of the first, which pulls the gradient's norm between real and fake pictures towards `target`.
    epsilon: the weight of the second, which keeps D(real) from drifting away from 0.
    between: pictures from `interpolate`. between_logits: D of them. The norm counts at full resolution, as in r1.
    """
    norm = _squared_gradient(between_logits, between).sqrt() / 2 ** math.floor(lod)
    return fake_logits - real_logits + penalty / target**2 * (norm - target) ** 2 + epsilon * real_logits**2


def interpolate(reals: Tensor, fakes: Tensor, u: Tensor) -> Tensor:
    """Pictures (N, C, H, H) between real (u 0) and fake (u 1), which require a gradient. u: (N, 1, 1, 1) in [0, 1]."""
    return torch.lerp(reals, fakes, u).requires_grad_()


def g_wgan(fake_logits: Tensor) -> Tensor:
    """Loss of G: -D(fake)."""
    return -fake_logits


def _squared_gradient(logits: Tensor, images: Tensor) -> Tensor:
    """The squared length (N, 1) of d logit / d picture. It can be differentiated again."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3))[:, None]
