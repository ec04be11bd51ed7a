"""The device on which a network computes: the machine's best, or the one that was asked for."""

import os

import torch

from stylegan.errors import InputError, printable


def best_device() -> torch.device:
    """CUDA, else MPS, else the CPU. With torchrun's processes, each takes its own GPU (LOCAL_RANK), and none MPS."""
    many = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if torch.cuda.is_available():
        local_rank = int(os.environ.get("LOCAL_RANK", "0"))
        return torch.device("cuda", local_rank % torch.cuda.device_count()) if many else torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() and not many else "cpu")


def find_device(wanted: str | torch.device) -> torch.device:
    """The device of this name: cpu, cuda, cuda:1, mps, or auto for the best. Raises InputError if there is no such one.

    A torch.device is returned as it is.
    """
    if isinstance(wanted, torch.device):
        return wanted
    if wanted == "auto":
        return best_device()
    gpus = torch.cuda.device_count()
    there = ["auto", "cpu", *(["cuda"] if gpus else []), *(f"cuda:{i}" for i in range(gpus))]
    there += ["mps"] if torch.backends.mps.is_available() else []
    if str(wanted) not in there:
        raise InputError(f"device {printable(wanted, 60)!r}: this machine and this torch have {', '.join(there)}")
    return torch.device(wanted)
