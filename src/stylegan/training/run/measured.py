"""Metrics of a network while it trains, and their curves. They do not influence the training run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stylegan.data.dataset import ImageDataset
from stylegan.figures.charts import curves_svg
from stylegan.files import write_text
from stylegan.metrics.features import find_features
from stylegan.metrics.measuring import fitting, results_of
from stylegan.metrics.subject import Subject
from stylegan.networks.generator import Generator

CURVE = "metrics.svg"


class Measured:
    """Measures the metrics of these names for G_ema, at the resolution that it has grown to.

    The values are those of `stylegan metrics` with seed 0 and psi 1. mirror: whether mirrored real pictures count, as
    they should if the training run mirrors. `check` raises InputError for metrics that cannot be measured.
    """

    def __init__(self, names: str, dataset: ImageDataset, *, mirror: bool) -> None:
        self.names, self.dataset, self.mirror = names, dataset, mirror
        self.network = find_features()

    def check(self, G: Generator) -> None:
        """Raise InputError if a metric has no such name, or does not fit G and the data."""
        fitting(self.names, self._subject(G))

    def __call__(self, G: Generator) -> dict[str, float]:
        """The title of each number, as in "fd5k (efficientnet-lite0)" -> its value."""
        subject = self._subject(G)
        metrics = fitting(self.names, subject)
        return {result.title: result.value for metric in metrics for result in results_of(metric, subject)}

    def _subject(self, G: Generator) -> Subject:
        return Subject(G, self.dataset, self.network, mirror=self.mirror)


def write_curve(path: Path, stats: Sequence[dict[str, Any]]) -> None:
    """Write metrics.svg: each metric over the images shown, from the lines of stats.jsonl. Without metrics, no file.

    Each resolution has its own line, because values at different resolutions cannot be compared.
    """
    resolutions = sorted({line["resolution"] for line in stats if titles_of([line])})
    if titles := titles_of(stats):
        write_text(path / CURVE, curves_svg({title: by_resolution(stats, title, resolutions) for title in titles}))


def by_resolution(
    stats: Sequence[dict[str, Any]], title: str, resolutions: Sequence[int]
) -> dict[str, list[list[tuple[int, float]]]]:
    """The points of a metric for each resolution, by labels such as "16 px"."""
    return {f"{H} px": [points_of([line for line in stats if line["resolution"] == H], title)] for H in resolutions}


def titles_of(stats: Sequence[dict[str, Any]]) -> list[str]:
    """The metrics in the lines of stats.jsonl. Only their names end with a feature network in parentheses."""
    return list(dict.fromkeys(name for line in stats for name in line if name.endswith(")")))


def points_of(stats: Sequence[dict[str, Any]], title: str) -> list[tuple[int, float]]:
    """Pairs (images shown, value) of a metric, for each time that it was measured."""
    return [(line["cur_nimg"], line[title]) for line in stats if title in line]
