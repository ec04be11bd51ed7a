"""Attributes: the share of each that a picture inherits from B when some layers' styles are copied from B."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stylegan.files import user_path
from stylegan.metrics.subject import Classifier
from stylegan.networks.generator import Generator
from stylegan.probing.segments import Array
from stylegan.probing.subject import Pairs, Subject, picture
from stylegan.sampling.progress import progress

PAPER = (4, 8)  # the boundaries of Figure 3
RESAMPLES = 400
BLOCK_PICTURES = 4000  # made to measure every block of layers; many layers leave fewer pairs
LEAST_BLOCK_PAIRS = 24


@dataclass(frozen=True)
class Attributes:
    """What to look for in pictures. function: (N, C, H, H) in [-1, 1] -> (N, columns).

    columns: for each column the attribute in `names` it belongs to; None: one each. accuracy: of the function, on
    pictures it has not seen, where it was learned; left_out: what it did not learn.
    """

    names: list[str]
    function: Callable[[Tensor], Tensor]
    columns: list[int] | None = None
    accuracy: dict[str, float] | None = None
    left_out: tuple[str, ...] = ()

    def read(self, pictures: Tensor) -> Tensor:
        """The columns of pictures as G makes them."""
        return self.function(pictures.clamp(-1, 1))

    def sums(self, values: Array) -> Array:
        """(..., columns) -> (..., attributes): the columns of an attribute added up."""
        columns = range(len(self.names)) if self.columns is None else self.columns
        member = np.zeros((len(list(columns)), len(self.names)))
        member[np.arange(len(member)), list(columns)] = 1
        return values @ member


def attributes_of(data: Path | str, G: Subject) -> Attributes:
    """A small regressor for the factors or classes of a prepared data set, trained here."""
    from stylegan.probing.regressor import learn

    return learn(user_path(data), G)


def classifier_of(data: Path | str, G: Generator) -> Classifier:
    """What linear separability asks about: is each factor or class of the data set above its mean? Read as above."""
    return as_classifier(attributes_of(data, G), Path(data).name)


def as_classifier(attributes: Attributes, data: str) -> Classifier:
    """The columns of attributes, each by its name, read by a regressor that was trained on the data set `data`."""
    columns = range(len(attributes.names)) if attributes.columns is None else attributes.columns
    names = [attributes.names[i] for i in columns]
    numbered = [name if names.count(name) == 1 else f"{name} {names[:k].count(name)}" for k, name in enumerate(names)]
    return Classifier(f"regressor trained on {data}", numbered, attributes.read)


def slopes(moved: Array, way: Array, weights: Array) -> Array:
    """T: the regression slope of what moved on the way from A to B, for each of several weightings of the pairs.

    moved: (pairs, swaps, A) products (F(y) - F(a)) (F(b) - F(a)); way: (pairs, A) squares (F(b) - F(a))^2;
    weights: (R, pairs) -> (R, A, swaps).
    """
    top = np.einsum("rp,psa->ras", weights, moved)
    return top / np.maximum(weights @ way, 1e-12)[:, :, None]


def resamples(pairs: int, seed: int = 0) -> Array:
    """Weights of pairs: first all equal, then RESAMPLES bootstrap draws."""
    draws = np.random.default_rng(seed).multinomial(pairs, np.full(pairs, 1 / pairs), RESAMPLES)
    return np.concatenate([np.ones((1, pairs)), draws.astype(float)])


@dataclass(frozen=True)
class Inherited:
    """T of each layer with its 95 %, and J over both boundaries."""

    attributes: Attributes
    T: Array
    low: Array
    high: Array
    J: Array
    blocks: dict[str, Any]

    @staticmethod
    def measure(G: Subject, drawn: Pairs, attributes: Attributes, values: Array) -> "Inherited":
        """values: the attributes of a, b, and with each layer swapped, (pairs, 2 + num_ws, columns)."""
        a, way = values[:, :1], values[:, 1:2] - values[:, :1]
        moved, squares = attributes.sums((values[:, 2:] - a) * way), attributes.sums(way**2)[:, 0]
        T = slopes(moved, squares, resamples(len(values)))  # (1 + R, A, num_ws)
        low, high = np.quantile(T[1:], [0.025, 0.975], axis=0)
        J, blocks = surface(G, drawn, attributes, values)
        return Inherited(attributes, T[0], low, high, J, blocks)

    def fields(self) -> dict[str, Any]:
        """As the report names them."""
        return {
            "attributes": self.attributes.names,
            "inheritance": self.T,
            "inheritance_low": self.low,
            "inheritance_high": self.high,
            "surface": self.J,
            "blocks": self.blocks,
            "accuracy": self.attributes.accuracy or {},
            "left_out": list(self.attributes.left_out),
        }


def surface(G: Subject, drawn: Pairs, attributes: Attributes, values: Array) -> tuple[Array, dict[str, Any]]:
    """J(b1, b2), how purely each attribute belongs to one of three blocks of layers; and what is said about it."""
    L = G.num_ws
    spans = [(i, j) for i in range(L) for j in range(i + 1, L + 1) if j - i < L]
    count = min(len(drawn), max(LEAST_BLOCK_PAIRS, BLOCK_PICTURES // len(spans)))
    few = Pairs(drawn.a[:count], drawn.b[:count])
    found = []
    for i, j in progress(spans, "blocks of layers"):
        if j - i == 1:
            found.append(values[:count, 2 + i])
        else:
            batches = few.batches(G)
            found.append(
                torch.cat([attributes.read(picture(G, batch.swapped(i, j))) for batch in batches]).cpu().numpy()
            )
    a, way = values[:count, :1], values[:count, 1:2] - values[:count, :1]
    moved = attributes.sums((np.stack(found, axis=1) - a) * way)
    T = slopes(moved, attributes.sums(way**2)[:, 0], resamples(count))  # (1 + R, A, spans)
    at = {span: k for k, span in enumerate(spans)}
    J = np.full((len(T), L, L), np.nan)
    shared = np.zeros_like(J, dtype=bool)
    for b1 in range(1, L):
        for b2 in range(b1 + 1, L):
            parts = T[:, :, [at[0, b1], at[b1, b2], at[b2, L]]]  # (1 + R, A, 3)
            owners = parts.argmax(axis=2)
            shared[:, b1, b2] = np.all([(owners == block).any(axis=1) for block in range(3)], axis=0)
            parts = np.sort(parts, axis=2)
            J[:, b1, b2] = (parts[:, :, 2] - parts[:, :, 1]).sum(axis=1)
    # J is also high where one block owns everything. That is not a choice of levels, so it is not eligible.
    return J[0], said(J, np.where(shared, J, np.nan), pairs=count) | {"non_additivity": additive(T[0], at, L)}


def additive(T: Array, at: dict[tuple[int, int], int], L: int) -> float:
    """The largest distance of a block's T from the sum of its layers', over blocks and attributes."""
    sums = {(i, j): T[:, [at[k, k + 1] for k in range(i, j)]].sum(axis=1) for i, j in at}
    return float(max(np.abs(T[:, at[span]] - total).max() for span, total in sums.items()))


def said(J: Array, eligible: Array, *, pairs: int) -> dict[str, Any]:
    """The maximum, the pairs of boundaries that are the maximum in 95 % of resamples, and the paper's beside it.

    J: (1 + R, b1, b2); eligible: the same, NaN where a block owns no attribute. best None: nothing is eligible.
    """
    L = J.shape[1]
    if not np.isfinite(eligible[0]).any():
        return {"best": None, "pairs": pairs}
    tops = np.where(np.isfinite(eligible), eligible, -np.inf).reshape(len(J), -1).argmax(axis=1)
    best = divmod(int(tops[0]), L)
    some = np.isfinite(eligible[1:]).any(axis=(1, 2))  # few resamples may have no eligible choice
    cells, counts = np.unique(tops[1:][some], return_counts=True)
    order = np.argsort(-counts)
    needed = int(np.searchsorted(counts[order].cumsum(), 0.95 * some.sum())) + 1
    likely = [list(divmod(int(cells[k]), L)) for k in order[:needed]]
    result: dict[str, Any] = {"best": list(best), "J": float(J[0][best]), "likely": likely, "pairs": pairs}
    if max(PAPER) < L:
        less = np.quantile(J[1:, best[0], best[1]] - J[1:, PAPER[0], PAPER[1]], [0.025, 0.975])
        result |= {"paper": list(PAPER), "paper_J": float(J[0][PAPER]), "paper_less": less.tolist()}
        result["paper_eligible"] = bool(np.isfinite(eligible[0][PAPER]))
    return result
