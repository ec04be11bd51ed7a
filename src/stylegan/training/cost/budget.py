"""The cost of a training run on this machine, and the budget that a given time allows, from short trials."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import fmean, median_high

import torch

from stylegan.config import Config
from stylegan.training.augment import Augmentation
from stylegan.training.batch import Inputs
from stylegan.training.loop import take_steps
from stylegan.training.machine import processes
from stylegan.training.machine.programs import phases, why_not
from stylegan.training.objectives import Objectives
from stylegan.training.randomness import Latents, draw
from stylegan.training.schedule import Phase, batch_of, level_images
from stylegan.training.state import TrainingState


@dataclass(frozen=True)
class Cost:
    """The cost of a resolution. peak_bytes: the most memory that one process took; None if the system does not say.

    compile_sec: the time, once, for compiling the programs of its phases.
    """

    sec_per_img: float
    peak_bytes: int | None
    compile_sec: float = 0.0


def measure_levels(
    config: Config,
    device: torch.device,
    *,
    objectives: Objectives | None = None,
    augmentation: Augmentation | None = None,
    trial_sec: float = 2.0,
) -> dict[int, Cost]:
    """The cost of each resolution while it fades in, from real steps of a throw-away network on random pictures.

    Many processes measure together, each with its part of the batch, and all get the same seconds. The levels take
    turns, and the median counts, so that a busy moment of the machine does not distort a single level. With lazy R1,
    steps with and without it are measured and weighted by their frequency.
    """
    state = TrainingState.new(config, device, objectives=objectives, augmentation=augmentation)
    resolutions = list(level_images(config))
    kinds = [(resolution, penalized) for resolution in resolutions for penalized in (True, False)[: config.r1_interval]]
    first = {kind: _timed_step(state, *kind) for kind in kinds}  # warms up, and measures the memory
    seconds: dict[tuple[int, bool], list[float]] = {kind: [] for kind in kinds}
    while waiting := [kind for kind, sec in seconds.items() if sum(sec) < trial_sec]:
        for kind in waiting:
            seconds[kind].append(_timed_step(state, *kind)[0])
    step_sec = {kind: median_high(sec) for kind, sec in seconds.items()}
    mean_sec = {r: fmean(step_sec[r, i == 0] for i in range(config.r1_interval)) for r in resolutions}
    compile_sec = dict.fromkeys(resolutions, 0.0)
    for resolution, penalized in kinds if config.compile else ():
        if not why_not(config, resolution, device):
            once = first[resolution, penalized][0] - step_sec[resolution, penalized]
            compile_sec[resolution] += once * phases(config, resolution)
    return {
        r: Cost(sec / batch_of(config, r, processes.world()), first[r, True][1], compile_sec[r])  # R1 takes most memory
        for r, sec in mean_sec.items()
    }


def _timed_step(state: TrainingState, resolution: int, penalized: bool) -> tuple[float, int | None]:
    """Seconds of a step of D and G, the mean over all processes, and the peak memory of this one.

    penalized: with R1, as in the first of every r1_interval steps?
    """
    config, device = state.config, state.device
    level = (config.img_resolution // resolution).bit_length() - 1
    lod, batch = min(level + 0.5, config.max_lod), batch_of(config, resolution, processes.world())
    state.enter(Phase(lod, resolution, batch, config.lrate, config.tick_kimg, penalized))
    generator, mine = torch.Generator(device).manual_seed(0), processes.mine()
    c = torch.zeros(len(range(batch)[mine]), config.c_dim, device=device) if config.c_dim else None

    def latents() -> Latents:
        return draw(state.G, c, batch, style_mixing_prob=0, generator=generator, part=mine)

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    start = time.perf_counter()
    for_d = latents()
    N = len(for_d.z)
    uniform = partial(torch.rand, generator=generator, device=device)
    reals = uniform(N, config.img_channels, resolution, resolution)
    inputs = Inputs(reals, for_d.c, for_d, uniform(N, 1, 1, 1), uniform(N, state.augmentation.numbers))
    stats = take_steps(state, inputs, inputs if config.shared_fakes else inputs._replace(latents=latents()))
    stats["G_loss"].item()  # waits until a GPU has finished
    sec = torch.tensor(time.perf_counter() - start, device=device)
    processes.average([sec])
    return sec.item(), _peak_bytes(device)


def _peak_bytes(device: torch.device) -> int | None:
    """On CUDA the most memory since the last reset; on the CPU the most that this process has ever held."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == "mps" or sys.platform == "win32":
        return None
    import resource  # there is none on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def level_sec(config: Config, costs: dict[int, Cost]) -> dict[int, float]:
    """Seconds that each level of the run takes, from its fade to the next one's."""
    return {
        resolution: images * costs[resolution].sec_per_img + costs[resolution].compile_sec
        for resolution, images in level_images(config).items()
    }


def config_in(config: Config, seconds: float, device: torch.device) -> Config:
    """The widest network, with its schedule, that sees ENOUGH_KIMG in `seconds`; the narrowest if none does.

    In a few minutes, many steps of a narrow network beat few steps of a wide one. The batch stays that of `config`.
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
ENOUGH_KIMG = 50.0  # 32 and 64 channels draw faces of 32x32 with eyes after 40 to 45 (docs/results.md)


def kimg_in(config: Config, seconds: float, device: torch.device) -> float:
    """The budget, in thousands of images, that `seconds` allow: config.for_budget(it) takes about that long."""
    return affordable_kimg(config, seconds, measure_levels(config, device))


def affordable_kimg(config: Config, seconds: float, costs: dict[int, Cost]) -> float:
    """The same from known costs: the largest budget whose schedule takes at most `seconds`, to a tenth."""

    def fits(tenths: int) -> bool:
        return sum(level_sec(config.for_budget(tenths / 10), costs).values()) <= seconds

    return largest(fits) / 10


def largest(fits: Callable[[int], bool]) -> int:
    """The largest whole number from 1 that fits, if all smaller ones do; 1 if none fits."""
    high = 2
    while fits(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
