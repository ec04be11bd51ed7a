"""Many portraits, in order, drawn by all processors.

Drawing holds Python's lock, so threads gain nothing. The helpers are plain processes that write to pipes, not a
multiprocessing pool: that would import the caller's script again, and would outlive a caller that is killed.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray

from stylegan.errors import FailedError

WORTHWHILE = 100  # fewer are drawn before the helpers have started

Portrait = tuple[NDArray[np.uint8], dict[str, float]]  # pixels (resolution, resolution, 3), factors


def portraits(count: int, resolution: int, *, seed: int, half: bool = False) -> Generator[Portrait, None, None]:
    """`portrait(index, resolution, ...)` for index 0, 1, ... count - 1. Memory does not grow with `count`."""
    if count >= WORTHWHILE:
        yield from _by_helpers(count, resolution, seed, half)
    else:
        from stylegan.data.portraits.portraits import (
            portrait,
        )  # imported here: other sources of pictures do not need it

        yield from (portrait(index, resolution, seed=seed, half=half) for index in range(count))


def _by_helpers(count: int, resolution: int, seed: int, half: bool) -> Generator[Portrait, None, None]:
    """Helper k of K draws k, k + K, k + 2K ...; a full pipe makes it wait, a closed one ends it."""
    K = os.cpu_count() or 1
    with ExitStack() as stack:
        helpers = []
        for k in range(K):
            numbers = [str(number) for number in (k, count, K, resolution, seed, int(half))]
            command = [sys.executable, "-P", "-m", "stylegan.data.portraits.stream", *numbers]
            helper = stack.enter_context(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE))
            helpers.append(helper)
        for index in range(count):
            pipe = helpers[index % K].stdout
            assert pipe is not None
            pixels, factors = pipe.read(resolution**2 * 3), pipe.readline()
            if not factors.endswith(b"\n"):
                raise FailedError(f"the process that draws portrait {index} stopped: its own message is above")
            yield np.frombuffer(pixels, np.uint8).reshape(resolution, resolution, 3), json.loads(factors)


def _help(first: int, count: int, step: int, resolution: int, seed: int, half: int) -> None:
    from stylegan.data.portraits.portraits import portrait

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, which closes the pipe
    try:
        for index in range(first, count, step):
            pixels, factors = portrait(index, resolution, seed=seed, half=bool(half))
            sys.stdout.buffer.write(pixels.tobytes() + json.dumps(factors).encode() + b"\n")
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        os._exit(0)  # the caller is gone; a normal exit would flush the pipe once more and complain


if __name__ == "__main__":
    _help(*map(int, sys.argv[1:]))
