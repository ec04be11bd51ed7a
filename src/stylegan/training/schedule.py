"""Growth, batch size and learning rate at an image count (Section 2, Appendix C; Progressive GAN)."""

import itertools
import math
from dataclasses import dataclass

from stylegan.config import GROUP_SIZE, Config

KEEP_SNAPSHOTS = 10  # by default: for configuration F at 256 px, each takes 302 MB


@dataclass(frozen=True)
class Phase:
    """The schedule at one moment.

    lod: 0 is full size, each 1 more halves it, and a fraction means that a resolution is fading in. batch: images in a
    step of all GPUs together. penalized: whether this step of D, one of every r1_interval, takes the penalty on reals.
    """

    lod: float
    resolution: int
    batch: int
    lrate: float
    tick_kimg: float
    penalized: bool = True

    @property
    def growth(self) -> tuple[int, int]:
        """A pair that changes whenever layers begin or cease to take part."""
        return math.floor(self.lod), math.ceil(self.lod)


def schedule(config: Config, cur_nimg: int, num_gpus: int = 1) -> Phase:
    """The phase after `cur_nimg` images. The values of a resolution hold from the first image of its fade."""
    kimg = cur_nimg / 1000
    phase_kimg = config.level_kimg + config.fade_kimg
    phase = math.floor(kimg / phase_kimg) if phase_kimg else 0
    lod = math.log2(config.img_resolution) - math.log2(config.initial_resolution) - phase
    if config.fade_kimg:
        lod -= max(kimg - phase * phase_kimg - config.level_kimg, 0) / config.fade_kimg
    lod = max(lod, 0.0)
    resolution = config.img_resolution >> math.floor(lod)

    batch = batch_of(config, resolution, num_gpus)
    lrate = config.lrate_at.get(resolution, config.lrate)
    if config.lrate_rampup_kimg:
        lrate *= min(kimg / config.lrate_rampup_kimg, 1.0)
    tick_kimg = config.tick_kimg_at.get(resolution, config.tick_kimg)
    return Phase(lod, resolution, batch, lrate, tick_kimg, penalized=cur_nimg // batch % config.r1_interval == 0)


def batch_of(config: Config, resolution: int, num_gpus: int = 1) -> int:
    """The number of images in a step at one resolution, of all GPUs together."""
    batch = config.batch_at.get(resolution, config.batch)
    batch -= batch % num_gpus
    return min(batch, config.max_batch_per_gpu.get(resolution, batch) * num_gpus)


def refused_batches(config: Config, num_gpus: int) -> list[str]:
    """The levels whose batches `num_gpus` processes cannot share, one line each with the reason."""
    if num_gpus == 1:
        return []
    group = GROUP_SIZE
    return [
        f"batch {batch} at {resolution}x{resolution}: must be a multiple of {group * num_gpus} with {num_gpus} "
        f"processes, because the minibatch deviation works on groups of {group} pictures: set batch or batch_at"
        for _, resolution in level_starts(config)
        if (batch := batch_of(config, resolution, num_gpus)) % (group * num_gpus) or not batch
    ]


def level_starts(config: Config) -> list[tuple[int, int]]:
    """Pairs (image count, resolution): when each resolution begins to fade in; 0 for the first one."""
    starts, resolution = [(0, config.initial_resolution)], config.initial_resolution
    while resolution < config.img_resolution:
        resolution *= 2
        phase = len(starts) - 1
        starts.append((round(1000 * (phase * (config.level_kimg + config.fade_kimg) + config.level_kimg)), resolution))
    return starts


def grown_kimg(config: Config) -> float:
    """Thousands of images until the networks have grown to full size, fade included; 0 if they begin at full size."""
    starts = level_starts(config)
    return starts[-1][0] / 1000 + config.fade_kimg if len(starts) > 1 else 0.0


def level_images(config: Config) -> dict[int, int]:
    """Resolution -> the number of images that the run shows there, from the start of its fade to that of the next."""
    total = round(1000 * config.total_kimg)
    starts = [*level_starts(config), (total, 0)]
    return {r: max(min(end, total) - start, 0) for (start, r), (end, _) in itertools.pairwise(starts)}
