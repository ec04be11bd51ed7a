"""The plain definition: layers and a training step as the paper says them, one operation of torch after the other.

What the fast path of the package is compared with: in values by the tests, in time by benchmarks/speed.py.
"""

from types import MethodType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylegan.networks.generator import Generator, Layer
from stylegan.networks.layers import AdaIN, Blur, EqualizedConv2d, EqualizedConv2dDown, EqualizedConv2dUp
from stylegan.networks.styles import mix, update_w_avg
from stylegan.training.averages import ema_beta
from stylegan.training.batch import Inputs
from stylegan.training.randomness import Latents
from stylegan.training.state import TrainingState


def plain(network: nn.Module) -> nn.Module:
    """The same network, in place, computed by definition."""
    for module in network.modules():
        if type(module) in FORWARDS:
            module.forward = MethodType(FORWARDS[type(module)], module)  # type: ignore[method-assign]
        if isinstance(module, EqualizedConv2d):  # channels_last weights would make all features channels_last
            module.weight.data = module.weight.data.contiguous()
    return network


def conv(self: EqualizedConv2d, x: Tensor) -> Tensor:
    return F.conv2d(x, self.weight * self.weight_gain, padding=self.weight.shape[-1] // 2)


def up(self: EqualizedConv2dUp, x: Tensor) -> Tensor:
    return conv(self, F.interpolate(x, scale_factor=2, mode="nearest"))


def down(self: EqualizedConv2dDown, x: Tensor) -> Tensor:
    return F.avg_pool2d(conv(self, x), 2)


def blur(self: Blur, x: Tensor) -> Tensor:
    return F.conv2d(x, self.kernel.to(x.dtype).expand(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1])


def layer(self: Layer, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
    x = self.op(x)
    if noise is not None and self.noise_strength is not None:
        x = x + noise * self.noise_strength[:, None, None]
    x = F.leaky_relu(x + self.bias[:, None, None], 0.2)
    return self.norm(x, w)


def adain(self: AdaIN, x: Tensor, w: Tensor) -> Tensor:
    y_s, y_b = self.affine(w)[:, :, None, None].chunk(2, dim=1)
    x = x - x.mean(dim=(2, 3), keepdim=True)
    x = x * torch.rsqrt(x.square().mean(dim=(2, 3), keepdim=True) + 1e-8)
    return x * (y_s + 1) + y_b


FORWARDS = {
    Layer: layer,
    AdaIN: adain,
    EqualizedConv2d: conv,
    EqualizedConv2dUp: up,
    EqualizedConv2dDown: down,
    Blur: blur,
}


def plain_training(state: TrainingState) -> TrainingState:
    """The same training, in place, for `plain_step`."""
    plain(state.G)
    plain(state.G_ema)
    plain(state.D)
    state.G_opt, state.D_opt = (
        torch.optim.Adam(network.parameters(), betas=(0.0, 0.99), eps=1e-8) for network in (state.G, state.D)
    )
    return state


def plain_step(state: TrainingState, for_d: Inputs, for_g: Inputs) -> None:
    """D with R1, the average of G, then G (Appendix C), for a network without classes: what `take_steps` computes."""
    G, D, gamma, phase, reals = state.G, state.D, state.config.gamma, state.phase, for_d.reals
    for optimizer in (state.D_opt, state.G_opt):
        optimizer.param_groups[0]["lr"] = phase.lrate

    state.D_opt.zero_grad()
    with torch.no_grad():
        fakes = generate(G, for_d.latents)
    reals.requires_grad_()
    real_logits, fake_logits = D(reals), D(fakes)
    (gradient,) = torch.autograd.grad(real_logits.sum(), reals, create_graph=True)
    r1 = gamma / 2 * gradient.square().sum(dim=(1, 2, 3)) / 4 ** int(phase.lod)
    (F.softplus(-real_logits) + F.softplus(fake_logits) + r1[:, None]).mean().backward()
    state.D_opt.step()

    with torch.no_grad():
        for average, p in zip(state.G_ema.parameters(), G.parameters(), strict=True):
            average.lerp_(p, 1 - ema_beta(phase.batch, state.config.ema_kimg))

    state.G_opt.zero_grad()
    F.softplus(-D(generate(G, for_g.latents))).mean().backward()  # D's weights get gradients too, which nobody reads
    state.G_opt.step()


def generate(G: Generator, noises: Latents) -> Tensor:
    """Pictures with mixed styles (Section 3.1)."""
    w = G.mapping(noises.z)
    update_w_avg(G.w_avg, w)
    ws = G.broadcast(w)
    if noises.crossover < G.num_ws - 2 * int(G.lod):
        ws = mix(ws, G.broadcast(G.mapping(noises.z2)), noises.crossover)
    return G.synthesis(ws, noise_mode="none", noise=noises.noise)
