"""How every picture, real or generated, is transformed before D sees it. The paper has no augmentation."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from stylegan.training import ada, diffaugment


@dataclass(frozen=True)
class Augmentation:
    """A differentiable transform of pictures, through which G learns.

    name: its name in the run folder. apply: pictures (N, C, H, H) in [-1, 1], at the resolution grown so far, and
    random numbers (N, columns), uniform in [0, 1) -> pictures of the same shape; it must not change those that it is
    given. The reals and the fakes of a step get the same numbers. They must be its only source of randomness, so that a
    run resumes bit for bit and does not depend on the number of processes. numbers: how many random numbers a picture
    needs. adaptive: whether one more column, the last, holds the probability that the controller has set (`ada.moved`).
    """

    name: str
    apply: Callable[[Tensor, Tensor], Tensor]
    numbers: int = 0
    adaptive: bool = False

    @property
    def columns(self) -> int:
        """The number of columns of the tensor that `apply` is given."""
        return self.numbers + self.adaptive


def identity(images: Tensor, u: Tensor) -> Tensor:
    """The pictures, unchanged."""
    return images


NONE = Augmentation("none", identity)
AUGMENTATIONS = {
    "none": NONE,
    "diffaug": Augmentation("diffaug", diffaugment.diffaugment, diffaugment.NUMBERS),
    "ada": Augmentation("ada", ada.ada, ada.NUMBERS, adaptive=True),
}
"""The values of `augment` in a configuration."""
