"""A direction in W: its file, its name, and how it moves styles. `editing.directions` finds them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, get_args

import torch
from torch import Tensor

from stylegan.checkpoint import write_tensors
from stylegan.errors import InputError, printable, refuse
from stylegan.files import user_path
from stylegan.networks.generator import Generator
from stylegan.sampling.fingerprint import fingerprint, read_of_network
from stylegan.sampling.numbers import finite_number
from stylegan.sampling.sources import SUFFIX, is_file_name
from stylegan.sampling.spread import spread
from stylegan.sampling.styles import read_vector

Kind = Literal["closed-form", "component", "boundary", "own"]
NAME = r"[A-Za-z0-9][\w.-]*"


@dataclass(frozen=True)
class Direction:
    """A direction in W, added to some of the styles.

    vector: (w_dim,). Its length is one standard deviation of W along it, so +2 is equally unusual for every direction.
    layers: the indices of these styles. network: the fingerprint of the network it was made for.
    score: 0 to 1. For a component: its share of the variance of W. In closed form: its share of the effect of
    w on the styles. For a boundary: the share of marked pictures on the correct side when they are held out. For a
    vector from another program: 0.
    """

    name: str
    vector: Tensor
    layers: tuple[int, ...]
    kind: Kind
    network: str
    score: float

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch(NAME, self.name):
            raise InputError(
                f"direction name {printable(self.name, 60)!r}: must be letters, digits, dots, dashes and underscores"
            )

    def save(self, path: Path | str) -> None:
        """Write the vector and, in the header, the other fields as JSON."""
        header = {"name": self.name, "layers": self.layers, "method": self.kind}
        write_tensors(
            path,
            {"vector": self.vector},
            kind="direction",
            header=header | {"network": self.network, "score": self.score},
        )

    @classmethod
    def load(cls, path: Path | str, G: Generator, network: str | None = None) -> Self:
        """The inverse of save. A direction for another network than G raises InputError.

        network: the fingerprint of G, where it is known.
        """
        keys = ("name", "layers", "method", "score")
        remedy = "make it again with `stylegan directions NETWORK`"
        tensors, header = read_of_network(path, network or fingerprint(G), kind="direction", keys=keys, remedy=remedy)
        problems = [f"{key} {printable(repr(header[key]), 80)}" for key in keys if not _fits(key, header[key])]
        if problems:
            raise InputError(f"{printable(path)}: its header has {', '.join(problems)}; the file is damaged")
        vector, layers = tensors.get("vector"), tuple(header["layers"])
        if vector is None or vector.shape != (G.w_dim,) or not set(layers) <= set(range(G.num_ws)):
            raise InputError(
                f"{printable(path)}: its vector or layers are not those of this network; the file is damaged"
            )
        return cls(header["name"], vector, layers, header["method"], header["network"], header["score"])

    @classmethod
    def own(cls, path: Path, G: Generator, network: str | None = None) -> Self:
        """The direction in a file of another program's (.npy or .npz, one vector), in all styles.

        Its length has no meaning here: like every direction it is made one standard deviation of W long.
        """
        vector = torch.from_numpy(read_vector(path))
        if vector.shape != (G.w_dim,) or not vector.any():
            raise InputError(
                f"{printable(path)} holds a vector of {len(vector)} numbers: a direction of this network has "
                f"{G.w_dim}, not all 0"
            )
        unit = vector.double() / vector.double().norm()
        name = re.sub(r"[^\w.-]", "-", path.stem).lstrip("_.-") or "own"
        scaled = (unit * spread(G).deviation(unit)).float()
        return cls(name, scaled, tuple(range(G.num_ws)), "own", network or fingerprint(G), 0.0)


def _fits(key: str, value: object) -> bool:
    """Is this field of a direction's header what `save` writes?"""
    if key == "name":
        return isinstance(value, str) and re.fullmatch(NAME, value) is not None
    if key == "layers":
        return isinstance(value, list) and len(value) > 0 and all(type(i) is int for i in value)
    if key == "method":
        return value in get_args(Kind)
    return type(value) in (int, float) and finite_number(value) is not None


Move = tuple[Direction, float]
"""A direction, and how many standard deviations to go along it."""


def apply(ws: Tensor, direction: Direction, strength: float) -> Tensor:
    """Move ws (N, num_ws, w_dim) by `strength` standard deviations, in the direction's layers. Returns a new tensor.

    Apply it after truncation, which would otherwise shorten the step.
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
    strength = finite_number(strength_text)
    if not name or strength is None:
        raise InputError(
            f"direction {printable(text, 200)!r}: must be NAME=STRENGTH, such as glasses=+2.0 or smile=-1.5 "
            "(in standard deviations)"
        )
    return name, strength


def find_moves(
    steps: Sequence[str | Move], G: Generator, *, folder: Path | str | None = None, network: str | None = None
) -> list[Move]:
    """The directions of `Controls.direction`, with their strengths. Raises InputError for all bad ones at once.

    Names are looked up in the folder; a name that ends in .safetensors, .npy or .npz is a file's path.
    network: G's fingerprint.
    """
    if not steps:
        return []
    network = network or fingerprint(G)
    moves, problems = [], []
    for step in steps:
        try:
            moves.append(_move(step, G, folder, network))
        except InputError as e:
            problems.append(str(e))
    refuse(problems)
    return moves


def _move(step: str | Move, G: Generator, folder: Path | str | None, network: str) -> Move:
    if not isinstance(step, str):
        return _given(step, network)
    name, strength = parse_direction(step)
    if folder is None and not is_file_name(name):
        shown = printable(name, 60)
        raise InputError(
            f"direction {shown!r}: no folder to look in was given: name one, Controls(directions_from=...), "
            f"or give the path of the direction's file, such as out/{shown}{SUFFIX}={strength:+g}"
        )
    return find_direction(name, folder or ".", G, network=network), strength


def _given(step: Move, network: str) -> Move:
    """A pair of a Direction and a strength, checked."""
    direction, strength = step[0], finite_number(step[1])
    if not isinstance(direction, Direction) or strength is None or isinstance(step[1], str):
        raise InputError(f"direction {printable(step, 80)}: must be a Direction and a finite number, (found, 2.0)")
    if direction.network != network:
        raise InputError(
            f"direction {direction.name} was made for another network, or for another stage of its training: "
            "make it again for this one"
        )
    return direction, strength


def find_direction(name: str, folder: Path | str, G: Generator, *, network: str | None = None) -> Direction:
    """The direction of this name in the folder, or in the file of this path. Raises InputError naming what there is."""
    path = user_path(name) if is_file_name(name) else user_path(folder) / f"{name}{SUFFIX}"
    if not path.is_file():
        known = sorted(printable(p.name.removesuffix(SUFFIX), 60) for p in path.parent.glob(f"*{SUFFIX}"))
        more = f" and {len(known) - 20} more" if len(known) > 20 else ""
        shown, where = printable(path), printable(path.parent)
        there = f"{where} has {', '.join(known[:20])}{more}" if known else f"there are none in {where}"
        raise InputError(
            f"direction {printable(name, 200)!r}: no such file {shown}; {there}: "
            "make some with `stylegan directions NETWORK`"
        )
    return Direction.load(path, G, network) if path.suffix == SUFFIX else Direction.own(path, G, network)


def directions_folder(network: Path | str) -> Path:
    """Where a network's directions are kept: directions/ in a run folder, NETWORK-directions/ next to a file."""
    path = user_path(network)
    return path / "directions" if path.is_dir() else path.with_name(f"{path.name.removesuffix(SUFFIX)}-directions")
