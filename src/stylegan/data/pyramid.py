"""One picture at every resolution, as the authors' data have it."""

import numpy as np
from numpy.typing import NDArray


def pyramid(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """(H, H, C) -> the same at H, H/2, ... 4: a chain of 2x2 box means, each level rounded on its own (half to even).

    The chain itself is not rounded: rounding a rounded level would drift from what the networks' box filter gives.
    """
    levels = [pixels]
    mean = pixels.astype(np.float32)  # exact up to 1024: sums of 4**8 bytes fit in 24 bits
    while len(mean) > 4:
        mean = halve(mean)
        levels.append(np.rint(mean).astype(np.uint8))
    return levels


def halve(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """2x2 box means: (H, W, C) -> (H / 2, W / 2, C)."""
    return (x[0::2, 0::2] + x[0::2, 1::2] + x[1::2, 0::2] + x[1::2, 1::2]) * np.float32(0.25)
