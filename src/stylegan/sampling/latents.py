"""What a seed means for z and w; and many random w."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from stylegan.errors import InputError
from stylegan.networks.generator import Generator


def seed_z(seed: int, z_dim: int) -> Tensor:
    """The latent of a seed, (1, z_dim), as the whole field draws it: RandomState(seed).randn(1, z_dim)."""
    return torch.from_numpy(np.random.RandomState(seed).randn(1, z_dim)).float()


@torch.no_grad()
def seed_ws(G: Generator, seeds: Sequence[int], *, c: Tensor | None = None) -> Tensor:
    """The styles of seeds before truncation, (N, num_ws, w_dim) where G is. c: (N, c_dim)."""
    device = G.w_avg.device
    z = torch.cat([seed_z(seed, G.z_dim) for seed in seeds]).to(device)  # (N, z_dim)
    return G.broadcast(G.mapping(z, None if c is None else c.to(device)))


@torch.no_grad()
def draw_w(G: Generator, count: int, *, c: Tensor | None = None, seed: int = 0) -> Tensor:
    """`count` random w, (count, w_dim), the same for the same seed.

    c: (1, c_dim) for one class; without, classes are drawn evenly.
    """
    random = np.random.RandomState(seed)
    z = torch.from_numpy(random.randn(count, G.z_dim)).float().to(G.w_avg.device)
    if G.c_dim and c is None:
        c = torch.eye(G.c_dim)[torch.from_numpy(random.randint(G.c_dim, size=count))]
    labels = None if c is None else c.to(z.device).expand(count, -1)
    chunks = range(0, count, 4096)
    return torch.cat([G.mapping(z[i : i + 4096], None if labels is None else labels[i : i + 4096]) for i in chunks])


def labels_of(G: Generator, class_index: int | None, N: int) -> Tensor | None:
    """The one-hot labels (N, c_dim) of a class; None for a network without classes. Raises InputError for a misfit."""
    if not G.c_dim:
        if class_index is not None:
            raise InputError(f"class {class_index} was given, and this network has no classes")
        return None
    if class_index is None:
        raise InputError(f"this network has {G.c_dim} classes: say which with --class, 0 to {G.c_dim - 1}")
    if not 0 <= class_index < G.c_dim:
        raise InputError(f"class {class_index}: must be 0 to {G.c_dim - 1}")
    return torch.eye(G.c_dim)[class_index].repeat(N, 1)
