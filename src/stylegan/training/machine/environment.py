"""What must be the same for a resumed training run to go on bit for bit."""

import os
import platform
from typing import Any

import torch

from stylegan.config import Config
from stylegan.training.machine import compiler, processes


def environment(device: torch.device, config: Config) -> dict[str, Any]:
    """The names and values of all of it. With other values a run goes on and says that it is no longer bit for bit."""
    compiled = {"compiler": compiler.version()} if config.compile else {}
    return compiled | {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {torch.backends.cpu.get_cpu_capability()}",
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "processes": processes.world(),
    }
