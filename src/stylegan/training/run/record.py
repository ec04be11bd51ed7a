"""What a training run records: statistics, sheets of pictures, snapshots."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stylegan import checkpoint
from stylegan.data.dataset import ImageDataset, image_grid, save_png
from stylegan.errors import DivergedError
from stylegan.files import write_text
from stylegan.networks.classes import one_hot
from stylegan.sampling.sampler import sample
from stylegan.training.state import TrainingState

STATS = "stats.jsonl"
REALS = "reals.png"
SHEET_SEEDS = 32  # pictures on a sheet of fakes: seeds 0 to 31
SNAPSHOT_TICKS = 10  # ticks between two snapshots, as in the authors' code


def write_stats(path: Path, line: dict[str, Any]) -> None:
    """Append a line to stats.jsonl."""
    with (path / STATS).open("a", encoding="utf-8") as f:
        f.write(json.dumps(line) + "\n")


def drop_stats_after(path: Path, cur_nimg: int) -> int:
    """Drop the lines of steps that a resumed run will repeat, and a last line that was cut short by a kill.

    Whole lines that are not statistics are dropped too; returns their number.
    """
    stats = path / STATS
    lines = stats.read_bytes().split(b"\n")[:-1] if stats.exists() else []
    places, cut_short = places_of(stats)
    kept = [line for line, nimg in zip(lines, places, strict=True) if nimg is not None and nimg <= cur_nimg]
    if cut_short or len(kept) < len(lines):
        write_text(stats, "".join(line.decode() + "\n" for line in kept))
    return places.count(None)


def places_of(stats: Path) -> tuple[list[int | None], bool]:
    """The cur_nimg of each whole line of stats.jsonl (None: not statistics), and whether a last line is cut short."""
    *lines, rest = stats.read_bytes().split(b"\n") if stats.exists() else [b""]
    return [_nimg_of(line) for line in lines], bool(rest)


def _nimg_of(line: bytes) -> int | None:
    try:
        nimg = json.loads(line.decode())["cur_nimg"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return nimg if type(nimg) is int else None


def write_reals(path: Path, dataset: ImageDataset) -> None:
    """Write reals.png: pictures from all over the data set."""
    shown = np.linspace(0, len(dataset) - 1, min(SHEET_SEEDS, len(dataset))).astype(int)
    save_png(image_grid(dataset.batch(dataset.img_resolution, shown), 8), path / REALS)


def write_sheet(path: Path, state: TrainingState) -> None:
    """Write fakes-NIMG.png: always the same seeds, untruncated, enlarged to full size while the network grows."""
    classes = np.arange(SHEET_SEEDS) % max(state.config.c_dim, 1)
    c = one_hot(torch.as_tensor(classes), state.config.c_dim) if state.config.c_dim else None
    images = np.concatenate(list(sample(state.G_ema, range(SHEET_SEEDS), c=c)))
    factor = state.config.img_resolution // images.shape[2]
    save_png(image_grid(images.repeat(factor, 2).repeat(factor, 3), 8), path / f"fakes-{state.cur_nimg:09d}.png")


def write_snapshot(path: Path, state: TrainingState) -> None:
    """Write snapshot-NIMG.safetensors: the networks as they are now.

    Raises DivergedError, and writes nothing, if a weight is not finite, so that the newest snapshot is always good.
    """
    networks = state.networks()
    if broken := [name for name, t in networks.tensors().items() if not torch.isfinite(t).all()]:
        raise DivergedError(f"after {state.cur_nimg:,} images {broken[0]} is no longer finite")
    checkpoint.save(checkpoint.snapshot_path(path, state.cur_nimg), networks)


def thin_out(path: Path, state: TrainingState, keep: int | None) -> None:
    """Delete snapshots until at most `keep` are left (None: keep all). Called once the newest one is written."""
    if keep is None:
        return
    ticks = {line["cur_nimg"]: line["tick"] for line in read_stats(path) if type(line.get("tick")) is int}
    newest = max((tick for tick in ticks.values()), default=1) // SNAPSHOT_TICKS
    last_is_extra = state.done and state.tick % SNAPSHOT_TICKS != 1
    kept = kept_snapshots(newest, keep - last_is_extra)
    for snapshot in checkpoint.snapshots(path):
        cur_nimg = int(snapshot.stem.split("-")[1])
        tick = ticks.get(cur_nimg)
        regular = tick is not None and tick % SNAPSHOT_TICKS == 1 and 0 < cur_nimg < state.cur_nimg
        if regular and tick is not None and tick // SNAPSHOT_TICKS not in kept:
            snapshot.unlink()


def kept_snapshots(newest: int, keep: int) -> set[int]:
    """Which of the snapshots 0, 1, ... `newest` are kept, besides the untrained one: at most `keep` - 1.

    These are the newest half of `keep`, and every 2nd, 4th, 8th ... of those before: the smallest power of two that
    leaves few enough. What is deleted once is never needed later, so a run that was killed ends with the same files.
    """
    recent = min(max((keep - 1) // 2, 1), keep - 1)
    room, history = keep - 1 - recent, range(newest - recent + 1)
    every = 1
    while room and len(history[::every]) > room:
        every *= 2
    return {*(history[::every] if room else ()), *range(max(newest - recent + 1, 0), newest + 1)}


def read_stats(path: Path) -> list[dict[str, Any]]:
    """The lines of stats.jsonl."""
    return [json.loads(line) for line in (path / STATS).read_text(encoding="utf-8").splitlines()]


def has_snapshot(state: TrainingState) -> bool:
    """Would a run that is never stopped have a snapshot of this moment: the first, one at a tick, or the last?"""
    at_tick = state.tick_nimg == state.cur_nimg and state.tick % SNAPSHOT_TICKS == 1
    return state.cur_nimg == 0 or at_tick or state.cur_nimg >= 1000 * state.config.total_kimg
