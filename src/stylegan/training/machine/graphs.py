"""Parts of a step as CUDA graphs.

A step of a small network is thousands of kernels, which the GPU computes faster than the host can launch them. A graph
launches all its kernels at once.
"""

import warnings
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

T = TypeVar("T")

EAGER_STEPS = 2
"""Ordinary steps before a part is recorded, in which cuDNN and cuBLAS load what they need. They compute the same."""


class Recordings:
    """The graphs of a training run, as long as the growth of its networks stays the same."""

    def __init__(self) -> None:
        self.runs: dict[Hashable, int] = {}
        self.recorded: dict[Hashable, Recording | None] = {}  # None: it cannot be recorded
        self.pool: Any = None  # a memory pool that all graphs share, because they never run at the same time

    def run(self, key: Hashable, part: Callable[..., T], *args: Any) -> T:
        """part(*args), computed by its graph from the third call with the same key on.

        args: tensors in tuples and lists, of the same shapes each time. The part must not wait for the GPU, and must
        not depend on anything else that changes from step to step, because what it reads from the host is recorded
        once. A part that cannot be recorded is computed without a graph, with a warning.
        """
        self.runs[key] = self.runs.get(key, 0) + 1
        if self.runs[key] > EAGER_STEPS and key not in self.recorded:
            self.recorded[key] = self._record(part, args)
        recording = self.recorded.get(key)
        return part(*args) if recording is None else recording(*args)

    def _record(self, part: Callable[..., Any], args: tuple[Any, ...]) -> "Recording | None":
        self.pool = self.pool or torch.cuda.graph_pool_handle()
        try:
            return Recording(part, args, self.pool)
        except RuntimeError as e:
            warnings.warn(f"a step cannot be recorded as a CUDA graph and will be slower: {e}", stacklevel=2)
            return None


class Recording:
    """A recorded part. Each call returns new tensors."""

    def __init__(self, part: Callable[..., Any], args: tuple[Any, ...], pool: Any) -> None:
        self.args = tree_map(lambda t: t.detach().clone() if isinstance(t, Tensor) else t, args)
        self.given = tensors(self.args)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, pool=pool):
            result = part(*self.args)
        leaves, self.tree = tree_flatten(result)
        self.leaves = [leaf.detach() if isinstance(leaf, Tensor) else leaf for leaf in leaves]

    def __call__(self, *args: Any) -> Any:
        torch._foreach_copy_(self.given, tensors(args))
        self.graph.replay()
        copies = iter(torch._foreach_mul(tensors(self.leaves), 1))
        return tree_unflatten([next(copies) if isinstance(leaf, Tensor) else leaf for leaf in self.leaves], self.tree)


def tensors(nested: Any) -> list[Tensor]:
    """The tensors in nested tuples, lists and dictionaries, in order."""
    return [leaf for leaf in tree_flatten(nested)[0] if isinstance(leaf, Tensor)]
