"""The training loop: it alone owns the order of steps."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stylegan.data.dataset import ImageDataset
from stylegan.data.pixels import to_float
from stylegan.networks.layers import downsample, upsample
from stylegan.networks.styles import mix, update_w_avg
from stylegan.training import losses
from stylegan.training.averages import ema_beta, update_ema
from stylegan.training.machine import processes
from stylegan.training.machine.memory import activations_for, micro_batches
from stylegan.training.machine.programs import compute
from stylegan.training.randomness import DataOrder, Draw, draw, step_generator
from stylegan.training.schedule import Phase, schedule
from stylegan.training.state import DivergedError, TrainingState, laid_like, update

Stats = dict[str, float]


class Watcher(Protocol):
    """Who looks on: shows, writes and saves, and may ask to stop. Changes nothing."""

    stop: bool

    def after_step(self, state: TrainingState, phase: Phase, stats: Stats) -> None:
        """Called after every step."""


def training_loop(state: TrainingState, dataset: ImageDataset, indices: NDArray[np.int64], watcher: Watcher) -> None:
    """Train on the pictures `indices` until the configuration's total_kimg, or until the watcher asks to stop.

    With many processes each computes its part of every batch, and all end with the same weights.
    """
    config, G, D = state.config, state.G, state.D
    order, mine = DataOrder(indices, config.seed), processes.mine()

    while state.cur_nimg < 1000 * config.total_kimg and not processes.any_of(watcher.stop, state.device):
        phase = schedule(config, state.cur_nimg, processes.world())
        G.lod = D.lod = phase.lod
        if phase.growth != state.growth:
            state.reset_optimizers()
            state.growth = phase.growth
        # Everything random is drawn for the joint batch, and before the device has work that a draw would wait for.
        generator = step_generator(config.seed, state.cur_nimg, state.device)
        new_draw = partial(draw, G, phase.batch, style_mixing_prob=config.style_mixing_prob, generator=generator)
        mirrored = torch.rand(phase.batch, generator=generator, device=state.device) < 0.5 * config.mirror
        shown = order(state.cur_nimg, phase.batch)[mine]
        for_d = Recipe(labels(dataset, shown, state), new_draw().part(mine))
        for_g = None
        if not config.shared_fakes:
            chosen = torch.randint(len(indices), (phase.batch,), generator=generator, device=state.device)
            c = labels(dataset, indices[chosen.cpu().numpy()[mine]], state)
            for_g = Recipe(c, new_draw().part(mine))

        reals = to_device(dataset.batch(phase.resolution, shown), state.device)
        reals = process_reals(reals, mirrored[mine], phase.lod).to(G.w_avg.dtype)
        stats = take_steps(state, phase, reals, for_d, for_g)

        state.cur_nimg += phase.batch
        watcher.after_step(state, phase, finite(stats, state.cur_nimg))


class Recipe(NamedTuple):
    """What G makes a batch of pictures of: labels (N, c_dim), or None without classes, and random numbers."""

    c: Tensor | None
    noises: Draw

    def part(self, i: slice) -> "Recipe":
        """That of some of the pictures."""
        return Recipe(None if self.c is None else self.c[i], self.noises.part(i))


class Fakes(NamedTuple):
    """Pictures that G made, and the mean of their first w (w_dim,), towards which w_avg moves."""

    images: Tensor
    w_mean: Tensor


def take_steps(
    state: TrainingState, phase: Phase, reals: Tensor, for_d: Recipe, for_g: Recipe | None
) -> dict[str, Tensor]:
    """One update of D, of the average of G, and of G, which learns from pictures of its own.

    With shared fakes, for_g is None: from those that D has just seen, for D's weights after its update.
    """
    shared = generate(state, phase, for_d) if for_g is None else None
    d_stats = d_step(state, phase, reals, *for_d, shared)
    update_ema(state.G_ema, state.G, ema_beta(phase.batch, state.config.ema_kimg))
    return d_stats | g_step(state, phase, *(for_g or for_d), shared)


class Part(NamedTuple):
    """What one of `count` micro-batches adds to the whole batch.

    gradients: of the loss for the weights of a network, None for layers that take no part; w_mean: (w_dim,) the mean
    of the w that made its pictures; stats: statistics.
    """

    gradients: list[Tensor | None]
    w_mean: Tensor
    stats: dict[str, Tensor]

    @classmethod
    def of(cls, network: nn.Module, loss: Tensor, w_mean: Tensor, stats: dict[str, Tensor], count: int) -> "Part":
        """From means over the micro-batch."""
        gradients = torch.autograd.grad(loss / count, list(network.parameters()), allow_unused=True)
        return cls(list(gradients), w_mean / count, {name: value.detach() / count for name, value in stats.items()})


def d_step(
    state: TrainingState, phase: Phase, reals: Tensor, c: Tensor | None, noises: Draw, shared: Fakes | None = None
) -> dict[str, Tensor]:
    """One update of D on real and generated pictures, which take the labels of the real ones.

    shared: what G made of `c` and `noises`, the whole batch; None: it is made here.
    """
    config, parts = state.config, micro_batches(len(reals), state.config.batch_gpu)
    penalized = config.loss == "wgan_gp" or state.cur_nimg // phase.batch % config.r1_interval == 0
    fixed = {"penalized": penalized, "count": len(parts)}
    found = (compute(d_part, state, phase, reals[i], Recipe(c, noises).part(i), shared, **fixed) for i in parts)
    state.adam_steps += 1
    return take_step(state, state.D_opt, phase, found)


def g_step(
    state: TrainingState, phase: Phase, c: Tensor | None, noises: Draw, shared: Fakes | None = None
) -> dict[str, Tensor]:
    """One update of G against D, which is held still.

    shared: as in d_step, recorded for the backward pass; they have moved w_avg there.
    """
    parts = micro_batches(len(noises.z), state.config.batch_gpu)
    found = (compute(g_part, state, phase, Recipe(c, noises).part(i), shared, count=len(parts)) for i in parts)
    with frozen(state.D):
        return take_step(state, state.G_opt, phase, found, moves_w_avg=shared is None)


def take_step(
    state: TrainingState,
    optimizer: torch.optim.Adam,
    phase: Phase,
    parts: Iterable[Part],
    *,
    moves_w_avg: bool = True,
) -> dict[str, Tensor]:
    """One step of Adam on the gradient of the joint batch, from parts here and in every process.

    w_avg moves once, towards the mean of the joint batch. Returns the means of the statistics of this process.
    """
    weights = optimizer.param_groups[0]["params"]
    optimizer.zero_grad(set_to_none=True)
    w_mean = torch.zeros_like(state.G.w_avg)
    stats: dict[str, Tensor] = {}
    for part in parts:
        for p, gradient in zip(weights, part.gradients, strict=True):
            if gradient is not None:
                p.grad = laid_like(p, gradient if p.grad is None else p.grad + gradient)
        w_mean += part.w_mean
        stats = {name: stats.get(name, 0) + value for name, value in part.stats.items()}
        del part, gradient  # or two lists of gradients would be held while the next part is computed
    # One message after all passes. DDP sends during the backward pass, and is wrong with R1 and with layers not grown.
    processes.average([w_mean, *(p.grad for p in weights if p.grad is not None)])
    if moves_w_avg:
        update_w_avg(state.G.w_avg, w_mean[None])
    update(optimizer, lrate=phase.lrate, step=state.adam_steps)
    return stats


def d_part(
    state: TrainingState,
    phase: Phase,
    reals: Tensor,
    recipe: Recipe,
    shared: Fakes | None,
    *,
    penalized: bool,
    count: int,
) -> Part:
    """What D learns from real pictures, and from as many generated ones."""
    D, config = partial(state.D, c=recipe.c), state.config
    with torch.no_grad():
        fakes, w_mean = shared or generate(state, phase, recipe)
    fakes = fakes.detach().to(reals.dtype)
    with precision(state.device, enabled=not penalized):  # not in bfloat16: the penalty differentiates twice
        reals = reals.detach().requires_grad_(penalized)
        real_logits = D(reals).to(reals.dtype)
    with precision(state.device), activations_for(phase.resolution, state.D):
        fake_logits = D(fakes).to(reals.dtype)
    if config.loss == "logistic":
        loss = losses.d_logistic(real_logits, fake_logits)
        if penalized:
            gamma = config.gamma * config.r1_interval
            loss = loss + losses.r1(real_logits, reals, gamma=gamma, lod=phase.lod)
    else:
        between = losses.interpolate(reals, fakes, recipe.noises.u)
        loss = losses.d_wgan_gp(real_logits, fake_logits, D(between), between, lod=phase.lod)
    stats = {
        "D_loss": loss.mean(),
        "D_real": real_logits.mean(),
        "D_fake": fake_logits.mean(),
        "D_real_sign": real_logits.sign().mean(),
        "D_fake_sign": fake_logits.sign().mean(),
    }
    return Part.of(state.D, loss.mean(), w_mean, stats, count)


def g_part(state: TrainingState, phase: Phase, recipe: Recipe, shared: Fakes | None, *, count: int) -> Part:
    """What G learns from generated pictures."""
    fakes, w_mean = shared or generate(state, phase, recipe)
    with precision(state.device), activations_for(phase.resolution, state.D):
        logits = state.D(fakes, recipe.c)
    loss = G_LOSSES[state.config.loss](logits.to(w_mean.dtype)).mean()
    return Part.of(state.G, loss, w_mean, {"G_loss": loss}, count)


def generate(state: TrainingState, phase: Phase, recipe: Recipe) -> Fakes:
    """Pictures with mixed styles (Section 3.1) for training."""
    G, (c, noises) = state.G, recipe
    with precision(state.device), activations_for(phase.resolution, G):
        w = G.mapping(noises.z, c)
        ws = G.broadcast(w)
        if state.config.style_mixing_prob:
            ws = mix(ws, G.broadcast(G.mapping(noises.z2, c)), noises.crossover)
        images = G.synthesis(ws, noise_mode="none", noise=noises.noise)
    return Fakes(images, w.detach().mean(dim=0).to(G.w_avg.dtype))


def process_reals(images: Tensor, mirrored: Tensor, lod: float) -> Tensor:
    """uint8 (N, C, H, H) -> [-1, 1], some mirrored, faded like G's pictures. mirrored: (N,) of bool."""
    x = to_float(images)
    x = torch.where(mirrored[:, None, None, None], x.flip(3), x)
    fade = lod - int(lod)
    return torch.lerp(x, upsample(downsample(x)), fade) if fade else x


def to_device(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """The pictures on the device; CUDA copies from pinned memory while the host goes on."""
    tensor = torch.from_numpy(images)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


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


def precision(device: torch.device, *, enabled: bool = True) -> torch.autocast:
    """bfloat16 where it pays: on CUDA devices that have it. CPUs without it become ten times slower."""
    pays = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=pays and enabled)


def finite(stats: dict[str, Tensor], cur_nimg: int) -> Stats:
    """Plain numbers, means over the joint batch. Raises DivergedError, in every process, naming what is not finite."""
    means = torch.stack([s.detach().float() for s in stats.values()])
    processes.average([means])
    values = dict(zip(stats, means.tolist(), strict=True))
    if broken := [f"{name} is {value}" for name, value in values.items() if not np.isfinite(value)]:
        raise DivergedError(f"the step that ended at {cur_nimg:,} images diverged: {', '.join(broken)}")
    return values
