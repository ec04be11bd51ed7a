"""The run folder: who owns it, and what a training run shows, writes and keeps. Nothing here changes the run."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import filelock
import numpy as np
import torch
from numpy.typing import NDArray

from stylegan import checkpoint
from stylegan.config import GROUP_SIZE, Config
from stylegan.data.dataset import ImageDataset
from stylegan.errors import DamagedError, InputError, printable, shell
from stylegan.files import LOCK, remove_partial_files, whole_folder, write_text
from stylegan.sealed import is_intact, sealed
from stylegan.training.augment import AUGMENTATIONS, Augmentation
from stylegan.training.machine import processes
from stylegan.training.objectives import LOSSES, Objectives
from stylegan.training.run.bar import Bar
from stylegan.training.run.health import Health
from stylegan.training.run.measured import CURVE, Measured, write_curve
from stylegan.training.run.record import (
    REALS,
    STATS,
    drop_stats_after,
    has_snapshot,
    read_stats,
    thin_out,
    write_reals,
    write_sheet,
    write_snapshot,
    write_stats,
)
from stylegan.training.schedule import schedule
from stylegan.training.state import TrainingState

STATE = "state.safetensors"
PREVIOUS = "state.previous.safetensors"
CONFIG = "config.json"
FILES = (STATE, PREVIOUS, CONFIG, STATS, REALS, CURVE, "fakes-*", "snapshot-*")  # that no other command writes


class Run:
    """The watcher that writes a run folder. While it watches a training run, the folder belongs to this process alone.

    config.json: configuration and data. stats.jsonl: a line per tick. reals.png, fakes-NIMG.png: sheets of pictures.
    snapshot-NIMG.safetensors: networks, `keep_snapshots` of them (None: all). metrics.svg: curves of the `metrics`,
    which are measured at each snapshot. state.safetensors: what --resume needs, saved every `state_sec` seconds.
    state.previous.safetensors: the state before it, until the run is finished.
    """

    def __init__(
        self,
        path: Path,
        dataset: ImageDataset,
        *,
        state_sec: float,
        keep_snapshots: int | None = None,
        metrics: str = "",
        from_previous: bool = False,
        stamp: object = None,
    ) -> None:
        """stamp: that of the state that was read, from `stamp_of`. None skips the comparison in `watching`."""
        self.path = path
        self.dataset = dataset
        self.state_sec = state_sec
        self.keep_snapshots = keep_snapshots
        self.metrics = metrics
        self.from_previous = from_previous
        self.stamp = stamp
        self.stop = False
        self._saved_at = time.monotonic()
        self._recorded = True  # whether the last step is fully recorded, so that its state may be saved

    @contextmanager
    def watching(self, state: TrainingState) -> Iterator[None]:
        """Show a bar, treat signals as a request to stop, and save the state after the block, unless it raises.

        A run that was asked to stop also leaves a snapshot to look at, which resuming removes. Raises InputError if
        another process is training in the folder, or has trained there since the state was read.
        """
        self.health = Health(self.dataset, held_out(len(self.dataset), state.config.seed), state.config)
        self.measured = Measured(self.metrics, self.dataset, mirror=state.config.mirror) if self.metrics else None
        with locked(self.path), Bar(state.config, state.cur_nimg) as self.bar, signals(self, say=self.bar.say):
            if self.stamp is not None and self.stamp != stamp_of(self.path):
                again = f"stylegan train --resume {shell(self.path)}"
                raise InputError(f"{self.path} was meanwhile trained by another process: continue from there: {again}")
            remove_partial_files(self.path, FILES)
            if self.from_previous:  # before anything is saved: the next state would replace it
                (self.path / PREVIOUS).replace(self.path / STATE)
            write_changes(self.path, state.config, keep_snapshots=self.keep_snapshots, metrics=self.metrics)
            if unreadable := drop_stats_after(self.path, state.cur_nimg):
                self.bar.say(f"{self.path / STATS}: dropped {unreadable} lines that are not statistics")
            if not has_snapshot(state):
                checkpoint.snapshot_path(self.path, state.cur_nimg).unlink(missing_ok=True)
            try:
                yield
            except InputError:  # the data set changed; the state itself is still good
                if self._recorded:
                    self._save(state)
                raise
            self._save(state)  # before the snapshot: resuming finds and removes only that of the saved state
            if not has_snapshot(state):
                write_snapshot(self.path, state)
            if state.done:
                drop_previous(self.path)

    def after_step(self, state: TrainingState, stats: dict[str, float], tick: dict[str, float] | None) -> None:
        """Show the statistics, write those of a tick, and save the state every `state_sec` seconds."""
        self._recorded = False
        self.bar.update(state.cur_nimg, state.phase, stats)
        if tick is not None:
            self._write_tick(state, tick)
        self._recorded = True
        if time.monotonic() - self._saved_at >= self.state_sec:
            self._save(state)

    def _save(self, state: TrainingState) -> None:
        keep_previous(self.path)
        state.save(self.path / STATE)
        self._saved_at = time.monotonic()

    def _write_tick(self, state: TrainingState, tick: dict[str, float]) -> None:
        phase, stats = state.phase, tick | self.health.measure(state, state.phase)
        place = {"cur_nimg": state.cur_nimg, "tick": state.tick, "lod": phase.lod, "resolution": phase.resolution}
        line = place | {"batch": phase.batch, "lrate": phase.lrate} | stats | self.bar.speed()
        found = self._measure(state) if has_snapshot(state) else {}
        write_stats(self.path, line | found)
        for warning in self.health.new_warnings(line):
            self.bar.say(warning)
        try:
            if found:
                write_curve(self.path, read_stats(self.path))
            write_sheet(self.path, state)
        except OSError as e:  # the run can do without these pictures
            self.bar.say(f"warning: no sheet of pictures could be written: {e}. The training run goes on.")
        if has_snapshot(state):
            write_snapshot(self.path, state)
            thin_out(self.path, state, self.keep_snapshots)

    def _measure(self, state: TrainingState) -> dict[str, float]:
        """The metrics of a snapshot; none, with a warning, if they cannot be measured: the run can do without them."""
        if self.measured is None:
            return {}
        try:
            with self.bar.paused():
                found = self.measured(state.G_ema)
        except (InputError, torch.OutOfMemoryError) as e:
            self.bar.say(f"warning: this snapshot is not measured: {e}. The training run goes on.")
            return {}
        self.bar.say("  ".join(f"{title}: {value:.5g}" for title, value in found.items()))
        return found


class Follower:
    """The watcher in every process but the first. It only passes on requests to stop."""

    def __init__(self) -> None:
        self.stop = False

    @contextmanager
    def watching(self, state: TrainingState) -> Iterator[None]:
        """Treat signals as a request to stop. All processes then stop after the same step."""
        with signals(self, say=lambda text: None):
            yield

    def after_step(self, state: TrainingState, stats: dict[str, float], tick: dict[str, float] | None) -> None:
        """Nothing to show, nothing to write."""


def create(
    path: Path, dataset: ImageDataset, state: TrainingState, *, keep_snapshots: int | None = None, metrics: str = ""
) -> None:
    """Make the run folder, with the first state and pictures. It appears under its name once it is complete.

    The pictures have the resolution of the first phase of the schedule. Raises InputError if the path exists.
    """
    state.enter(schedule(state.config, state.cur_nimg, processes.world()))
    state.G_ema.lod = state.G.lod
    refuse_existing(path)
    with whole_folder(path, last=STATE, remedy="choose another place") as partial:
        data = {"path": str(dataset.path), "fingerprint": dataset.fingerprint, "class_names": dataset.class_names}
        record = {"config": state.config.to_json(), "data": data, "keep_snapshots": keep_snapshots, "metrics": metrics}
        record |= own_parts(state.config, state.objectives, state.augmentation)
        write_record(partial, record)
        write_text(partial / STATS, "")
        write_reals(partial, dataset)
        write_sheet(partial, state)
        write_snapshot(partial, state)
        state.save(partial / STATE)


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """A mark that differs between any two states saved under this path; None if there is no state."""
    try:
        found = (path / STATE).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def refuse_existing(path: Path) -> None:
    """Raise InputError if anything exists at `path`."""
    if os.path.lexists(path):  # even a broken link
        raise InputError(
            f"{path} exists: continue it with `stylegan train --resume {shell(path)}`, or choose another place"
        )


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write config.json."""
    write_text(path / CONFIG, json.dumps(sealed(record), indent=2) + "\n")


def read_record(path: Path) -> dict[str, Any]:
    """The contents of config.json, for a folder that `read_config` could read."""
    record: dict[str, Any] = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    return record


def write_changes(path: Path, config: Config, *, keep_snapshots: int | None, metrics: str) -> None:
    """Record in config.json what a resumed run changes: fields in MAY_CHANGE, keep_snapshots, metrics."""
    record = read_record(path)
    own = {"keep_snapshots": keep_snapshots, "metrics": metrics}
    now = record | {"config": config.to_json()} | own
    if Config.from_json(record["config"]) != config or {name: record.get(name) for name in own} != own:
        write_record(path, now)


def drop_previous(path: Path) -> None:
    """Remove the state before the last one. A run that is finished needs it no more."""
    (path / PREVIOUS).unlink(missing_ok=True)


def keep_previous(path: Path) -> None:
    """Keep the present state as state.previous.safetensors, before a new one replaces it."""
    state, partial = path / STATE, path / f".{PREVIOUS}.partial-link"
    if not state.exists():
        return
    partial.unlink(missing_ok=True)
    try:
        os.link(state, partial)
    except OSError:  # a file system without hard links
        shutil.copyfile(state, partial)
    partial.replace(path / PREVIOUS)


def read_config(path: Path) -> tuple[Config, dict[str, Any]]:
    """The configuration of a run folder, and its data: a dictionary with "path" and "fingerprint".

    Raises InputError if the path is not a run folder, and DamagedError, which says what to do, if config.json is not as
    it was written.
    """
    if not os.path.lexists(path):
        raise InputError(
            f"{printable(path)} does not exist: the name is wrong, or the run was stopped before it began; then start "
            f"it with the same command again: stylegan train --data DATA --out {shell(path)}"
        )
    try:
        record = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        if not is_intact(record):
            raise DamagedError(_edited(path))
        config, data = Config.from_json(record["config"]), record["data"]
        if not (isinstance(data["path"], str) and isinstance(data["fingerprint"], str)):
            raise ValueError(f"data {data}: path and fingerprint must be strings")
        return config, data
    except DamagedError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise InputError(f"{path} is not a run folder of `stylegan train` ({CONFIG}: {e})") from e


def _edited(path: Path) -> str:
    """The message for a config.json that was changed. With it, the run could continue as a different one."""
    return (
        f"{path / CONFIG} is damaged or was edited: it is not as it was written. Put it back as it was, and type what "
        f"may change: stylegan train --resume {shell(path)} --kimg N, and others (--help). Or start a new run from the "
        f"newest good snapshot of this one: stylegan train --data {data_word(path)} --out NEW --init {shell(path)}"
    )


def data_word(path: Path) -> str:
    """The path of a run's data set, from its config.json, quoted for a shell; "DATA" if it cannot be read."""
    try:
        data = read_record(path)["data"]["path"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "DATA"
    return shell(data) if isinstance(data, str) and data else "DATA"


def own_parts(config: Config, objectives: Objectives | None, augmentation: Augmentation | None) -> dict[str, str]:
    """The names of the objectives and the augmentation, each only if it is not the configuration's."""
    loss, augment = objectives or LOSSES[config.loss], augmentation or AUGMENTATIONS[config.augment]
    own = {} if loss == LOSSES[config.loss] else {"objectives": loss.name}
    return own if augment == AUGMENTATIONS[config.augment] else own | {"augment": augment.name}


def check_own_parts(
    path: Path, config: Config, objectives: Objectives | None, augmentation: Augmentation | None
) -> None:
    """Raise InputError if a run would be resumed with a different loss or augmentation than it was started with."""
    record, now = read_record(path), own_parts(config, objectives, augmentation)
    for kind in ("objectives", "augment"):
        if kind in record and now.get(kind) != record[kind]:
            given = f"not {now[kind]!r}" if kind in now else "which only Python can pass on"
            raise InputError(
                f"{path} was started with {kind} {record[kind]!r}, {given}: "
                f"continue with stylegan.resume({str(path)!r}, {kind}=...)"
            )
        if kind in now and kind not in record:
            raise InputError(f"{path} was started without {kind}={now[kind]!r}: continue without it")


def held_out(count: int, seed: int) -> NDArray[np.int64]:
    """The indices of the pictures that D never sees, for detecting memorisation.

    Their number is a multiple of GROUP_SIZE: one in 50, at most 256; none for fewer than 1600 pictures.
    """
    kept_back = min(count // 50, 256) // GROUP_SIZE * GROUP_SIZE
    return np.random.RandomState(seed).permutation(count)[: kept_back if kept_back >= 32 else 0]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the run folder for this process. The operating system releases the lock when the process ends.

    Raises InputError if another process holds it.
    """
    try:
        with filelock.FileLock(path / LOCK, timeout=0):
            yield
    except filelock.Timeout as e:
        raise InputError(f"{path} is being trained by another process: stop that one first") from e


@contextmanager
def signals(watcher: Run | Follower, *, say: Callable[[str], None]) -> Iterator[None]:
    """Within this context, Ctrl-C, SIGTERM and SIGHUP (a closed terminal) stop the run after the present step.

    A second Ctrl-C stops it at once. If SIGHUP is ignored, as under nohup, it stays ignored.
    """

    def ask(number: int, frame: FrameType | None) -> None:
        watcher.stop = True
        say("stopping after this step; press Ctrl-C again to stop at once")
        signal.signal(signal.SIGINT, signal.default_int_handler)

    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    taken = [signal.SIGINT, signal.SIGTERM]
    if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:
        taken.append(hangup)
    try:
        before = {number: signal.signal(number, ask) for number in taken}
    except ValueError:  # not the main thread: signals go to the caller
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
