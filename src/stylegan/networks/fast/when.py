"""When a layer is computed in our own way, and when it may overwrite its input."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

try:  # private names of torch, which another version may not have
    from torch._C._functorch import peek_interpreter_stack
    from torch.fx.experimental.proxy_tensor import get_proxy_mode
except ImportError:
    peek_interpreter_stack = get_proxy_mode = None  # type: ignore[assignment]

EXACT = (torch.float32, torch.float64)  # what sums of many may be taken in
LARGE_BYTES = 2**23  # of one picture: a level is computed the same way for any batch

_input: ContextVar[Tensor | None] = ContextVar("input", default=None)


def ours(x: Tensor) -> bool:
    """Is x computed in our own way? Other devices have better ones; compiled and exported programs are plain."""
    graph = torch.compiler.is_compiling() or torch.jit.is_tracing()
    return x.device.type == "cpu" and not graph and not torch.is_autocast_enabled("cpu")


def large_unrecorded(x: Tensor) -> bool:
    """Are the pictures large and on the CPU, with no gradients or graph recorded and no transform of the function?"""
    if not ours(x) or torch.is_grad_enabled():
        return False
    if get_proxy_mode is None or peek_interpreter_stack is None:  # unknown: assume that somebody records
        return False
    if get_proxy_mode() is not None or peek_interpreter_stack() is not None:
        return False
    return x.dtype in EXACT and x[:1].numel() * x.element_size() >= LARGE_BYTES


def in_place(x: Tensor) -> bool:
    """Is x large, and between two layers of a chain, so that nobody else sees it?"""
    if not large_unrecorded(x):  # first: torch.compile cannot follow the next line
        return False
    given = _input.get()
    return given is not None and x.data_ptr() != given.data_ptr()


@contextmanager
def overwriting(*, all_but: Tensor) -> Iterator[None]:
    """Within, `in_place` is true of large features other than `all_but`, the input of the chain."""
    token = _input.set(all_but)
    try:
        yield
    finally:
        _input.reset(token)
