"""The numbers measured on the authors' code (tests/data/golden/README.md), and their names translated into ours."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from stylegan.config import CONFIG_A, CONFIG_F, Config

FOLDER = Path(__file__).parent / "data" / "golden"


def load(name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of NAME.npz, and its meta data."""
    with np.load(FOLDER / f"{name}.npz") as arrays:
        data = {key: arrays[key] for key in arrays.files}
    return data, json.loads(str(data.pop("meta")))


def tensor(array: np.ndarray) -> Tensor:
    """float32, as the authors' code computes."""
    return torch.from_numpy(np.array(array, dtype=np.float32))


def config(official: dict[str, Any], *, progan: bool = False) -> Config:
    """Our configuration for the keyword arguments of the authors' network."""
    changes: dict[str, Any] = {
        "img_resolution": official["resolution"],
        "img_channels": official["num_channels"],
        "c_dim": official["label_size"],
        "channel_base": 2 * official["fmap_base"],
        "channel_max": official["fmap_max"],
        "initial_resolution": 4,
    }
    if progan:
        width = {"z_dim": official["fmap_max"], "w_dim": official["fmap_max"]}
        return CONFIG_A.but(**changes, **width, mapping_dim=official["fmap_max"])
    changes |= {
        "z_dim": official["latent_size"],
        "w_dim": official["dlatent_size"],
        "mapping_dim": official["mapping_fmaps"],
        "mapping_layers": official.get("mapping_layers", 8),
        "const_input": official.get("const_input_layer", True),
        "noise": official.get("use_noise", True),
    }
    if not official.get("use_styles", True):
        changes |= {"norm": "pixel", "style_mixing_prob": 0.0}
    return CONFIG_F.but(**changes)


def our_names(network: nn.Module, names: list[str]) -> dict[str, str]:
    """The authors' variable names (without G/ or D/) -> names in our state_dict; their lod is no tensor of ours."""
    to_ours = _g_name if hasattr(network, "mapping") else _d_name
    levels = int(np.log2(network.config.img_resolution)) - 2
    return {name: to_ours(name, levels) for name in names if not name.endswith("lod")}


def _g_name(name: str, levels: int) -> str:
    if name == "dlatent_avg":
        return "w_avg"
    scope, _, name = name.rpartition("G_synthesis/") if "G_synthesis" in name else name.rpartition("G_mapping/")
    if scope == "" and name == "LabelConcat/weight":
        return "mapping.embedding"
    if match := re.fullmatch(r"Dense(\d)/(weight|bias)", name):
        return f"mapping.layers.{match[1]}.{match[2]}"
    if match := re.fullmatch(r"noise(\d+)", name):
        return f"synthesis.blocks.{int(match[1]) // 2}.layers.{int(match[1]) % 2}.noise_const"
    if match := re.fullmatch(r"ToRGB_lod(\d+)/(weight|bias)", name):
        return f"synthesis.blocks.{levels - int(match[1])}.torgb.{'conv.weight' if match[2] == 'weight' else 'bias'}"
    match = re.fullmatch(r"(\d+)x\d+/(Const|Dense|Conv0_up|Conv1|Conv)/(.+)", name)
    assert match, name
    block = int(np.log2(int(match[1]))) - 2
    layer = 0 if match[2] in ("Const", "Dense", "Conv0_up") else 1
    part = {
        "const": "op.const",
        "weight": "op.0.weight" if match[2] == "Conv0_up" else "op.weight",
        "bias": "bias",
        "Noise/weight": "noise_strength",
        "StyleMod/weight": "norm.affine.weight",
        "StyleMod/bias": "norm.affine.bias",
    }[match[3]]
    return f"synthesis.blocks.{block}.layers.{layer}.{part}"


def _d_name(name: str, levels: int) -> str:
    if match := re.fullmatch(r"FromRGB_lod(\d+)/(weight|bias)", name):
        return f"fromrgb.{match[1]}.{'conv.weight' if match[2] == 'weight' else 'bias'}"
    match = re.fullmatch(r"(\d+)x\d+/(\w+)/(weight|bias)", name)
    assert match, name
    if match[1] == "4":
        return {"Conv": f"head.{'conv.weight' if match[3] == 'weight' else 'bias'}"}.get(
            match[2], f"head.{match[2].lower()}.{match[3]}"
        )
    block = levels + 2 - int(np.log2(int(match[1])))
    i = 0 if match[2] == "Conv0" else 1
    return f"blocks.{block}.{f'conv{i}.weight' if match[3] == 'weight' else f'bias{i}'}"


def our_layout(array: np.ndarray, like: Tensor) -> Tensor:
    """The authors' (kh, kw, in, out) and (in, out) -> our (out, in, kh, kw) and (out, in)."""
    value = tensor(array)
    if value.ndim == 4 and value.shape[:2] == like.shape[2:] and like.shape[0] != 1:
        value = value.permute(3, 2, 0, 1)
    elif value.ndim == 2 and value.T.shape == like.shape:
        value = value.T
    assert value.shape == like.shape, (array.shape, like.shape)
    return value


def fill(network: nn.Module, data: dict[str, np.ndarray], prefix: str, *, fused: bool = False) -> None:
    """Put the authors' variables into our network, strictly: every tensor of ours must be named.

    fused: the file holds kernels of fused up-convolutions, which are turned by 180 degrees.
    """
    names = [key.removeprefix(prefix) for key in data if key.startswith(prefix)]
    state = network.state_dict()
    new = {}
    for theirs, ours in our_names(network, names).items():
        value = _our_layout_named(data[prefix + theirs], theirs, state[ours])
        new[ours] = value.flip(2, 3) if fused and "Conv0_up/weight" in theirs else value
    network.load_state_dict(new, strict=True)


def _our_layout_named(array: np.ndarray, name: str, like: Tensor) -> Tensor:
    value = tensor(array)
    if name.endswith("LabelConcat/weight"):
        return value  # (c_dim, z_dim) in both
    if name.endswith("/weight") and value.ndim == 4:
        return value.permute(3, 2, 0, 1).contiguous()
    if name.endswith("/weight") and value.ndim == 2:
        return value.T.contiguous()
    return value


def relative_error(ours: Tensor, theirs: np.ndarray | Tensor) -> float:
    """max |ours - theirs| / max |theirs|."""
    reference = theirs if isinstance(theirs, Tensor) else tensor(theirs)
    assert ours.shape == reference.shape, (ours.shape, reference.shape)
    return ((ours - reference).abs().max() / reference.abs().max()).item()
