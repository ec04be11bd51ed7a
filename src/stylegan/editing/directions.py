"""Directions in W that change one thing: from the weights, from the spread of W, or from marked pictures."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import torch
from torch import Tensor

from stylegan.checkpoint import read_tensors, write_tensors
from stylegan.editing.boundary import linear_boundary
from stylegan.editing.spread import Spread, check_network, fingerprint, spread
from stylegan.errors import InputError, refuse
from stylegan.networks.generator import Generator
from stylegan.networks.layers import AdaIN
from stylegan.networks.levels import Levels, require_styles, style_indices
from stylegan.sampling.sample import styles_of
from stylegan.sampling.truncation import SAMPLES

Kind = Literal["closed-form", "component", "boundary"]


@dataclass(frozen=True)
class Direction:
    """A way to move in W, added to some of the styles.

    vector: (w_dim,), one standard deviation of W along the direction long: +2 is as unusual for one as for another.
    layers: the indices of these styles. network: the fingerprint of the network that it was made for.
    score: 0 to 1. Of a component: its part of the variance of W. In closed form: its part of what w does to the
    styles. Of a boundary: the part of the marked pictures that it puts on the right side when they are left out.
    """

    name: str
    vector: Tensor
    layers: tuple[int, ...]
    kind: Kind
    network: str
    score: float

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", self.name):
            raise InputError(f"direction name {self.name!r}: must be letters, digits, dots, dashes and underscores")

    def save(self, path: Path | str) -> None:
        """Write one whole file: the vector, and in its header the rest as JSON."""
        header = {"name": self.name, "layers": self.layers, "method": self.kind}
        write_tensors(
            path,
            {"vector": self.vector},
            kind="direction",
            header=header | {"network": self.network, "score": self.score},
        )

    @classmethod
    def load(cls, path: Path | str, G: Generator) -> Self:
        """The inverse of save. A direction of another network than G raises InputError."""
        tensors, header = read_tensors(Path(path), kind="direction")
        check_network(header["network"], G, path, remedy="make it again with `stylegan directions NETWORK`")
        return cls(
            name=header["name"],
            vector=tensors["vector"],
            layers=tuple(header["layers"]),
            kind=header["method"],
            network=header["network"],
            score=header["score"],
        )


def apply(ws: Tensor, direction: Direction, strength: float) -> Tensor:
    """Move ws (N, num_ws, w_dim) by `strength` standard deviations, in the direction's layers. Returns a new tensor.

    Comes after truncation, which would shorten the step.
    """
    moved = ws.clone()
    moved[:, list(direction.layers)] += strength * direction.vector.to(ws)
    return moved


def closed_form(G: Generator, count: int = 10, *, levels: Levels = "all") -> list[Direction]:
    """The directions of w that change the styles of these levels most, the strongest first; no picture is needed.

    Eigenvectors of A^T A, where A is the stacked weights of the learned affines of Equation 1 (the idea of SeFa, Shen
    and Zhou, arXiv 2007.06600). Their names are closed-1, closed-2 ...
    """
    require_styles(G, "directions in closed form")
    layers = style_indices(levels, G)
    styles = [module for module in G.synthesis.modules() if isinstance(module, AdaIN)]
    A = torch.cat([styles[i].affine.weight.detach().double().cpu() for i in layers])  # (2 channels of each, w_dim)
    values, vectors = torch.linalg.eigh(A.T @ A)
    return _strongest_first(G, "closed-form", values, vectors, spread(G), layers)[:count]


def principal_components(
    G: Generator, count: int = 10, *, samples: int = SAMPLES, seed: int = 0, levels: Levels = "all"
) -> list[Direction]:
    """The directions in which W varies most, the widest first, from `samples` random w.

    The idea of GANSpace (Härkönen et al., arXiv 2004.02546). Their names are component-1, component-2 ...
    """
    W = spread(G, samples=samples, seed=seed)
    values, vectors = torch.linalg.eigh(W.covariance)
    return _strongest_first(G, "component", values, vectors, W, style_indices(levels, G))[:count]


def boundary(
    G: Generator, name: str, *, yes: Sequence[int], no: Sequence[int], c: Tensor | None = None, levels: Levels = "all"
) -> Direction:
    """From pictures without something to pictures with it: across the flat boundary between seeds marked yes and no.

    20 and 20 are enough to begin with; `score` tells how well it holds. c: the label (1, c_dim) of all the pictures.
    The idea of InterFaceGAN (Shen et al., arXiv 1907.10786), with logistic regression.
    """
    _check_marks(yes, no)
    seeds = [*yes, *no]
    w = styles_of(G, seeds, c=None if c is None else c.expand(len(seeds), -1))[:, 0]
    marks = torch.tensor([True] * len(yes) + [False] * len(no))
    normal, score = linear_boundary(w, marks)
    vector = normal * spread(G, c=c).deviation(normal)
    return Direction(name, vector.float(), tuple(style_indices(levels, G)), "boundary", fingerprint(G), score)


def parse_direction(text: str) -> tuple[str, float]:
    """Name (or path of a file) and strength of "glasses=+2.0". Raises InputError for anything else."""
    name, _, strength_text = text.rpartition("=")
    try:
        strength = float(strength_text)
    except ValueError:
        strength = math.nan
    if not name or not math.isfinite(strength):
        raise InputError(
            f"direction {text!r}: must be NAME=STRENGTH, such as glasses=+2.0 or smile=-1.5 (in standard deviations)"
        )
    return name, strength


def find_direction(name: str, folder: Path | str, G: Generator) -> Direction:
    """The direction of this name in the folder, or in the file of this path. Raises InputError naming what there is."""
    folder = Path(folder)
    path = Path(name) if name.endswith(SUFFIX) else folder / f"{name}{SUFFIX}"
    if not path.is_file():
        known = sorted(p.name.removesuffix(SUFFIX) for p in folder.glob(f"*{SUFFIX}"))
        there = f"{folder} has {', '.join(known)}" if known else f"there are none in {folder}"
        raise InputError(
            f"direction {name!r}: no such file {path}; {there}: make some with `stylegan directions NETWORK`"
        )
    return Direction.load(path, G)


SUFFIX = ".safetensors"


def directions_folder(network: Path | str) -> Path:
    """Where a network's directions are kept: directions/ in a run folder, NETWORK-directions/ beside a file."""
    path = Path(network)
    return path / "directions" if path.is_dir() else path.with_name(f"{path.name.removesuffix(SUFFIX)}-directions")


def _strongest_first(
    G: Generator, kind: Kind, values: Tensor, vectors: Tensor, W: Spread, layers: Sequence[int]
) -> list[Direction]:
    """Directions of eigenvectors, the columns of `vectors`, which come in rising order of their values."""
    network, scores = fingerprint(G), (values / values.sum()).tolist()
    found: list[Direction] = []
    for i in reversed(range(len(values))):
        v = vectors[:, i]
        v = v * v[v.abs().argmax()].sign()  # an eigenvector has no sign of its own: its largest entry is made positive
        name = f"{kind.split('-')[0]}-{len(found) + 1}"
        found.append(Direction(name, (v * W.deviation(v)).float(), tuple(layers), kind, network, scores[i]))
    return found


def _check_marks(yes: Sequence[int], no: Sequence[int]) -> None:
    problems = [f"seed {seed} is marked yes and no" for seed in sorted(set(yes) & set(no))]
    for word, seeds in (("yes", yes), ("no", no)):
        if len(set(seeds)) < 2:
            problems.append(f"{len(set(seeds))} seeds are marked {word}: a boundary needs at least 2, better 20")
    refuse(problems)
