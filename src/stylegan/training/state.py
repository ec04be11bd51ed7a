"""All that a training run needs to continue exactly: the networks, the optimizers, and its progress."""

import copy
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stylegan.checkpoint import Networks, TooLargeError, Unfilled, check_tensors, read_tensors, write_tensors
from stylegan.config import Config
from stylegan.errors import DivergedError, InputError
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator, check_lod
from stylegan.training import ada
from stylegan.training.augment import AUGMENTATIONS, Augmentation
from stylegan.training.machine.environment import environment
from stylegan.training.machine.graphs import Recordings
from stylegan.training.objectives import LOSSES, Objectives
from stylegan.training.schedule import Phase


@dataclass
class TrainingState:
    """Networks, optimizers, counters, and the objectives of the networks.

    adam_steps: steps since the optimizers were last reset. sums: the sum of each statistic since `tick_nimg`.
    augment_p: the probability of an adaptive augmentation. augment_signs: the mean sign of D's logits on reals in each
    step since augment_p last moved.
    metadata: what every snapshot says about the network, such as license and source of the one it started from.
    The other fields are not saved: objectives and augmentation; phase, as given to the last `enter`; programs and
    recordings, which `programs.compute` has compiled and recorded for these networks.
    """

    config: Config
    G: Generator
    D: Discriminator
    G_ema: Generator
    G_opt: torch.optim.Adam
    D_opt: torch.optim.Adam
    objectives: Objectives
    augmentation: Augmentation
    cur_nimg: int = 0
    growth: tuple[int, int] | None = None
    adam_steps: int = 0
    tick: int = 0
    tick_nimg: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    augment_p: float = 0.0
    augment_signs: list[float] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    phase: Phase = field(init=False)
    programs: dict[Hashable, Callable[..., Any]] = field(default_factory=dict)
    recordings: Recordings = field(default_factory=Recordings)

    @classmethod
    def new(
        cls,
        config: Config,
        device: torch.device,
        *,
        objectives: Objectives | None = None,
        augmentation: Augmentation | None = None,
    ) -> "TrainingState":
        """A new state, initialized from the configuration's seed without touching torch's random states.

        objectives, augmentation: by default those of the configuration.
        """
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(config.seed)  # torch.manual_seed would also seed every CUDA device
            G, D = Generator(config), Discriminator(config)
        G, D = G.to(device), D.to(device)
        G_ema, objectives = copy.deepcopy(G).requires_grad_(False), objectives or LOSSES[config.loss]
        return cls(config, G, D, G_ema, adam(G), adam(D), objectives, augmentation or AUGMENTATIONS[config.augment])

    @property
    def device(self) -> torch.device:
        """The device of the networks."""
        return self.G.w_avg.device

    @property
    def done(self) -> bool:
        """Have all images been shown?"""
        return self.cur_nimg >= 1000 * self.config.total_kimg

    def enter(self, phase: Phase) -> Phase:
        """Grow to a phase of the schedule, and return it. Adam is reset when layers begin or cease to take part."""
        self.phase = phase
        self.G.lod = self.D.lod = phase.lod
        if phase.growth != self.growth:
            self.reset_optimizers()
            self.growth, self.recordings = phase.growth, Recordings()  # the old ones would keep their memory
            self.augment_signs = []  # the logits of a D with other layers cannot be compared with the old ones
        return phase

    def adapt(self, stats: dict[str, float]) -> dict[str, float]:
        """Move the probability of an adaptive augmentation every `ada.STEPS` steps. Returns it as one more statistic.

        stats: those of the step. Raises InputError if the mean sign of D's logits on reals is missing.
        """
        if not self.augmentation.adaptive:
            return {}
        if "D_real_sign" not in stats:
            raise InputError(
                f"augmentation {self.augmentation.name}: needs the statistic D_real_sign, which objective "
                f"{self.objectives.name} does not give (stylegan.training.objectives.verdicts does)"
            )
        self.augment_signs = [*self.augment_signs, stats["D_real_sign"]]
        if len(self.augment_signs) == ada.STEPS:
            images, signs = ada.STEPS * self.phase.batch, self.augment_signs
            self.augment_p = ada.moved(self.augment_p, signs, images=images, kimg=self.config.ada_kimg)
            self.augment_signs = []
        return {"augment_p": self.augment_p}

    def tally(self, stats: dict[str, float]) -> dict[str, float] | None:
        """Add the statistics of a finished step to the sums. If a tick ends with it, return the means over the tick."""
        for name, value in [*stats.items(), ("steps", 1.0)]:
            self.sums[name] = self.sums.get(name, 0.0) + value
        is_tick = self.tick == 0 or self.cur_nimg - self.tick_nimg >= 1000 * self.phase.tick_kimg
        if not (self.done or is_tick):
            return None
        steps = self.sums.pop("steps")
        means = {name: value / steps for name, value in self.sums.items()}
        self.sums, self.tick, self.tick_nimg = {}, self.tick + 1, self.cur_nimg
        return means

    def reset_optimizers(self) -> None:
        """Forget the moments of Adam, because layers begin or cease to take part."""
        self.G_opt, self.D_opt, self.adam_steps = adam(self.G), adam(self.D), 0

    def checksum(self) -> float:
        """A number that changes with any weight. Computed on the CPU, as not every device has float64."""
        return sum(t.cpu().double().abs().sum().item() for t in self._tensors().values())

    def networks(self) -> Networks:
        """What a snapshot holds."""
        return Networks(self.G_ema, self.G, self.D, {"cur_nimg": self.cur_nimg} | self.metadata, self.config)

    def save(self, path: Path) -> None:
        """Write the state as one file, whole or not at all. Raises DivergedError if a tensor is not finite."""
        tensors = self._tensors()
        broken = [name for name, t in tensors.items() if not torch.isfinite(t).all()]
        if broken:
            raise DivergedError(f"after {self.cur_nimg:,} images {broken[0]} is no longer finite")
        counters = {name: getattr(self, name) for name in self._counted}
        header = {"config": self.config.to_json(), "lod": self.G.lod, "counters": counters, "metadata": self.metadata}
        write_tensors(
            path, tensors, kind="training state", header=header | {"environment": environment(self.device, self.config)}
        )

    @classmethod
    def load(
        cls, path: Path, device: torch.device, *, run: Config | None = None, **own: Any
    ) -> tuple["TrainingState", dict[str, Any]]:
        """The state in a file, and the environment in which it was written. Raises InputError for anything unexpected.

        run: the configuration to continue with, by default the file's; it may differ only in the fields MAY_CHANGE.
        own: objectives and augmentation, as in `new`. Networks are made only once the file is known to fill them.
        """
        tensors, header = read_tensors(path, kind="training state")
        try:
            config, lod = Config.from_json(header["config"]), header["lod"]
            augmentation = own.get("augmentation") or AUGMENTATIONS[config.augment]
            counters = _counters(header["counters"], adaptive=augmentation.adaptive)
            environment, metadata = dict(header["environment"]), dict(header.get("metadata", {}))  # older: none
            check_lod(lod, config)
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            problem = f"its header has no {e}" if isinstance(e, KeyError) else str(e)
            raise InputError(f"{path}: {problem}; the file is damaged or of another kind") from e
        if run is not None:
            if config.but(**{name: getattr(run, name) for name in MAY_CHANGE}) != run:
                raise InputError(
                    f"{path} and the run's configuration belong to different runs: put back the files of one run"
                )
            config = run
        held = sum(t.numel() for t in tensors.values())
        try:
            with Unfilled(4 * held + 2**20):
                state = cls.new(config, device, **own)
        except TooLargeError as e:
            raise InputError(f"{path}: its configuration asks for larger networks than its {held:,} numbers") from e
        for name, value in counters.items():
            setattr(state, name, value)
        state.G.lod = state.D.lod = state.G_ema.lod = lod
        state.metadata = metadata
        check_tensors(tensors, state._expected(tensors), path)
        for name, network in state.networks().modules().items():
            network.load_state_dict({key: tensors[f"{name}.{key}"] for key in network.state_dict()})
        for name, optimizer in state._optimizers().items():
            _load_moments(
                optimizer, {k.removeprefix(f"{name}."): t for k, t in tensors.items() if k.startswith(f"{name}.")}
            )
        return state, environment

    def _expected(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """What a file must hold: the weights, and all moments of the parameters of which `tensors` has any."""
        expected = self._tensors()
        for name, optimizer in self._optimizers().items():
            for i, p in enumerate(optimizer.param_groups[0]["params"]):
                moments = {"exp_avg": p, "exp_avg_sq": p, "step": torch.zeros(())}
                if any(f"{name}.{i}.{key}" in tensors for key in moments):
                    expected |= {f"{name}.{i}.{key}": t for key, t in moments.items()}
        return expected

    @property
    def _counted(self) -> tuple[str, ...]:
        return COUNTERS + ADAPTED if self.augmentation.adaptive else COUNTERS

    def _optimizers(self) -> dict[str, torch.optim.Adam]:
        return {"G_opt": self.G_opt, "D_opt": self.D_opt}

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {
            f"{name}.{key}": t
            for name, network in self.networks().modules().items()
            for key, t in network.state_dict().items()
        }
        for name, optimizer in self._optimizers().items():
            for i, moments in optimizer.state_dict()["state"].items():
                tensors |= {f"{name}.{i}.{key}": t for key, t in moments.items()}
        return tensors


MAY_CHANGE = ("total_kimg", "batch_gpu", "compile")
"""Fields that may change when a run is resumed, because they do not affect the steps already taken."""
COUNTERS = ("cur_nimg", "growth", "adam_steps", "tick", "tick_nimg", "sums")
ADAPTED = ("augment_p", "augment_signs")
"""Counters that only the state of a run with an adaptive augmentation holds."""


def _counters(found: dict[str, Any], *, adaptive: bool) -> dict[str, Any]:
    """The counters of a file's header, checked. Raises ValueError for a missing or unknown name, or a wrong value.

    adaptive: whether those of ADAPTED must be there. They may be there in any case, for an augmentation of the user's.
    """
    names = COUNTERS + ADAPTED if adaptive or "augment_p" in found else COUNTERS
    if found.keys() != set(names):
        raise ValueError(f"counters {', '.join(sorted(found))}: must be {', '.join(sorted(names))}")
    for name, value in found.items():
        if name == "growth":
            fine = value is None or (isinstance(value, list) and [type(v) for v in value] == [int, int])
        elif name == "sums":
            fine = isinstance(value, dict) and all(isinstance(v, int | float) for v in value.values())
        elif name == "augment_p":
            fine = isinstance(value, int | float) and 0 <= value <= 1
        elif name == "augment_signs":
            fine = isinstance(value, list) and all(isinstance(v, int | float) for v in value) and len(value) < ada.STEPS
        else:
            fine = isinstance(value, int) and value >= 0
        if not fine:
            raise ValueError(f"its counter {name} is {value!r}")
    return found | {"growth": tuple(found["growth"]) if found["growth"] else None}


ADAM_BETA2, ADAM_EPS = 0.99, 1e-8


def adam(network: nn.Module) -> torch.optim.Adam:
    """Adam with beta1 0, beta2 0.99 (Appendix C). `update` sets the learning rate and epsilon at every step."""
    return torch.optim.Adam(network.parameters(), betas=(0.0, ADAM_BETA2), fused=True)


def update(optimizer: torch.optim.Adam, *, lrate: float, step: int, skipped: Tensor) -> None:
    """One step of Adam on the gradients that exist; the `step`-th, from 1, since its reset.

    skipped: a bool () on the device, for which the host does not wait. If True, nothing changes.
    As in the authors' Adam, epsilon is added before the bias of v is corrected. With small gradients, above all those
    of the mapping network, this matters (golden/train_steps.npz).
    """
    for group in optimizer.param_groups:
        group["lr"], group["eps"] = lrate, ADAM_EPS / (1 - ADAM_BETA2**step) ** 0.5
    setattr(optimizer, "found_inf", skipped.float())  # noqa: B010 (what GradScaler sets; mypy does not know it)
    optimizer.step()


def laid_like(p: Tensor, t: Tensor) -> Tensor:
    """t, copied if need be to the memory layout of p, which has the same shape. The fused Adam requires this."""
    return t if t.stride() == p.stride() else torch.empty_like(p).copy_(t)


def _load_moments(optimizer: torch.optim.Adam, tensors: dict[str, Tensor]) -> None:
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        i, key = name.split(".")
        moments.setdefault(int(i), {})[key] = tensor
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    for p, state in optimizer.state.items():
        state |= {key: laid_like(p, m) for key, m in state.items() if key != "step"}
