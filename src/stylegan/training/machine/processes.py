"""One training run in several processes (torchrun, SLURM, Ray Train): ranks, parts of a batch, and agreement.

Random numbers are drawn for the joint batch. Process r of n takes the pictures r, r + n, r + 2n, ..., so that the
groups of the minibatch deviation stay the same. In a single process, nothing here waits or communicates.
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
        super().__init__("another process of this training run has ended; its own message says why, if it left one")


@contextmanager
def talking() -> Iterator[None]:
    """A context in which this process waits for the others. Raises LostError if one of them has ended."""
    try:
        yield
    except RuntimeError as e:  # gloo and NCCL word it differently
        raise LostError from e


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Join the group that torchrun's environment variables describe. An existing group (Ray Train) is used as it is.

    The group is destroyed after the block. After an error it is not, because the others may still be waiting in it: it
    ends with the process, which may abort.
    """
    wanted = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if not wanted or not dist.is_available() or dist.is_initialized():
        yield
        return
    # A gloo thread that frees a tensor while Python shuts down aborts the process, so the group must end first.
    # Functions of torch.distributed.nn keep the group that exists when they are imported alive, as a default argument.
    # So we import them before there is one. Otherwise the first Adam would import them, which is too late.
    importlib.import_module("torch.distributed.nn")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    yield
    dist.destroy_process_group()


def rank() -> int:
    """The number of this process, from 0. Only process 0 prints and writes anything."""
    return dist.get_rank() if _many() else 0


def world() -> int:
    """The number of processes that train together."""
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
    """Is the flag set in any process? All processes must call this, and all get the same answer."""
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
    """Run `action` in process 0 while the others wait. If it fails, every process raises; the others InputError."""
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
        raise InputError("process 0 could not begin; its own message says why")


def check_same(values: dict[str, float], device: torch.device) -> None:
    """Raise InputError in every process if their values differ, because their machines see different files.

    values: by names for the message, the same ones in every process.
    """
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
