"""Messages for training runs that something from outside has ended. Each names the command that resumes the run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from stylegan.config import GROUP_SIZE
from stylegan.errors import DivergedError, FailedError, InputError, shell
from stylegan.training.machine import processes
from stylegan.training.run.folder import data_word
from stylegan.training.state import TrainingState


@contextmanager
def explained(out: Path, state: TrainingState) -> Iterator[None]:
    """Turn errors that end a run from outside into messages with the command that resumes it.

    Covers a diverged run, a lost process, a full disk and memory that does not suffice (FailedError).
    """
    again = f"stylegan train --resume {shell(out)}"
    try:
        yield
    except DivergedError as e:
        raise DivergedError(e.problem, shell(out), data_word(Path(out))) from e
    except processes.LostError as e:
        raise FailedError(f"{e}. The last state is kept. Start all processes again: {again}") from None
    except OSError as e:
        raise OSError(
            e.errno,
            f"{e.strerror or e}; the last good state is kept. Make room, then continue with: {again}",
            e.filename or str(out),
        ) from e
    except (MemoryError, RuntimeError) as e:
        if not out_of_memory(e):
            raise
        H, now, smaller = state.phase.resolution, at_once(state), smaller_part(state)
        if smaller == now:
            way = f"Smaller parts are impossible: start a new run with fewer channels or pixels, or continue: {again}"
        elif state.config.shared_fakes:
            way = f"Start a new run with shared_fakes off and batch_gpu {smaller}, or with a smaller batch"
        else:
            way = f"Continue in smaller parts, with the same result: {again} --batch-gpu {smaller}"
        raise FailedError(f"out of memory at {H}x{H} with {now} images at once. The last state is kept. {way}") from e


@contextmanager
def same_data_still(out: Path, state: TrainingState) -> Iterator[None]:
    """If the data set changes during the run, raise InputError that says how to resume with the original one."""
    try:
        yield
    except InputError as e:
        raise InputError(
            f"{e}\nThe run stops at {state.cur_nimg:,} images; its last state is kept. Put the data set back, or say "
            f"where the same pictures are: stylegan train --resume {shell(out)} --data DATA"
        ) from e


def out_of_memory(e: BaseException) -> bool:
    """Does the error come from an allocator: CUDA's, the CPU's, or Python's?"""
    return isinstance(e, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(e)


def at_once(state: TrainingState) -> int:
    """The number of pictures that a process computes at once."""
    share = state.phase.batch // processes.world()
    return min(state.config.batch_gpu or share, share)


def smaller_part(state: TrainingState) -> int:
    """Half of that number in whole groups of the minibatch deviation, or the number if it is no more than a group."""
    now = at_once(state)
    return min(max(now // 2 // GROUP_SIZE * GROUP_SIZE, GROUP_SIZE), now)
