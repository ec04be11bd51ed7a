"""Reads projection files: styles and noise that take the place of a seed's."""

from pathlib import Path
from typing import Any

from torch import Tensor

from stylegan.errors import InputError, printable
from stylegan.networks.generator import Generator
from stylegan.networks.levels import noise_resolutions
from stylegan.sampling.fingerprint import fingerprint, read_of_network
from stylegan.sampling.numbers import finite_number

KEYS = ("distances", "start_distances", "space")  # of the header


def read_projection(
    path: Path | str, G: Generator, network: str | None = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors (on the CPU) and the header of a projection's file, as `Projection.save` wrote them.

    ws: (N, num_ws, w_dim); noise.0, noise.1 ...: (N, 1, H, H). network: the fingerprint of G, where it is known.
    Raises InputError for a file of another kind or network.
    """
    remedy = "project the pictures again with `stylegan project`"
    network = network or fingerprint(G)
    tensors, header = read_of_network(path, network, kind="projection", keys=KEYS, remedy=remedy)
    problems = [f"{key} {printable(repr(header[key]), 80)}" for key in KEYS if not _fits(key, header)]
    if problems:
        raise InputError(f"{printable(path)}: its header has {', '.join(problems)}; the file is damaged")
    N = len(header["distances"])
    shapes = {"ws": (N, G.num_ws, G.w_dim)} | {f"noise.{i}": (N, 1, H, H) for i, H in enumerate(noise_resolutions(G))}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items() if name != "path"}
    steps = tensors["path"].shape if "path" in tensors else ()
    if found != shapes or len(steps) != 4 or tuple(steps[1:]) != shapes["ws"]:
        raise InputError(
            f"{printable(path)}: its tensors are not those of {N} projections into this network; the file is damaged"
        )
    return tensors, header


def projected(path: Path, G: Generator, network: str | None = None) -> tuple[Tensor, list[Tensor]]:
    """The styles (1, num_ws, w_dim) and noise maps (1, 1, H, H) of one projection; no maps without noise inputs."""
    tensors, _ = read_projection(path, G, network)
    ws, maps = tensors["ws"], noise_in(tensors)
    if len(ws) != 1:
        raise InputError(
            f"{printable(path)} holds {len(ws)} projections; a source is one: save each by itself, found[i].save()"
        )
    return ws, maps


def _fits(key: str, header: dict[str, Any]) -> bool:
    """Is this field of the header what `Projection.save` writes?"""
    value = header[key]
    if key == "space":
        return value in ("w", "w+")
    if not isinstance(value, list) or not all(type(d) in (int, float) and finite_number(d) is not None for d in value):
        return False
    others = header["distances"]
    return isinstance(others, list) and len(value) == len(others) > 0


def noise_in(tensors: dict[str, Tensor]) -> list[Tensor]:
    """The noise maps of a projection's file, from 4x4 up."""
    return [tensors[f"noise.{i}"] for i in range(sum(name.startswith("noise.") for name in tensors))]
