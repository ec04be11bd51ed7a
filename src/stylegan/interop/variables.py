"""The names and layouts of the authors' variables, and how they become ours."""

import numpy as np
import torch
from torch import Tensor

from stylegan.config import NetworkConfig
from stylegan.errors import InputError

STYLES = {"adain": {"norm.affine.weight": "StyleMod/weight", "norm.affine.bias": "StyleMod/bias"}, "pixel": {}}
"""`norm` of a configuration -> our name -> their variable, for the styles of a layer. The authors have only these."""


def generator_names(config: NetworkConfig, *, progressive: bool = False) -> dict[str, str]:
    """Our name in the state_dict of G -> the authors' variable.

    progressive: for Progressive GAN's G, which has no components. Raises InputError for a `norm` that the authors'
    networks do not have.
    """
    if config.norm not in STYLES:
        raise InputError(f"norm {config.norm}: the authors' networks have {' or '.join(STYLES)}")
    synthesis = "" if progressive else "G_synthesis/"
    names = {} if progressive else {"w_avg": "dlatent_avg"}
    if config.c_dim:
        names["mapping.embedding"] = "G_mapping/LabelConcat/weight"
    for i in range(config.mapping_layers):
        for part in ("weight", "bias"):
            names[f"mapping.layers.{i}.{part}"] = f"G_mapping/Dense{i}/{part}"
    levels = int(config.max_lod)
    for i in range(levels + 1):
        block = f"synthesis.blocks.{i}"
        names[f"{block}.torgb.conv.weight"] = f"{synthesis}ToRGB_lod{levels - i}/weight"
        names[f"{block}.torgb.bias"] = f"{synthesis}ToRGB_lod{levels - i}/bias"
        for j in (0, 1):
            parts = _layer_parts(config, i, j)
            scope = f"{synthesis}{4 * 2**i}x{4 * 2**i}/{_layer_scope(config, i, j)}"
            names |= {f"{block}.layers.{j}.{ours}": f"{scope}/{theirs}" for ours, theirs in parts.items()}
            if config.noise:
                names[f"{block}.layers.{j}.noise_const"] = f"{synthesis}noise{2 * i + j}"
    return names


def _layer_scope(config: NetworkConfig, block: int, layer: int) -> str:
    if block == 0:
        return "Conv" if layer else "Const" if config.const_input else "Dense"
    return "Conv1" if layer else "Conv0_up"


def _layer_parts(config: NetworkConfig, block: int, layer: int) -> dict[str, str]:
    parts = {"op.weight": "weight", "bias": "bias"}
    if layer == 0 and block > 0:
        parts = {"op.0.weight": "weight", "bias": "bias"}
    if layer == 0 and block == 0 and config.const_input:
        parts = {"op.const": "const", "bias": "bias"}
    if config.noise:
        parts["noise_strength"] = "Noise/weight"
    return parts | STYLES[config.norm]


def discriminator_names(config: NetworkConfig) -> dict[str, str]:
    """Our name in the state_dict of D -> the authors' variable."""
    names = {"head.conv.weight": "4x4/Conv/weight", "head.bias": "4x4/Conv/bias"}
    names |= {f"head.dense{i}.{part}": f"4x4/Dense{i}/{part}" for i in (0, 1) for part in ("weight", "bias")}
    levels = int(config.max_lod)
    for i in range(levels + 1):
        names[f"fromrgb.{i}.conv.weight"] = f"FromRGB_lod{levels - i}/weight"
        names[f"fromrgb.{i}.bias"] = f"FromRGB_lod{levels - i}/bias"
    for i in range(levels):
        H = 8 << i
        for j, scope in enumerate(("Conv0", "Conv1_down")):
            names[f"blocks.{i}.conv{j}.weight"] = f"{H}x{H}/{scope}/weight"
            names[f"blocks.{i}.bias{j}"] = f"{H}x{H}/{scope}/bias"
    return names


def is_turned(name: str, fused_scale: bool | str) -> bool:
    """Is the variable the kernel of a fused up-convolution, which is turned by 180 degrees?

    fused_scale: the network's argument. "auto" fuses from outputs of 128x128 pixels on.
    """
    scope, _, last = name.rpartition("/Conv0_up/")
    if last != "weight" or fused_scale is False:
        return False
    return fused_scale is True or int(scope.rpartition("x")[2]) >= 128


def to_ours(name: str, array: np.ndarray, *, turned: bool = False) -> Tensor:
    """A variable, or its gradient, in our layout: float32, weights (out, in) or (out, in, kh, kw).

    turned: its kernel is turned by 180 degrees; turn it back.
    """
    tensor = torch.from_numpy(np.array(array, dtype=np.float32)).permute(_axes(name, array.ndim))
    return (tensor.flip(2, 3) if turned else tensor).contiguous()


def authors_shape(name: str, ours: torch.Size) -> tuple[int, ...]:
    """The shape, in the authors' layout, of the variable whose tensor has the shape `ours` here."""
    axes = _axes(name, len(ours))
    return tuple(ours[axes.index(i)] for i in range(len(ours)))


def _axes(name: str, ndim: int) -> list[int]:
    """The authors' axis for each of ours. Their weights are (kh, kw, in, out) and (in, out)."""
    is_weight = name.split("/")[-1] == "weight" and not name.endswith("LabelConcat/weight")
    return {4: [3, 2, 0, 1], 2: [1, 0]}.get(ndim, list(range(ndim))) if is_weight else list(range(ndim))
