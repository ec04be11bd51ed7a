"""The network that is probed: any object with the generator's vocabulary, and pairs of its styles."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from stylegan.errors import InputError, printable, refuse
from stylegan.networks.classes import one_hot
from stylegan.networks.generator import Generator
from stylegan.sampling.numbers import is_whole

GROUPS = 4  # the most groups of layers that are sought
MOST_PAIRS = 100_000
LEAST_PX = 16  # smaller pictures have too few layers and octaves to tell levels apart
BATCH_NUMBERS = 2**21  # of the pictures that are made at once: 8 MB


class Subject(Protocol):
    """What G must provide. synthesis(ws, noise_mode=, generator=): (N, num_ws, w_dim) -> (N, img_channels, H, H)."""

    z_dim: int
    w_dim: int
    c_dim: int
    num_ws: int
    img_resolution: int
    img_channels: int
    mapping: Any
    synthesis: Any

    def broadcast(self, w: Tensor) -> Tensor:
        """(N, w_dim) -> (N, num_ws, w_dim)."""


@dataclass(frozen=True)
class Pairs:
    """Styles a and b of N pairs, both (N, num_ws, w_dim)."""

    a: Tensor
    b: Tensor

    def __len__(self) -> int:
        return len(self.a)

    def batches(self, G: Subject) -> Iterator["Pairs"]:
        """Parts whose pictures fit into little memory."""
        size = max(1, min(64, BATCH_NUMBERS // (G.img_channels * G.img_resolution**2)))
        for start in range(0, len(self), size):
            yield Pairs(self.a[start : start + size], self.b[start : start + size])

    def swapped(self, first: int, end: int) -> Tensor:
        """a with the styles first to end - 1 of b."""
        ws = self.a.clone()
        ws[:, first:end] = self.b[:, first:end]
        return ws


def check_subject(G: Subject, pairs: int) -> None:
    """Raise InputError, naming all that is wrong, where G cannot be probed."""
    problems = []
    if not callable(getattr(G, "synthesis", None)):
        raise InputError(f"G is {printable(G, 80)}: must be a network, such as stylegan.load(PATH) returns")
    if not getattr(G, "has_styles", True):
        raise InputError(
            "this network has no styles (the traditional generator, configurations A and B): "
            "there is nothing to swap; probe one of the configurations C to F"
        )
    if G.num_ws < 2:
        problems.append(f"this network has {G.num_ws} style: levels need at least 2")
    if (grown := grown_px(G)) < LEAST_PX:
        problems.append(
            f"this network has grown to {grown} px only: levels need pictures of {LEAST_PX} px at least; "
            "train it further"
        )
    if not is_whole(pairs):
        problems.append(f"pairs is {printable(pairs, 40)}: must be a whole number")
    elif pairs < 2 * GROUPS:
        problems.append(
            f"pairs is {pairs}: too few to tell {GROUPS} groups apart; give at least {2 * GROUPS}, preferably 256"
        )
    elif pairs > MOST_PAIRS:
        problems.append(f"pairs is {printable(pairs, 40)}: give at most {MOST_PAIRS:,}")
    refuse(problems)


def grown_px(G: Subject) -> int:
    """Height of the pictures that G makes: a Generator may not be fully grown."""
    return G.resolution if isinstance(G, Generator) else G.img_resolution


def draw_pairs(G: Subject, count: int, seed: int) -> Pairs:
    """Random pairs; of a network with classes, both pictures of a pair have the same class."""
    generator = torch.Generator().manual_seed(seed)
    device = device_of(G)
    z = torch.randn(2, count, G.z_dim, generator=generator).to(device)
    c = None
    if G.c_dim:
        c = one_hot(torch.randint(G.c_dim, (count,), generator=generator), G.c_dim).to(device)
    a, b = (G.broadcast(G.mapping(each, c)) for each in z)
    return Pairs(a, b)


def picture(G: Subject, ws: Tensor, seed: int = 0) -> Tensor:
    """The pictures of ws, with noise that is the same in every call on as many ws."""
    generator = torch.Generator(device=ws.device).manual_seed(seed)
    return G.synthesis(ws, noise_mode="const", generator=generator).float()


def device_of(G: Subject) -> torch.device:
    """Where G computes; an object that is not a module does so on the CPU."""
    return (
        next((p.device for p in G.parameters()), torch.device("cpu"))
        if isinstance(G, nn.Module)
        else torch.device("cpu")
    )
