"""The run folder: whose it is, and when a training shows, writes and keeps what. It changes nothing in the training."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import filelock
import numpy as np
from numpy.typing import NDArray

from stylegan import checkpoint
from stylegan.config import Config
from stylegan.data.dataset import ImageDataset
from stylegan.errors import InputError
from stylegan.files import LOCK, remove_partial_files, whole_folder, write_text
from stylegan.training.augment import NONE
from stylegan.training.objectives import LOSSES
from stylegan.training.run.bar import Bar
from stylegan.training.run.health import Health
from stylegan.training.run.record import (
    REALS,
    STATS,
    drop_stats_after,
    has_snapshot,
    write_reals,
    write_sheet,
    write_snapshot,
    write_stats,
)
from stylegan.training.state import TrainingState

STATE = "state.safetensors"
CONFIG = "config.json"
FILES = (STATE, CONFIG, STATS, REALS, "fakes-*", "snapshot-*")  # which no other command writes


class Run:
    """A run folder, this process's alone while it is watching a training.

    config.json: configuration and data; stats.jsonl: a line a tick; reals.png, fakes-NIMG.png: sheets;
    snapshot-NIMG.safetensors: networks; state.safetensors: what --resume needs, at least every `state_sec` seconds.
    """

    def __init__(self, path: Path, dataset: ImageDataset, *, state_sec: float = 60.0) -> None:
        self.path = path
        self.dataset = dataset
        self.state_sec = state_sec
        self.stop = False
        self._saved_at = time.monotonic()

    @contextmanager
    def watching(self, state: TrainingState) -> Iterator[None]:
        """Show a bar, take signals as a wish to stop, and save the state after the block, unless it raises.

        A training that was asked to stop also leaves a snapshot, for who looks at it now: going on removes it again.
        """
        self.health = Health(self.dataset, held_out(len(self.dataset), state.config.seed), state.config)
        with locked(self.path), Bar(state.config, state.cur_nimg) as self.bar, signals(self, say=self.bar.say):
            remove_partial_files(self.path, FILES)
            if unreadable := drop_stats_after(self.path, state.cur_nimg):
                self.bar.say(f"{self.path / STATS}: dropped {unreadable} lines that are no statistics")
            if not has_snapshot(state):
                checkpoint.snapshot_path(self.path, state.cur_nimg).unlink(missing_ok=True)
            yield
            state.save(self.path / STATE)  # first: only a snapshot of the state's own moment is found and removed
            if not has_snapshot(state):
                write_snapshot(self.path, state)

    def after_step(self, state: TrainingState, stats: dict[str, float], tick: dict[str, float] | None) -> None:
        """Show the statistics; write those of a tick; save the state when it is time."""
        self.bar.update(state.cur_nimg, state.phase, stats)
        if tick is not None:
            self._write_tick(state, tick)
        if time.monotonic() - self._saved_at >= self.state_sec:
            state.save(self.path / STATE)
            self._saved_at = time.monotonic()

    def _write_tick(self, state: TrainingState, tick: dict[str, float]) -> None:
        phase, stats = state.phase, tick | self.health.measure(state, state.phase)
        place = {"cur_nimg": state.cur_nimg, "tick": state.tick, "lod": phase.lod, "resolution": phase.resolution}
        line = place | {"batch": phase.batch, "lrate": phase.lrate} | stats | self.bar.speed()
        write_stats(self.path, line)
        for warning in self.health.new_warnings(stats):
            self.bar.say(warning)
        write_sheet(self.path, state)
        if has_snapshot(state):
            write_snapshot(self.path, state)


class Follower:
    """What the processes beside the first do about a training: pass on the wish to stop, and be silent."""

    def __init__(self) -> None:
        self.stop = False

    @contextmanager
    def watching(self, state: TrainingState) -> Iterator[None]:
        """Take signals as a wish to stop, which all processes follow after the same step."""
        with signals(self, say=lambda text: None):
            yield

    def after_step(self, state: TrainingState, stats: dict[str, float], tick: dict[str, float] | None) -> None:
        """Nothing to show, nothing to write."""


def create(path: Path, dataset: ImageDataset, state: TrainingState) -> None:
    """Make the run folder: it appears under its name with everything in it, the first state and pictures too."""
    if os.path.lexists(path):  # be it a link that leads nowhere
        raise InputError(f"{path} exists: continue it with `stylegan train --resume {path}`, or choose another --out")
    with whole_folder(path, last=STATE, remedy="choose another --out") as partial:
        data = {"path": str(dataset.path), "fingerprint": dataset.fingerprint}
        record = {"config": state.config.to_json(), "data": data} | own_parts(state)
        write_text(partial / CONFIG, json.dumps(record, indent=2) + "\n")
        write_text(partial / STATS, "")
        write_reals(partial, dataset)
        write_sheet(partial, state)
        write_snapshot(partial, state)
        state.save(partial / STATE)


def read_config(path: Path) -> tuple[Config, dict[str, Any]]:
    """The configuration of a run folder, and {"path", "fingerprint"} of its data; InputError where it is none."""
    try:
        record = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        config, data = Config.from_json(record["config"]), record["data"]
        if not (isinstance(data["path"], str) and isinstance(data["fingerprint"], str)):
            raise ValueError(f"data {data}: path and fingerprint must be strings")
        return config, data
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        raise InputError(f"{path} is no run folder of `stylegan train` ({CONFIG}: {e})") from e


def own_parts(state: TrainingState) -> dict[str, str]:
    """The names of the objectives and of the augmentation, where they are not what the configuration says."""
    objectives, augmentation = state.objectives, state.augmentation
    own = {} if objectives == LOSSES[state.config.loss] else {"objectives": objectives.name}
    return own if augmentation == NONE else own | {"augment": augmentation.name}


def check_own_parts(path: Path, state: TrainingState) -> None:
    """Raise InputError where a run would go on with another loss or augmentation than it was started with."""
    record, now = json.loads((path / CONFIG).read_text(encoding="utf-8")), own_parts(state)
    for kind in ("objectives", "augment"):
        if kind in record and now.get(kind) != record[kind]:
            given = f"not {now[kind]!r}" if kind in now else "which only Python can pass on"
            raise InputError(
                f"{path} was started with {kind} {record[kind]!r}, {given}: "
                f"go on with stylegan.resume({str(path)!r}, {kind}=...)"
            )
        if kind in now and kind not in record:
            raise InputError(f"{path} was started without {kind}={now[kind]!r}: go on without it")


def held_out(count: int, seed: int) -> NDArray[np.int64]:
    """The pictures that D never sees, to find out whether it memorises: one in 50, at most 256; none below 1600.

    A multiple of 4, as the minibatch deviation of D works on groups of 4.
    """
    kept_back = min(count // 50, 256) // 4 * 4
    return np.random.RandomState(seed).permutation(count)[: kept_back if kept_back >= 32 else 0]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The run folder is this process's alone. The lock is the system's: it dies with the process."""
    try:
        with filelock.FileLock(path / LOCK, timeout=0):
            yield
    except filelock.Timeout as e:
        raise InputError(f"{path} is being trained by another process: stop that one first") from e


@contextmanager
def signals(watcher: Run | Follower, *, say: Callable[[str], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask the run to stop after this step; a second Ctrl-C stops at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        watcher.stop = True
        say("stopping after this step; press Ctrl-C again to stop at once")
        signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: whoever started it takes the signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
