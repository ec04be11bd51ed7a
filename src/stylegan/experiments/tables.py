"""Tables 1, 2 and 4 of the paper, at any size. Each trains its rows with the same budget and measures them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from stylegan.config import CONFIG_B, CONFIG_F, TABLE_1, Config
from stylegan.data.dataset import ImageDataset, image_grid, save_png
from stylegan.device import find_device
from stylegan.errors import FailedError, InputError, printable
from stylegan.experiments.entanglement import both_spaces, charts, comparisons, entanglement
from stylegan.experiments.study import (
    Measure,
    Numbers,
    Study,
    changed,
    check_seeds,
    is_product,
    larger_than_spread,
    markdown,
    sized,
)
from stylegan.figures.charts import curves_svg, dots_svg
from stylegan.figures.sheet import Sheet
from stylegan.files import user_path, write_text
from stylegan.metrics.features import find_features
from stylegan.metrics.measuring import fitting, results_of
from stylegan.metrics.subject import BATCH, Subject
from stylegan.networks.generator import Generator
from stylegan.opening import load
from stylegan.probing.attributes import as_classifier
from stylegan.probing.regressor import learn_alone
from stylegan.sampling.latents import seed_ws
from stylegan.sampling.progress import progress
from stylegan.sampling.recipe import Recipe
from stylegan.sampling.sampler import sample
from stylegan.sampling.seeds import MAX_COUNT
from stylegan.training.fitted import fitted
from stylegan.training.run.measured import points_of
from stylegan.training.run.record import read_stats

MIXING = (0.0, 0.5, 0.9, 1.0)  # Table 2: the share of batches that are trained with two latents
LATENTS = (1, 2, 3, 4)  # Table 2: how many latents a picture is made from
DEPTHS = (0, 1, 2, 8)  # Table 4: layers of the mapping network
SHOWN = 8  # pictures of each row on the sheet


def table1(
    data: Path | str,
    out: Path | str,
    *,
    kimg: float,
    configs: Sequence[str] = tuple(TABLE_1),
    seeds: Sequence[int] = (0, 1, 2),
    width: int | None = None,
    changes: Mapping[str, Any] | None = None,
    metrics: str = "fd5k",
    device: torch.device | str = "auto",
) -> Path | None:
    """Table 1: configurations A to F. Returns out/table.md, or None if it was asked to stop; call it again to continue.

    Beside it are table.json, table.svg (a dot for each seed), curves.svg, sheet.png and the run folders. kimg:
    thousands of images for each row and seed. width: see `study.sized`. changes: fields of all rows that differ from
    the paper's, such as {"lrate": 0.008}. metrics: see `stylegan.metrics.measure`; they are also measured during
    training. Raises InputError for bad arguments and if `out` holds another study, FailedError if every run diverged.
    """
    if unknown := [printable(name, 20) for name in configs if name not in TABLE_1]:
        raise InputError(f"configs {', '.join(unknown)}: must be of {', '.join(TABLE_1)}")
    dataset = ImageDataset(data)
    rows = {name: row(dataset, TABLE_1[name], kimg, width, changes) for name in configs}
    mirror = CONFIG_F.mirror

    def measure(G: Generator, dataset: ImageDataset) -> Numbers:
        return measured(Subject(G, dataset, find_features(), mirror=mirror), metrics)

    return _table("Table 1", dataset, out, rows, seeds, measure, device=device, metrics=metrics)


def table2(
    data: Path | str,
    out: Path | str,
    *,
    kimg: float,
    seeds: Sequence[int] = (0, 1, 2),
    width: int | None = None,
    changes: Mapping[str, Any] | None = None,
    metrics: str = "fd5k",
    device: torch.device | str = "auto",
) -> Path | None:
    """Table 2: mixing regularization for 0 to 100 % of the batches, tested with pictures made from 1 to 4 latents.

    Arguments and results are those of `table1`, but nothing is measured during training and there is no curves.svg.
    """
    dataset = ImageDataset(data)
    rows = {
        f"mixing {100 * prob:.0f} %": row(dataset, CONFIG_F, kimg, width, changes).but(style_mixing_prob=prob)
        for prob in MIXING
    }

    def subject_of(G: Generator, latents: int = 1) -> Subject:
        return Mixed(G, dataset, find_features(), mirror=CONFIG_F.mirror, latents=latents)

    def measure(G: Generator, dataset: ImageDataset) -> Numbers:
        return {
            f"{title}, {latents} latents" if latents > 1 else f"{title}, 1 latent": value
            for latents in LATENTS
            for title, value in measured(subject_of(G, latents), metrics).items()
        }

    refuse_unmeasurable(metrics, rows, subject_of)
    return _table("Table 2", dataset, out, rows, seeds, measure, device=device)


def table4(
    data: Path | str,
    out: Path | str,
    *,
    kimg: float,
    seeds: Sequence[int] = (0, 1, 2),
    width: int | None = None,
    changes: Mapping[str, Any] | None = None,
    metrics: str = "fd5k,ppl_zfull5k,ppl_wfull5k,ls_z5k,ls_w5k",
    device: torch.device | str = "auto",
) -> Path | None:
    """Table 4: the depth of the mapping network, in Z and in W. Traditional generators have 0 or 8 layers, style-based
    ones, with noise and mixing, 0, 1, 2 or 8.

    Besides the metrics it measures DCI (`metrics.dci`) of z and w for the factors or classes of the data set. A
    regressor, which is trained here first, reads them from the pictures that ls_z and ls_w use. Arguments and results
    are those of `table1`, but nothing is measured during training and there is no curves.svg.
    """
    dataset = ImageDataset(data)
    kinds = [("traditional", CONFIG_B, (0, 8)), ("style-based", CONFIG_F, DEPTHS)]
    rows = {
        f"{kind} {depth}": row(dataset, config, kimg, width, changes).but(mapping_layers=depth)
        for kind, config, depths in kinds
        for depth in depths
    }
    attributes = as_classifier(learn_alone(dataset), dataset.path.name)

    def subject_of(G: Generator) -> Subject:
        return Subject(G, dataset, find_features(), mirror=CONFIG_F.mirror, classifier=attributes)

    def measure(G: Generator, dataset: ImageDataset) -> Numbers:
        subject = subject_of(G)
        return measured(subject, metrics) | entanglement(subject, metrics)

    refuse_unmeasurable(metrics, rows, subject_of)
    return _table("Table 4", dataset, out, rows, seeds, measure, device=device)


def row(
    dataset: ImageDataset, config: Config, kimg: float, width: int | None, changes: Mapping[str, Any] | None
) -> Config:
    """A configuration fitted to the data, with the width, the changes and the budget (kimg) of the table."""
    own = changes or {}
    plain = fitted(dataset, config=config).but(augment=config.augment)  # the paper's, for any number of pictures
    return changed(changed(sized(plain, width), own).for_budget(kimg), own)


def refuse_unmeasurable(metrics: str, rows: Mapping[str, Config], subject_of: Callable[[Generator], Subject]) -> None:
    """Raise InputError, before anything is trained, for metrics that cannot be measured for these rows."""
    with torch.random.fork_rng(devices=[]):
        G = Generator(next(iter(rows.values())).network)
    fitting(metrics, subject_of(G))


def measured(subject: Subject, metrics: str) -> Numbers:
    """Measure the metrics of the subject: title of a number -> value."""
    return {
        result.title: result.value for metric in fitting(metrics, subject) for result in results_of(metric, subject)
    }


class Mixed(Subject):
    """Pictures made from several latents each. At each random crossover, the next latent takes over (Section 3.1).

    The other arguments are those of `Subject`. Picture i has the noise and, up to the first crossover, the latent of
    picture i of `Subject`.
    """

    def __init__(self, *args: Any, latents: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.latents = latents

    def pictures(self, start: int, stop: int, words: str) -> Iterator[NDArray[np.uint8]]:
        for first in progress(range(start, stop, BATCH), words):
            seeds, c = self.drawn(first, min(first + BATCH, stop))
            each = [
                seed_ws(self.G, [(seed + t * MAX_COUNT) % 2**32 for seed in seeds], c=c) for t in range(self.latents)
            ]
            ws = mixed(torch.stack(each), seeds)
            yield Recipe(self.sampler.truncate(ws), self.sampler.noise(seeds)).pictures(self.G)


def mixed(each: torch.Tensor, seeds: Sequence[int]) -> torch.Tensor:
    """Mix the styles of T latents, (T, N, num_ws, w_dim) -> (N, num_ws, w_dim).

    Each picture has T - 1 crossovers between layers, drawn from its seed, no two at the same place; with too few
    layers there are fewer. Layer l takes the style of the latent whose index is the number of crossovers up to l.
    """
    T, N, num_ws, _ = each.shape
    chosen = np.zeros((N, num_ws), dtype=np.int64)
    for i, seed in enumerate(seeds):
        places = 1 + np.random.RandomState(seed).permutation(num_ws - 1)[: T - 1]
        chosen[i] = (np.arange(num_ws)[:, None] >= places).sum(axis=1)
    index = torch.from_numpy(chosen).to(each.device)
    return each.permute(1, 2, 0, 3)[torch.arange(N)[:, None], torch.arange(num_ws), index]


def _table(
    title: str,
    dataset: ImageDataset,
    out: Path | str,
    rows: Mapping[str, Config],
    seeds: Sequence[int],
    measure: Measure,
    *,
    device: torch.device | str,
    metrics: str = "",
) -> Path | None:
    out, device = user_path(out), find_device(device)
    study = Study(out, dataset, rows, check_seeds(seeds))
    numbers = study.numbers(measure, device=device, metrics=metrics)
    if numbers is None:
        return None
    titles = titles_of(numbers)
    if not titles:
        raise FailedError("every run diverged: take a lower learning rate")
    if metrics:
        stats = {name: [read_stats(run) for run in study.runs(name)] for name in rows}
        curves = {t: {name: [points_of(lines, t) for lines in seeds] for name, seeds in stats.items()} for t in titles}
        write_text(out / "curves.svg", curves_svg(curves))
    dots = {t: {name: [found[t] for found in each if t in found] for name, each in numbers.items()} for t in titles}
    write_text(out / "table.svg", dots_svg(dots, list(filter(is_product, dots))))
    if both_spaces(titles):
        of_spaces = charts(numbers)
        write_text(out / "entanglement.svg", dots_svg(of_spaces, list(filter(is_product, of_spaces))))
    write_text(out / "table.json", json.dumps(numbers, indent=2) + "\n")
    save_png(sheet(study, title), out / "sheet.png")
    write_text(out / "table.md", page(title, study, numbers))
    return out / "table.md"


def titles_of(numbers: Mapping[str, Sequence[Numbers]]) -> list[str]:
    """The titles of all numbers, in the order in which they first appear."""
    return list(dict.fromkeys(title for each in numbers.values() for found in each for title in found))


def page(title: str, study: Study, numbers: Mapping[str, Sequence[Numbers]]) -> str:
    """The text of table.md: the numbers, and their differences with 95 % intervals over seeds."""
    some = next(iter(study.rows.values()))
    seeds = ", ".join(map(str, study.seeds))
    titles = titles_of(numbers)
    parts = [
        f"# {title}\n",
        f"{len(study.dataset):,} pictures of {some.img_resolution} px, {1000 * some.total_kimg:,.0f} images for each "
        f"row, at most {some.channel_max} channels, seeds {seeds}. Mean +- standard deviation over the seeds.\n",
        markdown(numbers, title),
        "Differences with their 95 % interval over seeds (Student's t). Of twenty, one is expected to exceed it by "
        "chance.\n",
        *(
            f"{name}:\n\n" + "\n".join(f"- {line}" for line in larger_than_spread(numbers, name)) + "\n"
            for name in titles
        ),
        *spaces(numbers, titles),
        "![Each seed a dot](table.svg)\n\n![Pictures of each row, psi 1](sheet.png)\n",
    ]
    return "\n".join(parts)


def spaces(numbers: Mapping[str, Sequence[Numbers]], titles: Sequence[str]) -> list[str]:
    """The part of table.md that compares W with Z, if both are measured."""
    if not both_spaces(titles):
        return []
    lines = "\n".join(f"- {line}" for line in comparisons(numbers))
    return [f"W and Z of the same networks:\n\n{lines}\n\n![W and Z, each seed a dot](entanglement.svg)\n"]


def sheet(study: Study, title: str) -> Image.Image:
    """Pictures of each row: the first seed's network, seeds 0 to 7, psi 1."""
    rows = []
    for name in study.rows:
        (pictures,) = sample(load(study.runs(name)[0]), range(SHOWN))
        rows.append([image_grid(picture[None], 1).convert("RGB") for picture in pictures])
    return Sheet(rows, title=title, row_labels=list(study.rows)).draw()
