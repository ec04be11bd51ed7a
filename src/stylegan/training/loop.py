"""The training loop: it alone owns the order of steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stylegan.data.images import ImageDataset
from stylegan.data.pixels import to_float
from stylegan.networks.generator import Generator
from stylegan.networks.layers import downsample, upsample
from stylegan.networks.styles import mix, update_w_avg
from stylegan.training import losses
from stylegan.training.averages import ema_beta, update_ema
from stylegan.training.randomness import DataOrder, Draw, draw, step_generator
from stylegan.training.schedule import Phase, schedule
from stylegan.training.state import DivergedError, TrainingState, update

Stats = dict[str, float]


class Watcher(Protocol):
    """Who looks on: shows, writes and saves, and may ask to stop. Changes nothing."""

    stop: bool

    def after_step(self, state: TrainingState, phase: Phase, stats: Stats) -> None:
        """Called after every step."""


def training_loop(state: TrainingState, dataset: ImageDataset, indices: NDArray[np.int64], watcher: Watcher) -> None:
    """Train on the pictures `indices` until the configuration's total_kimg, or until the watcher asks to stop."""
    config, G, D = state.config, state.G, state.D
    order = DataOrder(indices, config.seed)

    while state.cur_nimg < 1000 * config.total_kimg and not watcher.stop:
        phase = schedule(config, state.cur_nimg)
        G.lod = D.lod = phase.lod
        if phase.growth != state.growth:
            state.reset_optimizers()
            state.growth = phase.growth
        generator = step_generator(config.seed, state.cur_nimg, state.device)
        new_draw = partial(draw, G, phase.batch, style_mixing_prob=config.style_mixing_prob, generator=generator)

        shown = order(state.cur_nimg, phase.batch)
        reals = torch.from_numpy(dataset.batch(phase.resolution, shown)).to(state.device)
        mirrored = torch.rand(phase.batch, generator=generator, device=state.device) < 0.5 * config.mirror
        reals = process_reals(reals, mirrored, phase.lod)
        c = labels(dataset, shown, state)
        d_stats = d_step(state, phase, reals, c, new_draw())

        update_ema(state.G_ema, G, ema_beta(phase.batch, config.ema_kimg))

        chosen = torch.randint(len(indices), (phase.batch,), generator=generator, device=state.device)
        c = labels(dataset, indices[chosen.cpu().numpy()], state)
        g_stats = g_step(state, phase, c, new_draw())

        state.cur_nimg += phase.batch
        watcher.after_step(state, phase, finite(d_stats | g_stats, state.cur_nimg))


def d_step(state: TrainingState, phase: Phase, reals: Tensor, c: Tensor | None, noises: Draw) -> dict[str, Tensor]:
    """One update of D on real and generated pictures, which take the labels of the real ones."""
    D, config = partial(state.D, c=c), state.config
    with torch.no_grad(), precision(state.device):
        fakes = generate(state.G, noises, c).float()
    real_logits = D(reals.requires_grad_())  # not in bfloat16: the penalty differentiates twice
    with precision(state.device):
        fake_logits = D(fakes).float()
    if config.loss == "logistic":
        penalty = losses.r1(real_logits, reals, gamma=config.gamma, lod=phase.lod)
        loss = losses.d_logistic(real_logits, fake_logits) + penalty
    else:
        between = losses.interpolate(reals, fakes, noises.u)
        loss = losses.d_wgan_gp(real_logits, fake_logits, D(between), between, lod=phase.lod)
    state.adam_steps += 1
    update(state.D_opt, loss.mean(), lrate=phase.lrate, step=state.adam_steps)
    return {
        "D_loss": loss.mean(),
        "D_real": real_logits.mean(),
        "D_fake": fake_logits.mean(),
        "D_real_sign": real_logits.sign().mean(),
        "D_fake_sign": fake_logits.sign().mean(),
    }


def g_step(state: TrainingState, phase: Phase, c: Tensor | None, noises: Draw) -> dict[str, Tensor]:
    """One update of G against D, which is held still."""
    with precision(state.device), frozen(state.D):
        loss = G_LOSSES[state.config.loss](state.D(generate(state.G, noises, c), c).float())
    update(state.G_opt, loss.mean(), lrate=phase.lrate, step=state.adam_steps)
    return {"G_loss": loss.mean()}


def generate(G: Generator, noises: Draw, c: Tensor | None) -> Tensor:
    """Pictures with mixed styles (Section 3.1) for training; w_avg follows the first latents (Appendix B)."""
    w = G.mapping(noises.z, c)
    update_w_avg(G.w_avg, w)
    ws = G.broadcast(w)
    if noises.crossover < G.num_ws - 2 * int(G.lod):
        ws = mix(ws, G.broadcast(G.mapping(noises.z2, c)), noises.crossover)
    return G.synthesis(ws, noise_mode="none", noise=noises.noise)


def process_reals(images: Tensor, mirrored: Tensor, lod: float) -> Tensor:
    """uint8 (N, C, H, H) -> [-1, 1], some mirrored, faded like G's pictures. mirrored: (N,) of bool."""
    x = to_float(images)
    x = torch.where(mirrored[:, None, None, None], x.flip(3), x)
    fade = lod - int(lod)
    return torch.lerp(x, upsample(downsample(x)), fade) if fade else x


def labels(dataset: ImageDataset, indices: NDArray[np.int64], state: TrainingState) -> Tensor | None:
    """(N, c_dim) labels of these pictures for a network with classes, else None."""
    return torch.from_numpy(dataset.labels(indices)).to(state.device) if state.config.c_dim else None


G_LOSSES = {"logistic": losses.g_logistic, "wgan_gp": losses.g_wgan}


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """No gradients for the weights of `network`: those of its input still pass."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def precision(device: torch.device) -> torch.autocast:
    """bfloat16 where it pays: on CUDA devices that have it. CPUs without it become ten times slower."""
    pays = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=pays)


def finite(stats: dict[str, Tensor], cur_nimg: int) -> Stats:
    """Plain numbers. Raises DivergedError naming those that are not finite."""
    values = dict(zip(stats, torch.stack([s.detach().float() for s in stats.values()]).tolist(), strict=True))
    if broken := [f"{name} is {value}" for name, value in values.items() if not np.isfinite(value)]:
        raise DivergedError(f"the step that ended at {cur_nimg:,} images diverged: {', '.join(broken)}")
    return values
