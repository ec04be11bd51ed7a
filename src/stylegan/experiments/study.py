"""A study trains and measures several configurations, each with several seeds, in a folder. It can be continued."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from math import exp, log
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from stylegan.config import Config
from stylegan.data.dataset import ImageDataset
from stylegan.errors import DivergedError, InputError, printable
from stylegan.files import write_text
from stylegan.networks.generator import Generator
from stylegan.training.objectives import LOSSES
from stylegan.training.run.folder import read_config
from stylegan.training.run.record import read_stats
from stylegan.training.run.voice import voice
from stylegan.training.train import resume, train

Numbers = dict[str, float]
Compare = Callable[..., tuple[float, float]]
Measure = Callable[[Generator, ImageDataset], Numbers]

SMALL_RATE, SMALL_BATCH, SMALL_LATENT = 0.003, 16, 128

console = voice()


class Study:
    """rows: name -> configuration, fitted to the data. Each is trained with every seed, then measured.

    out/ROW-seed-N is a run folder, and out/ROW-seed-N.json holds its numbers. A study that was stopped continues where
    it was. Raises InputError if `out` holds another study or other files.
    """

    def __init__(self, out: Path, dataset: ImageDataset, rows: Mapping[str, Config], seeds: Sequence[int]) -> None:
        self.out, self.dataset, self.rows, self.seeds = out, dataset, dict(rows), list(seeds)
        plan = {
            "data": dataset.fingerprint,
            "rows": {name: config.to_json() for name, config in rows.items()},
            "seeds": self.seeds,
        }
        write_plan(out / "plan.json", plan)

    def numbers(
        self, measure: Measure, *, device: torch.device | str, metrics: str = ""
    ) -> dict[str, list[Numbers]] | None:
        """Row -> the numbers of each seed that did not diverge. None if the study was asked to stop.

        metrics: measured at each run's snapshots too (see `train`), for the curves.
        """
        found: dict[str, list[Numbers]] = {name: [] for name in self.rows}
        total = len(self.rows) * len(self.seeds)
        for done, (seed, name) in enumerate((seed, name) for seed in self.seeds for name in self.rows):
            cell = self.out / f"{name}-seed-{seed}"
            numbers = cell.with_suffix(".json")
            if not numbers.exists():
                console.print(f"{done + 1} of {total}: {name}, seed {seed}", highlight=False)
                try:
                    G = self._trained(cell, self.rows[name].but(seed=seed), device=device, metrics=metrics)
                except DivergedError as e:
                    console.print(f"{name}, seed {seed}: {e.problem}; it has no numbers", highlight=False)
                    write_text(numbers, "{}\n")
                    continue
                if G is None:
                    return None
                write_text(numbers, json.dumps(measure(G, self.dataset), indent=2) + "\n")
            if measured := json.loads(numbers.read_text(encoding="utf-8")):
                found[name].append(measured)
        return found

    def runs(self, name: str) -> list[Path]:
        """The run folders of a row, in the order of the seeds."""
        return [self.out / f"{name}-seed-{seed}" for seed in self.seeds]

    def _trained(self, run: Path, config: Config, *, device: torch.device | str, metrics: str) -> Generator | None:
        if run.exists():
            G = resume(run, device=device)
        else:
            G = train(self.dataset.path, run, config=config, keep_snapshots=2, metrics=metrics, device=device)
        return G if finished(run) else None


def finished(run: Path) -> bool:
    """Has the training run seen all of its images?"""
    config, _ = read_config(run)
    return any(line["cur_nimg"] >= 1000 * config.total_kimg for line in read_stats(run))


def write_plan(path: Path, plan: object) -> None:
    """Record what a study is, as JSON. Raises InputError if the folder holds another one or other files."""
    text = json.dumps(plan, indent=2) + "\n"
    if path.exists():
        if path.read_text(encoding="utf-8") != text:
            raise InputError(
                f"{printable(path.parent)} holds another study (other data, rows, budget or seeds): choose another "
                "place"
            )
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if any(path.parent.iterdir()):
        raise InputError(f"{printable(path.parent)} is not empty and holds no study: choose another place")
    write_text(path, text)


def sized(config: Config, width: int | None) -> Config:
    """The configuration with at most `width` channels, and with the settings that suit so small a network.

    These are latents of 128, batch 16 and learning rate 0.003 at all resolutions. With None, the configuration stays as
    it is. Raises InputError for a width that is not 4 to channel_max.
    """
    if width is None:
        return config
    if not 4 <= width <= config.channel_max:
        raise InputError(f"width {width}: must be 4 to {config.channel_max} channels")
    latent = dict.fromkeys(("z_dim", "w_dim", "mapping_dim"), SMALL_LATENT)
    return config.but(
        channel_max=width,
        channel_base=width * config.img_resolution,
        batch=SMALL_BATCH,
        batch_at={},
        lrate=SMALL_RATE,
        lrate_at={},
        **latent,
    )


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """The configuration with the changes that apply to a whole table. Those of R1 are skipped if the loss has no R1.

    Raises InputError for changes of seed and total_kimg, which have arguments of their own.
    """
    if refused := sorted({"seed", "total_kimg"} & changes.keys()):
        raise InputError(f"changes of {', '.join(refused)}: give seeds and kimg instead")
    of_r1 = () if LOSSES[config.loss].lazy else ("r1_gamma", "r1_interval")
    return config.but(**{name: value for name, value in changes.items() if name not in of_r1})


def check_seeds(seeds: Iterable[int]) -> list[int]:
    """The seeds as a list. Raises InputError unless they are whole numbers from 0 up, at least one, none twice."""
    found = list(seeds)
    if not found or len(set(found)) < len(found) or any(type(seed) is not int or seed < 0 for seed in found):
        raise InputError(f"seeds {found}: must be whole numbers from 0 up, at least one, none twice")
    return found


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation over the seeds that did not diverge, as "12.3 +- 0.4"."""
    if not values:
        return "diverged"
    return f"{mean(values):.3g}" + (f" +- {stdev(values):.2g}" if len(values) > 1 else "")


def difference(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """mean(b) - mean(a) of two or more seeds each, and half of its 95 % interval (Welch's t)."""
    first, second = stdev(a) ** 2 / len(a), stdev(b) ** 2 / len(b)
    error = first + second
    freedom = error**2 / (first**2 / (len(a) - 1) + second**2 / (len(b) - 1)) if error else 1.0
    return mean(b) - mean(a), student(freedom) * error**0.5


def change(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """mean(b - a) within the same seeds, two or more, and half of its 95 % interval (Student's t)."""
    moved = [y - x for x, y in zip(a, b, strict=True)]
    return mean(moved), student(len(moved) - 1) * stdev(moved) / len(moved) ** 0.5


def student(freedom: float) -> float:
    """How many standard errors half of a 95 % interval is. Degrees of freedom are rounded down, from 10 on to 10."""
    return T_95[min(int(freedom + 1e-9), len(T_95)) - 1]


T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""The 97.5 % quantiles of Student's t for 1 to 10 degrees of freedom."""


def is_product(title: str) -> bool:
    """Separability multiplies over attributes (Section 4.2), so its values are compared by their ratio."""
    return title.startswith("ls")


def in_words(title: str, compare: Compare, *values: Sequence[float]) -> str:
    """ "+1.2 +- 0.9 (95 %), a difference" of the values of a number, or "x 0.5 (0.2 to 1.2), no sure difference"."""
    if is_product(title):
        moved, half = compare(*([log(value) for value in each] for each in values))
        found = f"x {exp(moved):.3g} ({exp(moved - half):.2g} to {exp(moved + half):.2g})"
    else:
        moved, half = compare(*values)
        found = f"{moved:+.3g} +- {half:.2g}"
    return f"{found}, {'a difference' if abs(moved) > half else 'no sure difference'}"


def larger_than_spread(numbers: Mapping[str, Sequence[Numbers]], title: str) -> list[str]:
    """Lines that say how neighbouring rows differ, with the 95 % interval over seeds.

    Rows with fewer than two seeds are left out.
    """
    lines = []
    for a, b in pairwise(numbers):
        first, second = ([n[title] for n in numbers[row] if title in n] for row in (a, b))
        if min(len(first), len(second)) < 2:
            continue
        lines.append(f"{a} to {b}: {in_words(title, difference, first, second)}")
    return lines or ["one seed: no difference can be told from chance"]


def markdown(numbers: Mapping[str, Sequence[Numbers]], head: str) -> str:
    """A Markdown table with a line for each row and a column for each number. head: the title of the first column."""
    titles = list(dict.fromkeys(title for each in numbers.values() for found in each for title in found))
    lines = [f"| {head} | " + " | ".join(titles) + " |", "|---|" + "---|" * len(titles)]
    for row, each in numbers.items():
        cells = [spread([n[title] for n in each if title in n]) for title in titles]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
