"""The arguments that the authors' networks were built with, and the Config that builds the same networks here."""

from dataclasses import dataclass
from typing import Any

from stylegan.config import CONFIG_A, CONFIG_F, Config
from stylegan.errors import refuse
from stylegan.interop.pickles import short

LARGEST = 2**20  # the largest size accepted: far above any network's, far below overflow


@dataclass(frozen=True)
class Size:
    """An argument that must be a whole number. It is required if it has no default."""

    default: int | None = None


@dataclass(frozen=True)
class Only:
    """An argument that is supported only with these values. The first is the default."""

    values: tuple[Any, ...]
    why: str = ""


@dataclass(frozen=True)
class Free:
    """An argument that does not change the network: it concerns training, evaluation or speed."""

    default: Any = None


Rules = dict[str, Size | Only | Free]

PICTURE: Rules = {"num_channels": Size(), "resolution": Size(), "label_size": Size(0)}
WIDTHS: Rules = {"fmap_base": Size(8192), "fmap_max": Size(512), "fmap_decay": Only((1.0,))}
WEIGHTS: Rules = {"use_wscale": Only((True,)), "dtype": Only(("float32",))}
RUN: Rules = {"structure": Only(("auto", None, "linear", "recursive", "fixed")), "is_template_graph": Free()}
STYLEGAN_LAYERS: Rules = {
    "nonlinearity": Only(("lrelu",)),
    "fused_scale": Only(("auto", True, False)),
    "blur_filter": Only(([1, 2, 1], None, [])),
}
PROGRESSIVE_LAYERS: Rules = {
    "label_size": Only((0,), "classes are supported only as StyleGAN has them"),
    "fused_scale": Only((True,)),
}
G_STYLE = {"truncation_psi", "truncation_cutoff", "truncation_psi_val", "truncation_cutoff_val", "dlatent_avg_beta"}
G_STYLE |= {"style_mixing_prob", "is_training", "is_validation", "is_template_graph"}

FUNCTIONS: dict[str, Rules] = {
    "G_style": {name: Free(0.9 if name == "style_mixing_prob" else None) for name in G_STYLE},
    "G_mapping": {
        "latent_size": Size(512),
        "label_size": Size(0),
        "dlatent_size": Size(512),
        "dlatent_broadcast": Free(),
        "mapping_layers": Size(8),
        "mapping_fmaps": Size(512),
        "mapping_lrmul": Only((0.01,)),
        "mapping_nonlinearity": Only(("lrelu",)),
        "normalize_latents": Only((True,)),
        **WEIGHTS,
    },
    "G_synthesis": {
        "dlatent_size": Size(512),
        "num_channels": Size(),
        "resolution": Size(),
        **WIDTHS,
        "use_styles": Only((True, False)),
        "const_input_layer": Only((True, False)),
        "use_noise": Only((True, False)),
        "randomize_noise": Free(),
        "use_pixel_norm": Only((False, True)),
        "use_instance_norm": Only((True, False)),
        "force_clean_graph": Free(),
        **(WEIGHTS | STYLEGAN_LAYERS | RUN),
    },
    "D_basic": {
        "mbstd_group_size": Only((4,)),
        "mbstd_num_features": Only((1,)),
        **(PICTURE | WIDTHS | WEIGHTS | STYLEGAN_LAYERS | RUN),
    },
    "G_paper": {
        "latent_size": Size(0),  # 0 or None: the number of feature maps of the first layer
        "normalize_latents": Only((True,)),
        "use_pixelnorm": Only((True,)),
        "pixelnorm_epsilon": Only((1e-8,)),
        "use_leakyrelu": Only((True,)),
        **(PICTURE | WIDTHS | WEIGHTS | PROGRESSIVE_LAYERS | RUN),
    },
    "D_paper": {"mbstd_group_size": Only((4,)), **(PICTURE | WIDTHS | WEIGHTS | PROGRESSIVE_LAYERS | RUN)},
}
"""The authors' build functions and the rules for their arguments. G_paper and D_paper are Progressive GAN's."""

ALL_NAMES = {name for rules in FUNCTIONS.values() for name in rules}
NOT_SHARED = {"fused_scale", "structure"}  # may differ between the networks of a file
NORMS: dict[tuple[bool, ...], str] = {(True, False, True): "adain", (False, True, False): "pixel"}


def settle(function: str, given: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    """Every argument of `function`, given or default. Arguments of the other build functions are left out.

    Appends to `problems` a line for each argument that no build function knows and for each unsupported value.
    """
    problems += [f"{short(name)}: not an argument of the authors' networks" for name in given if name not in ALL_NAMES]
    settled = {}
    for name, rule in FUNCTIONS[function].items():
        value = given.get(name, rule.values[0] if isinstance(rule, Only) else rule.default)
        settled[name] = value
        if isinstance(rule, Size):
            settled[name] = value = 0 if value is None and rule.default == 0 else value
            if type(value) is not int or not 0 <= value <= LARGEST:
                problems.append(f"{name} {short(value)} of {function}: must be a whole number up to {LARGEST}")
        elif isinstance(rule, Only):
            value = list(value) if isinstance(value, tuple) else value
            if value in rule.values:
                settled[name] = rule.values[rule.values.index(value)]
            else:
                allowed = " or ".join(map(repr, rule.values))
                because = f" ({rule.why})" if rule.why else ""
                problems.append(f"{name} {short(value)} of {function}: must be {allowed}{because}")
    return settled


def config_of(networks: list[tuple[str, dict[str, Any]]]) -> Config:
    """The Config of networks that belong together, each given as its build function and its arguments.

    Raises InputError that names every unsupported argument, or every argument in which the networks differ.
    """
    problems: list[str] = []
    settled = [(function, settle(function, given, problems)) for function, given in networks]
    refuse(list(dict.fromkeys(problems)))  # G and its average have the same problems
    together: dict[str, Any] = {}
    for function, arguments in settled:
        for name, value in arguments.items():
            value = None if value == [] else value  # both mean no blur filter
            other = together.setdefault(name, value)
            if isinstance(FUNCTIONS[function][name], Free) or name in NOT_SHARED or other == value:
                continue
            problems.append(f"{name} {value!r} of {function}, {other!r} of another network: must agree")
    problems += _stylegan_problems(together) if "use_styles" in together else []
    refuse(problems)
    return _stylegan(together) if "use_styles" in together else _progressive(together)


def _shared(arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "img_resolution": arguments["resolution"],
        "img_channels": arguments["num_channels"],
        "c_dim": arguments["label_size"],
        "channel_base": 2 * arguments["fmap_base"],
        "channel_max": arguments["fmap_max"],
        "initial_resolution": min(8, arguments["resolution"]),
    }


def _progressive(arguments: dict[str, Any]) -> Config:
    z_dim = arguments["latent_size"] or min(arguments["fmap_base"], arguments["fmap_max"])
    return CONFIG_A.but(z_dim=z_dim, w_dim=z_dim, mapping_dim=z_dim, **_shared(arguments))


def _stylegan_problems(arguments: dict[str, Any]) -> list[str]:
    problems = []
    if _norm_flags(arguments) not in NORMS:
        problems.append(
            f"use_styles, use_pixel_norm, use_instance_norm {_norm_flags(arguments)}: must be "
            f"{' or '.join(map(str, NORMS))}, the style-based or the traditional generator"
        )
    if not isinstance(prob := arguments["style_mixing_prob"], float | int | None):
        problems.append(f"style_mixing_prob {short(prob)} of G_style: must be a number or None")
    return problems


def _norm_flags(arguments: dict[str, Any]) -> tuple[bool, ...]:
    return tuple(arguments[name] for name in ("use_styles", "use_pixel_norm", "use_instance_norm"))


def _stylegan(arguments: dict[str, Any]) -> Config:
    norm = NORMS[_norm_flags(arguments)]
    return CONFIG_F.but(
        z_dim=arguments["latent_size"],
        w_dim=arguments["dlatent_size"],
        mapping_dim=arguments["mapping_fmaps"],
        mapping_layers=arguments["mapping_layers"],
        norm=norm,
        const_input=arguments["const_input_layer"],
        noise=arguments["use_noise"],
        resample="bilinear" if arguments["blur_filter"] else "nearest",
        # without styles there is nothing to mix
        style_mixing_prob=(arguments["style_mixing_prob"] or 0.0) if arguments["use_styles"] else 0.0,
        **_shared(arguments),
    )
