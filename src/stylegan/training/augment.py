"""The transform of every picture, real or generated, before D sees it. In the paper there is none."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """A differentiable transform of pictures; G learns through it.

    name: its name in the run folder. apply: pictures (N, C, H, H) in [-1, 1], at the resolution grown so far, and
    random numbers (N, numbers), uniform in [0, 1) -> pictures of the same shape. The reals and the fakes of a step get
    the same numbers. They must be its only source of randomness, so that a run resumes bit for bit and does not depend
    on the number of processes.
    """

    name: str
    apply: Callable[[Tensor, Tensor], Tensor]
    numbers: int = 0


def identity(images: Tensor, u: Tensor) -> Tensor:
    """The pictures themselves."""
    return images


NONE = Augmentation("none", identity)
