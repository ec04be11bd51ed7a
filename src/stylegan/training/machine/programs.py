"""A part of a step as one compiled program: many small operations become few (`compile` of a configuration)."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch.fx.experimental.proxy_tensor import make_fx

from stylegan.config import Config
from stylegan.networks.fade import fade_by, fraction
from stylegan.training.machine import compiler, processes
from stylegan.training.machine.memory import CHECKPOINTED_PX
from stylegan.training.schedule import batch_of, level_images
from stylegan.training.state import TrainingState

NARROW = 256  # on a CPU convolutions with as many channels take nearly all the time
MIN_STEPS = 5000  # what so many save is what one more phase costs to compile: docs/decisions.md

T = TypeVar("T")


def compute(part: Callable[..., T], state: TrainingState, *args: Any, **fixed: Any) -> T:
    """part(state, *args, **fixed), by a program where the configuration asks for it and it pays.

    args: tensors in tuples; fixed: all else that changes from step to step. The part is recorded once, as torch
    executes it, with all derivatives, R1's second ones among them, and the record is compiled: no second definition.
    """
    phase = state.phase
    if not state.config.compile or why_not(state.config, phase.resolution, state.device):
        return part(state, *args, **fixed)
    weight = state.G.w_avg.new_full((), fraction(phase.lod))
    key = (part.__name__, phase.growth, phase.batch, *sorted(fixed.items()))
    if key not in state.programs:

        def recorded(weight: torch.Tensor, *args: Any) -> T:
            with fade_by(weight):
                return part(state, *args, **fixed)

        state.programs[key] = torch.compile(make_fx(recorded)(weight, *args), dynamic=False)
    with torch.no_grad():
        return state.programs[key](weight, *args)


def why_not(config: Config, resolution: int, device: torch.device) -> str:
    """Why programs for this resolution would not pay; "" where they do."""
    steps = level_images(config)[resolution] / batch_of(config, resolution, processes.world())
    needed = MIN_STEPS * phases(config, resolution)
    if steps < needed:
        return f"{steps:,.0f} steps, and compiling costs what {needed:,} of them save"
    if device.type not in ("cpu", "cuda"):
        return f"not for {device.type}"
    if device.type == "cpu" and config.channels(4) >= NARROW:
        return f"with {NARROW} channels or more convolutions take nearly all the time"
    if resolution >= CHECKPOINTED_PX:
        return "its activations are computed twice, to save memory"
    return ""


def phases(config: Config, resolution: int) -> int:
    """The number of programs that this resolution takes: one for fading in, one for being grown."""
    return 2 if resolution > config.initial_resolution and config.fade_kimg else 1


def plan(config: Config, device: torch.device) -> list[str]:
    """What `compile` will do, a line for each resolution: for people."""
    lines = []
    for resolution in level_images(config):
        reason, count = why_not(config, resolution, device), phases(config, resolution)
        yes = f"yes, for {count} phase{'s' if count > 1 else ''}, each 1 to 3 minutes"
        lines.append(f"compile {resolution}x{resolution}: {f'no, {reason}' if reason else yes}")
    return lines


def missing_compiler(config: Config, device: torch.device) -> list[str]:
    """Why this machine cannot compile what it would have to, one line each."""
    compiles = config.compile and not all(why_not(config, resolution, device) for resolution in level_images(config))
    return compiler.missing() if compiles else []
