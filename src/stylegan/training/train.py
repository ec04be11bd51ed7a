"""Start or resume a training run: everything that is checked before the first step."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stylegan.config import Config, NetworkConfig
from stylegan.data.dataset import ImageDataset
from stylegan.device import find_device
from stylegan.errors import InputError, printable, refuse, shell
from stylegan.files import user_path
from stylegan.networks.generator import Generator
from stylegan.opening import load_networks
from stylegan.training.augment import AUGMENTATIONS, Augmentation
from stylegan.training.cost.hours import Own, Plan, check_hours, chosen_lines, plan_for, week_lines
from stylegan.training.fitted import fitted, given_way, misfits
from stylegan.training.loop import training_loop
from stylegan.training.machine import processes
from stylegan.training.machine.environment import environment, using_threads
from stylegan.training.machine.precision import refused_precision
from stylegan.training.machine.programs import missing_compiler, plan
from stylegan.training.objectives import LOSSES, Objectives
from stylegan.training.resuming import Kept, changed, check_budget, same_data, saved_state
from stylegan.training.run.first_lines import first_lines
from stylegan.training.run.folder import (
    Follower,
    Run,
    check_own_parts,
    create,
    drop_previous,
    held_out,
    read_config,
    read_record,
    refuse_existing,
    stamp_of,
)
from stylegan.training.run.measured import Measured
from stylegan.training.run.voice import voice
from stylegan.training.schedule import KEEP_SNAPSHOTS, refused_batches
from stylegan.training.state import TrainingState
from stylegan.training.stops import explained, same_data_still
from stylegan.training.transfer import transfer

console = voice()


def train(
    data: Path | str,
    out: Path | str,
    *,
    config: Config | None = None,
    kimg: float | None = None,
    hours: float | None = None,
    fixed: Mapping[str, Any] | None = None,
    cond: bool = False,
    init: Path | str | None = None,
    objectives: Objectives | None = None,
    augment: Augmentation | None = None,
    state_sec: float = 60.0,
    keep_snapshots: int | None = KEEP_SNAPSHOTS,
    metrics: str = "",
    device: torch.device | str = "auto",
) -> Generator:
    """Train on the data set `data` in the new run folder `out`; return G_ema.

    config: by default configuration F, `fitted` as the command does it: to the data, to a budget of `kimg` thousand
    images, to the classes if `cond` is True, to the number of processes, and to `init`. A config that you give is used
    as it is: its img_resolution, img_channels and (with classes) c_dim must be those of the data, and kimg, hours and
    cond cannot be given beside it.
    hours: chooses the network, rates, batch and number of images that make the best of this time on this machine, which
    is measured in less than a minute (`cost.hours`). fixed: fields that keep your values, such as {"mirror": False}.
    init: a network to start from, as for `load`. objectives: a loss of your own instead of the configuration's.
    augment: a transform of your own for all pictures that D sees; the configuration's own augment becomes none.
    state_sec: seconds between two saved states. keep_snapshots: how many snapshots are kept (the first, the newest, and
    some in between); None keeps all.
    metrics: names such as "fd5k,kid5k", which are measured at each snapshot (see `run.measured`) and change nothing.
    device: "auto" takes the best one. A run that is stopped returns early; `resume` continues it.

    Raises InputError before the first step if anything does not fit, and FailedError if the run fails later.
    """
    if config is not None and (kimg is not None or hours is not None or cond):
        raise InputError(
            f"kimg {kimg}, hours {hours}, cond {cond}: a config is used as it is and already decides these: give "
            "config=stylegan.fitted(data, kimg, cond=..., config=...), or hours without a config"
        )
    if not (config is None or isinstance(config, Config)):
        raise InputError(
            f"config {printable(repr(config), 80)}: must be a stylegan.Config, such as stylegan.fitted(data)"
        )
    check_fixed(fixed, hours, kimg)
    check_keep(keep_snapshots)
    check_state_sec(state_sec)
    check_own(objectives, augment, fixed)
    out, device = user_path(out), own_device(device)
    with processes.joined(device), ExitStack() as stack:
        dataset = ImageDataset(data)
        config = config or fitted(dataset, kimg, processes.world(), cond=cond, init=init)
        config = config if augment is None else config.but(augment="none")
        check(given_way(config, fixed or {}), dataset, device, objectives=objectives, augment=augment)
        own = Own(fixed or {}, objectives, augment)
        if hours is not None or config.total_kimg >= LONG_RUN_KIMG:
            processes.first_does(lambda: refuse_existing(out), device)  # before anything is measured
        if hours is not None:
            plan = chosen(config, hours, device, own=own, init=init)
            config = plan.config
            stack.enter_context(using_threads(plan.threads))
            for line in chosen_lines(plan, dataset):
                say(line)
        elif config.total_kimg >= LONG_RUN_KIMG:
            for line in week_lines(config, device, own):
                say(line)
        state = TrainingState.new(config, device, objectives=objectives, augmentation=augment)
        name_classes(state, dataset)
        check_metrics(metrics, dataset, state)
        if init is not None:
            for line in transfer(load_networks(init), state):
                say(line)
        processes.first_does(
            lambda: create(out, dataset, state, keep_snapshots=keep_snapshots, metrics=metrics), device
        )
        return _go_on(Keeping(out, state_sec, keep_snapshots, metrics, stamp=stamp_of(out)), dataset, state)


def resume(
    out: Path | str,
    *,
    data: Path | str | None = None,
    kimg: float | None = None,
    batch_gpu: int | Kept | None = "kept",
    compile: bool | None = None,
    objectives: Objectives | None = None,
    augment: Augmentation | None = None,
    state_sec: float = 60.0,
    keep_snapshots: int | Kept | None = "kept",
    metrics: str = "kept",
    previous: bool = False,
    device: torch.device | str = "auto",
) -> Generator:
    """Continue a run folder from its last state, bit for bit as if it had never stopped; return G_ema.

    data: where the data set is now, if it was moved. objectives, augment: those that `train` was given; others, judged
    by their names, are refused. previous: start from the state before the last one, if the last one is damaged.
    These may change, and by default stay as they were: kimg, the budget (the schedule of the levels stays); batch_gpu,
    compile, keep_snapshots, metrics ("" for none) and device, as in `train` and its config.

    If the machine, torch or the number of threads differs, a message says so. Raises InputError before the first step
    if anything does not fit, and FailedError if the run fails later.
    """
    out = user_path(out)
    config, trained_on = read_config(out)
    config, changes = changed(config, total_kimg=kimg, batch_gpu=batch_gpu, compile=compile)
    record = read_record(out)
    if keep_snapshots == "kept":
        keep_snapshots = record.get("keep_snapshots")  # older runs keep all
    if metrics == "kept":
        metrics = record.get("metrics", "")
    check_keep(keep_snapshots)
    check_state_sec(state_sec)
    check_own(objectives, augment)
    dataset = same_data(out, data, trained_on)
    device = own_device(device)
    with processes.joined(device), ExitStack() as stack:
        check_own_parts(out, config, objectives, augment)
        check(config, dataset, device, objectives=objectives, augment=augment, resumed=True)
        own = {"objectives": objectives, "augmentation": augment}
        stamp = stamp_of(out)
        state, before = saved_state(out, config, device, previous=previous, own=own)
        stack.enter_context(using_threads(threads_of(before, device)))
        if kimg is not None:
            check_budget(out, config, state)
        name_classes(state, dataset)
        check_metrics(metrics, dataset, state)
        if state.done:
            if not previous:
                drop_previous(out)
            say(
                f"{out} is finished: {state.cur_nimg:,} images.\n"
                f"Its pictures: stylegan sample {shell(out)} --seeds 0-15 --out pictures\n"
                f"To train longer: stylegan train --resume {shell(out)} --kimg {2 * config.total_kimg:g}"
            )
            return state.G_ema
        now = environment(device, config)
        before = {"processes": 1} | before  # older states do not say
        changes += [f"{name} {before.get(name)} -> {now[name]}" for name in now if before.get(name) != now[name]]
        if changes:
            say(f"not bit for bit what it would have been without the stop: {', '.join(changes)}")
        return _go_on(Keeping(out, state_sec, keep_snapshots, metrics, previous, stamp), dataset, state)


def threads_of(before: Mapping[str, Any], device: torch.device) -> int:
    """The number of threads that the run had before, if this machine has as many CPUs; otherwise torch's number.

    It affects the run's bits and its speed. before: the environment in the state (`environment`).
    """
    now, then = torch.get_num_threads(), before.get("threads")
    there = os.cpu_count() or 1
    alike = device.type == "cpu" and isinstance(then, int) and before.get("processes", 1) == processes.world()
    return then if alike and isinstance(then, int) and 0 < then <= there else now


@dataclass(frozen=True)
class Keeping:
    """What `Run` needs to know about a run folder."""

    out: Path
    state_sec: float
    keep_snapshots: int | None
    metrics: str
    from_previous: bool = False
    stamp: object = None

    def run(self, dataset: ImageDataset) -> Run:
        """The watcher of the folder."""
        return Run(
            self.out,
            dataset,
            state_sec=self.state_sec,
            keep_snapshots=self.keep_snapshots,
            metrics=self.metrics,
            from_previous=self.from_previous,
            stamp=self.stamp,
        )


def own_device(device: torch.device | str) -> torch.device:
    """The device that was asked for. With "cuda" and several processes, each process takes its own GPU."""
    many = int(os.environ.get("WORLD_SIZE", "1")) > 1
    found = find_device(device)
    return find_device("auto") if many and str(device) == "cuda" else found


LONG_RUN_KIMG = 1000.0  # shorter runs are not measured before they start


def check_fixed(fixed: Mapping[str, Any] | None, hours: float | None, kimg: float | None) -> None:
    """Raise InputError for an impossible time, or for `fixed` without `hours`."""
    if hours is not None:
        check_hours(hours, kimg, fixed or {})
    elif fixed:
        raise InputError(f"fixed {', '.join(fixed)}: fields can only be fixed for the rule of `hours`: give hours too")


def chosen(config: Config, hours: float, device: torch.device, *, own: Own, init: Path | str | None) -> Plan:
    """What the rule chooses for this time. With `init`, that network keeps its sizes and the resolution it has reached.

    Raises InputError if not even one step fits into the time.
    """
    if init is not None:
        names = [*(each.name for each in fields(NetworkConfig)), "initial_resolution", "style_mixing_prob"]
        sizes = {name: getattr(config, name) for name in names}
        own = Own(sizes | dict(own.fixed), own.objectives, own.augmentation)
    return plan_for(config, hours, device, own=own, say=say)


def check_state_sec(state_sec: float) -> None:
    """Raise InputError for an impossible time between two saved states."""
    if not isinstance(state_sec, int | float) or not 0 <= state_sec < float("inf"):  # nor NaN
        raise InputError(f"state_sec {printable(repr(state_sec), 60)}: must be a number of seconds, 0 or above")


def check_own(
    objectives: Objectives | None, augment: Augmentation | None, fixed: Mapping[str, Any] | None = None
) -> None:
    """Raise InputError for anything that is not Objectives or an Augmentation, and for two augmentations."""
    if objectives is not None and not isinstance(objectives, Objectives):
        raise InputError(f"objectives {printable(repr(objectives), 80)}: must be stylegan.Objectives")
    if augment is not None and not isinstance(augment, Augmentation):
        raise InputError(
            f"augment {printable(repr(augment), 80)}: must be a stylegan.Augmentation of your own. The package's "
            f"({', '.join(AUGMENTATIONS)}) are values of the configuration's field augment: give "
            "config=stylegan.fitted(data, kimg, config=stylegan.CONFIG_F.but(augment='ada')), or hours and "
            "fixed={'augment': 'ada'}"
        )
    if augment is not None and "augment" in (fixed or {}):
        raise InputError(f"augment {augment.name}, and augment in fixed: give one of them")


def check_keep(keep_snapshots: int | None) -> None:
    """Raise InputError for an impossible number of snapshots."""
    if keep_snapshots is not None and (type(keep_snapshots) is not int or keep_snapshots < 2):
        raise InputError(
            f"keep_snapshots {keep_snapshots!r}: must be 2 or more (the first and the newest), or None to keep all"
        )


def check_metrics(metrics: str, dataset: ImageDataset, state: TrainingState) -> None:
    """Raise InputError for metrics that cannot be measured during this training run."""
    if not isinstance(metrics, str):
        raise InputError(f"metrics {metrics!r}: must be names such as 'fd5k,kid5k', or '' for none")
    if metrics:
        Measured(metrics, dataset, mirror=state.config.mirror).check(state.G_ema)


def name_classes(state: TrainingState, dataset: ImageDataset) -> None:
    """Keep the names of the classes in every snapshot."""
    if state.config.c_dim:
        state.metadata["class_names"] = list(dataset.class_names)


def check(
    config: Config,
    dataset: ImageDataset,
    device: torch.device,
    *,
    objectives: Objectives | None = None,
    augment: Augmentation | None = None,
    resumed: bool = False,
) -> None:
    """Raise InputError that names everything in `config` that does not fit the data, loss, processes or machine."""
    loss = objectives or LOSSES[config.loss]
    adaptive = augment.name if augment and augment.adaptive else ""
    of_loss = [*loss.misfits(config, adaptive), *([] if resumed else loss.ignored(config))]
    machine = [*refused_batches(config, processes.world()), *missing_compiler(config, device)]
    machine += refused_precision(config, device)
    refuse([*misfits(config, dataset), *of_loss, *machine])


def _go_on(keeping: Keeping, dataset: ImageDataset, state: TrainingState) -> Generator:
    out = keeping.out
    if processes.world() > 1:
        same = {"the data set": int(dataset.fingerprint[:12], 16), "the images shown": state.cur_nimg}
        processes.check_same(same | {"the weights": state.checksum()}, state.device)
    for line in first_lines(state, dataset, keeping.keep_snapshots):
        say(line)
    for line in plan(state.config, state.device) if state.config.compile else ():
        say(line)
    watcher = keeping.run(dataset) if processes.rank() == 0 else Follower()
    indices = np.setdiff1d(np.arange(len(dataset)), held_out(len(dataset), state.config.seed))
    try:
        with explained(out, state), watcher.watching(state), same_data_still(out, state):
            training_loop(state, dataset, indices, watcher)
    except (KeyboardInterrupt, torch._dynamo.exc.BackendCompilerFailed) as e:
        if not (watcher.stop or isinstance(e, KeyboardInterrupt)):
            raise
        # A second Ctrl-C, or a first one while a program is compiled, which ends the compiler too.
        say(
            "stopped at once: everything after the last saved state is lost. Continue with: "
            f"stylegan train --resume {shell(out)}"
        )
        raise KeyboardInterrupt from None
    with explained(out, state):
        processes.wait_for_all(state.device)  # until process 0 has written the last state
    if state.cur_nimg < 1000 * state.config.total_kimg:
        again = f"stylegan train --resume {shell(out)}"
        say(f"stopped at {state.cur_nimg:,} images; nothing is lost. Continue with: {again}")
    return state.G_ema


def say(line: str) -> None:
    """Print the line in process 0 only."""
    if processes.rank() == 0:
        console.print(line, markup=False, soft_wrap=True)
