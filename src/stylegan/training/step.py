"""One update of a network: how its objective is computed.

Micro-batches, processes, precision, compiled programs and optimizers come together only here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import inf
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from stylegan.networks.styles import mix, update_w_avg
from stylegan.training.batch import Inputs
from stylegan.training.machine import processes
from stylegan.training.machine.memory import activations_for, micro_batches
from stylegan.training.machine.precision import precision_of
from stylegan.training.machine.programs import compute
from stylegan.training.objectives import Batch, Objective
from stylegan.training.randomness import Fakes, Latents
from stylegan.training.state import TrainingState, laid_like, update

Learner = Literal["G", "D"]
GRADIENTS: dict[Learner, str] = {"D": "D_gradient", "G": "G_gradient"}
"""The statistic that shows whether a network's gradient was finite. The loop checks it but does not record it."""


def step(state: TrainingState, learner: Learner, objective: Objective, inputs: Inputs) -> dict[str, Tensor]:
    """One step of Adam for a network. Its gradient is that of the joint batch: all micro-batches of all processes.

    w_avg moves once, towards the mean w of the generated pictures. Returns the loss (D_loss or G_loss) and the
    objective's statistics, as means over the pictures of this process, and the largest magnitude in the joint gradient
    (D_gradient or G_gradient). If this magnitude is not finite, neither the weights nor Adam change.
    """
    optimizer = state.D_opt if learner == "D" else state.G_opt
    weights = optimizer.param_groups[0]["params"]
    parts = micro_batches(len(inputs.reals), state.config.batch_gpu)
    penalized = learner == "D" and state.phase.penalized and state.objectives.lazy
    optimizer.zero_grad(set_to_none=True)
    w_means: list[Tensor] = []
    stats: dict[str, Tensor] = {}
    fixed = {"learner": learner, "objective": objective, "penalized": penalized, "count": len(parts)}
    for i in parts:
        made, of_part = accumulate(weights, compute(learn, state, inputs.part(i), **fixed))
        w_means += made
        stats = {name: stats.get(name, 0) + value for name, value in of_part.items()}
    w_mean = [sum(w_means[1:], start=w_means[0])] if w_means else []
    # One message after all passes. DDP would communicate during the backward pass, which is wrong with R1 and with
    # layers that have not grown yet.
    processes.average([*w_mean, *(p.grad for p in weights if p.grad is not None)])
    if w_mean:
        update_w_avg(state.G.w_avg, w_mean[0][None])
    state.adam_steps += learner == "D"  # D's step is the first of the two
    largest = get_total_norm([p.grad for p in weights if p.grad is not None], norm_type=inf)
    update(optimizer, lrate=state.phase.lrate, step=state.adam_steps, skipped=~largest.isfinite())
    return stats | {GRADIENTS[learner]: largest}


class Learned(NamedTuple):
    """What one of `count` micro-batches adds to the whole batch: every number is divided by `count`.

    gradients: of the loss with respect to the learner's weights; None for weights that are frozen or not used.
    w_means: a list with the mean w (w_dim,) of the generated pictures, or an empty one if w_avg is not to move.
    stats: the loss and the statistics.
    """

    gradients: list[Tensor | None]
    w_means: list[Tensor]
    stats: dict[str, Tensor]


def accumulate(weights: list[nn.Parameter], learned: Learned) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Add the gradients to those of the weights. Return only the rest, so that no second copy of them is kept."""
    for p, gradient in zip(weights, learned.gradients, strict=True):
        if gradient is not None:
            p.grad = laid_like(p, gradient if p.grad is None else p.grad + gradient)
    return learned.w_means, learned.stats


def learn(
    state: TrainingState, inputs: Inputs, *, learner: Learner, objective: Objective, penalized: bool, count: int
) -> Learned:
    """The loss of one micro-batch, and its gradient with respect to the weights of the learner."""
    config, made = state.config, []

    def G(latents: Latents) -> Tensor:
        with torch.set_grad_enabled(learner == "G"):
            made.append(latents.made or generate(state, latents))
        images = made[-1].images.to(inputs.reals.dtype)
        return images if learner == "G" else images.detach()

    batch = Batch(
        reals=inputs.reals.detach().requires_grad_(penalized),
        c=inputs.c,
        latents=inputs.latents,
        u=inputs.u,
        augment=lambda images: state.augmentation.apply(images, inputs.augment_u),
        lod=state.phase.growth[0],
        gamma=config.gamma * config.r1_interval if penalized else None,
    )
    network, other = (state.D, state.G) if learner == "D" else (state.G, state.D)
    with frozen(other):
        loss, stats = objective(G, partial(judge, state, learner), batch)
        mean = loss.mean()
        learning = [p for p in network.parameters() if p.requires_grad]
        found = iter(torch.autograd.grad(mean / count, learning, allow_unused=True))
        gradients = [next(found) if p.requires_grad else None for p in network.parameters()]
    w_means = [fakes.w_mean / count for fakes in made if fakes.w_mean is not None]
    stats = {f"{learner}_loss": mean} | stats
    return Learned(gradients, w_means[:1], {name: value.detach() / count for name, value in stats.items()})


def generate(state: TrainingState, latents: Latents) -> Fakes:
    """Pictures (N, C, H, H) of the latents, with mixed styles (Section 3.1), and the mean of their w (w_dim,)."""
    G, c = state.G, latents.c
    w = G.mapping(latents.z, c)  # in full precision: it is small, and everything depends on it
    ws = G.broadcast(w)
    if state.config.style_mixing_prob:
        ws = mix(ws, G.broadcast(G.mapping(latents.z2, c)), latents.crossover)
    with precision(state), activations_for(state.phase.resolution, G):
        images = G.synthesis(ws, noise_mode="none", noise=latents.noise)
    return Fakes(images, w.detach().mean(dim=0).to(G.w_avg.dtype))


def judge(state: TrainingState, learner: Learner, images: Tensor, c: Tensor | None) -> Tensor:
    """The logits (N, 1) of D for pictures (N, C, H, H) and their labels c (N, c_dim), or None without classes.

    In D's own step, pictures require a gradient only if they belong to a penalty. Such a pass is differentiated twice:
    it does not run in bfloat16, and it keeps its activations, which the penalty needs anyway.
    """
    twice = learner == "D" and images.requires_grad
    recomputed = () if twice else (state.D,)
    with precision(state, enabled=not twice), activations_for(state.phase.resolution, *recomputed):
        logits: Tensor = state.D(images, c)
    return logits.to(state.G.w_avg.dtype)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """A context in which the weights of `network` get no gradient; its input still does."""
    learning = [p for p in network.parameters() if p.requires_grad]
    network.requires_grad_(False)
    try:
        yield
    finally:
        for p in learning:
            p.requires_grad_(True)


def precision(state: TrainingState, *, enabled: bool = True) -> torch.autocast:
    """A context in which convolutions use the precision of the training run."""
    bf16 = enabled and precision_of(state.config, state.device) == "bf16"
    return torch.autocast(state.device.type, torch.bfloat16, enabled=bf16)
