"""Reads D as other programs saved it: what fits is read, and the rest starts anew. b and H as in `layouts`.

These are facts about file formats. genforce's D is the authors'. rosinality's widens in the first convolution of a
block, not in the second. So its blocks of constant width fit, its 4x4 layers, and its picture inputs if they have an
activation.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from math import prod

import torch
from torch import Tensor

from stylegan.config import NetworkConfig
from stylegan.errors import InputError, printable, refuse
from stylegan.interop.layouts import FUSED, LAYOUTS, SAME, Form, times
from stylegan.interop.port_config import Tensors
from stylegan.interop.torch_files import TorchFile
from stylegan.networks.discriminator import Discriminator

Names = dict[str, tuple[str, Form]]
BLUR_OF_D = r"layer(\d+)\.blur\.kernel"
FLAT = Form(lambda t: t.flatten(1), lambda s: (s[0], s[1] // 16, 4, 4))
"""rosinality's dense layer at 4x4, stored as a 4x4 convolution without padding."""


def read_discriminator(
    layout: str, held: Tensors, config: NetworkConfig, file: TorchFile
) -> tuple[Discriminator | None, str]:
    """D with the tensors of the file that fit, and a line about the rest, "" if there is none.

    The other tensors are drawn with seed 0. D is None if nothing fits. Raises InputError if genforce's D is incomplete.
    """
    if layout not in READERS:
        return None, f"D: that of {LAYOUTS[layout].maker} is not read; training from this file starts with a new one"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        D = Discriminator(config).eval().requires_grad_(False)
    names = READERS[layout](config, held)
    ours = D.state_dict()
    unfit = {_part(name) for name in ours if name not in names or not _fits(ours[name], names[name], held)}
    fitting = [name for name in ours if _part(name) not in unfit]
    if not any(name.startswith(("blocks.", "head.")) for name in fitting):
        return None, "D: the file has none that fits; training from this file starts with a new one"
    if lod := held.get("lod"):
        D.lod = min(max(float(file.tensor(lod).reshape(-1)[0]), 0.0), config.max_lod)
    D.load_state_dict(ours | {n: names[n][1].ours(file.tensor(held[names[n][0]])).contiguous() for n in fitting})
    new = ", ".join(part for part in dict.fromkeys(map(_part, ours)) if part in unfit)
    said = f"D: {len(fitting)} of {len(ours)} tensors fit and are read; new, drawn with seed 0: {new}"
    return D, said if unfit else ""


def _part(name: str) -> str:
    """The part of D that a tensor belongs to, read whole or not at all: a head layer, a picture input or a block."""
    return "head.conv" if name == "head.bias" else ".".join(name.split(".")[:2])


def _fits(ours: Tensor, theirs: tuple[str, Form], held: Tensors) -> bool:
    name, form = theirs
    return name in held and held[name].shape == tuple(form.shape(tuple(ours.shape)))


def genforce(config: NetworkConfig) -> Names:
    """Our name -> (theirs, form). Their blocks count from full size down."""
    names: Names = {}
    last = int(config.max_lod)
    for b in range(last + 1):
        r = last - b
        names |= _pair(f"fromrgb.{b}.conv.weight", f"fromrgb.{b}.bias", f"input{r}")
        for j in (0, 1) if b else ():
            names |= _pair(f"blocks.{b - 1}.conv{j}.weight", f"blocks.{b - 1}.bias{j}", f"layer{2 * r + j}")
    names |= _pair("head.conv.weight", "head.bias", f"layer{2 * last}")
    for i in (0, 1):
        names |= _pair(f"head.dense{i}.weight", f"head.dense{i}.bias", f"layer{2 * last + 1 + i}")
    return names


def _pair(weight: str, bias: str, theirs: str, form: Form = SAME, suffix: str = "") -> Names:
    return {weight: (f"{theirs}.weight{suffix}", form), bias: (f"{theirs}.bias", SAME)}


def _genforce_names(config: NetworkConfig, held: Tensors) -> Names:
    """The names in genforce's D. It may differ from G in width, size and number of classes but must be complete."""
    own = _own_config(config, held)
    names = genforce(own)
    with torch.device("meta"):
        ours = Discriminator(own).state_dict()
    known = {theirs for theirs, _ in names.values()} | {"lod"}
    problems = misfits(names, held, ours)
    problems += [
        f"{printable(name, 100)} is not part of genforce's discriminator"
        for name in held
        if name not in known and not re.fullmatch(BLUR_OF_D, name)
    ]
    refuse([f"discriminator: {problem}" for problem in few(problems)])
    return names


def _own_config(config: NetworkConfig, held: Tensors) -> NetworkConfig:
    count = next(r for r in range(len(held) + 1) if f"input{r}.bias" not in held)
    logits = f"layer{2 * count}.bias"
    needed = ("input0.weight", "input0.bias", logits)
    refuse([f"discriminator: {name} is missing" for name in needed if name not in held])
    widths = [prod(held[f"input{r}.bias"].shape) for r in range(count)]
    classes, size = prod(held[logits].shape), 4 << (count - 1)
    try:
        return replace(
            config,
            img_resolution=size,
            img_channels=held["input0.weight"].shape[1],
            c_dim=config.c_dim if classes == max(config.c_dim, 1) else classes if classes > 1 else 0,
            channel_base=widths[0] * size,
            channel_max=max(widths),
        )
    except (ValueError, IndexError) as e:
        raise InputError(f"discriminator: {printable(e)}") from e


def _rosinality_names(config: NetworkConfig, held: Tensors) -> Names:
    """The names in rosinality's D, which always has all blocks, trained or not; r counts from the largest down."""
    found = [int(m[1]) for name in held if (m := re.fullmatch(r"progression\.(\d{1,2})\.conv1\.0\.conv\.bias", name))]
    last, names = max(found, default=0), Names()
    for b in range(int(config.max_lod) + 1):
        r = f"{last - b}"
        names |= _pair(f"fromrgb.{b}.conv.weight", f"fromrgb.{b}.bias", f"from_rgb.{r}.0.conv", suffix="_orig")
        if not b:
            continue
        conv0, block = f"progression.{r}.conv1.0.conv", f"blocks.{b - 1}"
        fused = 4 << b >= FUSED
        conv1 = f"progression.{r}.conv2.1" if fused else f"progression.{r}.conv2.1.conv"
        names |= _pair(f"{block}.conv0.weight", f"{block}.bias0", conv0, suffix="_orig")
        names |= _pair(f"{block}.conv1.weight", f"{block}.bias1", conv1, suffix="" if fused else "_orig")
    names |= _pair("head.conv.weight", "head.bias", f"progression.{last}.conv1.0.conv", suffix="_orig")
    names |= _pair("head.dense0.weight", "head.dense0.bias", f"progression.{last}.conv2.0.conv", FLAT, "_orig")
    return names | _pair("head.dense1.weight", "head.dense1.bias", "linear.linear", times(2**0.5), "_orig")


READERS: dict[str, Callable[[NetworkConfig, Tensors], Names]] = {
    "genforce": _genforce_names,
    "rosinality": _rosinality_names,
}


def misfits(names: Names, held: Tensors, ours: dict[str, Tensor]) -> list[str]:
    """A line for each tensor that is missing or has another shape than `ours` needs."""
    problems = []
    for name, (theirs, form) in names.items():
        wanted = tuple(form.shape(tuple(ours[name].shape)))
        if theirs not in held:
            problems.append(f"{theirs} is missing")
        elif held[theirs].shape != wanted:
            problems.append(f"{theirs} is {printable(held[theirs].shape, 100)}: must be {wanted}")
    return problems


def few(problems: Iterable[str], most: int = 12) -> list[str]:
    """The problems; of more than `most`, the first in alphabetical order and the number of the others."""
    problems = list(problems)
    rest = len(problems) - most
    return problems if rest <= 0 else [*sorted(problems)[:most], f"and {rest} more"]
