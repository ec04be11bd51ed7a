"""Checks of the feature arrays that every metric takes, and the precision it computes in."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylegan.errors import refuse

Array = Tensor | NDArray
"""(N, F): a row for each picture."""


def checked(*, at_least: int = 2, same_width: bool = True, **arrays: Array) -> list[Tensor]:
    """The arrays as float64 tensors (N, F) where they lie, in the order given; their names stand in the errors.

    Raises InputError, naming every problem at once, for another shape, fewer than `at_least` rows, NaN or infinity,
    and, with `same_width`, where F is not the same.
    """
    found = {name: as_double(array) for name, array in arrays.items()}
    problems = [problem for name, array in found.items() for problem in _problems(name, array, at_least)]
    refuse(problems)
    widths = {name: array.shape[1] for name, array in found.items()}
    if same_width and len(set(widths.values())) > 1:
        words = " and ".join(f"{width} in {name}" for name, width in widths.items())
        refuse([f"features are {words}: both must come from the same feature network"])
    return list(found.values())


def as_double(array: Array) -> Tensor:
    """float64, where the array lies; from MPS, which has no float64, on the CPU."""
    if not isinstance(array, Tensor):
        return torch.from_numpy(np.array(array, dtype=np.float64))
    array = array.detach()
    return (array.cpu() if array.device.type == "mps" else array).double()


def subset(features: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """`size` of the rows, at random, none twice."""
    order = torch.randperm(len(features), generator=generator, device=generator.device)
    return features[order[:size].to(features.device)]


def _problems(name: str, array: Tensor, at_least: int) -> list[str]:
    if array.ndim != 2 or array.shape[1] == 0:
        return [f"{name} of shape {tuple(array.shape)}: must be (N, F), a row for each picture"]
    if len(array) < at_least:
        return [f"{name} has {len(array)} rows: must have {at_least} or more, one for each picture"]
    bad = int((~array.isfinite()).any(dim=1).sum())
    if bad:
        return [f"{name}: {bad} of {len(array)} rows hold NaN or infinity; mend or leave out what they were made of"]
    return []
