"""What a probe found, and its JSON."""

from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from typing import Any

import numpy as np

from stylegan.probing.segments import Array
from stylegan.probing.sharpness import Cut

NAMES = {2: ("coarse", "fine"), 3: ("coarse", "middle", "fine"), 4: ("coarse", "middle", "fine", "finest")}
ARRAYS = ("signature", "effect", "inheritance", "inheritance_low", "inheritance_high", "surface")


@dataclass(frozen=True)
class Report:
    """Which layer controls what. Where the number of groups is 1 there are no boundaries.

    boundaries: the first layer of each group but the first. intervals: 95 % of each, over pairs. gradual: layers
    differ, but blend into one another: no boundary. groups: the best number. cuts: all numbers, with evidence.
    signature: (num_ws, features), root shares of each layer's change, NaN for a layer that changes nothing.
    effect: (num_ws,), the size of the change relative to swapping all styles.
    inheritance: (attributes, num_ws) or None: the share of an attribute that comes with a layer; _low, _high its 95 %.
    surface: J(b1, b2), (num_ws, num_ws), NaN where b1 >= b2. blocks: its maximum and how the paper's (4, 8) compares.
    noise: what each layer's noise changes, or None. accuracy: share of each attribute's variance that the regressor
    explains in pictures it has not seen; left_out: those where it learned nothing. notes: what could not be measured.
    """

    img_resolution: int
    pairs: int
    features: list[str]
    signature: Array
    effect: Array
    cuts: list[Cut]
    boundaries: list[int]
    intervals: list[list[int]]
    gradual: bool
    groups: int
    attributes: list[str] = field(default_factory=list)
    inheritance: Array | None = None
    inheritance_low: Array | None = None
    inheritance_high: Array | None = None
    surface: Array | None = None
    blocks: dict[str, Any] | None = None
    accuracy: dict[str, float] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    noise: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def num_ws(self) -> int:
        return len(self.signature)

    @property
    def levels(self) -> dict[str, list[int]] | None:
        """Names with [first, last] style, as a network's file keeps them; None where there are no boundaries."""
        if self.groups == 1:
            return None
        ends = [0, *self.boundaries, self.num_ws]
        spans = [[first, end - 1] for first, end in pairwise(ends)]
        return dict(zip(NAMES[self.groups], spans, strict=True))

    def verdict(self) -> str:
        """The answer, in a sentence."""
        if self.levels:
            spans = "; ".join(f"{name}: layers {first}-{last}" for name, (first, last) in self.levels.items())
            return f"{self.groups} groups of layers with sharp boundaries. {spans}."
        if self.gradual:
            return (
                "Gradual: the layers change different things, but blend into one another. There is no boundary to name."
            )
        return "No levels: the layers do not differ in kind in an order that a cut would describe better than chance."

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data; NaN becomes null."""
        found = asdict(self) | {"levels": self.levels, "verdict": self.verdict()}
        return plain(found)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Report":
        """The report that `to_json` wrote."""
        values = {f.name: data[f.name] for f in fields(cls)}
        for name in ARRAYS:
            values[name] = None if values[name] is None else np.array(values[name], dtype=float)
        values["cuts"] = [Cut(**{k: frozen(v) for k, v in cut.items()}) for cut in values["cuts"]]
        return cls(**values)


def plain(value: Any) -> Any:
    """Arrays and tuples as lists, NaN as None."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and value != value else value


def frozen(value: Any) -> Any:
    """Lists as tuples."""
    return tuple(map(frozen, value)) if isinstance(value, list) else value
