"""One training run in many processes (torchrun, SLURM, Ray Train): ranks, shares of a batch, and agreement.

Random numbers are drawn for the joint batch, and process r of n takes the pictures r, r + n, r + 2n, ...: so the groups
of the minibatch deviation stay the same. In a single process every function here does nothing.
"""

import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from stylegan.errors import FailedError, InputError

PATIENCE = timedelta(minutes=30)  # how long the others wait while process 0 writes snapshots and sheets


class LostError(FailedError):
    """Another process of the group has ended, so this one cannot go on."""

    def __init__(self) -> None:
        super().__init__("another process of this training run has ended, and says why if it could")


@contextmanager
def talking() -> Iterator[None]:
    """A context in which this process waits for the others. Raises LostError if one of them has ended."""
    try:
        yield
    except RuntimeError as e:  # gloo and NCCL word it differently
        raise LostError from e


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Join the group that torchrun's environment variables describe; an existing group (Ray Train) is used as it is.

    The group is destroyed after the block. After an error it ends with its process, which may abort, because the others
    may still be waiting in it.
    """
    wanted = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if not wanted or not dist.is_available() or dist.is_initialized():
        yield
        return
    # A gloo thread that frees a tensor while Python shuts down aborts the process, so the group must end first.
    # Functions of torch.distributed.nn keep the group that exists at import alive, as a default argument. So we import
    # them before there is one; the first Adam would import them too late.
    importlib.import_module("torch.distributed.nn")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    yield
    dist.destroy_process_group()


def rank() -> int:
    """The number of this process, from 0. Only process 0 shows and writes anything."""
    return dist.get_rank() if _many() else 0


def world() -> int:
    """How many processes train together."""
    return dist.get_world_size() if _many() else 1


def mine() -> slice:
    """The pictures of the joint batch that this process computes."""
    return slice(rank(), None, world())


def average(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor, in place, by its mean over all processes, in one message."""
    if world() == 1:
        return
    flat = torch.cat([t.flatten() for t in tensors]) / world()
    with talking():
        dist.all_reduce(flat)
    for t, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        t.copy_(mean.view_as(t))


def any_of(flag: bool, device: torch.device) -> bool:
    """Is the flag set in any process? All get the same answer at the same step."""
    if world() == 1:
        return flag
    up = torch.tensor(float(flag), device=device)
    with talking():
        dist.all_reduce(up, dist.ReduceOp.MAX)
        return bool(up.item())


def wait_for_all(device: torch.device) -> None:
    """Return once every process has called this."""
    any_of(False, device)


def first_does(action: Callable[[], object], device: torch.device) -> None:
    """Run `action` in process 0 while the others wait; if it fails, every process raises."""
    failure: Exception | None = None
    if rank() == 0:
        try:
            action()
        except Exception as e:
            failure = e
    failed = any_of(failure is not None, device)
    if failure is not None:
        raise failure
    if failed:
        raise InputError("process 0 could not begin, and says why")


def check_same(values: dict[str, float], device: torch.device) -> None:
    """Raise InputError in every process if one has another value, because its machine sees other files."""
    if world() == 1:
        return
    found = torch.tensor(list(values.values()), dtype=torch.float64, device=device)
    largest, smallest = found.clone(), found.clone()
    with talking():
        dist.all_reduce(largest, dist.ReduceOp.MAX)
        dist.all_reduce(smallest, dist.ReduceOp.MIN)
    if different := [name for name, same in zip(values, (largest == smallest).tolist(), strict=True) if not same]:
        raise InputError(
            f"the processes differ in {', '.join(different)}: every machine must see the same data set and run folder"
        )


def _many() -> bool:
    return dist.is_available() and dist.is_initialized()
