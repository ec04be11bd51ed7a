"""The settings that control the pictures, with the same names in every command. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from stylegan.config import NoiseMode
from stylegan.errors import InputError, printable
from stylegan.files import user_path
from stylegan.sampling.sources import is_file_name

if TYPE_CHECKING:
    from stylegan.sampling.direction import Move

    Steps = Sequence[str | Move]
    Class = int | str | None
else:  # as the command line has them
    Steps = tuple[str, ...]
    Class = str | None

Psi = float | str | Sequence[float]
"""One psi for all styles, one for each, or in words: "0.7", "0.7,0.7,1,1", "coarse=0.5,middle=1" (others 1)."""


@dataclass(frozen=True)
class Controls:
    """How pictures are made from seeds. With the same controls, a seed gives the same picture in every command.

    The defaults are those of the authors' examples: psi 0.7 on 4 to 32 px, fresh noise for each seed.
    """

    psi: Psi = 0.7
    """Truncation: 1 none, 0 the average picture, below 0 its opposite. Also 0.7,0.7,1,... or coarse=0.5,middle=1."""
    cutoff: int | None = 8
    """How many styles are truncated, two per resolution from 4 px up; None or more than there are: all."""
    towards: str = "mean"
    """The target of truncation: mean (from training), mean:N (of N samples), centers:K (of K clusters of W)."""
    noise: NoiseMode = "random"
    """Stochastic detail: random (from the seed), const (the network's stored maps) or none."""
    noise_seed: int | None = None
    """Use the random noise of this seed for every picture instead of each seed's own."""
    noise_layers: Annotated[str | Sequence[int] | None, tyro.conf.arg(metavar="LEVELS")] = None
    """Add noise in these layers only: coarse, middle, fine, 4-7, 64px, all, none, joined by commas."""
    class_index: Annotated[Class, tyro.conf.arg(name="class", metavar="CLASS")] = None  # `class` is Python's
    """The class, by name or number, for a network that has classes."""

    direction: Steps = ()
    """Steps along directions, in standard deviations of W: glasses=+2.0 age=-1, or a file's path.safetensors=+2.0 or
    path.npy=+2.0 (a vector of another program). In Python also pairs of a `Direction` and a strength."""
    directions_from: tyro.conf.Suppress[Path | str | None] = None
    """The folder in which directions are looked up by name. The commands use the one next to their network."""

    def __post_init__(self) -> None:
        # Paths are made absolute at once, so that a later os.chdir changes nothing.
        if self.directions_from is not None:
            object.__setattr__(self, "directions_from", user_path(self.directions_from).absolute())
        steps: object = self.direction
        if isinstance(steps, str):
            raise InputError(f"direction {steps!r}: give several or one as a tuple, ({steps!r},)")
        if not isinstance(steps, list | tuple):
            raise InputError(f"direction {printable(steps, 80)}: {STEPS}")
        object.__setattr__(self, "direction", tuple(map(_step, steps)))

    def but(self, **changes: object) -> "Controls":
        """The same with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


STEPS = 'must be a list of steps, texts such as "glasses=+2.0" or pairs of a Direction and a strength, (found, 2.0)'


def _step(step: object) -> object:
    """A step with an absolute path, if it names a file."""
    if not isinstance(step, str):
        if not isinstance(step, tuple | list) or len(step) != 2:
            raise InputError(f"direction {printable(step, 80)}: {STEPS}")
        return tuple(step)
    name, _, strength = step.rpartition("=")
    return f"{user_path(name).absolute()}={strength}" if is_file_name(name) else step
