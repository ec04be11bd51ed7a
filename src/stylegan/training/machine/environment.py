"""What must be the same for a training run to resume bit for bit."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from stylegan.config import Config
from stylegan.training.machine import compiler, processes


def environment(device: torch.device, config: Config) -> dict[str, Any]:
    """The name and value of everything that affects a run's bits. If any differs, a resumed run says so."""
    compiled = {"compiler": compiler.version()} if config.compile else {}
    return compiled | {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {torch.backends.cpu.get_cpu_capability()}",
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "processes": processes.world(),
    }


@contextmanager
def using_threads(number: int) -> Iterator[None]:
    """A context in which torch computes with this number of threads on the CPU."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
