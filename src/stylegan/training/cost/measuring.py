"""How fast this machine trains: timed steps of a throw-away network at each resolution, within a time limit."""

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean, median, median_high

import torch

from stylegan.config import GROUP_SIZE, Config
from stylegan.training.augment import Augmentation
from stylegan.training.batch import Inputs
from stylegan.training.loop import take_steps
from stylegan.training.machine import processes
from stylegan.training.machine.graphs import EAGER_STEPS
from stylegan.training.machine.programs import phases, why_not
from stylegan.training.objectives import Objectives
from stylegan.training.randomness import Latents, draw
from stylegan.training.run.bar import image_cost_mflop
from stylegan.training.schedule import Phase, batch_of, level_images
from stylegan.training.state import TrainingState

CAUTION = 2  # a step may take this many times as long as the last one predicts: a busy machine, R1
SMALLER = (64, 16, GROUP_SIZE)  # batches per process that are tried if the whole one takes too long


@dataclass(frozen=True)
class Cost:
    """The cost of training at one resolution.

    peak_bytes: the most memory that one process took; None if it is not known. compile_sec: the time, spent once, for
    compiling the programs of its phases. spread: half the range of the middle half of the timed steps, divided by their
    median; None if too few were timed. batch: how many images a timed step had in all processes together; 0 if no step
    was timed, and sec_per_img is that of the level below, scaled by the number of multiplications.
    """

    sec_per_img: float
    peak_bytes: int | None
    compile_sec: float = 0.0
    spread: float | None = None
    batch: int = 0


@dataclass
class Allowance:
    """The seconds that a measurement may take, and those that it has taken. Every process has the same numbers."""

    limit: float = math.inf
    spent: float = 0.0

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self.limit - self.spent


@dataclass
class Trial:
    """The timed steps of a resolution, with R1 (True) and without (False).

    first: seconds and peak bytes of the first step of each kind, which is not timed. seconds: those of the timed steps.
    """

    resolution: int
    batch: int
    first: dict[bool, tuple[float, int | None]] = field(default_factory=dict)
    seconds: dict[bool, list[float]] = field(default_factory=dict)

    def sec(self, penalized: bool) -> float:
        """The median time of a step, in seconds."""
        return median_high(self.seconds[penalized])

    def cost(self, config: Config, device: torch.device) -> Cost:
        """The mean cost over a cycle in which one step of every r1_interval has R1."""
        mean = fmean(self.sec(i == 0) for i in range(config.r1_interval))
        whole = self.batch == batch_of(config, self.resolution, processes.world())
        compile_sec = 0.0
        if config.compile and not why_not(config, self.resolution, device):
            once = sum(self.first[penalized][0] - self.sec(penalized) for penalized in self.first)
            compile_sec = once * phases(config, self.resolution)
        peak = self.first[True][1] if whole else None  # a step with R1 takes the most memory
        known = [each for seconds in self.seconds.values() if (each := spread(seconds)) is not None]
        return Cost(mean / self.batch, peak, compile_sec, max(known, default=None), self.batch)


def spread(seconds: list[float]) -> float | None:
    """Half the range of the middle half of the numbers, divided by their median; None for fewer than three numbers."""
    if len(seconds) < 3:
        return None
    ordered, quarter = sorted(seconds), len(seconds) // 4
    middle = ordered[quarter : len(ordered) - quarter]
    return (middle[-1] - middle[0]) / 2 / median(ordered)


def measure_levels(
    config: Config,
    device: torch.device,
    *,
    objectives: Objectives | None = None,
    augmentation: Augmentation | None = None,
    trial_sec: float = 2.0,
    allowance: Allowance | None = None,
    say: Callable[[str], None] | None = None,
) -> dict[int, Cost]:
    """The cost of each resolution while it fades in, from real steps of a throw-away network on random pictures.

    Several processes measure together, each with its part of the batch, and all get the same seconds. The levels take
    turns, and the median counts, so that a busy moment of the machine does not distort a single level. On CUDA, each
    level is measured in one go, after its steps have been recorded as graphs. With lazy R1, steps with and without it
    are measured and weighted by their frequency.
    trial_sec: seconds to time each kind of step. allowance: if whole batches would take longer, smaller ones are
    measured; if these would too, the level is not measured, and its cost is scaled from the level below. say: called
    with each resolution before it is measured.
    """
    state = TrainingState.new(config, device, objectives=objectives, augmentation=augmentation)
    trials = Trials(state, allowance or Allowance(), trial_sec, say or (lambda words: None))
    resolutions = list(level_images(config))
    for group in [[r] for r in resolutions] if device.type == "cuda" else [resolutions]:
        trials.take_turns([trial for r in group if (trial := trials.begin(r))])
    costs: dict[int, Cost] = {}
    for resolution in resolutions:
        if resolution in trials.done:
            costs[resolution] = trials.done[resolution].cost(config, device)
        else:
            below = costs[resolution // 2]
            scale = image_cost_mflop(config, resolution) / image_cost_mflop(config, resolution // 2)
            costs[resolution] = Cost(below.sec_per_img * scale, None, spread=below.spread)
    return costs


class Trials:
    """The trials of all resolutions, with one network."""

    def __init__(
        self, state: TrainingState, allowance: Allowance, trial_sec: float, say: Callable[[str], None]
    ) -> None:
        self.state, self.allowance, self.trial_sec, self.say = state, allowance, trial_sec, say
        self.done: dict[int, Trial] = {}
        self.penalties = (True, False)[: state.config.r1_interval]
        self.warm_up = EAGER_STEPS + 1 if state.device.type == "cuda" else 1  # the last one records the graph
        self.sec_per_mflop = 0.0  # unknown at first

    def begin(self, resolution: int) -> Trial | None:
        """Warm up a resolution; None if there is no time for it."""
        trial = Trial(resolution, 0)
        if math.isfinite(self.allowance.limit) and not self.done and self.state.device.type != "cuda":
            trial.batch = self.batches(resolution)[-1]  # two small steps to predict the others; the first one is slow
            for _ in range(2):
                self.step(trial, penalized=True)
        trial.batch = self.affordable(resolution)
        if not trial.batch:
            return None
        self.say(f"{resolution}x{resolution}, {trial.batch} images a step")
        for penalized in self.penalties:
            for _ in range(self.warm_up):
                found = self.step(trial, penalized)
                trial.first.setdefault(penalized, found)
        self.done[resolution] = trial
        return trial

    def batches(self, resolution: int) -> list[int]:
        """Batch sizes to measure with, for all processes together, from the schedule's own to the smallest."""
        whole, world = batch_of(self.state.config, resolution, processes.world()), processes.world()
        return [whole, *(smaller * world for smaller in SMALLER if smaller * world < whole)]

    def affordable(self, resolution: int) -> int:
        """The largest batch whose steps fit into this level's share of the time left; 0 if the level is to be skipped.

        The first level is never skipped.
        """
        batches, left = self.batches(resolution), self.allowance.left
        if math.isinf(left) or not self.sec_per_mflop:
            return batches[0]
        ahead = [r for r in level_images(self.state.config) if r >= resolution]
        mflop = {r: image_cost_mflop(self.state.config, r) for r in ahead}
        steps = CAUTION * len(self.penalties) * (self.warm_up + 1)
        sec = {batch: steps * batch * mflop[resolution] * self.sec_per_mflop for batch in batches}
        share = left * mflop[resolution] / sum(mflop.values())
        smallest = batches[-1] if sec[batches[-1]] < left or not self.done else 0
        return next((batch for batch in batches if sec[batch] <= share), smallest)

    def take_turns(self, trials: list[Trial]) -> None:
        """Time steps of all kinds in turn, at least one each, until each has had `trial_sec` or no time is left."""
        kinds = [(trial, penalized) for trial in trials for penalized in self.penalties]
        while waiting := [(trial, penalized) for trial, penalized in kinds if self.wants(trial, penalized)]:
            for trial, penalized in waiting:
                trial.seconds.setdefault(penalized, []).append(self.step(trial, penalized)[0])

    def wants(self, trial: Trial, penalized: bool) -> bool:
        """Should one more step of this kind be timed?"""
        seconds = trial.seconds.get(penalized)
        return not seconds or (sum(seconds) < self.trial_sec and seconds[-1] < self.allowance.left)

    def step(self, trial: Trial, penalized: bool) -> tuple[float, int | None]:
        """The seconds and peak bytes of one step, which are counted in the allowance."""
        sec, peak = _timed_step(self.state, trial.resolution, penalized, trial.batch)
        self.allowance.spent += sec
        self.sec_per_mflop = sec / trial.batch / image_cost_mflop(self.state.config, trial.resolution)
        return sec, peak


def _timed_step(state: TrainingState, resolution: int, penalized: bool, batch: int) -> tuple[float, int | None]:
    """The seconds of a step of D and G, averaged over all processes, and the peak memory of this one, in bytes.

    penalized: whether the step has R1, as the first of every r1_interval steps does. batch: of all processes together.
    """
    config, device = state.config, state.device
    level = (config.img_resolution // resolution).bit_length() - 1
    lod = min(level + 0.5, config.max_lod)
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
    inputs = Inputs(reals, for_d.c, for_d, uniform(N, 1, 1, 1), uniform(N, state.augmentation.columns))
    stats = take_steps(state, inputs, inputs if config.shared_fakes else inputs._replace(latents=latents()))
    stats["G_loss"].item()  # waits until a GPU has finished
    sec = torch.tensor(time.perf_counter() - start, device=device)
    processes.average([sec])
    return sec.item(), _peak_bytes(device)


def _peak_bytes(device: torch.device) -> int | None:
    """On CUDA, the peak memory since the last reset; on the CPU, that of this process since it began; else None."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == "mps" or sys.platform == "win32":
        return None
    import resource  # Windows has no such module

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
