"""How many images a training can see in a given time on this machine, by trying each level for a moment."""

import time

import torch

from stylegan.config import Config
from stylegan.training.loop import d_step, g_step
from stylegan.training.randomness import draw
from stylegan.training.schedule import Phase, level_starts
from stylegan.training.state import TrainingState


def measure_levels(config: Config, device: torch.device, *, trial_sec: float = 2.0) -> dict[int, float]:
    """Seconds an image takes at each resolution of the schedule, fading: real steps of a throw-away network."""
    state = TrainingState.new(config, device)
    return {resolution: _sec_per_img(state, resolution, trial_sec) for _, resolution in level_starts(config)}


def _sec_per_img(state: TrainingState, resolution: int, trial_sec: float) -> float:
    config = state.config
    level = (config.img_resolution // resolution).bit_length() - 1
    lod = min(level + 0.5, config.max_lod)
    phase = Phase(lod, resolution, config.batch_at.get(resolution, config.batch), config.lrate, config.tick_kimg)
    state.G.lod = state.D.lod = lod
    generator = torch.Generator(state.device).manual_seed(0)
    c = torch.zeros(phase.batch, config.c_dim, device=state.device) if config.c_dim else None
    seconds: list[float] = []
    while sum(seconds) < trial_sec or len(seconds) < 3:
        start = time.perf_counter()
        reals = torch.rand(phase.batch, config.img_channels, resolution, resolution, device=state.device)
        d_step(state, phase, reals, c, draw(state.G, phase.batch, style_mixing_prob=0, generator=generator))
        g_step(state, phase, c, draw(state.G, phase.batch, style_mixing_prob=0, generator=generator))
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[len(seconds) // 2] / phase.batch  # the median: the first steps warm up


def training_sec(config: Config, sec_per_img: dict[int, float]) -> float:
    """Seconds that the whole training takes at the measured speed of each level."""
    starts = [*level_starts(config), (round(1000 * config.total_kimg), 0)]
    return sum((starts[i + 1][0] - start) * sec_per_img[res] for i, (start, res) in enumerate(starts[:-1]))


def kimg_in(config: Config, seconds: float, device: torch.device) -> float:
    """The budget, in thousands of images, that `seconds` allow: config.for_budget(it) takes about that long."""
    sec_per_img = measure_levels(config, device)
    trial = config.for_budget(100)
    return round(100 * seconds / training_sec(trial, sec_per_img), 1)
