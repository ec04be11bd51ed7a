"""The z and w of a seed, and random samples of w."""

import operator
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from stylegan.errors import InputError, printable
from stylegan.networks.classes import class_index, describe_classes, one_hot
from stylegan.networks.generator import Generator
from stylegan.sampling.numbers import is_whole

SUM_TOLERANCE = 0.01  # of labels in bfloat16


def seed_z(seed: int, z_dim: int) -> Tensor:
    """The latent of a seed, (1, z_dim), by the common convention: RandomState(seed).randn(1, z_dim)."""
    return torch.from_numpy(np.random.RandomState(seed).randn(1, z_dim)).float()


@torch.no_grad()
def seed_ws(G: Generator, seeds: Sequence[int], *, c: Tensor | None = None) -> Tensor:
    """The styles of seeds before truncation, (N, num_ws, w_dim) where G is. c: (N, c_dim)."""
    z = torch.cat([seed_z(seed, G.z_dim) for seed in seeds]).to(G.w_avg)  # (N, z_dim)
    return G.broadcast(G.mapping(z, None if c is None else c.to(z)))


@torch.no_grad()
def draw_w(G: Generator, count: int, *, c: Tensor | None = None, seed: int = 0) -> Tensor:
    """`count` random w, (count, w_dim), the same for the same seed.

    c: (1, c_dim) for one class; without, classes are drawn evenly.
    """
    random = np.random.RandomState(seed)
    z = torch.from_numpy(random.randn(count, G.z_dim)).float().to(G.w_avg)
    if G.c_dim and c is None:
        c = one_hot(torch.from_numpy(random.randint(G.c_dim, size=count)), G.c_dim)
    labels = None if c is None else c.to(z).expand(count, -1)
    chunks = range(0, count, 4096)
    return torch.cat([G.mapping(z[i : i + 4096], None if labels is None else labels[i : i + 4096]) for i in chunks])


def labels_of(G: Generator, wanted: int | str | None, N: int) -> Tensor | None:
    """The one-hot labels (N, c_dim) of a class, by number or name; None for a network without classes.

    Raises InputError for a class that the network does not have, and where one is missing.
    """
    number = check_class(G, wanted)
    if number is None and G.c_dim:
        raise InputError(
            f"this network has {G.c_dim} classes: say which as class_index (--class): {describe_classes(G)}"
        )
    return None if number is None else one_hot(torch.full((N,), number), G.c_dim)


def check_class(G: Generator, wanted: int | str | None) -> int | None:
    """The number of a class, by number or name; None for None. Raises InputError for one that G does not have."""
    if wanted is None:
        return None
    if not G.c_dim:
        raise InputError(f"class {printable(wanted, 60)} was given, and this network has no classes")
    return class_index(G, operator.index(wanted) if is_whole(wanted) else wanted)  # type: ignore[arg-type]


def numbers_of(value: object, name: str) -> Tensor:
    """A tensor, or anything that torch makes one of. Raises InputError for what holds no numbers."""
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as e:
        raise InputError(f"{name} {printable(repr(value), 80)}: must be a tensor or an array of numbers") from e


def check_labels(G: Generator, c: Tensor, N: int) -> Tensor:
    """Labels as a tensor (N, c_dim) in G's dtype, where G is. Raises InputError for anything else."""
    labels = numbers_of(c, "c")
    if tuple(labels.shape) != (N, G.c_dim):
        words = "one label for each source" if G.c_dim else "or None: this network has no classes"
        raise InputError(f"c of shape {tuple(labels.shape)}: must be ({N}, {G.c_dim}), {words}")
    if labels.is_complex() or not labels.isfinite().all():
        raise InputError("c holds numbers that are not real and finite: give one-hot labels")
    wrong = (labels < 0).any(dim=1) | ((labels.double().sum(dim=1) - 1).abs() > SUM_TOLERANCE)
    if G.c_dim and wrong.any():
        row = int(wrong.nonzero()[0])
        raise InputError(
            f"c {printable(labels[row].tolist(), 80)} in row {row}: must be one-hot (a single 1, else 0), or parts of "
            "classes that add up to 1"
        )
    return labels.to(G.w_avg)
