"""The configurations A to F of Table 1, and everything that may differ between two training runs. Needs no torch."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Self

from stylegan import fields
from stylegan.errors import InputError, printable, refuse
from stylegan.fields import ANY, NOT_NEGATIVE, POSITIVE, RESOLUTION, Choice, Range, by_resolution, setting

Resample = Literal["nearest", "bilinear"]
Loss = Literal["wgan_gp", "logistic"]
Precision = Literal["auto", "fp32", "bf16"]
Augment = Literal["none", "diffaug", "ada"]
NoiseMode = Literal["random", "const", "none"]

NORMS: dict[str, bool] = {"pixel": False, "adain": True}
"""The kinds of layers of G, by name -> whether styles control them. `stylegan.register_layer` adds kinds."""

GROUP_SIZE = 4  # pictures in a group of the minibatch deviation
BATCH = Range(lambda n: n > 0 and n % min(GROUP_SIZE, n) == 0, f"1, 2, 3 or a multiple of {GROUP_SIZE}")
BATCH_GPU = Range(
    lambda n: n > 0 and n % GROUP_SIZE == 0,
    f"a multiple of {GROUP_SIZE}, because the minibatch deviation works on groups of {GROUP_SIZE} pictures",
)
BATCHES: Mapping[int, tuple[int, Mapping[int, int]]] = MappingProxyType(
    {
        1: (4, by_resolution({4: 128, 8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8, 512: 4})),
        2: (8, by_resolution({4: 256, 8: 256, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8})),
        4: (16, by_resolution({4: 512, 8: 256, 16: 128, 32: 64, 64: 32, 128: 16})),
        8: (32, by_resolution({4: 512, 8: 256, 16: 128, 32: 64, 64: 32})),
    }
)
"""Number of GPUs -> (batch, batch_at), as in the authors' code."""

TABLES = {"lrate": ("lrate_at",), "batch": ("batch_at", "max_batch_per_gpu"), "tick_kimg": ("tick_kimg_at",)}
"""A field with one value for all resolutions -> the tables of single resolutions that take precedence over it."""


def emptied_tables(given: Mapping[str, Any]) -> dict[str, Any]:
    """The tables that must be emptied so that the values in `given` hold, unless one of their tables is given too."""
    chosen = [tables for name, tables in TABLES.items() if name in given and given.keys().isdisjoint(tables)]
    return {table: {} for tables in chosen for table in tables}


@dataclass(frozen=True)
class NetworkConfig:
    """The configuration of the networks. The defaults are configuration F.

    Raises InputError that names every impossible field, its value and what is allowed.
    """

    img_resolution: int = setting(1024, RESOLUTION)
    """Height and width of the full-size pictures in pixels, a power of two."""
    img_channels: int = setting(3, Range(lambda n: n in (1, 3, 4), "1, 3 or 4"))
    """Channels of a picture: 1 gray, 3 RGB, 4 RGBA."""
    c_dim: int = setting(0, NOT_NEGATIVE)
    """Number of classes; 0 means training without labels."""

    z_dim: int = setting(512, POSITIVE)
    """Length of the latent z."""
    w_dim: int = setting(512, POSITIVE)
    """Length of the intermediate latent w."""
    mapping_dim: int = setting(512, POSITIVE)
    """Width of the hidden layers of the mapping network."""
    mapping_layers: int = setting(8, Range(lambda n: 0 <= n <= 8, "0 to 8"))
    """Layers of the mapping network, 0 to 8; with 0, w is the normalised z."""
    channel_base: int = setting(16384, POSITIVE)
    """Feature maps: min(channel_base / resolution, channel_max) at each resolution."""
    channel_max: int = setting(512, POSITIVE)
    """The most feature maps of any layer."""
    norm: str = setting("adain", Choice(NORMS, "; stylegan.register_layer adds your own"))
    """The layers of G: adain (styles, Equation 1), pixel (the traditional generator), or stylegan.register_layer's."""
    const_input: bool = True
    """Start from a learned 4x4 constant instead of a dense layer on w."""
    noise: bool = True
    """Add noise inputs (Section 3.2)."""
    resample: Resample = "bilinear"
    """Up- and downsampling: bilinear blurs with [1, 2, 1] like the paper, nearest is that of Progressive GAN."""
    norm_eps: float = setting(1e-8, Range(lambda n: 0 < n <= 1e-3, "above 0, at most 0.001"), later=True)
    """Added to the variance in AdaIN: 1e-8 in the authors' code, 1e-5 in networks of some ports."""
    up_bias: bool = setting(False, ANY, later=True)
    """Give each up-convolution its own bias, before the blur, as in networks of rosinality's port."""

    def __post_init__(self) -> None:
        fields.freeze(self)
        refuse(fields.problems(self) or self._conflicts())

    @property
    def network(self) -> "NetworkConfig":
        """Only the fields of the networks, without those of training: the `config` of a network."""
        return NetworkConfig(**{each.name: getattr(self, each.name) for each in dataclasses.fields(NetworkConfig)})

    @property
    def has_styles(self) -> bool:
        """Is it the style-based generator? The traditional one has no styles to mix, and one w for all layers."""
        return NORMS[self.norm]

    @property
    def num_ws(self) -> int:
        """Number of styles: two per resolution; 1 without styles."""
        return 2 * (int(math.log2(self.img_resolution)) - 1) if self.has_styles else 1

    @property
    def max_lod(self) -> float:
        """The lod of 4x4, the smallest resolution."""
        return math.log2(self.img_resolution) - 2

    def resolution_at(self, lod: float) -> int:
        """Height and width of the pictures at `lod`, in pixels."""
        return self.img_resolution >> math.floor(lod)

    def channels(self, resolution: int) -> int:
        """The number of feature maps at `resolution`."""
        return min(self.channel_base // resolution, self.channel_max)

    def but(self, **changes: Any) -> Self:
        """The same configuration with some fields changed. Raises InputError for unknown fields and impossible values.

        A value given without its table holds at all resolutions: `but(lrate=0.001)` empties lrate_at (see TABLES).
        `but(lrate=..., lrate_at=...)` sets both.
        """
        self._refuse_unknown(changes)
        return dataclasses.replace(self, **emptied_tables(changes), **changes)

    def to_json(self) -> dict[str, Any]:
        """Plain data for a JSON file."""
        return fields.to_json(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of to_json, also if JSON has made strings of the resolutions. Raises InputError like `but`.

        A field that is newer than the file takes its default. So the default of a new field must be the old behaviour.
        """
        cls._refuse_unknown(data)
        return cls(**fields.from_json(data))

    @classmethod
    def _refuse_unknown(cls, names: Mapping[str, Any]) -> None:
        known = sorted(each.name for each in dataclasses.fields(cls))
        refuse([f"{name}: no such field; the fields are {', '.join(known)}" for name in names if name not in known])

    def _conflicts(self) -> list[str]:
        """Fields that are valid alone but impossible together, one line each."""
        problems = []
        if self.channel_base < self.img_resolution:
            problems.append(
                f"channel_base {self.channel_base}: must be at least img_resolution {self.img_resolution}, "
                "or the last layer has no channel"
            )
        normalised_dim = self.z_dim * (2 if self.c_dim else 1)  # z and the embedded label are concatenated
        if self.mapping_layers == 0 and self.w_dim != normalised_dim:
            problems.append(
                f"w_dim {self.w_dim}: must be {normalised_dim} with mapping_layers 0, where w is the normalised z"
                f"{' and embedded label' if self.c_dim else ''} (z_dim {self.z_dim}, c_dim {self.c_dim})"
            )
        if not self.has_styles and self.const_input:
            problems.append(
                f"const_input True: must be False with norm {self.norm}, where z has no other way in, so that every z "
                "would give the same picture"
            )
        return problems


@dataclass(frozen=True)
class Config(NetworkConfig):
    """One training run: the networks, the loss, the schedule. The defaults are configuration F for one GPU."""

    loss: Loss = "logistic"
    """logistic: non-saturating with R1; wgan_gp: Wasserstein with gradient penalty."""
    r1_gamma: float | None = setting(None, NOT_NEGATIVE)
    """Weight of R1 (gamma / 2 times the squared gradient at full size). None: 10 sqrt(img_resolution / 1024)."""
    r1_interval: int = setting(1, POSITIVE)
    """Take R1 only in every r1_interval-th step of D, with r1_interval times the weight. 1 in A to F; 16 is faster."""
    shared_fakes: bool = False
    """G learns from the pictures that D has just seen: one pass of G per step instead of two. Off in A to F; faster."""
    style_mixing_prob: float = setting(0.9, Range(lambda p: 0 <= p <= 1, "0 to 1"))
    """Fraction of batches trained with two latents (Section 3.1)."""
    mirror: bool = True
    """Mirror half of the pictures at random."""
    augment: Augment = setting("none", ANY, later=True)  # noqa: RUF009 (as the others)
    """For few pictures: transform all that D sees. diffaug: colour, translation, cutout; ada: as much as D needs."""
    ada_kimg: float = setting(500.0, POSITIVE, later=True)
    """Thousands of images in which the probability of augment ada can rise from 0 to 1."""
    ema_kimg: float = setting(10.0, POSITIVE)
    """Half-life of the moving average of G, in thousands of images."""

    total_kimg: float = setting(25000.0, POSITIVE)
    """Length of the training run, in thousands of images shown to D."""
    initial_resolution: int = setting(8, RESOLUTION)
    """The resolution at which training starts."""
    level_kimg: float = setting(600.0, NOT_NEGATIVE)
    """Thousands of images at each resolution before the next one is faded in."""
    fade_kimg: float = setting(600.0, NOT_NEGATIVE)
    """Thousands of images for fading in a resolution."""
    lrate: float = setting(0.001, POSITIVE)
    """Learning rate of Adam, for G and D, where lrate_at has no entry. Given alone, it holds everywhere."""
    lrate_at: Mapping[int, float] = setting(by_resolution({128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003}), POSITIVE)
    """Learning rate at single resolutions."""
    lrate_rampup_kimg: float = setting(0.0, NOT_NEGATIVE)
    """Raise the learning rate from 0 over this many thousands of images, as the authors' schedule can."""
    batch: int = setting(BATCHES[1][0], BATCH)
    """Images per step where batch_at has no entry. Given alone, it holds everywhere."""
    batch_at: Mapping[int, int] = setting(BATCHES[1][1], BATCH)
    """Images per step at single resolutions."""
    max_batch_per_gpu: Mapping[int, int] = setting(by_resolution({}), BATCH)
    """The most images per GPU and step at single resolutions."""
    batch_gpu: int | None = setting(None, BATCH_GPU)
    """The most images that a process computes at once, a multiple of 4; None: all. It affects only memory."""
    precision: Precision = setting("auto", ANY, later=True)  # noqa: RUF009 (as the others)
    """bf16: bfloat16 except in the mapping network, AdaIN's moments and R1; auto: bf16 on CUDA, else fp32."""
    compile: bool = False
    """Compile steps where that pays off; needs a C++ compiler. Faster, with the same results to rounding."""
    tick_kimg: float = setting(160.0, POSITIVE)
    """Thousands of images between two lines of statistics, each with a sheet of pictures, where tick_kimg_at has no
    entry. Given alone, it holds everywhere."""
    tick_kimg_at: Mapping[int, float] = setting(
        by_resolution({4: 160, 8: 140, 16: 120, 32: 100, 64: 80, 128: 60, 256: 40, 512: 30, 1024: 20}), POSITIVE
    )
    """The same at single resolutions."""
    seed: int = setting(0, Range(lambda n: 0 <= n < 2**32, "0 to 4294967295 (32 bits)"))
    """Seed of everything random in the training run."""

    @property
    def gamma(self) -> float:
        """r1_gamma, or by default 10 sqrt(img_resolution / 1024): the paper's 10 at 1024 (docs/decisions.md, R1)."""
        return 10 * math.sqrt(self.img_resolution / 1024) if self.r1_gamma is None else self.r1_gamma

    def continuing(self, source: NetworkConfig, resolution: int) -> Self:
        """This configuration with networks like those of `source`, starting at the `resolution` they have grown to."""
        networks = source.network.to_json() | {name: getattr(self, name) for name in OF_THE_DATA}
        if not source.has_styles:
            networks["style_mixing_prob"] = 0.0
        return self.but(**networks, initial_resolution=min(resolution, self.img_resolution))

    def for_gpus(self, num_gpus: int) -> Self:
        """This configuration with the authors' batch sizes for 1, 2, 4 or 8 GPUs. Raises InputError for others."""
        if num_gpus not in BATCHES:
            raise InputError(
                f"num_gpus {num_gpus}: the authors give batch sizes only for {', '.join(map(str, BATCHES))} GPUs"
            )
        batch, batch_at = BATCHES[num_gpus]
        return self.but(batch=batch, batch_at=batch_at)

    def for_budget(self, total_kimg: float) -> Self:
        """This configuration with its schedule shortened to a budget of `total_kimg` thousand images.

        Growing takes at most 60 % of the budget, half of it fading, and never more than now. The half-life of G's
        average is at most 1/25 of the budget, the probability of augment ada can rise to 1 within a quarter of it, and
        there are at least 40 ticks. With the paper's 25,000, nothing changes. Raises InputError for 0 or less.
        """
        if not isinstance(total_kimg, int | float) or not total_kimg > 0:
            raise InputError(f"total_kimg {printable(total_kimg, 60)}: must be above 0")
        growths = int(math.log2(self.img_resolution // self.initial_resolution))
        part_kimg = 0.6 * total_kimg / max(2 * growths, 1)
        tick_kimg = total_kimg / 40
        return self.but(
            total_kimg=total_kimg,
            level_kimg=min(self.level_kimg, part_kimg),
            fade_kimg=min(self.fade_kimg, part_kimg),
            ema_kimg=min(self.ema_kimg, total_kimg / 25),
            **({"ada_kimg": min(self.ada_kimg, total_kimg / 4)} if self.augment == "ada" else {}),
            tick_kimg=min(self.tick_kimg, tick_kimg),
            tick_kimg_at={res: min(kimg, tick_kimg) for res, kimg in self.tick_kimg_at.items()},
        )

    def _conflicts(self) -> list[str]:
        problems = super()._conflicts()
        if self.initial_resolution > self.img_resolution:
            problems.append(
                f"initial_resolution {self.initial_resolution}: must be at most img_resolution {self.img_resolution}"
            )
        if self.shared_fakes and self.batch_gpu is not None:
            problems.append(
                f"batch_gpu {self.batch_gpu}: must be None with shared_fakes, where G's whole batch stays in memory "
                "during D's step"
            )
        if self.shared_fakes and self.compile:
            problems.append("compile True: must be False with shared_fakes, where the steps of D and G share a graph")
        if not self.has_styles and self.style_mixing_prob > 0:
            problems.append(
                f"style_mixing_prob {self.style_mixing_prob}: must be 0 with norm {self.norm}, which has no styles to "
                "mix"
            )
        if self.augment == "diffaug" and self.initial_resolution < 8:
            problems.append(
                f"augment diffaug: needs initial_resolution 8 or more, not {self.initial_resolution}, because it moves "
                "pictures by an eighth of their size, less than a pixel there; or give augment none or ada"
            )
        if self.initial_resolution < self.img_resolution and self.level_kimg == self.fade_kimg == 0:
            problems.append(
                f"level_kimg 0 and fade_kimg 0: one must be above 0 to grow from initial_resolution "
                f"{self.initial_resolution} to img_resolution {self.img_resolution}"
            )
        return problems


OF_THE_DATA = ("img_resolution", "img_channels", "c_dim")
"""Fields that follow from the data set. Weights fit another network only if all other fields are equal."""

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


Row = Literal["A", "B", "C", "D", "E", "F"]
TABLE_1: Mapping[str, Config] = MappingProxyType(
    {"A": CONFIG_A, "B": CONFIG_B, "C": CONFIG_C, "D": CONFIG_D, "E": CONFIG_E, "F": CONFIG_F}
)
