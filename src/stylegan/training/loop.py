"""The training loop. It alone determines the order of steps."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylegan.data.dataset import ImageDataset
from stylegan.errors import DivergedError
from stylegan.training.averages import ema_beta, update_ema
from stylegan.training.batch import Inputs, draw_batch
from stylegan.training.machine import processes
from stylegan.training.randomness import DataOrder
from stylegan.training.schedule import schedule
from stylegan.training.state import TrainingState
from stylegan.training.step import GRADIENTS, generate, step

Numbers = dict[str, float]


class Watcher(Protocol):
    """An observer: it shows, writes and saves, and may ask to stop. It never changes the state."""

    stop: bool

    def after_step(self, state: TrainingState, stats: Numbers, tick: Numbers | None) -> None:
        """Called after every step with its statistics. tick: the means over the tick that has just ended, else None."""


def training_loop(state: TrainingState, dataset: ImageDataset, indices: NDArray[np.int64], watcher: Watcher) -> None:
    """Train on the pictures `indices` until the configuration's total_kimg, or until the watcher asks to stop.

    With several processes, each computes its part of every batch, and all end with the same weights and counters.
    Raises DivergedError if a loss, a statistic or a gradient is not finite.
    """
    config, order = state.config, DataOrder(indices, state.config.seed)
    stop = processes.any_of(watcher.stop, state.device)
    while not (state.done or stop):
        phase = state.enter(schedule(config, state.cur_nimg, processes.world()))
        for_d, for_g = draw_batch(state, dataset, order)
        stats = take_steps(state, for_d, for_g)
        state.cur_nimg += phase.batch
        values, stop = finite(stats, state.cur_nimg, stop=watcher.stop)
        values |= state.adapt(values)
        watcher.after_step(state, values, state.tally(values))
        stop = stop or (watcher.stop and processes.world() == 1)


def take_steps(state: TrainingState, for_d: Inputs, for_g: Inputs) -> dict[str, Tensor]:
    """Update D, the average of G, and G. If both learn from the same inputs, G makes its pictures once."""
    if for_g is for_d:
        for_d, for_g = shared_fakes(state, for_d)
    stats = step(state, "D", state.objectives.D, for_d)
    update_ema(state.G_ema, state.G, ema_beta(state.phase.batch, state.config.ema_kimg))
    return stats | step(state, "G", state.objectives.G, for_g)


def shared_fakes(state: TrainingState, inputs: Inputs) -> tuple[Inputs, Inputs]:
    """The inputs of D and of G with the same generated pictures, made once with their graph. Only D's move w_avg."""
    fakes = generate(state, inputs.latents)
    for_d, for_g = (inputs.latents._replace(made=made) for made in (fakes, fakes._replace(w_mean=None)))
    return inputs._replace(latents=for_d), inputs._replace(latents=for_g)


def finite(stats: dict[str, Tensor], cur_nimg: int, *, stop: bool) -> tuple[Numbers, bool]:
    """The statistics as plain numbers, averaged over the joint batch, and whether any process wants to stop.

    This is the only place in an iteration where the host waits for the device and for the other processes. Raises
    DivergedError in every process, naming the losses, statistics and gradients that are not finite.
    """
    wish = next(iter(stats.values())).new_full((), float(stop), dtype=torch.float32)
    means = torch.stack([*(s.detach().float() for s in stats.values()), wish])
    processes.average([means])
    *numbers, wishes = means.tolist()
    values = dict(zip(stats, numbers, strict=True))
    if broken := [f"{name} is {value}" for name, value in values.items() if not np.isfinite(value)]:
        raise DivergedError(f"the step that ended at {cur_nimg:,} images diverged: {', '.join(broken)}")
    return {name: value for name, value in values.items() if name not in GRADIENTS.values()}, wishes > 0
