"""How the definitions in `layers` are computed quickly: the same numbers up to rounding, and the same derivatives.

Definitions know three words of this room: they are `dispatched`, and a block of them is a `chain`; a network's weights
are put in order by `layout.lay_out`. Which way is taken depends on shape, dtype, device and what is recorded, so that a
run repeats exactly. `off` switches all of it off.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import torch
from torch import Tensor, nn

from stylegan.networks.fast import ways
from stylegan.networks.fast.when import overwriting

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound=nn.Module)

_off: ContextVar[bool] = ContextVar("off", default=False)


@contextmanager
def off() -> Iterator[None]:
    """Within, every layer is computed as `layers` defines it: for tests and benchmarks.

    Networks made within keep the plain order of their weights in memory. Not for what torch.compile or torch.export
    follows, which cannot read the switch.
    """
    token = _off.set(True)
    try:
        yield
    finally:
        _off.reset(token)


def is_off() -> bool:
    """Are definitions computed as they are written?"""
    return not torch.compiler.is_compiling() and _off.get()


def dispatched(definition: Callable[P, R]) -> Callable[P, R]:
    """The definition, or the function of `ways` with its name and arguments."""
    faster: Callable[P, R] = getattr(ways, definition.__name__)

    @wraps(definition)
    def either(*args: P.args, **kwargs: P.kwargs) -> R:
        return (definition if is_off() else faster)(*args, **kwargs)

    return either


def chain(forward: Callable[Concatenate[M, Tensor, P], R]) -> Callable[Concatenate[M, Tensor, P], R]:
    """Mark the `forward` of layers one after another, of which nobody sees the features in between.

    Where no gradient is recorded and the module says that it `is_chain`, a layer may overwrite what the one before it
    gave; a hook on a layer inside must clone what it keeps.
    """

    @wraps(forward)
    def owning(module: M, x: Tensor, *args: P.args, **kwargs: P.kwargs) -> R:
        if torch.is_grad_enabled() or torch.compiler.is_compiling() or not module.is_chain:
            return forward(module, x, *args, **kwargs)
        with overwriting(all_but=x):
            return forward(module, x, *args, **kwargs)

    return owning
