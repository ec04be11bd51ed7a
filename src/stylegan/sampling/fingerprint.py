"""Which network a file belongs to: a direction in W has no meaning for another network."""

import hashlib
import json
from pathlib import Path
from typing import Any

from torch import Tensor

from stylegan.checkpoint import read_tensors
from stylegan.errors import InputError, printable
from stylegan.files import user_path
from stylegan.networks.generator import Generator


def fingerprint(G: Generator) -> str:
    """16 hex digits that identify what w means to a network: the weights of the mapping and of the styles.

    Where a layer does not name the affine of its style, all weights of the synthesis network are hashed.
    """
    sha, parts = hashlib.sha256(), ("mapping.", *_styles(G))
    for name, tensor in sorted(G.state_dict().items()):
        if name.startswith(parts):
            sha.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()[:16]


def _styles(G: Generator) -> list[str]:
    """The prefixes of the names of the tensors that turn w into styles."""
    affines = [layer.style_affine() for layer in G.synthesis.layers()] if G.has_styles else []
    names = {module: f"{name}." for name, module in G.named_modules()}
    return ["synthesis."] if None in affines else [names[affine] for affine in affines if affine is not None]


def full_fingerprint(G: Generator) -> str:
    """16 hex digits that identify a network's pictures: all weights, the growth and the measured levels."""
    sha = hashlib.sha256(json.dumps([G.lod, G.levels], sort_keys=True).encode())
    for name, tensor in sorted(G.state_dict().items()):
        sha.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()[:16]


def read_of_network(
    path: Path | str, network: str, *, kind: str, keys: tuple[str, ...], remedy: str
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """`read_tensors` of a file of this kind that was made for the network with this fingerprint, with these keys in its
    header. Raises InputError for anything else; remedy: what to do about a file of another network.
    """
    tensors, header = read_tensors(user_path(path), kind=kind)
    missing = [key for key in ("network", *keys) if key not in header]
    if missing:
        raise InputError(f"{printable(path)}: its header has no {', '.join(missing)}; the file is damaged")
    if not all(t.is_floating_point() and t.isfinite().all() for t in tensors.values()):
        raise InputError(f"{printable(path)} holds numbers that are not finite; the file is damaged")
    if header["network"] != network:
        raise InputError(
            f"{printable(path)} was made for another network, or for another stage of its training: {remedy}"
        )
    return tensors, header
