"""How other programs store StyleGAN 1: the name and the form of every tensor.

These are facts about file formats. docs/weights.md says which program writes which format, and what each lacks.
b is a block (0 at 4x4), j a layer in it (0 or 1), i = 2 b + j the layer counted from 4x4 up, and H = 4 * 2^b the
resolution of block b.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from stylegan.config import NetworkConfig

Shape = tuple[int, ...]
FUSED = 128  # px: from here on, up-convolutions are transposed convolutions with the kernel turned by 180 degrees


@dataclass(frozen=True)
class Form:
    """ours: turns their tensor into ours. shape: the shape of ours -> the shape of theirs."""

    ours: Callable[[Tensor], Tensor]
    shape: Callable[[Shape], Shape] = tuple  # by default the two are the same


def times(factor: float) -> Form:
    """The same numbers, scaled, because they are multiplied by another gain at run time."""
    return Form(lambda t: t * factor)


SAME = Form(lambda t: t)
TURNED = Form(lambda t: t.flip(2, 3))
TENSORFLOW_TURNED = Form(lambda t: t.permute(3, 2, 0, 1).flip(2, 3), lambda s: (s[2], s[3], s[1], s[0]))
TRANSPOSED = Form(lambda t: t.permute(1, 0, 2, 3).flip(2, 3) / 4, lambda s: (s[1], s[0], s[2], s[3]))
"""rosinality's up-convolutions: (in, out, 3, 3), turned, the mean of four shifts where the authors take the sum."""
NOISE = Form(lambda t: t.flatten() * math.sqrt(2 / t.numel()), lambda s: (1, s[0], 1, 1))
"""rosinality's noise strengths, which that program scales at run time as if they were the weights of a layer."""
STYLE_BIAS = Form(lambda t: torch.cat([t[: len(t) // 2] - 1, t[len(t) // 2 :]]))
"""rosinality's scales in a style start at 1; ours are stored minus 1."""
LATENT = Form(lambda t: t.flip(2, 3).permute(0, 2, 3, 1).flatten(0, 2), lambda s: (s[0] // 16, s[1], 4, 4))
"""The dense layer on w, stored as a 4x4 transposed convolution."""


@dataclass(frozen=True)
class Layout:
    """One program's names for the tensors of G.

    maker: the program, for messages. sign: a pattern of a name that only its files have. names: our name -> (theirs,
    form). channels, style, mapping, labels, torgb: names of tensors whose shapes tell sizes; `channels` has one number
    for each channel of a block. blur: a pattern of the names of its filters, which must equal ours.
    """

    maker: str
    sign: str
    names: Callable[[NetworkConfig], dict[str, tuple[str, Form]]]
    channels: str
    style: str
    mapping: str
    labels: str
    torgb: str
    blur: str
    ignored: str = "(?!)"  # a pattern of names that are skipped
    norm_eps: float = 1e-8
    up_bias: bool = False
    lod: str | None = None
    w_avg: str | None = None
    latent: str | None = None  # the dense layer that makes 4x4 from w; files with a constant input lack it
    one_torgb: bool = False
    shared_noise: bool = False  # one map feeds both layers of a block
    note: str = ""


def _layers(config: NetworkConfig) -> Iterator[tuple[int, int, int, str]]:
    """(b, j, H, our name) of each layer, from 4x4 up."""
    for b in range(int(config.max_lod) + 1):
        for j in (0, 1):
            yield b, j, 4 << b, f"synthesis.blocks.{b}.layers.{j}"


def _both(ours: str, theirs: str, form: Form = SAME) -> dict[str, tuple[str, Form]]:
    return {f"{ours}.{part}": (f"{theirs}.{part}", form) for part in ("weight", "bias")}


def _op(j: int) -> str:
    return "op.weight" if j else "op.0.weight"


def genforce(config: NetworkConfig) -> dict[str, tuple[str, Form]]:
    """Our name -> (theirs, form), for genforce's files."""
    names = {"w_avg": ("truncation.w_avg", SAME)}
    if config.c_dim:
        names["mapping.embedding"] = ("mapping.label_weight", SAME)
    for k in range(config.mapping_layers):
        names |= _both(f"mapping.layers.{k}", f"mapping.dense{k}")
    for b, j, H, ours in _layers(config):
        theirs = f"synthesis.layer{2 * b + j}"
        if b == j == 0:
            const = ("op.const", "const", SAME) if config.const_input else ("op.weight", "weight", LATENT)
            names[f"{ours}.{const[0]}"] = (f"{theirs}.{const[1]}", const[2])
        else:
            names[f"{ours}.{_op(j)}"] = (f"{theirs}.weight", TURNED if j == 0 and H >= FUSED else SAME)
        names[f"{ours}.bias"] = (f"{theirs}.bias", SAME)
        names[f"{ours}.noise_strength"] = (f"{theirs}.apply_noise.weight", SAME)
        names[f"{ours}.noise_const"] = (f"{theirs}.apply_noise.noise", SAME)
        names |= _both(f"{ours}.norm.affine", f"{theirs}.style")
        names |= _torgb(b, f"synthesis.output{b}.weight", f"synthesis.output{b}.bias")
    return names


def _torgb(b: int, weight: str, bias: str, form: Form = SAME) -> dict[str, tuple[str, Form]]:
    ours = f"synthesis.blocks.{b}.torgb"
    return {f"{ours}.conv.weight": (weight, form), f"{ours}.bias": (bias, SAME)}


def old_genforce(config: NetworkConfig) -> dict[str, tuple[str, Form]]:
    """Our name -> (theirs, form), for the files of genforce's older programs."""
    names = {"w_avg": ("truncation.w_avg", SAME)}
    for k in range(config.mapping_layers):
        names[f"mapping.layers.{k}.weight"] = (f"mapping.dense{k}.linear.weight", SAME)
        names[f"mapping.layers.{k}.bias"] = (f"mapping.dense{k}.wscale.bias", SAME)
    for b, j, H, ours in _layers(config):
        theirs = f"synthesis.layer{2 * b + j}"
        if b == j == 0:
            names[f"{ours}.op.const"] = (f"{theirs}.first_layer", SAME)
        elif j == 0 and H >= FUSED:
            names[f"{ours}.op.0.weight"] = (f"{theirs}.weight", TENSORFLOW_TURNED)
        else:
            names[f"{ours}.{_op(j)}"] = (f"{theirs}.conv.weight", SAME)
        names[f"{ours}.bias"] = (f"{theirs}.epilogue.bias", SAME)
        names[f"{ours}.noise_strength"] = (f"{theirs}.epilogue.apply_noise.weight", SAME)
        names[f"{ours}.noise_const"] = (f"{theirs}.epilogue.apply_noise.noise", SAME)
        dense = f"{theirs}.epilogue.style_mod.dense"
        names[f"{ours}.norm.affine.weight"] = (f"{dense}.linear.weight", SAME)
        names[f"{ours}.norm.affine.bias"] = (f"{dense}.wscale.bias", SAME)
        names |= _torgb(b, f"synthesis.output{b}.conv.weight", f"synthesis.output{b}.bias")
    return names


def _thomas(config: NetworkConfig, mapping: str, block: Callable[[int], str]) -> dict[str, tuple[str, Form]]:
    """The tensors that huangzh13's and lernapparat's files have in common."""
    names: dict[str, tuple[str, Form]] = {}
    for k in range(config.mapping_layers):
        names |= _both(f"mapping.layers.{k}", f"{mapping}.dense{k}")
    for b, j, H, ours in _layers(config):
        theirs = block(b)
        if b == j == 0:
            names |= {f"{ours}.op.const": (f"{theirs}.const", SAME), f"{ours}.bias": (f"{theirs}.bias", SAME)}
        else:
            conv = f"{theirs}.{'conv' if b == 0 else 'conv1' if j else 'conv0_up'}"
            names[f"{ours}.{_op(j)}"] = (f"{conv}.weight", TURNED if j == 0 and H >= FUSED else SAME)
            names[f"{ours}.bias"] = (f"{conv}.bias", SAME)
        names[f"{ours}.noise_strength"] = (f"{theirs}.epi{j + 1}.top_epi.noise.weight", SAME)
        names |= _both(f"{ours}.norm.affine", f"{theirs}.epi{j + 1}.style_mod.lin")
    return names


def huangzh13(config: NetworkConfig) -> dict[str, tuple[str, Form]]:
    """Our name -> (theirs, form), for huangzh13's files."""
    names = _thomas(config, "g_mapping.map", lambda b: f"g_synthesis.blocks.{b - 1}" if b else "g_synthesis.init_block")
    if config.c_dim:
        names["mapping.embedding"] = ("class_embedding.weight", SAME)
    for b in range(int(config.max_lod) + 1):
        names |= _torgb(b, f"g_synthesis.to_rgb.{b}.weight", f"g_synthesis.to_rgb.{b}.bias")
    return names


def lernapparat(config: NetworkConfig) -> dict[str, tuple[str, Form]]:
    """Our name -> (theirs, form), for lernapparat's file, which has the picture output of full size only."""
    names = _thomas(config, "g_mapping", lambda b: f"g_synthesis.blocks.{4 << b}x{4 << b}")
    return names | _torgb(int(config.max_lod), "g_synthesis.torgb.weight", "g_synthesis.torgb.bias")


def rosinality(config: NetworkConfig) -> dict[str, tuple[str, Form]]:
    """Our name -> (theirs, form), for rosinality's files, whose weights have other run-time gains."""
    names: dict[str, tuple[str, Form]] = {}
    for k in range(config.mapping_layers):
        theirs = f"style.{2 * k + 1}.linear"
        names[f"mapping.layers.{k}.weight"] = (f"{theirs}.weight_orig", times(100))
        names[f"mapping.layers.{k}.bias"] = (f"{theirs}.bias", times(100))
    for b, j, H, ours in _layers(config):
        theirs = f"generator.progression.{b}"
        if b == j == 0:
            names[f"{ours}.op.const"] = (f"{theirs}.conv1.input", SAME)
        elif j:
            names[f"{ours}.op.weight"] = (f"{theirs}.conv2.conv.weight_orig", SAME)
            names[f"{ours}.bias"] = (f"{theirs}.conv2.conv.bias", SAME)
        else:
            fused = H >= FUSED
            up = f"{theirs}.conv1.0" if fused else f"{theirs}.conv1.1.conv"
            weight = (f"{up}.weight", TRANSPOSED) if fused else (f"{up}.weight_orig", SAME)
            names[f"{ours}.op.0.weight"] = weight
            names[f"{ours}.op.1.bias"] = (f"{up}.bias", SAME)
        names[f"{ours}.noise_strength"] = (f"{theirs}.noise{j + 1}.weight_orig", NOISE)
        style = f"{theirs}.adain{j + 1}.style.linear"
        names[f"{ours}.norm.affine.weight"] = (f"{style}.weight_orig", times(2**0.5))
        names[f"{ours}.norm.affine.bias"] = (f"{style}.bias", STYLE_BIAS)
        rgb = f"generator.to_rgb.{b}.conv"
        names |= _torgb(b, f"{rgb}.weight_orig", f"{rgb}.bias", times(2**0.5))
    return names


LAYOUTS = {
    "genforce": Layout(
        maker="genforce",
        sign=r"synthesis\.layer0\.style\.weight",
        names=genforce,
        channels="synthesis.layer{i}.bias",
        style="synthesis.layer0.style.weight",
        mapping="mapping.dense{k}.weight",
        labels="mapping.label_weight",
        torgb="synthesis.output0.weight",
        blur=r"synthesis\.layer(\d+)\.blur\.kernel",
        lod="synthesis.lod",
        latent="synthesis.layer0.weight",
    ),
    "old genforce": Layout(
        maker="genforce's older programs (InterFaceGAN, HiGAN, idinvert)",
        sign=r"synthesis\.layer0\.epilogue\.bias",
        names=old_genforce,
        channels="synthesis.layer{i}.epilogue.bias",
        style="synthesis.layer0.epilogue.style_mod.dense.linear.weight",
        mapping="mapping.dense{k}.linear.weight",
        labels="",
        torgb="synthesis.output0.conv.weight",
        blur=r"synthesis\.layer(\d+)\.blur\.kernel",
        ignored=r"truncation\.truncation",
        lod="synthesis.lod",
    ),
    "huangzh13": Layout(
        maker="huangzh13/StyleGAN.pytorch",
        sign=r"g_synthesis\.init_block\.bias",
        names=huangzh13,
        channels="g_synthesis.{block}.epi1.top_epi.noise.weight",
        style="g_synthesis.init_block.epi1.style_mod.lin.weight",
        mapping="g_mapping.map.dense{k}.weight",
        labels="class_embedding.weight",
        torgb="g_synthesis.to_rgb.0.weight",
        blur=r"g_synthesis\.blocks\.(\d+)\.conv0_up\.intermediate\.kernel",
        ignored=r"truncation\.avg_latent",
        norm_eps=1e-5,
        note="it was trained with truncated w: psi 0.7 and cutoff 8 give pictures as in its training",
    ),
    "lernapparat": Layout(
        maker="lernapparat",
        sign=r"g_synthesis\.blocks\.4x4\.bias",
        names=lernapparat,
        channels="g_synthesis.blocks.{H}x{H}.epi1.top_epi.noise.weight",
        style="g_synthesis.blocks.4x4.epi1.style_mod.lin.weight",
        mapping="g_mapping.dense{k}.weight",
        labels="",
        torgb="g_synthesis.torgb.weight",
        blur=r"g_synthesis\.blocks\.(\d+)x\d+\.conv0_up\.intermediate\.kernel",
        norm_eps=1e-5,
        w_avg="truncation.avg_latent",
        one_torgb=True,
    ),
    "rosinality": Layout(
        maker="rosinality/style-based-gan-pytorch",
        sign=r"generator\.progression\.0\.conv1\.input",
        names=rosinality,
        channels="generator.progression.{b}.noise1.weight_orig",
        style="generator.progression.0.adain1.style.linear.weight_orig",
        mapping="style.{k2}.linear.weight_orig",
        labels="",
        torgb="generator.to_rgb.0.conv.weight_orig",
        blur=r"generator\.progression\.(\d+)\.conv1\.[12]\.weight(_flip)?",
        norm_eps=1e-5,
        up_bias=True,
        shared_noise=True,
    ),
}


def channels_name(layout: Layout, b: int) -> str:
    """The name of the tensor that has one number for each channel of block b."""
    block = f"blocks.{b - 1}" if b else "init_block"
    return layout.channels.format(b=b, i=2 * b, H=4 << b, block=block)
