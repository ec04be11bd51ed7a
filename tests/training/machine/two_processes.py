"""What one of two processes does for test_processes.py: torchrun's environment variables say which one it is."""

import json
import os
import shutil
import signal
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
import torch.distributed as dist

from stylegan.config import Config
from stylegan.data.dataset import ImageDataset
from stylegan.errors import InputError
from stylegan.training import ada, loop
from stylegan.training.cost import dry_run, measuring
from stylegan.training.machine import processes
from stylegan.training.state import TrainingState
from stylegan.training.train import resume, train

CPU = torch.device("cpu")
NOISE = "synthesis.blocks.0.layers.0.bias"


def weights(config: Config, dataset: ImageDataset, steps: int) -> tuple[dict[str, torch.Tensor], TrainingState]:
    """All tensors of the networks after `steps` steps of this process, or of the group that it is in."""
    state = TrainingState.new(config.but(total_kimg=steps * config.batch / 1000), CPU)
    watcher = SimpleNamespace(stop=False, after_step=lambda *_: None)
    loop.training_loop(state, dataset, np.arange(len(dataset)), watcher)
    return {n: t for n, t in state._tensors().items() if "opt" not in n}, state


def gradients(config: Config, dataset: ImageDataset) -> dict[str, torch.Tensor]:
    """Those of the first step, of D and of G."""
    _, state = weights(config, dataset, 1)
    named = [*state.D.named_parameters("D"), *state.G.named_parameters("G")]
    return {name: p.grad for name, p in named if p.grad is not None}


def errors(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor], scales: dict[str, float]) -> float:
    """The largest difference, each tensor's in its own unit."""
    assert ours.keys() == theirs.keys()
    return max((ours[n] - theirs[n]).abs().max().item() / scales[n] for n in scales)


def dry_run_of(data: Path, config: Config) -> tuple[str, int]:
    """What a dry run says, and the most pictures in a step of this process."""
    take_steps, shown = measuring.take_steps, []
    measuring.take_steps = lambda *args: (shown.append(len(args[1].reals)), take_steps(*args))[1]
    dry_run.measure_levels = partial(measuring.measure_levels, trial_sec=0.05)
    said = dry_run.dry_run(data, config, CPU)
    measuring.take_steps = take_steps
    return said, max(shown)  # small batches are tried first


def changes(config: Config, dataset: ImageDataset, alone: dict[str, torch.Tensor], steps: int) -> tuple[float, float]:
    """How far the group's weights lie from those of the process alone, in units of each tensor's largest change.

    Second, in units of the largest change of all, those whose gradient is rounding noise: a bias between a constant
    and the norm that takes it away again. Adam makes steps of noise, too.
    """
    before = {n: t for n, t in TrainingState.new(config, CPU)._tensors().items() if n in alone}
    together, _ = weights(config if config.shared_fakes else config.but(batch_gpu=4), dataset, steps)
    scales = {n: c for n, t in alone.items() if (c := (t - before[n]).abs().max().item()) and not n.endswith(NOISE)}
    noise = {n: max(scales.values()) for n in alone if n.endswith(NOISE)}
    return errors(together, alone, scales), errors(together, alone, noise)


def main(out: Path, data: Path, config: Config) -> None:
    """Write what was found to out/RANK.json."""
    torch.set_num_threads(1)
    dataset, found, rank = ImageDataset(data), {}, int(os.environ["RANK"])
    grads_alone = gradients(config, dataset)
    torch.set_default_dtype(torch.float64)
    sharing, augmented = config.but(shared_fakes=True), config.but(augment="ada", ada_kimg=0.2)
    ada.TARGET = -1.5  # below all signs: the probability rises with every move
    alone, alone_sharing = weights(config, dataset, 20)[0], weights(sharing, dataset, 10)[0]
    alone_augmented = weights(augmented, dataset, 10)[0]
    with processes.joined(CPU):
        found["float64"] = changes(config, dataset, alone, 20)
        found["shared fakes"] = changes(sharing, dataset, alone_sharing, 10)
        found["ada"] = changes(augmented, dataset, alone_augmented, 10)
        torch.set_default_dtype(torch.float32)
        found["gradients"] = {
            net: errors(
                gradients(config, dataset),
                grads_alone,
                {
                    n: g.abs().max().item()
                    for n, g in grads_alone.items()
                    if n.startswith(net) and not n.endswith(NOISE)
                },
            )
            for net in ("D", "G")
        }
        found["dry run"] = dry_run_of(data, config)
        train(data, out / "whole", config=config)
        stop_at(5, signal_in=1)
        train(data, out / "stopped", config=config)
        found["stopped_at"] = TrainingState.load(out / "stopped" / "state.safetensors", CPU)[0].cur_nimg
        if rank == 0:
            shutil.copytree(out / "stopped", out / "for_one")
        dist.barrier()
        resume(out / "stopped")
        for name, action in {
            "exists": lambda: train(data, out / "whole", config=config),
            "batch": lambda: train(data, out / "new", config=config.but(batch=12)),
            "batch of a dry run": lambda: dry_run.dry_run(data, config.but(batch=12), CPU),
            "other": lambda: processes.check_same({"the weights": rank, "the rest": 1}, CPU),
        }.items():
            try:
                action()
            except InputError as e:
                found[name] = str(e)
    (out / f"{rank}.json").write_text(json.dumps(found))


def stop_at(step: int, *, signal_in: int) -> None:
    """SIGTERM for one of the processes, in its `step`-th step from now."""
    take_steps, steps = loop.take_steps, []

    def interrupted(*args):
        steps.append(1)
        if len(steps) == step and processes.rank() == signal_in:
            os.kill(os.getpid(), signal.SIGTERM)
        return take_steps(*args)

    loop.take_steps = interrupted


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Config.from_json(json.loads(sys.argv[3])))
