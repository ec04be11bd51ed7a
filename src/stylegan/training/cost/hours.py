"""The best network that a given time allows on this machine: `stylegan train --hours H`.

The rule (`training/rule.py`) says what suits a network of each width. Here, a short measurement shows how many images
each width would see in the time, and the widest one that sees enough is chosen.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import torch

from stylegan.config import Config
from stylegan.data.dataset import ImageDataset
from stylegan.errors import InputError, printable
from stylegan.training.augment import Augmentation
from stylegan.training.cost.budget import largest, level_sec
from stylegan.training.cost.measuring import Allowance, Cost, measure_levels
from stylegan.training.fitted import given_way
from stylegan.training.machine import processes
from stylegan.training.machine.environment import using_threads
from stylegan.training.objectives import LOSSES, Objectives
from stylegan.training.rule import LADDER, LONG_KIMG, Rung, ruled
from stylegan.training.run.bar import clock, image_cost_mflop
from stylegan.training.run.first_lines import penalty, rate_of
from stylegan.training.schedule import batch_of, level_images

MEASURING_SEC = 50.0  # less than a minute with everything that is not timed
MEASURING_SHARE = 0.1  # the most of a short time that is spent on measuring
TRIAL_SEC = 0.5
STEPS_SHARE = 0.95  # of the time is for steps; sheets, states and snapshots take the rest
WORTH = 1.25  # how many times as fast several threads must be as one: beside other programs, they wait for each other
UNKNOWN = 0.25  # the spread that is assumed if too few steps were timed
MOST_HOURS = 20_000  # more than two years
WEEK_SEC = 7 * 24 * 3600.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Own:
    """What the user gives besides the time. fixed: fields of the configuration that the rule must not choose."""

    fixed: Mapping[str, Any]
    objectives: Objectives | None = None
    augmentation: Augmentation | None = None


@dataclass(frozen=True)
class Plan:
    """A training run that was chosen for a time.

    threads: how many CPU threads suit it. costs: of each resolution. measured_sec: how long all measuring took.
    """

    config: Config
    threads: int
    costs: dict[int, Cost]
    measured_sec: float = 0.0

    @property
    def training_sec(self) -> float:
        """The forecast of the run's time in seconds, including everything that is not a step."""
        return sum(level_sec(self.config, self.costs).values()) / STEPS_SHARE

    @property
    def doubt(self) -> float:
        """The relative error that the forecast may have, 0.1 plus the spread of steps; more if none was timed."""
        parts = level_sec(self.config, self.costs)
        doubts = {
            r: 0.1 + (UNKNOWN if cost.spread is None else cost.spread) + (0.0 if cost.batch else 0.5)
            for r, cost in self.costs.items()
        }
        return sum(parts[r] * doubts[r] for r in parts) / max(sum(parts.values()), 1e-9)


def check_hours(hours: float, kimg: float | None, fixed: Mapping[str, Any]) -> None:
    """Raise InputError for an impossible time, and if a number of images is given too."""
    if kimg is not None or "total_kimg" in fixed:
        raise InputError(
            f"hours {hours!r} and {'kimg' if kimg is not None else 'total_kimg'}: the time decides how many images are "
            "shown, so give one of them"
        )
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= MOST_HOURS:  # nor NaN
        raise InputError(
            f"hours {printable(hours)}: must be a number above 0 and up to {MOST_HOURS:,}; pictures of 32x32 need at "
            "least ten minutes (0.17) to become faces on one core"
        )


def plan_for(config: Config, hours: float, device: torch.device, *, own: Own, say: Say) -> Plan:
    """The run of the highest rung that sees enough images in `hours`, found by trials that take at most a minute.

    config: fitted to the data. The fields in `own.fixed` stay as they are. Several processes plan together. Raises
    InputError if not even one step fits into the time.
    """
    seconds = 3600 * hours
    climb = Climb(config, seconds, device, own, say, Allowance(min(MEASURING_SEC, MEASURING_SHARE * seconds)))
    ladder = rungs(own.fixed)
    at = min(START, len(ladder) - 1)
    chosen = climb.reach(ladder[at])
    while chosen is None:  # go down; this ends, because the lowest rung needs no images
        at -= 1
        chosen = climb.reach(ladder[at])
    for rung in ladder[at + 1 :] if at >= START else ():
        candidate = candidate_of(config, rung, device, own)
        found = None if is_hopeless(candidate, rung, chosen, device) else climb.reach(rung)
        if found is None:
            break
        chosen = found
    refuse_less_than_a_step(chosen, seconds)
    return replace(chosen, measured_sec=climb.allowance.spent)


START = 2  # the index of the rung that is tried first: the box's network


@dataclass(frozen=True)
class Climb:
    """Everything that trying a rung needs."""

    config: Config
    seconds: float
    device: torch.device
    own: Own
    say: Say
    allowance: Allowance

    def reach(self, rung: Rung) -> Plan | None:
        """The run of a rung; None if it would see too few images in the time or does not fit into the GPU's memory."""
        candidate = candidate_of(self.config, rung, self.device, self.own)
        try:
            threads, costs = fastest(candidate, self.device, own=self.own, allowance=self.allowance, say=self.say)
        except torch.OutOfMemoryError:
            if not rung.least_kimg:
                raise
            return None
        left = STEPS_SHARE * (self.seconds - self.allowance.spent)
        kimg = images_in(candidate, self.own.fixed, left, costs) / 1000
        return Plan(budgeted(candidate, self.own.fixed, kimg), threads, costs) if kimg >= rung.least_kimg else None


def rungs(fixed: Mapping[str, Any]) -> tuple[Rung, ...]:
    """The ladder. If the user fixes the width, it has only that width, for a short and for a long time."""
    if "channel_max" not in fixed:
        return LADDER
    width = fixed["channel_max"]
    return (Rung(width, 0, short=True), Rung(width, LONG_KIMG, short=False))


def candidate_of(config: Config, rung: Rung, device: torch.device, own: Own) -> Config:
    """The configuration of a rung, with the user's own fields."""
    lazy = (own.objectives or LOSSES[own.fixed.get("loss", config.loss)]).lazy
    alone = own.fixed.get("compile") or own.fixed.get("batch_gpu")  # neither works with shared fakes
    kept: dict[str, Any] = ({"shared_fakes": False} if alone else {}) | dict(own.fixed)
    suited = ruled(config, rung, gpu=device.type == "cuda", lazy=lazy, world=processes.world())
    return given_way(suited, kept)


def is_hopeless(candidate: Config, rung: Rung, chosen: Plan, device: torch.device) -> bool:
    """Would the candidate see far too few images, judging by its multiplications? If so, it is not measured.

    The judgement is more cautious for a GPU, where time depends less on the number of multiplications.
    """
    H, slack = candidate.img_resolution, 10 if device.type == "cuda" else 2
    slower = image_cost_mflop(candidate, H) / image_cost_mflop(chosen.config, H)
    return slack * chosen.config.total_kimg / slower < rung.least_kimg


def fastest(
    config: Config, device: torch.device, *, own: Own, allowance: Allowance, say: Say
) -> tuple[int, dict[int, Cost]]:
    """The best number of threads (one or all), and the cost of each level with it. Takes up to half the allowance."""
    many = torch.get_num_threads()
    numbers = [1, many] if device.type == "cpu" and many > 1 else [many]
    found = {}
    for number in numbers:
        part = Allowance(max(allowance.left, 0.0) / 2 / len(numbers))
        with using_threads(number):
            said = f" on {threads_in_words(number)}" if device.type == "cpu" else ""
            found[number] = measure_levels(
                config,
                device,
                objectives=own.objectives,
                augmentation=own.augmentation,
                trial_sec=TRIAL_SEC,
                allowance=part,
                say=lambda what, said=said: say(f"measuring {config.channel_max} channels{said}: {what}"),  # type: ignore[misc]
            )
        allowance.spent += part.spent
    sec = {number: sum(level_sec(config, costs).values()) for number, costs in found.items()}
    best = many if len(numbers) == 1 or WORTH * sec[many] < sec[1] else 1
    return best, found[best]


def budgeted(config: Config, fixed: Mapping[str, Any], kimg: float) -> Config:
    """The configuration scaled to `kimg` thousand images, except for the fields in `fixed`."""
    return config.for_budget(kimg).but(**fixed)


def images_in(config: Config, fixed: Mapping[str, Any], seconds: float, costs: Mapping[int, Cost]) -> int:
    """The most images whose schedule takes at most `seconds`, in whole steps of the first level; at least one step."""
    step = batch_of(config, config.initial_resolution, processes.world())

    def fits(steps: int) -> bool:
        sized = budgeted(config, fixed, steps * step / 1000)
        return sum(level_sec(sized, dict(costs)).values()) <= seconds

    return largest(fits) * step


def refuse_less_than_a_step(plan: Plan, seconds: float) -> None:
    """Raise InputError, which names the least possible time, if a single step takes longer than `seconds`."""
    first = plan.config.initial_resolution
    step_sec = plan.costs[first].sec_per_img * batch_of(plan.config, first, processes.world())
    if step_sec > seconds:
        raise InputError(
            f"hours {seconds / 3600:.3g}: a single step takes {step_sec:.2g} seconds here, so the least is "
            f"{math.ceil(step_sec / 0.36) / 10_000:g} hours; useful pictures take ten minutes (0.17) or more"
        )


def chosen_lines(plan: Plan, dataset: ImageDataset) -> list[str]:
    """Five lines that say what was chosen: networks, images, learning, speed and time."""
    config, H = plan.config, plan.config.img_resolution
    images = 1000 * config.total_kimg
    narrower = f" ({config.channels(H)} at {H}x{H})" if config.channels(H) < config.channel_max else ""
    levels = [r for r, shown in level_images(config).items() if shown]
    speeds = ", ".join(f"{1 / plan.costs[r].sec_per_img:,.3g} at {r}x{r}" for r in levels)
    batches = by_level(config, lambda r: f"{batch_of(config, r, processes.world())}")
    rates = by_level(config, lambda r: f"{rate_of(config, r):g}")
    growth = f"in each level, {config.level_kimg:.3g} thousand to train and {config.fade_kimg:.3g} thousand to fade in"
    return [
        f"chosen for this time: at most {config.channel_max} channels{narrower}, z and w {config.z_dim}, "
        f"{'noise inputs' if config.noise else 'no noise inputs'}; {threads_in_words(plan.threads)}",
        f"images: {images:,.0f}, each of the {len(dataset):,} pictures {images / len(dataset):,.1f} times; {growth}",
        f"learning: batch {batches}; rate {rates}; {penalty(config)}; "
        f"{'D and G share fakes' if config.shared_fakes else 'G makes new fakes for its own step'}",
        f"speed, measured in {plan.measured_sec:.0f} s: {speeds} images a second",
        f"time: {clock(plan.training_sec)}, give or take {plan.doubt:.0%}, until {moment(plan.training_sec)}; "
        f"{expectation(config)}",
    ]


def threads_in_words(number: int) -> str:
    """ "1 thread", "2 threads"."""
    return f"{number} thread{'s' if number > 1 else ''}"


def by_level(config: Config, value: Callable[[int], str]) -> str:
    """ "16, from 64x64 8": the value of the first level, and each change."""
    said, before = [], ""
    for resolution in level_images(config):
        if (now := value(resolution)) != before:
            said.append(f"from {resolution}x{resolution} {now}" if before else now)
            before = now
    return ", ".join(said)


FEW_KIMG = 20
FEWER_PIXELS = "`stylegan prepare --resolution 32`"


def expectation(config: Config) -> str:
    """What to expect from the number of images (docs/training.md)."""
    if config.total_kimg < FEW_KIMG:
        return f"expect blobs, because this is fewer than 20 thousand images. Give it more time, or use {FEWER_PIXELS}"
    return "what to expect: docs/training.md"


def moment(seconds: float) -> str:
    """The time of day in `seconds` seconds, with the date if that is 12 hours or more from now."""
    end = datetime.now() + timedelta(seconds=seconds)
    return f"{end:%H:%M}" if seconds < 12 * 3600 else f"{end:%Y-%m-%d %H:%M}"


def week_lines(config: Config, device: torch.device, own: Own) -> list[str]:
    """A warning for a run that would take a week or more on this machine, from trials of some seconds; else no line."""
    costs = measure_levels(
        config,
        device,
        objectives=own.objectives,
        augmentation=own.augmentation,
        trial_sec=0.0,
        allowance=Allowance(WEEK_TRIAL_SEC),
    )
    seconds = sum(level_sec(config, costs).values())
    if seconds < WEEK_SEC:
        return []
    try:
        end = f"{datetime.now() + timedelta(seconds=seconds):%Y-%m-%d}"
    except OverflowError:
        end = "the year 9999 and later"
    return [
        f"this run would take about {seconds / 86400:,.0f} days on this machine, until {end}. To make the best of the "
        "time you have, use --hours H (hours=): stylegan train --data DATA --out RUN --hours 8"
    ]


WEEK_TRIAL_SEC = 10.0
