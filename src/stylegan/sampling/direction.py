"""A direction in W: its file, its name, and how it moves styles. `editing.directions` finds them."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import torch
from torch import Tensor

from stylegan.checkpoint import write_tensors
from stylegan.errors import InputError, refuse
from stylegan.networks.generator import Generator
from stylegan.sampling.fingerprint import fingerprint, read_of_network
from stylegan.sampling.sources import SUFFIX

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
    def load(cls, path: Path | str, G: Generator, network: str | None = None) -> Self:
        """The inverse of save. A direction of another network than G raises InputError.

        network: the fingerprint of G, where it is known.
        """
        keys = ("name", "layers", "method", "score")
        remedy = "make it again with `stylegan directions NETWORK`"
        tensors, header = read_of_network(path, network or fingerprint(G), kind="direction", keys=keys, remedy=remedy)
        vector, layers = tensors.get("vector"), tuple(header["layers"])
        if vector is None or vector.shape != (G.w_dim,) or not set(layers) <= set(range(G.num_ws)):
            raise InputError(f"{path}: its vector or layers are not those of this network; the file is damaged")
        return cls(header["name"], vector, layers, header["method"], header["network"], header["score"])


Move = tuple[Direction, float]
"""A direction, and how many standard deviations to go along it."""


def apply(ws: Tensor, direction: Direction, strength: float) -> Tensor:
    """Move ws (N, num_ws, w_dim) by `strength` standard deviations, in the direction's layers. Returns a new tensor.

    Comes after truncation, which would shorten the step.
    """
    return move(ws, [(direction, strength)])


def move(ws: Tensor, moves: Sequence[Move]) -> Tensor:
    """`apply` for several directions, in any order: +2 and -2 along one cancel exactly."""
    offset = torch.zeros(ws.shape[1:])  # (num_ws, w_dim)
    for direction, strength in moves:
        offset[list(direction.layers)] += strength * direction.vector.cpu()
    return ws + offset.to(ws)


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


def find_moves(
    texts: Sequence[str], G: Generator, *, folder: Path | str | None = None, network: str | None = None
) -> list[Move]:
    """The directions that `Controls.direction` names, with their strengths. Raises InputError for all bad ones at once.

    Names are looked up in the folder; a name that ends in .safetensors is a file's path. network: G's fingerprint.
    """
    if not texts:
        return []
    network = network or fingerprint(G)
    moves, problems = [], []
    for text in texts:
        try:
            name, strength = parse_direction(text)
            if folder is None and not name.endswith(SUFFIX):
                raise InputError(
                    f"direction {name!r}: no folder was given to look in: name it, Controls(directions_from=...), "
                    f"or give the path of the direction's file, such as out/{name}{SUFFIX}={strength:+g}"
                )
            moves.append((find_direction(name, folder or "", G, network=network), strength))
        except InputError as e:
            problems.append(str(e))
    refuse(problems)
    return moves


def find_direction(name: str, folder: Path | str, G: Generator, *, network: str | None = None) -> Direction:
    """The direction of this name in the folder, or in the file of this path. Raises InputError naming what there is."""
    folder = Path(folder)
    path = Path(name) if name.endswith(SUFFIX) else folder / f"{name}{SUFFIX}"
    if not path.is_file():
        known = sorted(p.name.removesuffix(SUFFIX) for p in path.parent.glob(f"*{SUFFIX}"))
        there = f"{path.parent} has {', '.join(known)}" if known else f"there are none in {path.parent}"
        raise InputError(
            f"direction {name!r}: no such file {path}; {there}: make some with `stylegan directions NETWORK`"
        )
    return Direction.load(path, G, network)


def directions_folder(network: Path | str) -> Path:
    """Where a network's directions are kept: directions/ in a run folder, NETWORK-directions/ beside a file."""
    path = Path(network)
    return path / "directions" if path.is_dir() else path.with_name(f"{path.name.removesuffix(SUFFIX)}-directions")
