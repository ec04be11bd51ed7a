"""What a piece of work takes, in this process and in those that it starts: wall and CPU seconds, and memory."""

import math
import re
import resource
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch


class Seconds(NamedTuple):
    """cpu: user and system time of all threads."""

    wall: float
    cpu: float


def timed(work: Callable[[], object], *, seconds: float) -> Seconds:
    """The median of as many repetitions as fit into `seconds`, 1 to 10, after a warm-up."""
    warm_up = _once(work, 1)
    number = math.ceil(seconds / 10 / warm_up.wall)  # short work is timed many times at once
    times = [_once(work, number)]
    while len(times) < 10 and number * sum(t.wall for t in times) < seconds:
        times.append(_once(work, number))
    return Seconds(*(median(column) for column in zip(*times, strict=True)))


def _once(work: Callable[[], object], number: int) -> Seconds:
    """The mean of `number` calls."""
    finish_device()
    wall, cpu = time.perf_counter(), _cpu_sec()
    for _ in range(number):
        work()
    finish_device()
    return Seconds((time.perf_counter() - wall) / number, (_cpu_sec() - cpu) / number)


def finish_device() -> None:
    """Wait for the GPU if one is in use."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def _cpu_sec() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Memory:
    """The peak memory above what is in use now: that of torch on a GPU, else that of the process (Linux only)."""

    def __init__(self) -> None:
        self.cuda = torch.cuda.is_initialized()
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
            self.start = torch.cuda.memory_allocated()
        else:
            # Sets VmHWM to VmRSS. getrusage's ru_maxrss has no reset, and begins with that of the parent process.
            Path("/proc/self/clear_refs").write_text("5")
            self.start = _status_bytes("VmRSS")

    def taken_bytes(self) -> int:
        """The peak so far, in bytes."""
        return (torch.cuda.max_memory_allocated() if self.cuda else _status_bytes("VmHWM")) - self.start


def _status_bytes(name: str) -> int:
    match = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert match is not None
    return 1024 * int(match[1])
