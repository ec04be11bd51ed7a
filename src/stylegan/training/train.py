"""Start or resume a training: everything that is checked before the first step."""

from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from stylegan.checkpoint import load_networks
from stylegan.config import Config
from stylegan.data.dataset import ImageDataset
from stylegan.device import best_device
from stylegan.errors import InputError, refuse
from stylegan.networks.generator import Generator
from stylegan.training.augment import Augmentation
from stylegan.training.fitted import fitted, misfits
from stylegan.training.loop import training_loop
from stylegan.training.machine import processes
from stylegan.training.machine.environment import environment
from stylegan.training.machine.programs import missing_compiler, plan
from stylegan.training.objectives import LOSSES, Objectives
from stylegan.training.run.folder import CONFIG, STATE, Follower, Run, check_own_parts, create, held_out, read_config
from stylegan.training.schedule import refused_batches
from stylegan.training.state import TrainingState
from stylegan.training.transfer import transfer

console = Console(stderr=True, highlight=False)


def train(
    data: Path | str,
    out: Path | str,
    *,
    config: Config | None = None,
    kimg: float | None = None,
    cond: bool = False,
    init: Path | str | None = None,
    objectives: Objectives | None = None,
    augment: Augmentation | None = None,
    state_sec: float = 60.0,
    device: torch.device | None = None,
) -> Generator:
    """Train on the data set `data` in the new run folder `out`; return G_ema.

    config: None takes configuration F, `fitted` to the data, to the budget of `kimg` thousand images, with `cond` to
    the classes, to the number of processes and to `init`, as the command does. One that is given is used as it is:
    nothing is inferred, its img_resolution, img_channels and (with classes) c_dim must be those of the data, and its
    schedule and c_dim say what kimg and cond would.
    init: a network to start from. objectives: a loss of your own, in place of the configuration's; augment: a transform
    of all pictures that D sees. A run that is stopped returns early: `resume` goes on. Raises InputError before the
    first step for anything that does not fit.
    """
    if config is not None and (kimg is not None or cond):
        raise InputError(
            f"kimg {kimg}, cond {cond}: a config is used as it is, and says both itself: give "
            "config=stylegan.fitted(data, kimg, cond=..., config=...)"
        )
    device = device or best_device()
    with processes.joined(device):
        dataset = ImageDataset(data)
        config = config or fitted(dataset, kimg, processes.world(), cond=cond, init=init)
        check(config, dataset, device, objectives=objectives)
        state = TrainingState.new(config, device, objectives=objectives, augmentation=augment)
        if init is not None:
            for line in transfer(load_networks(init), state):
                say(line)
        processes.first_does(lambda: create(Path(out), dataset, state), device)
        return _go_on(Path(out), dataset, state, state_sec)


def resume(
    out: Path | str,
    *,
    data: Path | str | None = None,
    objectives: Objectives | None = None,
    augment: Augmentation | None = None,
    state_sec: float = 60.0,
    device: torch.device | None = None,
) -> Generator:
    """Go on with a run folder from its last state, bit for bit as if it had never stopped; return G_ema.

    data: where the data set lies now, if it was moved. objectives, augment: those that `train` was given; others, or
    none, are refused by their names. Says so where machine, torch or threads are not the same.
    """
    out = Path(out)
    config, trained_on = read_config(out)
    dataset = ImageDataset(data or trained_on["path"])
    if dataset.fingerprint != trained_on["fingerprint"]:
        raise InputError(f"{dataset.path} holds other pictures than {out} was started on: give the same with --data")
    device = device or best_device()
    with processes.joined(device):
        check(config, dataset, device, objectives=objectives)
        state, before = TrainingState.load(out / STATE, device, objectives=objectives, augmentation=augment)
        if state.config != config:
            raise InputError(f"{out / CONFIG} and {out / STATE} belong to different runs: put back the files of one")
        check_own_parts(out, state)
        if state.cur_nimg >= 1000 * config.total_kimg:
            say(f"{out} is finished: {state.cur_nimg:,} images. Its pictures: stylegan sample {out}")
            return state.G_ema
        now = environment(device, config)
        before = {"processes": 1} | before  # older states do not tell
        if changes := [f"{name} {before.get(name)} -> {now[name]}" for name in now if before.get(name) != now[name]]:
            say(f"not bit for bit what it would have been without the stop: {', '.join(changes)}")
        return _go_on(out, dataset, state, state_sec)


def check(config: Config, dataset: ImageDataset, device: torch.device, *, objectives: Objectives | None = None) -> None:
    """Raise InputError, naming all at once, for what in the configuration fits not data, loss, processes or machine."""
    loss = objectives or LOSSES[config.loss]
    machine = [*refused_batches(config, processes.world()), *missing_compiler(config, device)]
    refuse([*misfits(config, dataset), *loss.misfits(config), *machine])


def _go_on(out: Path, dataset: ImageDataset, state: TrainingState, state_sec: float) -> Generator:
    same = {"the data set": int(dataset.fingerprint[:12], 16), "the images shown": state.cur_nimg}
    processes.check_same(same | {"the weights": state.checksum()}, state.device)
    for line in plan(state.config, state.device) if state.config.compile else ():
        say(line)
    watcher = Run(out, dataset, state_sec=state_sec) if processes.rank() == 0 else Follower()
    indices = np.setdiff1d(np.arange(len(dataset)), held_out(len(dataset), state.config.seed))
    try:
        with watcher.watching(state):
            training_loop(state, dataset, indices, watcher)
    except (KeyboardInterrupt, torch._dynamo.exc.BackendCompilerFailed) as e:
        if not (watcher.stop or isinstance(e, KeyboardInterrupt)):
            raise
        # Ctrl-C for the second time, or for the first one while a program is compiled: it ends the compiler too.
        say(f"stopped at once: lost is what came after the last state. Go on: stylegan train --resume {out}")
        raise KeyboardInterrupt from None
    processes.wait_for_all(state.device)  # until process 0 has written the last state
    if state.cur_nimg < 1000 * state.config.total_kimg:
        say(f"stopped at {state.cur_nimg:,} images, nothing is lost. Go on: stylegan train --resume {out}")
    return state.G_ema


def say(line: str) -> None:
    """Print once, however many processes train."""
    if processes.rank() == 0:
        console.print(line)
