"""Parts of a step as compiled programs, in which many small operations become few (`compile` in a configuration)."""

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

NARROW = 256  # on a CPU, convolutions with this many channels take nearly all the time
MIN_STEPS = 5000  # compiled steps that save as much time as compiling one phase takes: docs/decisions.md

T = TypeVar("T")


def compute(part: Callable[..., T], state: TrainingState, *args: Any, **fixed: Any) -> T:
    """part(state, *args, **fixed), computed by a compiled program if that is configured and pays off; otherwise by a
    graph on CUDA, and directly elsewhere.

    args: tensors in tuples. fixed: everything else that changes from step to step. For a program, torch executes the
    part once and traces it, with all derivatives, including the second ones of R1. The trace is compiled, so there is
    no second definition.
    """
    phase = state.phase
    compiles = state.config.compile and not why_not(state.config, phase.resolution, state.device)
    if not compiles and state.device.type != "cuda":
        return part(state, *args, **fixed)
    weight = state.G.w_avg.new_full((), fraction(phase.lod))
    key = (part.__name__, phase.growth, phase.batch, *sorted(fixed.items()))

    def with_weight(weight: torch.Tensor, *args: Any) -> T:
        with fade_by(weight):
            return part(state, *args, **fixed)

    if not compiles:
        return state.recordings.run(key, with_weight, weight, *args)
    if key not in state.programs:
        state.programs[key] = torch.compile(make_fx(with_weight)(weight, *args), dynamic=False)
    with torch.no_grad():
        return state.programs[key](weight, *args)


def why_not(config: Config, resolution: int, device: torch.device) -> str:
    """Why compiling programs for this resolution would not pay off; "" if it would."""
    steps = level_images(config)[resolution] / batch_of(config, resolution, processes.world())
    needed = MIN_STEPS * phases(config, resolution)
    if steps < needed:
        return f"{steps:,.0f} steps, and compiling costs as much time as {needed:,} of them save"
    if device.type not in ("cpu", "cuda"):
        return f"not for {device.type}"
    if device.type == "cpu" and config.channels(4) >= NARROW:
        return f"with {NARROW} channels or more, convolutions take nearly all the time"
    if resolution >= CHECKPOINTED_PX:
        return "its activations are computed twice, to save memory"
    return ""


def phases(config: Config, resolution: int) -> int:
    """The number of phases of this resolution: one while it fades in, if it does, and one once it has grown.

    Each phase needs its own programs.
    """
    return 2 if resolution > config.initial_resolution and config.fade_kimg else 1


def plan(config: Config, device: torch.device) -> list[str]:
    """What `compile` will do at each resolution, one line each."""
    lines = []
    for resolution in level_images(config):
        reason, count = why_not(config, resolution, device), phases(config, resolution)
        yes = f"yes, for {count} phase{'s' if count > 1 else ''}, each 1 to 3 minutes"
        lines.append(f"compile {resolution}x{resolution}: {f'no, {reason}' if reason else yes}")
    return lines


def missing_compiler(config: Config, device: torch.device) -> list[str]:
    """What this machine lacks to compile programs for the configuration, one line each; none if it compiles nothing."""
    compiles = config.compile and not all(why_not(config, resolution, device) for resolution in level_images(config))
    return compiler.missing() if compiles else []
