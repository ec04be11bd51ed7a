"""The configurations A to F of Table 1, and what may differ between two trainings: data, no torch."""

import dataclasses
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args, get_type_hints

from stylegan.errors import InputError, refuse

Norm = Literal["pixel", "adain"]
Resample = Literal["nearest", "bilinear"]
Loss = Literal["wgan_gp", "logistic"]
NoiseMode = Literal["random", "const", "none"]


@dataclass(frozen=True)
class Config:
    """One training: the networks, the loss, the schedule. The defaults are configuration F for one GPU.

    Raises InputError naming every field that is impossible, its value and what is allowed.
    """

    img_resolution: int = 1024
    """Height and width of the full-size pictures in pixels, a power of two."""
    img_channels: int = 3
    """Channels of a picture: 1 gray, 3 RGB, 4 RGBA."""
    c_dim: int = 0
    """Number of classes; 0 trains without labels."""

    z_dim: int = 512
    """Length of the latent z."""
    w_dim: int = 512
    """Length of the intermediate latent w."""
    mapping_dim: int = 512
    """Width of the hidden layers of the mapping network."""
    mapping_layers: int = 8
    """Layers of the mapping network, 0 to 8; 0 takes the normalised z for w."""
    channel_base: int = 16384
    """Feature maps: min(channel_base / resolution, channel_max) at each resolution."""
    channel_max: int = 512
    """The most feature maps of any layer."""
    norm: Norm = "adain"
    """What follows each convolution of G: adain (styles, Equation 1) or pixel (the traditional generator)."""
    const_input: bool = True
    """Start from a learned 4x4 constant; else from a dense layer on w."""
    noise: bool = True
    """Add noise inputs (Section 3.2)."""
    resample: Resample = "bilinear"
    """Up- and downsampling in the networks: bilinear blurs with [1, 2, 1] as the paper, nearest as Progressive GAN."""

    loss: Loss = "logistic"
    """logistic: non-saturating with R1; wgan_gp: Wasserstein with gradient penalty."""
    r1_gamma: float | None = None
    """Weight of R1 (gamma / 2 times the squared gradient at full size). None: by the rule of `gamma`, 10 at 1024."""
    r1_interval: int = 1
    """Take R1 in every r1_interval-th step of D, so many times as strong. 1 in A to F; 16 is faster."""
    shared_fakes: bool = False
    """G learns from the pictures that D has just seen: one pass of G a step instead of two. Off in A to F; faster."""
    style_mixing_prob: float = 0.9
    """Fraction of batches trained with two latents (Section 3.1)."""
    mirror: bool = True
    """Show each picture mirrored half of the time."""
    ema_kimg: float = 10.0
    """Half-life of the moving average of G, in thousands of images."""

    total_kimg: float = 25000.0
    """Length of the training, in thousands of images shown to D."""
    initial_resolution: int = 8
    """Resolution at which training starts."""
    level_kimg: float = 600.0
    """Thousands of images at each resolution before the next one is faded in."""
    fade_kimg: float = 600.0
    """Thousands of images for fading in a resolution."""
    lrate: float = 0.001
    """Learning rate of Adam, for G and D, where lrate_at has no entry."""
    lrate_at: dict[int, float] = field(default_factory=lambda: {128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003})
    """Learning rate at single resolutions."""
    lrate_rampup_kimg: float = 0.0
    """Raise the learning rate from 0 over the first thousands of images."""
    batch: int = 4
    """Images in a step where batch_at has no entry."""
    batch_at: dict[int, int] = field(
        default_factory=lambda: {4: 128, 8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8, 512: 4}
    )
    """Images in a step at single resolutions."""
    max_batch_per_gpu: dict[int, int] = field(default_factory=dict)
    """The most images per GPU in a step at single resolutions."""
    batch_gpu: int | None = None
    """The most images that a process computes at once, a multiple of 4; None: all. Changes nothing but memory."""
    compile: bool = False
    """Compile steps where that pays; needs a C++ compiler. The same training to rounding, and faster."""
    tick_kimg: float = 160.0
    """Thousands of images between two lines of statistics with a sheet of samples, where tick_kimg_at has no entry."""
    tick_kimg_at: dict[int, float] = field(
        default_factory=lambda: {4: 160, 8: 140, 16: 120, 32: 100, 64: 80, 128: 60, 256: 40, 512: 30, 1024: 20}
    )
    """The same at single resolutions."""
    seed: int = 0
    """Seed of everything random in the training."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, dict):  # `but` gives the new one the dicts of the old
                object.__setattr__(self, name, dict(value))
        refuse(_problems(self))

    @property
    def num_ws(self) -> int:
        """Number of styles: two per resolution; 1 without styles."""
        return 2 * (int(math.log2(self.img_resolution)) - 1) if self.norm == "adain" else 1

    @property
    def max_lod(self) -> float:
        """The lod of 4x4, the smallest resolution."""
        return math.log2(self.img_resolution) - 2

    @property
    def gamma(self) -> float:
        """r1_gamma, or by default 10 sqrt(img_resolution / 1024): the paper's 10 at 1024 (docs/decisions.md, R1)."""
        return 10 * math.sqrt(self.img_resolution / 1024) if self.r1_gamma is None else self.r1_gamma

    def channels(self, resolution: int) -> int:
        """Feature maps at `resolution`."""
        return min(self.channel_base // resolution, self.channel_max)

    def but(self, **changes: Any) -> Self:
        """The same configuration with some fields changed. Unknown fields raise InputError."""
        _refuse_unknown(changes)
        return dataclasses.replace(self, **changes)

    def continuing(self, source: "Config", resolution: int) -> Self:
        """This training for networks built as those of `source`, from the `resolution` that they have grown to."""
        parts = {name: getattr(source, name) for name in NETWORK_FIELDS}
        if source.norm == "pixel":
            parts["style_mixing_prob"] = 0.0
        return self.but(**parts, initial_resolution=min(resolution, self.img_resolution))

    def for_gpus(self, num_gpus: int) -> Self:
        """The authors' batch sizes for 1, 2, 4 or 8 GPUs."""
        if num_gpus not in BATCHES:
            raise InputError(
                f"num_gpus {num_gpus}: the authors give batch sizes for {', '.join(map(str, BATCHES))} GPUs"
            )
        batch, batch_at = BATCHES[num_gpus]
        return self.but(batch=batch, batch_at=batch_at)

    def for_budget(self, total_kimg: float) -> Self:
        """The schedule that a budget of `total_kimg` thousand images allows.

        Growing takes at most 60 % of the budget, in equal parts of training and fading, and never more than now;
        G's average has a half-life of at most 1/25 of the budget, and there are at least 40 ticks.
        With the paper's 25,000 nothing changes.
        """
        if not total_kimg > 0:
            raise InputError(f"total_kimg {total_kimg}: must be above 0")
        growths = int(math.log2(self.img_resolution // self.initial_resolution))
        part_kimg = 0.6 * total_kimg / max(2 * growths, 1)
        tick_kimg = total_kimg / 40
        return self.but(
            total_kimg=total_kimg,
            level_kimg=min(self.level_kimg, part_kimg),
            fade_kimg=min(self.fade_kimg, part_kimg),
            ema_kimg=min(self.ema_kimg, total_kimg / 25),
            tick_kimg=min(self.tick_kimg, tick_kimg),
            tick_kimg_at={res: min(kimg, tick_kimg) for res, kimg in self.tick_kimg_at.items()},
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data for a JSON file."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of to_json, also where JSON made strings of a dict's keys. Unknown fields raise.

        A field that is newer than the file takes its default: new fields must default to what was done before.
        """
        _refuse_unknown(data)
        return cls(**{name: _int_keys(value) for name, value in data.items()})


NETWORK_FIELDS = (
    *("z_dim", "w_dim", "mapping_dim", "mapping_layers", "channel_base", "channel_max"),
    *("norm", "const_input", "noise", "resample"),
)
"""What must be equal for one network's weights to fit another of any img_resolution."""


def _int_keys(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {int(key) if str(key).isdecimal() else key: item for key, item in value.items()}


def _refuse_unknown(names: dict[str, Any]) -> None:
    known = {f.name for f in dataclasses.fields(Config)}
    refuse([f"{name}: no such field; the fields are {', '.join(sorted(known))}" for name in names if name not in known])


def is_power_of_two(n: int) -> bool:
    """Is n one of 1, 2, 4, 8, ...?"""
    return n > 0 and n & (n - 1) == 0


def is_resolution(n: int) -> bool:
    """Is n a power of two from 4 up?"""
    return n >= 4 and is_power_of_two(n)


def _full_groups(batch: int) -> bool:
    return batch > 0 and batch % min(4, batch) == 0  # the minibatch deviation works on groups of 4


_RESOLUTION = (is_resolution, "a power of two from 4 up")
_POSITIVE = (lambda n: n > 0, "above 0")
_NOT_NEGATIVE = (lambda n: n >= 0, "0 or above")
_BATCH = (_full_groups, "1, 2, 3 or a multiple of 4")

ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "img_resolution": _RESOLUTION,
    "img_channels": (lambda n: n in (1, 3, 4), "1, 3 or 4"),
    "c_dim": _NOT_NEGATIVE,
    "z_dim": _POSITIVE,
    "w_dim": _POSITIVE,
    "mapping_dim": _POSITIVE,
    "mapping_layers": (lambda n: 0 <= n <= 8, "0 to 8"),
    "channel_base": _POSITIVE,
    "channel_max": _POSITIVE,
    "r1_gamma": (lambda x: x is None or x >= 0, "0 or above, or None"),
    "r1_interval": _POSITIVE,
    "style_mixing_prob": (lambda p: 0 <= p <= 1, "0 to 1"),
    "ema_kimg": _POSITIVE,
    "total_kimg": _POSITIVE,
    "initial_resolution": _RESOLUTION,
    "level_kimg": _NOT_NEGATIVE,
    "fade_kimg": _NOT_NEGATIVE,
    "lrate": _POSITIVE,
    "lrate_at": _POSITIVE,
    "lrate_rampup_kimg": _NOT_NEGATIVE,
    "batch": _BATCH,
    "batch_at": _BATCH,
    "max_batch_per_gpu": _BATCH,
    "batch_gpu": (
        lambda n: n is None or (n > 0 and n % 4 == 0),
        "a multiple of 4, as the minibatch deviation works on groups of 4 pictures, or None",
    ),
    "tick_kimg": _POSITIVE,
    "tick_kimg_at": _POSITIVE,
    "seed": (lambda n: 0 <= n < 2**32, "0 to 4294967295 (32 bits)"),
}
"""What each field may be, and in words; for a dict, what its values may be (its keys are resolutions)."""


def _problems(config: Config) -> list[str]:
    problems = []
    for name, kind in get_type_hints(Config).items():
        value = getattr(config, name)
        allowed = _allowed_values(kind)
        values = value.values() if isinstance(value, dict) else [value]
        is_allowed, words = ALLOWED.get(name, (lambda _: True, ""))
        if not _is_of(value, kind):
            problems.append(f"{name} {value!r}: must be {allowed}")
        elif not all(is_allowed(v) for v in values):
            problems.append(f"{name} {value!r}: must be {words}")
    return problems or _conflicts(config)


def _allowed_values(kind: Any) -> str:
    if choices := [c for c in get_args(kind) if isinstance(c, str)]:
        return f"one of {', '.join(choices)}"
    if kind is float or kind is int or kind is bool:
        return {float: "a finite number", int: "a whole number", bool: "True or False"}[kind]
    if "dict" in str(kind):
        item = _allowed_values(get_args(kind)[1])
        return f"resolution:value pairs, resolutions powers of two from 4 up, each value {item}"
    return f"{_allowed_values(get_args(kind)[0])} or None"


def _is_of(value: Any, kind: Any) -> bool:
    """Is `value` of the annotated type, a whole number being a float too and a bool never a number?"""
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is bool:
        return isinstance(value, bool)
    if kind in (int | None, float | None):
        return value is None or _is_of(value, get_args(kind)[0])
    if kind in (dict[int, int], dict[int, float]):
        item = get_args(kind)[1]
        return isinstance(value, dict) and all(
            _is_of(k, int) and is_resolution(k) and _is_of(v, item) for k, v in value.items()
        )
    return value in get_args(kind)


def _conflicts(config: Config) -> list[str]:
    """Fields that are fine alone and impossible together."""
    problems = []
    if config.channel_base < config.img_resolution:
        problems.append(
            f"channel_base {config.channel_base}: must be at least img_resolution {config.img_resolution}, "
            "or the last layer has no channel"
        )
    if config.initial_resolution > config.img_resolution:
        problems.append(
            f"initial_resolution {config.initial_resolution}: must be at most img_resolution {config.img_resolution}"
        )
    normalised_dim = config.z_dim * (2 if config.c_dim else 1)  # the embedded label stands beside z
    if config.mapping_layers == 0 and config.w_dim != normalised_dim:
        problems.append(
            f"w_dim {config.w_dim}: must be {normalised_dim} with mapping_layers 0, where w is the normalised z"
            f"{' beside the embedded label' if config.c_dim else ''} (z_dim {config.z_dim}, c_dim {config.c_dim})"
        )
    if config.shared_fakes and config.batch_gpu is not None:
        problems.append(
            f"batch_gpu {config.batch_gpu}: must be None with shared_fakes, where G's whole batch waits in memory for D"
        )
    if config.shared_fakes and config.compile:
        problems.append("compile True: must be False with shared_fakes, where the steps of D and G share a graph")
    if config.norm == "pixel" and config.style_mixing_prob > 0:
        problems.append(
            f"style_mixing_prob {config.style_mixing_prob}: must be 0 with norm pixel, which has no styles to mix"
        )
    if config.norm == "pixel" and config.const_input:
        problems.append(
            "const_input True: must be False with norm pixel, where z has no other way in: every z gives one picture"
        )
    if config.initial_resolution < config.img_resolution and config.level_kimg == config.fade_kimg == 0:
        problems.append(
            f"level_kimg 0 and fade_kimg 0: one must be above 0 to grow from initial_resolution "
            f"{config.initial_resolution} to img_resolution {config.img_resolution}"
        )
    return problems


BATCHES: dict[int, tuple[int, dict[int, int]]] = {
    1: (4, {4: 128, 8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8, 512: 4}),
    2: (8, {4: 256, 8: 256, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8}),
    4: (16, {4: 512, 8: 256, 16: 128, 32: 64, 64: 32, 128: 16}),
    8: (32, {4: 512, 8: 256, 16: 128, 32: 64, 64: 32}),
}
"""GPUs -> (batch, batch_at) of the authors' code."""

# Table 1: each row is the row above with one change.
CONFIG_A = Config(  # Progressive GAN
    mapping_layers=0,
    norm="pixel",
    const_input=False,
    noise=False,
    resample="nearest",
    loss="wgan_gp",
    style_mixing_prob=0.0,
    total_kimg=12000.0,
    initial_resolution=4,
    lrate_at={1024: 0.0015},
    max_batch_per_gpu={256: 16, 512: 8, 1024: 4},
)
CONFIG_B = CONFIG_A.but(  # + tuning
    resample="bilinear",
    loss="logistic",
    total_kimg=25000.0,
    initial_resolution=8,
    lrate_at={128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003},
    max_batch_per_gpu={},
)
CONFIG_C = CONFIG_B.but(mapping_layers=8, norm="adain")  # + mapping and styles
CONFIG_D = CONFIG_C.but(const_input=True)  # + no traditional input
CONFIG_E = CONFIG_D.but(noise=True)  # + noise inputs
CONFIG_F = CONFIG_E.but(style_mixing_prob=0.9)  # + mixing regularization

TABLE_1 = {"A": CONFIG_A, "B": CONFIG_B, "C": CONFIG_C, "D": CONFIG_D, "E": CONFIG_E, "F": CONFIG_F}
