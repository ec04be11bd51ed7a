"""A measured number: its uncertainty, how it was measured, and which numbers it may be compared with."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stylegan.files import whole_file


@dataclass(frozen=True)
class Result:
    """One number. metric: its name as it was asked for. part: which number of the metric, such as "precision", or "".

    spread: a standard deviation, None if unknown; spread_of: of what, in words. real, fake: numbers of pictures; real
    is 0 and real_resolution None if the metric uses no real pictures. cached: whether the features of the real pictures
    came from the cache. seconds: of measuring. dataset, network: fingerprints. details: numbers from which it was
    computed.
    """

    metric: str
    part: str
    value: float
    spread: float | None
    spread_of: str
    real: int
    fake: int
    seed: int
    psi: float
    noise_mode: str
    real_resolution: int | None
    fake_resolution: int
    resizing: str
    features: str
    features_sha256: str
    mirrored: bool
    cached: bool
    seconds: float
    dataset: str
    network: str
    comparable_with: str
    not_comparable_with: str
    details: dict[str, float] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The name to print in a table, with the features: "fd5k (efficientnet-lite0)"."""
        return f"{self.metric} {self.part}".strip() + f" ({self.features})"

    def lines(self) -> list[str]:
        """The result as lines of text for people."""
        spread = "" if self.spread is None else f" +- {self.spread:.3g} ({self.spread_of})"
        mirrored = " with mirror images" if self.mirrored else ""
        reals = f"{self.real:,} real{mirrored} ({self.real_resolution} px), " if self.real else ""
        cached = ", reals' features from the cache" if self.cached else ""
        return [
            f"{self.title}: {self.value:.5g}{spread}",
            f"  {reals}{self.fake:,} generated ({self.fake_resolution} px), seed "
            f"{self.seed}, psi {self.psi:g}, noise {self.noise_mode}; {self.resizing}; {self.seconds:.0f} s{cached}",
            f"  comparable with: {self.comparable_with}",
            f"  not comparable with: {self.not_comparable_with}",
            *(f"  {name}: {value:.4g}" for name, value in self.details.items()),
        ]

    def to_json(self) -> dict[str, Any]:
        """The result as plain data, in which None stands for NaN and infinity."""
        fields = asdict(self) | {"title": self.title}
        fields["details"] = {name: finite(value) for name, value in self.details.items()}
        return {name: finite(value) if isinstance(value, float) else value for name, value in fields.items()}


def finite(value: float) -> float | None:
    """The number, or None if it is NaN or infinite, which JSON cannot represent."""
    return value if math.isfinite(value) else None


def save_results(results: Sequence[Result], path: Path | str) -> None:
    """Write a JSON line for each result. Raises InputError if `path` exists."""
    with whole_file(path, exist_ok=False) as partial:
        lines = [json.dumps(result.to_json(), allow_nan=False) + "\n" for result in results]
        partial.write_text("".join(lines), encoding="utf-8")
