"""Checks the feature arrays that every metric takes, and sets the precision in which they are computed."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylegan.errors import refuse

Array = Tensor | NDArray
"""(N, F): a row of F features for each of N pictures."""


def checked(*, at_least: int = 2, same_width: bool = True, **arrays: Array) -> list[Tensor]:
    """The arrays as float64 tensors (N, F), on their own devices, in the given order. Errors use their names.

    Raises InputError that names every problem: another shape, fewer than `at_least` rows, NaN or infinity and, with
    `same_width`, different F.
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
    """The array as a float64 tensor on its own device, or on the CPU if it is on MPS, which has no float64."""
    if not isinstance(array, Tensor):
        return torch.from_numpy(np.array(array, dtype=np.float64))
    array = array.detach()
    return (array.cpu() if array.device.type == "mps" else array).double()


def subset(features: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """`size` random rows of (N, F) features, none of them twice."""
    order = torch.randperm(len(features), generator=generator, device=generator.device)
    return features[order[:size].to(features.device)]


def _problems(name: str, array: Tensor, at_least: int) -> list[str]:
    if array.ndim != 2 or array.shape[1] == 0:
        return [f"{name} of shape {tuple(array.shape)}: must be (N, F), a row for each picture"]
    if len(array) < at_least:
        return [f"{name} has {len(array)} rows: must have {at_least} or more, one for each picture"]
    bad = int((~array.isfinite()).any(dim=1).sum())
    if bad:
        return [
            f"{name}: {bad} of {len(array)} rows hold NaN or infinity; mend or leave out the pictures they come from"
        ]
    return []
