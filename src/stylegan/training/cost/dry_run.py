"""A forecast before a training run begins: memory, speed and time of every level, and the total."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from stylegan.config import Config
from stylegan.data.dataset import ImageDataset
from stylegan.training.augment import Augmentation
from stylegan.training.cost.budget import level_sec
from stylegan.training.cost.hours import MEASURING_SEC, Own, chosen_lines
from stylegan.training.cost.measuring import Allowance, Cost, measure_levels
from stylegan.training.fitted import given_way
from stylegan.training.machine import processes
from stylegan.training.machine.programs import plan
from stylegan.training.objectives import Objectives
from stylegan.training.run.bar import clock
from stylegan.training.run.first_lines import never_grown
from stylegan.training.schedule import batch_of
from stylegan.training.train import check, check_fixed, check_own, chosen, say


def dry_run(
    data: Path | str,
    config: Config,
    device: torch.device,
    *,
    hours: float | None = None,
    fixed: Mapping[str, Any] | None = None,
    init: Path | str | None = None,
    objectives: Objectives | None = None,
    augment: Augmentation | None = None,
) -> str:
    """The forecast as a table in plain text, from a few real steps at each resolution. Writes no files.

    It takes less than a minute, unless steps are to be compiled, and says on stderr what it measures.
    config: fitted to the data. hours, fixed, init: as in `train`; with hours, the forecast is that of the run that
    `train` would choose. objectives, augment: your own, as in `train`.
    Several processes measure together, as they would train. Process 0 returns the table, the others "". Raises
    InputError like `train`.
    """
    dataset = ImageDataset(data)
    check_fixed(fixed, hours, None)
    check_own(objectives, augment, fixed)
    own, told = Own(fixed or {}, objectives, augment), []
    with processes.joined(device):
        world = processes.world()
        check(given_way(config, own.fixed), dataset, device, objectives=objectives, augment=augment)
        if hours is not None:
            found = chosen(config, hours, device, own=own, init=init)
            config, costs, told = found.config, found.costs, chosen_lines(found, dataset)
        else:
            costs = measured(config, device, own)
        plain = measured(config.but(compile=False), device, own) if config.compile else {}
        if processes.rank():
            return ""
    epochs = 1000 * config.total_kimg / len(dataset)
    shown = f"Each of the {len(dataset):,} pictures is shown {epochs:,.1f} times."
    how = f"Measured on {world} process{'es' if world > 1 else ''} {HONESTLY}"
    compiled = [*plan(config, device), pays(config, costs, plain)] if config.compile else []
    return "\n".join(
        [*told, table(config, costs, world), shown, *never_grown(config), *doubts(config, costs), *compiled, how]
    )


def measured(config: Config, device: torch.device, own: Own) -> dict[int, Cost]:
    """The cost of each level, measured within MEASURING_SEC. Compiling has no limit, because it takes minutes."""
    allowance = Allowance() if config.compile else Allowance(MEASURING_SEC)
    return measure_levels(
        config,
        device,
        objectives=own.objectives,
        augmentation=own.augmentation,
        allowance=allowance,
        say=lambda what: say(f"measuring {what}"),
    )


def doubts(config: Config, costs: dict[int, Cost]) -> list[str]:
    """Why the forecast is uncertain, one line each: levels that were not timed or only in part, and the spread."""
    lines = []
    for resolution, cost in costs.items():
        whole = batch_of(config, resolution, processes.world())
        if not cost.batch:
            lines.append(f"{resolution}x{resolution} was not timed: its time is scaled from the level below.")
        elif cost.batch < whole:
            lines.append(
                f"{resolution}x{resolution} was timed with {cost.batch} of {whole} images a step, so it may take less."
            )
    spreads = [cost.spread for cost in costs.values() if cost.spread is not None]
    if len(spreads) < len(costs):
        return [*lines, "At some levels too few steps were timed to tell how much they vary."]
    return [*lines, f"The middle half of the timed steps of a level varies by {max(spreads):.0%} or less."]


HONESTLY = (
    "with random pictures, and with this machine as busy as it is now. Sheets, snapshots and\n"
    "reading the data come on top. Memory is the most that one process held up to that level; on the CPU, all it held."
)


def pays(config: Config, costs: dict[int, Cost], plain: dict[int, Cost]) -> str:
    """A line that says whether compiling saves more time than it takes. plain: the costs without compiling."""
    seconds, without = (sum(level_sec(config, c).values()) for c in (costs, plain))
    compile_sec = sum(cost.compile_sec for cost in costs.values())
    saves = "pays" if seconds < without else "does not pay"
    return f"compile {saves}: {clock(seconds)}, of which compiling takes {clock(compile_sec)}; {clock(without)} without"


def table(config: Config, costs: dict[int, Cost], num_gpus: int = 1) -> str:
    """The table: a row for each level, and one for the total. Several GPUs: `batch` is that of all together."""
    seconds = level_sec(config, costs)
    rows = [("level", "batch", "img/s", "time", "memory")]
    rows += [
        (
            f"{resolution}x{resolution}",
            f"{batch_of(config, resolution, num_gpus)}",
            speed(1 / costs[resolution].sec_per_img),
            clock(sec),
            gibibytes(costs[resolution].peak_bytes),
        )
        for resolution, sec in seconds.items()
    ]
    peaks = [cost.peak_bytes for cost in costs.values() if cost.peak_bytes is not None]
    img_per_sec = 1000 * config.total_kimg / max(sum(seconds.values()), 1e-9)
    total = clock(sum(seconds.values()))
    rows.append(("total", "", speed(img_per_sec), total, gibibytes(max(peaks, default=None))))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def speed(img_per_sec: float) -> str:
    """ "140.9", "0.0032"."""
    return f"{img_per_sec:,.1f}" if img_per_sec >= 1 else f"{img_per_sec:.2g}"


def gibibytes(n: int | None) -> str:
    """ "1.5 GiB", or "?" if the system does not say."""
    return "?" if n is None else f"{n / 2**30:.1f} GiB"
