"""How the definitions in `layers` are computed quickly: the same numbers up to rounding, and the same derivatives.

The rest of the package uses three names of this room: `dispatched` marks a definition, `chain` a block of them, and
`layout.lay_out` puts a network's weights in order. Which way is taken depends on shape, dtype, device and what is
recorded, so a run repeats exactly. `off` switches all of it off.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import torch
from torch import Tensor, nn

from stylegan.networks.fast import ways
from stylegan.networks.fast.when import overwriting

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound=nn.Module)

_depth = 0  # of `off` within `off`; a plain number, as the threads of a backward pass must see it too


@contextmanager
def off() -> Iterator[None]:
    """Within, every layer is computed as `layers` defines it, in all threads: for tests and benchmarks.

    Networks made within keep the plain order of their weights in memory. torch.compile and torch.export do not see it.
    """
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1


def is_off() -> bool:
    """Are definitions computed as they are written?"""
    return not torch.compiler.is_compiling() and _depth > 0


def dispatched(definition: Callable[P, R]) -> Callable[P, R]:
    """The definition, or the function of `ways` with its name and arguments."""
    faster: Callable[P, R] = getattr(ways, definition.__name__)

    @wraps(definition)
    def either(*args: P.args, **kwargs: P.kwargs) -> R:
        return (definition if is_off() else faster)(*args, **kwargs)

    return either


def chain(forward: Callable[Concatenate[M, Tensor, P], R]) -> Callable[Concatenate[M, Tensor, P], R]:
    """Mark the `forward` of consecutive layers, whose intermediate features nobody else sees.

    Where no gradient is recorded and the module's `is_chain` is True, a layer may overwrite its input, which the layer
    before it computed. A hook on a layer inside must clone what it keeps.
    """

    @wraps(forward)
    def owning(module: M, x: Tensor, *args: P.args, **kwargs: P.kwargs) -> R:
        if torch.is_grad_enabled() or torch.compiler.is_compiling() or not module.is_chain:
            return forward(module, x, *args, **kwargs)
        with overwriting(all_but=x):
            return forward(module, x, *args, **kwargs)

    return owning
