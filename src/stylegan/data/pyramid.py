"""One picture at every resolution, as in the authors' data."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def pyramid(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """(H, H, C) -> the same at H, H/2, ... 4: a chain of 2x2 box means, each level rounded on its own (half to even).

    The chain itself is not rounded: repeated rounding would drift from the networks' box filter.
    With 4 channels a colour counts as much as its alpha, and beneath alpha 0 every level is black.
    """
    levels = [pixels]
    see_through = pixels.shape[2] == 4
    # exact up to 1024: sums of 4**8 bytes fit in the 24 bits of a float32, times alpha in the 53 of a float64
    mean: NDArray[Any] = _times_alpha(pixels.astype(np.float64)) if see_through else pixels.astype(np.float32)
    while len(mean) > 4:
        mean = halve(mean)
        levels.append(_over_alpha(mean) if see_through else np.rint(mean).astype(np.uint8))
    return levels


def halve(x: NDArray[Any]) -> NDArray[Any]:
    """2x2 box means: (H, W, C) -> (H / 2, W / 2, C), of the same dtype."""
    return (x[0::2, 0::2] + x[0::2, 1::2] + x[1::2, 0::2] + x[1::2, 1::2]) * x.dtype.type(0.25)


def _times_alpha(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([x[:, :, :3] * x[:, :, 3:], x[:, :, 3:]], axis=2)


def _over_alpha(x: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Undo `_times_alpha`, rounded. An alpha that rounds to 0 hides its colour, so that is black."""
    alpha = np.rint(x[:, :, 3:])
    colour = np.divide(x[:, :, :3], x[:, :, 3:], out=np.zeros_like(x[:, :, :3]), where=alpha > 0)
    return np.concatenate([np.rint(colour), alpha], axis=2).astype(np.uint8)
