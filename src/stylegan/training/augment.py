"""What happens to every picture, real or generated, before D sees it: nothing, as in the paper, or a transform."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """A transform of pictures that is differentiable, so that G learns through it.

    name: what the run folder calls it. apply: pictures (N, C, H, H) in [-1, 1], at the resolution grown so far, and
    random numbers (N, numbers), uniform in [0, 1) -> pictures of the same shape. The reals and the fakes of a step get
    the same numbers. They are its only source of randomness: so a run resumes bit for bit, and many processes train as
    one.
    """

    name: str
    apply: Callable[[Tensor, Tensor], Tensor]
    numbers: int = 0


def identity(images: Tensor, u: Tensor) -> Tensor:
    """The pictures themselves."""
    return images


NONE = Augmentation("none", identity)
