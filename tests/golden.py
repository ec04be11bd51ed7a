"""The numbers measured on the authors' code (tests/data/golden/README.md), in our names and layouts."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stylegan.config import Config
from stylegan.interop.arguments import config_of
from stylegan.interop.variables import discriminator_names, generator_names, is_turned, to_ours
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator

FOLDER = Path(__file__).parent / "data" / "golden"
TOLERANCE = 1e-4  # of max |reference|: README.md there


def load(name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of NAME.npz, and its metadata."""
    with np.load(FOLDER / f"{name}.npz") as arrays:
        data = {key: arrays[key] for key in arrays.files}
    return data, json.loads(str(data.pop("meta")))


def networks(name: str) -> tuple[Generator, Discriminator, dict[str, np.ndarray], dict[str, Any]]:
    """G and D with the weights of NAME.npz, its arrays, and its metadata."""
    data, meta = load(name)
    progan = "progan" in name
    ours = config(meta["config"], progan=progan)
    G, D = Generator(ours), Discriminator(ours)
    fill(G, data, "G/", fused=progan)
    fill(D, data, "D/")
    return G.requires_grad_(False), D.requires_grad_(False), data, meta


def tensor(array: np.ndarray) -> Tensor:
    """In float32, like the authors' code."""
    return torch.from_numpy(np.array(array, dtype=np.float32))


def config(official: dict[str, Any], *, progan: bool = False) -> Config:
    """Our configuration for the keyword arguments of the authors' networks, growing from 4x4."""
    functions = ["G_paper", "D_paper"] if progan else ["G_style", "G_mapping", "G_synthesis", "D_basic"]
    return config_of([(function, official) for function in functions]).but(initial_resolution=4)


def our_names(network: Generator | Discriminator, names: Iterable[str]) -> dict[str, str]:
    """The authors' variable names (without G/ or D/) -> names in our state_dict; their lod is not a tensor of ours."""
    names = [name for name in names if not name.endswith("lod")]
    if isinstance(network, Discriminator):
        ours = discriminator_names(network.config)
    else:
        ours = generator_names(network.config, progressive=not any("G_synthesis/" in name for name in names))
    theirs = {name: our_name for our_name, name in ours.items()}
    return {name: theirs[name] for name in names}


def our_arrays(
    network: Generator | Discriminator, data: dict[str, np.ndarray], prefix: str, *, fused: bool | str = False
) -> dict[str, Tensor]:
    """The arrays PREFIX + official name (weights, or the gradients of some) under our names and in our layout.

    fused: the network they are of was built with this fused_scale, so that its kernels may be turned.
    """
    names = our_names(network, [key.removeprefix(prefix) for key in data if key.startswith(prefix)])
    assert names, f"nothing begins with {prefix}"
    return {ours: to_ours(name, data[prefix + name], turned=is_turned(name, fused)) for name, ours in names.items()}


def fill(
    network: Generator | Discriminator, data: dict[str, np.ndarray], prefix: str, *, fused: bool | str = False
) -> None:
    """Put the authors' variables into our network, strictly. Progressive GAN has no w_avg: ours stays 0."""
    arrays = our_arrays(network, data, prefix, fused=fused)
    if isinstance(network, Generator) and f"{prefix}G_synthesis/lod" not in data:
        arrays["w_avg"] = network.w_avg
    network.load_state_dict(arrays, strict=True)


def relative_error(ours: Tensor, theirs: np.ndarray | Tensor) -> float:
    """max |ours - theirs| / max |theirs|."""
    reference = theirs if isinstance(theirs, Tensor) else tensor(theirs)
    assert ours.shape == reference.shape, (ours.shape, reference.shape)
    return ((ours - reference).abs().max() / reference.abs().max()).item()
