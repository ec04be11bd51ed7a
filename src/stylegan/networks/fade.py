"""How much of the lower resolution still shows while a resolution is faded in (Progressive GAN, Section 2)."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

_weight: ContextVar[Tensor | None] = ContextVar("weight", default=None)


def fraction(lod: float) -> float:
    """From 1, nothing of the new resolution, to 0, nothing but it: the fraction of lod."""
    return lod % 1


def fade(lod: float) -> float | Tensor:
    """The fraction of lod, or within `fade_by` its weight."""
    weight = None if torch.compiler.is_compiling() else _weight.get()  # torch.compile cannot follow that
    return fraction(lod) if weight is None else weight


@contextmanager
def fade_by(weight: Tensor) -> Iterator[None]:
    """The weight (), in place of the fraction of lod: a number that a recorded program is given."""
    token = _weight.set(weight)
    try:
        yield
    finally:
        _weight.reset(token)
