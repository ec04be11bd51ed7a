"""The time that a training run takes, from the costs of its levels, and the budget that a given time allows."""

from collections.abc import Callable

import torch

from stylegan.config import Config
from stylegan.training.cost.measuring import Cost, measure_levels
from stylegan.training.schedule import level_images


def level_sec(config: Config, costs: dict[int, Cost]) -> dict[int, float]:
    """Resolution -> the seconds that the run spends there, from the start of its fade to that of the next."""
    return {
        resolution: images * costs[resolution].sec_per_img + costs[resolution].compile_sec
        for resolution, images in level_images(config).items()
    }


def config_in(config: Config, seconds: float, device: torch.device) -> Config:
    """The widest network, with its schedule, that sees ENOUGH_KIMG in `seconds`; the narrowest if none does.

    In a few minutes, many steps of a narrow network beat few steps of a wide one. The batch of `config` is kept.
    """
    chosen = None
    for width in WIDTHS:
        wider = config.but(channel_max=width, channel_base=width * config.img_resolution)
        kimg = kimg_in(wider, seconds, device)
        if chosen is not None and kimg < ENOUGH_KIMG:
            break
        chosen = wider.for_budget(kimg)
    assert chosen is not None
    return chosen


WIDTHS = (32, 64, 128, 256, 512)
ENOUGH_KIMG = 50.0  # 32 and 64 channels draw 32x32 faces with eyes after 40 to 45 (docs/results.md)


def kimg_in(config: Config, seconds: float, device: torch.device) -> float:
    """The number of kimg for which `config.for_budget(kimg)` takes about `seconds` on this device."""
    return affordable_kimg(config, seconds, measure_levels(config, device))


def affordable_kimg(config: Config, seconds: float, costs: dict[int, Cost]) -> float:
    """The largest budget, to a tenth, whose schedule takes at most `seconds` with these costs; 0.1 if none does."""

    def fits(tenths: int) -> bool:
        return sum(level_sec(config.for_budget(tenths / 10), costs).values()) <= seconds

    return largest(fits) / 10


def largest(fits: Callable[[int], bool]) -> int:
    """The largest whole number above 0 that fits, provided that all smaller ones fit too; 1 if none fits."""
    high = 2
    while fits(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
