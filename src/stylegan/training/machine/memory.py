"""The same gradients with less memory: micro-batches, and activations that are recomputed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint

from stylegan.config import GROUP_SIZE
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator

CHECKPOINTED_PX = 512  # from this resolution on, activations are recomputed in the backward pass


def micro_batches(N: int, batch_gpu: int | None) -> list[slice]:
    """Equal parts of a batch of N, as large as batch_gpu allows, each of whole groups of the minibatch deviation.

    Part i of k takes the pictures i, i + k, i + 2k, ..., so that the groups (see `minibatch_stddev`) stay the same.
    """
    k = 1
    if batch_gpu is not None and batch_gpu < N:
        k = N // max(size for size in range(GROUP_SIZE, batch_gpu + 1, GROUP_SIZE) if N % size == 0)
    return [slice(i, None, k) for i in range(k)]


@contextmanager
def activations_for(resolution: int, *networks: Generator | Discriminator) -> Iterator[None]:
    """Within this context, each block stores only its input and recomputes its activations in the backward pass.

    It does so only from CHECKPOINTED_PX on. It is not for the pass that R1 differentiates, whose first derivative keeps
    all activations anyway.
    """
    with ExitStack() as stack:
        for network in networks if resolution >= CHECKPOINTED_PX else ():
            for block in network.synthesis.blocks if isinstance(network, Generator) else network.blocks:
                stack.enter_context(_checkpointed(block))
        yield


@contextmanager
def _checkpointed(block: nn.Module) -> Iterator[None]:
    # Blocks draw no random numbers (noise is an argument), so there is no random state to restore.
    again = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
    setattr(block, "forward", again)  # noqa: B010 (an assignment is no method to mypy)
    try:
        yield
    finally:
        delattr(block, "forward")
