"""A part of a step as one compiled program: many small operations become few (`compile` of a configuration)."""

import os
import shutil
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch.fx.experimental.proxy_tensor import make_fx

from stylegan.config import Config
from stylegan.networks.fade import fade_by
from stylegan.training.memory import CHECKPOINTED_PX
from stylegan.training.schedule import Phase, level_starts, phase_kimg, schedule
from stylegan.training.state import TrainingState

NARROW = 256  # on a CPU convolutions with as many channels take nearly all the time
MIN_STEPS = 1000  # what so many save, or fewer, is what compiling costs: docs/decisions.md

Found = TypeVar("Found")


def compute(part: Callable[..., Found], state: TrainingState, phase: Phase, *args: Any, **fixed: Any) -> Found:
    """part(state, phase, *args, **fixed), by a program where the configuration asks for it and it pays.

    args: tensors in tuples; fixed: all else that changes from step to step. The part is recorded once, as torch
    executes it, with all derivatives, R1's second ones among them, and the record is compiled: no second definition.
    """
    if not state.config.compile or why_not(state.config, phase, state.device):
        return part(state, phase, *args, **fixed)
    weight = torch.tensor(phase.lod % 1, dtype=state.G.w_avg.dtype, device=state.device)
    key = (part.__name__, phase.growth, phase.batch, *sorted(fixed.items()))
    if key not in state.programs:

        def recorded(weight: torch.Tensor, *args: Any) -> Found:
            with fade_by(weight):
                return part(state, phase, *args, **fixed)

        state.programs[key] = torch.compile(make_fx(recorded)(weight, *args), dynamic=False)
    with torch.no_grad():
        return state.programs[key](weight, *args)


def why_not(config: Config, phase: Phase, device: torch.device) -> str:
    """Why a program for the layers of this phase would not pay; "" where it does."""
    steps = 1000 * phase_kimg(config, phase) / phase.batch
    if steps < MIN_STEPS:
        return f"{steps:,.0f} steps, and compiling costs as much as {MIN_STEPS:,} of them save"
    if device.type == "cpu" and config.channels(4) >= NARROW:
        return f"with {NARROW} channels or more convolutions take nearly all the time"
    if phase.resolution >= CHECKPOINTED_PX:
        return "its activations are computed twice, to save memory"
    return ""


def plan(config: Config, device: torch.device) -> list[str]:
    """What `compile` will do, a line for each resolution and each fade: for people."""
    starts = [start for start, _ in level_starts(config)]
    ends = [start + round(1000 * config.fade_kimg) for start in starts[1:]]
    phases = [schedule(config, nimg) for nimg in sorted({0, *(start + 1 for start in starts[1:]), *ends})]
    lines = []
    for phase in phases:
        reason = why_not(config, phase, device)
        place = f"{phase.resolution}x{phase.resolution}{', fading' if phase.lod % 1 else ''}"
        lines.append(f"compile {place}: " + (f"no, {reason}" if reason else "yes, which takes about a minute"))
    return lines


def missing_compiler(config: Config) -> list[str]:
    """Why this machine cannot `compile`: at most one line."""
    if not config.compile or os.environ.get("CXX") or any(map(shutil.which, ("g++", "clang++", "c++", "cl"))):
        return []
    return ["compile: needs a C++ compiler, and neither g++ nor clang++ is there"]
