"""One training run in many processes (torchrun, SLURM, Ray Train): who am I, which part is mine, what do all agree on.

What is random is drawn for the joint batch, and process r of n takes the pictures r, r + n, r + 2n, ...: the groups of
the minibatch deviation stay the same sets. In a single process every function here does nothing.
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

PATIENCE = timedelta(minutes=30)  # that the others wait while process 0 writes snapshots and sheets


class LostError(FailedError):
    """Another process of the group has ended, so that this one waits for nobody."""

    def __init__(self) -> None:
        super().__init__("another process of this training run has ended, and says why if it could")


@contextmanager
def talking() -> Iterator[None]:
    """Within, this process waits for the others. Raises LostError where one of them has ended."""
    try:
        yield
    except RuntimeError as e:  # of gloo and of NCCL, each with words of its own
        raise LostError from e


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Join the group that torchrun's environment variables tell of; a group that exists (Ray Train) is used as it is.

    The group ends with the block. After an error it is left to die with its process, which may abort: the others may
    still wait in it.
    """
    wanted = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if not wanted or not dist.is_available() or dist.is_initialized():
        yield
        return
    # A thread of gloo that frees a tensor while Python ends aborts the process: the group must end before. Functions of
    # torch.distributed.nn take as a default the group that exists when they are imported, and would keep it alive; so
    # they are imported while there is none (the first Adam would do it too late).
    importlib.import_module("torch.distributed.nn")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    yield
    dist.destroy_process_group()


def rank() -> int:
    """The number of this process, from 0. Process 0 alone shows and writes."""
    return dist.get_rank() if _many() else 0


def world() -> int:
    """How many processes train together."""
    return dist.get_world_size() if _many() else 1


def mine() -> slice:
    """The pictures of the joint batch that this process computes."""
    return slice(rank(), None, world())


def average(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor, in place, by its mean over all processes: one message, whatever their number."""
    if world() == 1:
        return
    flat = torch.cat([t.flatten() for t in tensors]) / world()
    with talking():
        dist.all_reduce(flat)
    for t, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        t.copy_(mean.view_as(t))


def any_of(flag: bool, device: torch.device) -> bool:
    """Is the flag up in any process? All get the same answer at the same step."""
    if world() == 1:
        return flag
    up = torch.tensor(float(flag), device=device)
    with talking():
        dist.all_reduce(up, dist.ReduceOp.MAX)
        return bool(up.item())


def wait_for_all(device: torch.device) -> None:
    """Go on when every process has come here."""
    any_of(False, device)


def first_does(action: Callable[[], object], device: torch.device) -> None:
    """Process 0 does what only one may do, while the others wait; where it fails, none goes on."""
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
    """Raise InputError in every process where one of them has another value: a machine that sees other files."""
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
