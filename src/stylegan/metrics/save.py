"""Saves measurements: a JSON line for each number, and the sheet of neighbours."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from stylegan.data.dataset import save_png
from stylegan.files import user_path
from stylegan.metrics.measuring import fitting, results_of
from stylegan.metrics.names import Metric
from stylegan.metrics.results import Result, save_results
from stylegan.metrics.sheet import neighbour_sheet
from stylegan.metrics.subject import Subject
from stylegan.sampling.save import make_folder, png_path, refuse_existing


def save_measured(
    subject: Subject, names: str | Sequence[str], *, out: Path | str | None = None, sheet: Path | str | None = None
) -> Iterator[Result]:
    """Measure the subject and yield each result as soon as it is known. At the end, write all to `out` as JSON lines.

    sheet: a PNG file for generated pictures beside their nearest real ones, written first. Raises InputError, before
    anything is computed, for files that exist and for whatever `measure` refuses.
    """
    lines = None if out is None else user_path(out)
    png = None if sheet is None else png_path(user_path(sheet))
    metrics = fitting(names, subject)
    if lines is not None:
        refuse_existing([lines])
        make_folder(lines.parent)
    if png is not None:
        save_png(neighbour_sheet(subject), png, exist_ok=False)
    return _measured(metrics, subject, lines)


def _measured(metrics: Sequence[Metric], subject: Subject, out: Path | None) -> Iterator[Result]:
    found = []
    for metric in metrics:
        results = results_of(metric, subject)
        found += results
        yield from results
    if out is not None:
        save_results(found, out)
