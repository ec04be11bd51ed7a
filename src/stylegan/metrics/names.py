"""The names of metrics: a kind and a number of pictures, as in fid50k. Imports no torch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stylegan.errors import InputError, printable, refuse
from stylegan.sampling.seeds import MAX_COUNT

DEFAULT_COUNTS = {
    "fid": 50_000,
    "fd": 50_000,
    "fdinf": 50_000,
    "kid": 50_000,
    "mind": 5_000,
    "pr": 50_000,
    "dc": 50_000,
    "ppl_zfull": 100_000,
    "ppl_wfull": 100_000,
    "ppl_zend": 100_000,
    "ppl_wend": 100_000,
    "ls_z": 200_000,
    "ls_w": 200_000,
}
"""Kind -> its number of pictures, or of pairs for path length, if the name states none: that of the kind's authors."""

LEAST_FRECHET = 2048  # pictures: as many as Inception has features; with fewer the covariance is singular
DESCRIPTIONS = (
    "fid (Frechet distance of Inception features), fd (of other features), fdinf (fd for infinitely many pictures), "
    "kid, mind, pr (precision and recall), dc (density and coverage), ppl_zfull, ppl_wfull, ppl_zend, ppl_wend (path "
    "length), ls_z, ls_w (separability), each with a number of pictures, such as fd5k"
)


@dataclass(frozen=True)
class Metric:
    """A metric that was asked for. name: as typed; count: of generated pictures, or of pairs for path length."""

    name: str
    kind: str
    count: int

    @property
    def of_features(self) -> bool:
        """Whether it compares sets of features."""
        return not self.kind.startswith(("ppl", "ls"))


def parse_metrics(names: str | Sequence[str]) -> list[Metric]:
    """The metrics of a text like "fd5k,kid5k" or of a list of names.

    Raises InputError that names all unknown metrics, or all impossible numbers.
    """
    parts = names.split(",") if isinstance(names, str) else list(names)
    parts = [part.strip() for part in parts]
    if not any(parts):
        raise InputError(f"no metric is named; there are {DESCRIPTIONS}")
    found = {part: _parse(part) for part in parts}
    unknown = [printable(repr(part)) for part, metric in found.items() if metric is None]
    if unknown:
        raise InputError(f"unknown metric {', '.join(unknown)}; there are {DESCRIPTIONS}")
    metrics = [metric for metric in found.values() if metric is not None]
    refuse([problem for metric in metrics for problem in _problems(metric)])
    return metrics


def _parse(name: str) -> Metric | None:
    match = re.fullmatch(r"([a-z_]+?)(?:([0-9]{1,9})(k?))?", name)
    if match is None or match[1] not in DEFAULT_COUNTS:
        return None
    count = int(match[2]) * (1000 if match[3] else 1) if match[2] else DEFAULT_COUNTS[match[1]]
    return Metric(name, match[1], count)


def _problems(metric: Metric) -> list[str]:
    if not 2 <= metric.count <= MAX_COUNT:
        return [f"{metric.name}: the number must be 2 to {MAX_COUNT:,}"]
    if metric.kind in ("fid", "fd") and metric.count < LEAST_FRECHET:
        return [
            f"{metric.name}: a Frechet distance of fewer than {LEAST_FRECHET:,} pictures is mostly bias, because the "
            f"covariance is singular; take more, or kid{metric.count} or mind{metric.count}"
        ]
    if metric.kind == "fdinf" and metric.count < 10 * LEAST_FRECHET:
        return [
            f"{metric.name}: must be {10 * LEAST_FRECHET:,} pictures or more, because the line starts at a tenth of "
            f"them; take more, or kid{metric.count} or mind{metric.count}"
        ]
    return []
