"""Networks that cannot be read: StyleGAN2 and 3, and unknown forms of StyleGAN 1. Tensor names tell which it is."""

import re
from collections.abc import Iterable

from stylegan.errors import InputError

SG2 = "this package reads StyleGAN 1 (2018 and 2019)"
OTHERS = {
    r"conv1\.conv\.modulation\.weight|convs\.\d+\.conv\.modulation\.weight": (
        f"a StyleGAN2 of rosinality/stylegan2-pytorch (or of a program that copies its names): {SG2}"
    ),
    r"(generator(_ema)?\.)?constant_input\.input": f"a StyleGAN2 or 3 of mmgeneration or mmagic: {SG2}",
    r"(generator(_ema)?\.)?(module\.)?(convs\.0\.noise_injector1\.weight|injected_noise_0)": (
        "a StyleGAN 1 of mmgeneration or mmagic: its layers have a second activation, which no network here has"
    ),
    r"(GE?|S|SE|D)\.(blocks|net|initial_block|to_initial_block).*": (
        f"a StyleGAN2 of lucidrains/stylegan2-pytorch: {SG2}"
    ),
    r"synthesis\.b\d+\.conv1\.affine\.weight": f"a StyleGAN2 of NVIDIA's stylegan2-ada-pytorch or stylegan3: {SG2}",
    r"synthesis\.L\d+_\d+_\d+\.affine\.weight": f"a StyleGAN3 of NVIDIA: {SG2}",
    r"synthesis\.layer\d+\.style\.wscale.*|synthesis\.layer0\.demodulate.*": f"a StyleGAN2 of genforce: {SG2}",
    r"decoder\.style_conv.*|stylegan_decoder.*": f"a StyleGAN2 inside GFPGAN or BasicSR: {SG2}",
    r"style\.\d+\.weight": (
        f"a StyleGAN2 of rosinality/stylegan2-pytorch (or of a program that copies its names): {SG2}"
    ),
    r"g_mapping\..*|g_synthesis\..*": "a port of StyleGAN 1 whose names are unknown here",
    r"progression\.0\.conv1?\..*|generator\.progression\..*": (
        "a file of rosinality/style-based-gan-pytorch from before July 2019, when it used other names: load it with "
        "the program of that time, or take a newer file"
    ),
}
"""A pattern of a tensor's name -> what the file is. The first pattern that matches decides."""

PERSISTENT = "torch_utils.persistence._reconstruct_persistent_obj"


def refuse_other(names: Iterable[str]) -> None:
    """Raise InputError that says which network has tensors of these names, if it is one of OTHERS."""
    names = list(names)
    for pattern, words in OTHERS.items():
        if any(re.fullmatch(pattern, name) for name in names):
            raise InputError(f"{words}")


def other_by_globals(named: Iterable[str]) -> str | None:
    """What a pickle is, judged by the names that its own loader would import. None if that is unknown."""
    if PERSISTENT in named:
        return (
            "a network of NVIDIA's stylegan2-ada-pytorch or stylegan3. It carries source code that their loader "
            f"would run; {SG2}"
        )
    modules = {name.partition(".")[0] for name in named}
    if "training" in modules or "torch_utils" in modules:
        return f"a pickled network of a later program of NVIDIA: {SG2}"
    return None
