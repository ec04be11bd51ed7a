"""The floating-point precision of a training run."""

from typing import Literal

import torch

from stylegan.config import Config


def precision_of(config: Config, device: torch.device) -> Literal["fp32", "bf16"]:
    """What `precision` means on a device: auto is bf16 on CUDA devices that support it, and fp32 elsewhere."""
    if config.precision != "auto":
        return config.precision
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"


def refused_precision(config: Config, device: torch.device) -> list[str]:
    """A line that says why the device cannot compute in the configured precision; none if it can."""
    if precision_of(config, device) == "fp32":
        return []
    reason = {"cuda": "this GPU has no bfloat16", "cpu": "this CPU has no instructions for bfloat16"}
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return []
    if device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported():  # there is no public function
        return []
    why = reason.get(device.type, f"it is tested on CUDA and the CPU, not on {device.type}")
    return [f"precision bf16: {why}: use precision fp32 (or auto)"]
