"""The run folder: what a training shows, writes and keeps. It looks on, and changes nothing in the training."""

import errno
import glob
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
from stylegan.config import Config
from stylegan.data.images import ImageDataset, image_grid, save_png
from stylegan.errors import InputError
from stylegan.files import sync_folder, write_text
from stylegan.sampling.sample import sample
from stylegan.training.bar import Bar
from stylegan.training.health import Health
from stylegan.training.schedule import Phase
from stylegan.training.state import TrainingState

STATE = "state.safetensors"
CONFIG = "config.json"
STATS = "stats.jsonl"
SHEET_SEEDS = 32  # pictures on a sheet of fakes: seeds 0 to 31
LOCK = "lock"
SNAPSHOT_TICKS = 10  # ticks between two snapshots, as the authors


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
            remove_partial_files(self.path)
            if unreadable := drop_stats_after(self.path / STATS, state.cur_nimg):
                self.bar.say(f"{self.path / STATS}: dropped {unreadable} lines that are no statistics")
            if not has_snapshot(state):
                checkpoint.snapshot_path(self.path, state.cur_nimg).unlink(missing_ok=True)
            yield
            state.save(self.path / STATE)  # first: only a snapshot of the state's own moment is found and removed
            if not has_snapshot(state):
                checkpoint.save(checkpoint.snapshot_path(self.path, state.cur_nimg), state.networks())

    def after_step(self, state: TrainingState, phase: Phase, stats: dict[str, float]) -> None:
        """Add up the statistics; at a tick write them; save the state when it is time."""
        for name, value in [*stats.items(), ("steps", 1.0)]:
            state.sums[name] = state.sums.get(name, 0.0) + value
        self.bar.update(state.cur_nimg, phase, stats)
        done = state.cur_nimg >= 1000 * state.config.total_kimg
        if done or state.tick == 0 or state.cur_nimg - state.tick_nimg >= 1000 * phase.tick_kimg:
            self._tick(state, phase, done)
        if time.monotonic() - self._saved_at >= self.state_sec:
            state.save(self.path / STATE)
            self._saved_at = time.monotonic()

    def _tick(self, state: TrainingState, phase: Phase, done: bool) -> None:
        steps = state.sums.pop("steps")
        stats = {name: value / steps for name, value in state.sums.items()} | self.health.measure(state, phase)
        state.sums, state.tick, state.tick_nimg = {}, state.tick + 1, state.cur_nimg
        place = {"cur_nimg": state.cur_nimg, "tick": state.tick, "lod": phase.lod, "resolution": phase.resolution}
        line = place | {"batch": phase.batch, "lrate": phase.lrate} | stats | self.bar.speed()
        with (self.path / STATS).open("a", encoding="utf-8") as f:
            f.write(json.dumps(line) + "\n")
        for warning in self.health.new_warnings(stats):
            self.bar.say(warning)
        write_sheet(self.path, state)
        if done or state.tick % SNAPSHOT_TICKS == 1:
            checkpoint.save(checkpoint.snapshot_path(self.path, state.cur_nimg), state.networks())


class Follower:
    """What the processes beside the first do about a training: pass on the wish to stop, and be silent."""

    def __init__(self) -> None:
        self.stop = False

    @contextmanager
    def watching(self, state: TrainingState) -> Iterator[None]:
        """Take signals as a wish to stop, which all processes follow after the same step."""
        with signals(self, say=lambda text: None):
            yield

    def after_step(self, state: TrainingState, phase: Phase, stats: dict[str, float]) -> None:
        """Nothing to show, nothing to write."""


def create(path: Path, dataset: ImageDataset, state: TrainingState) -> None:
    """Make the run folder: it appears under its name with everything in it, the first state and pictures too."""
    refuse_existing(path)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_stale(path)
        partial.mkdir()
    except OSError as e:
        if e.errno == errno.ENOSPC:
            raise
        raise InputError(f"{path} cannot be made ({e}): choose another --out") from e
    lock = filelock.FileLock(partial / LOCK)
    try:
        lock.acquire()
        data = {"path": str(dataset.path), "fingerprint": dataset.fingerprint}
        write_text(partial / CONFIG, json.dumps({"config": state.config.to_json(), "data": data}, indent=2) + "\n")
        write_text(partial / STATS, "")
        shown = np.linspace(0, len(dataset) - 1, min(SHEET_SEEDS, len(dataset))).astype(int)
        save_png(image_grid(dataset.batch(dataset.img_resolution, shown), 8), partial / "reals.png")
        write_sheet(partial, state)
        checkpoint.save(checkpoint.snapshot_path(partial, 0), state.networks())
        state.save(partial / STATE)
        lock.release()
        refuse_existing(path)  # rename would replace an empty folder
        partial.rename(path)
        sync_folder(path.parent)
    except BaseException:
        lock.release()
        shutil.rmtree(partial, ignore_errors=True)
        raise


def refuse_existing(path: Path) -> None:
    """Raise InputError where there is anything of this name, be it a link that leads nowhere."""
    if os.path.lexists(path):
        raise InputError(f"{path} exists: continue it with `stylegan train --resume {path}`, or choose another --out")


def clear_stale(path: Path) -> None:
    """Remove what killed processes left of this run folder. The lock tells: numbers of processes come again."""
    for folder in path.parent.glob(f".{glob.escape(path.name)}.partial-*"):
        try:
            with filelock.FileLock(folder / LOCK, timeout=0):
                pass
        except filelock.Timeout as e:
            raise InputError(f"another process is making {path} at this moment: choose another --out") from e
        shutil.rmtree(folder)


def remove_partial_files(path: Path) -> None:
    """Remove what killed trainings left half written; not what other commands write beside the run's own files."""
    for name in (STATE, CONFIG, STATS, "reals.png", "fakes-*", "snapshot-*"):
        for partial in path.glob(f".{name}.partial-*"):
            partial.unlink(missing_ok=True)


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


def held_out(count: int, seed: int) -> NDArray[np.int64]:
    """The pictures that D never sees, to find out whether it memorises: one in 50, at most 256; none below 1600.

    A multiple of 4, as the minibatch deviation of D works on groups of 4.
    """
    kept_back = min(count // 50, 256) // 4 * 4
    return np.random.RandomState(seed).permutation(count)[: kept_back if kept_back >= 32 else 0]


def write_sheet(path: Path, state: TrainingState) -> None:
    """fakes-NIMG.png: the same seeds every time, untruncated, enlarged to full size while the network grows."""
    classes = np.arange(SHEET_SEEDS) % max(state.config.c_dim, 1)
    c = torch.from_numpy(np.eye(state.config.c_dim, dtype=np.float32)[classes]) if state.config.c_dim else None
    images = np.concatenate(list(sample(state.G_ema, range(SHEET_SEEDS), c=c)))
    factor = state.config.img_resolution // images.shape[2]
    save_png(image_grid(images.repeat(factor, 2).repeat(factor, 3), 8), path / f"fakes-{state.cur_nimg:09d}.png")


def has_snapshot(state: TrainingState) -> bool:
    """Whether a training that was never stopped has a snapshot of this moment: the first, of a tick, or the last."""
    at_tick = state.tick_nimg == state.cur_nimg and state.tick % SNAPSHOT_TICKS == 1
    return state.cur_nimg == 0 or at_tick or state.cur_nimg >= 1000 * state.config.total_kimg


def drop_stats_after(path: Path, cur_nimg: int) -> int:
    """Forget the lines of steps that a resumed training will take again, and a line that a kill cut short.

    Also whatever else is no statistics: returns how many lines that were.
    """
    *lines, cut_short = path.read_bytes().split(b"\n") if path.exists() else [b""]
    places = [_nimg_of(line) for line in lines]
    kept = [line for line, nimg in zip(lines, places, strict=True) if nimg is not None and nimg <= cur_nimg]
    if cut_short or len(kept) < len(lines):
        write_text(path, "".join(line.decode() + "\n" for line in kept))
    return places.count(None)


def _nimg_of(line: bytes) -> int | None:
    try:
        nimg = json.loads(line.decode())["cur_nimg"]
    except (ValueError, KeyError, TypeError):
        return None
    return nimg if isinstance(nimg, int) else None


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
