"""Start or resume a training: everything that is checked before the first step."""

from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from stylegan.checkpoint import load_networks
from stylegan.config import CONFIG_F, Config
from stylegan.data.fit import misfits
from stylegan.data.images import ImageDataset
from stylegan.errors import InputError, refuse
from stylegan.networks.generator import Generator
from stylegan.training.loop import training_loop
from stylegan.training.run import STATE, Run, create, held_out, read_config
from stylegan.training.state import TrainingState, environment
from stylegan.training.transfer import transfer

console = Console(stderr=True, highlight=False)


def train(
    data: Path | str,
    out: Path | str,
    *,
    config: Config = CONFIG_F,
    init: Path | str | None = None,
    state_sec: float = 60.0,
    device: torch.device | None = None,
) -> Generator:
    """Train on the data set `data` in the new run folder `out`; return G_ema.

    config: its img_resolution, img_channels and (with classes) c_dim must be those of the data: see `fit`.
    init: a network to start from. A stopped training returns early: `resume` goes on. Raises InputError before the
    first step for anything that does not fit.
    """
    dataset = ImageDataset(data)
    refuse(misfits(config, dataset))
    state = TrainingState.new(config, device or best_device())
    if init is not None:
        for line in transfer(load_networks(init), state):
            console.print(line)
    create(Path(out), dataset, state)
    return _go_on(Path(out), dataset, state, state_sec)


def resume(
    out: Path | str, *, data: Path | str | None = None, state_sec: float = 60.0, device: torch.device | None = None
) -> Generator:
    """Go on with a run folder from its last state, bit for bit as if it had never stopped; return G_ema.

    data: where the data set lies now, if it was moved. Says so where machine, torch or threads are not the same.
    """
    out = Path(out)
    config, trained_on = read_config(out)
    dataset = ImageDataset(data or trained_on["path"])
    if dataset.fingerprint != trained_on["fingerprint"]:
        raise InputError(f"{dataset.path} holds other pictures than {out} was started on: give the same with --data")
    device = device or best_device()
    state, before = TrainingState.load(out / STATE, device)
    if state.cur_nimg >= 1000 * config.total_kimg:
        console.print(f"{out} is finished: {state.cur_nimg:,} images. Its pictures: stylegan sample {out}")
        return state.G_ema
    now = environment(device)
    if changes := [f"{name} {before[name]} -> {now[name]}" for name in now if before.get(name) != now[name]]:
        console.print(f"not bit for bit what it would have been without the stop: {', '.join(changes)}")
    return _go_on(out, dataset, state, state_sec)


def _go_on(out: Path, dataset: ImageDataset, state: TrainingState, state_sec: float) -> Generator:
    run = Run(out, dataset, state_sec=state_sec)
    indices = np.setdiff1d(np.arange(len(dataset)), held_out(len(dataset), state.config.seed))
    with run.watching(state):
        training_loop(state, dataset, indices, run)
    if run.stop:
        console.print(f"stopped at {state.cur_nimg:,} images, nothing is lost. Go on: stylegan train --resume {out}")
    return state.G_ema


def best_device() -> torch.device:
    """CUDA, else MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
