"""The device that a training run uses, and how precisely it computes there."""

import os
from typing import Literal

import torch

from stylegan.config import Config
from stylegan.errors import InputError, printable


def best_device() -> torch.device:
    """CUDA, else MPS, else the CPU. Of many processes on a machine each has a GPU of its own (LOCAL_RANK)."""
    many = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if torch.cuda.is_available():
        local_rank = int(os.environ.get("LOCAL_RANK", "0"))
        return torch.device("cuda", local_rank % torch.cuda.device_count()) if many else torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() and not many else "cpu")


def chosen_device(device: torch.device | str | None) -> torch.device:
    """The device that somebody named, or the best one. Raises InputError where this machine does not have it."""
    if device is None:
        return best_device()
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError) as e:
        raise InputError(f"device {printable(device)!r}: must be cpu, cuda, cuda:1 ... or mps") from e
    if chosen.type == "cuda" and chosen.index is None and torch.cuda.is_available():
        return best_device()  # each process its own
    here = {
        "cpu": chosen.index in (None, 0),
        "cuda": torch.cuda.is_available() and (chosen.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not here.get(chosen.type, False):
        raise InputError(f"device {chosen}: this machine does not have it; the best that it has is {best_device()}")
    return chosen


def precision_of(config: Config, device: torch.device) -> Literal["fp32", "bf16"]:
    """What `precision` means on a device: auto is bf16 on CUDA devices that have it, and fp32 elsewhere."""
    if config.precision != "auto":
        return config.precision
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"


def refused_precision(config: Config, device: torch.device) -> list[str]:
    """Why the device cannot compute in the precision that the configuration names, as a line; none where it can."""
    if precision_of(config, device) == "fp32":
        return []
    reason = {"cuda": "this GPU has no bfloat16", "cpu": "this CPU has no instructions for bfloat16"}
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return []
    if device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported():  # it has no public name
        return []
    why = reason.get(device.type, f"it is tried on CUDA and the CPU, not on {device.type}")
    return [f"precision bf16: {why}: use --precision fp32 (or auto)"]
