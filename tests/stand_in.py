"""A stand-in for the device "mps" on machines without one: computes on the CPU, and refuses what MPS refuses.

Numbers are on the stand-in where their memory is known to be: `to("mps")` and `zeros(..., device="mps")` make such
memory, and so does every operation on it, until `cpu()`. No other number is touched: float64 on the CPU stays legal.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

MPS, CPU = torch.device("mps"), torch.device("cpu")
DEVICE = Tensor.device.__get__
MAY_MIX = (Tensor.copy_, Tensor.data.__set__, Tensor.__getitem__, torch._has_compatible_shallow_copy_type)


class StandIn(TorchFunctionMode):
    """Within this context, the device "mps" exists."""

    def __init__(self) -> None:
        super().__init__()
        # A weak reference keeps the address of what is freed from being used again, by a number on the CPU.
        self._storages: dict[int, StorageWeakRef] = {}

    def holds(self, t: Tensor) -> bool:
        """Is the tensor on the stand-in?"""
        return t.untyped_storage()._cdata in self._storages

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        here = [t for t in given if self.holds(t)]
        if func == DEVICE:  # a new object each time
            return MPS if here else func(*args)
        if func in (Tensor.to, Tensor.cpu):
            return self._moved(func, *args, **kwargs)
        asked = kwargs.get("device")
        if asked is not None and torch.device(asked).type == "mps":
            kwargs["device"] = CPU
        elif here and func not in MAY_MIX:
            self._refuse_mixture(func, [t for t in given if not self.holds(t)])
        elif not here:
            return func(*args, **kwargs)
        return self._kept(func(*args, **kwargs))

    def _moved(self, func: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """x.to(...) and x.cpu(): a copy where the device changes."""
        here = self.holds(x)
        if func == Tensor.cpu:
            there, args = False, ("cpu",)
        else:
            if args and isinstance(args[0], Tensor):  # to be like another
                args = (MPS if self.holds(args[0]) else CPU, args[0].dtype, *args[1:])
            device = torch._C._nn._parse_to(*args, **kwargs)[0]
            there = here if device is None else device.type == "mps"
            args = tuple(CPU if isinstance(a, str | torch.device) else a for a in args)
            kwargs |= {"device": CPU} if kwargs.get("device") is not None else {}
        moved = x.to(*args, **kwargs)
        if here != there and moved.untyped_storage()._cdata == x.untyped_storage()._cdata:
            moved = moved.clone()
        return self._kept(moved) if there else moved

    def _kept(self, result: Any) -> Any:
        """The result, marked as on the stand-in."""
        for t in tree_leaves(result):
            if isinstance(t, Tensor):
                if t.dtype == torch.float64:
                    raise TypeError(
                        "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64. "
                        "Please use float32 instead."
                    )
                storage = t.untyped_storage()
                self._storages.setdefault(storage._cdata, StorageWeakRef(storage))
        return result

    def _refuse_mixture(self, func: Any, elsewhere: list[Tensor]) -> None:
        if any(t.ndim for t in elsewhere):  # single numbers may be anywhere
            name = getattr(func, "__name__", func)
            raise RuntimeError(f"{name}: expected all tensors to be on the same device, but found mps and cpu")


class Generator(torch.Generator):
    """A random stream of the stand-in."""

    def __new__(cls, device: torch.device | str = "cpu") -> "Generator":
        stream = super().__new__(cls, "cpu")
        stream.named = torch.device(device)
        return stream

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return self.named


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """The device "mps", with its random streams."""
    with mock.patch.object(torch, "Generator", Generator), StandIn() as mode:
        yield mode
