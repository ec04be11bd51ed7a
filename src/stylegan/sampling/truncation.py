"""Strength and target of truncation (Appendix B). `networks.styles.truncate` applies it."""

import re
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stylegan.errors import InputError, printable
from stylegan.networks.generator import Generator
from stylegan.networks.levels import named_levels, style_indices
from stylegan.sampling.controls import Psi
from stylegan.sampling.latents import draw_w
from stylegan.sampling.numbers import finite_number, whole_number

SAMPLES = 10_000  # w drawn for a mean or for centres, by default


def parse_psi(psi: Psi, G: Generator) -> float | list[float]:
    """psi as a number, or as one number for each style. Raises InputError for anything but finite numbers."""
    given: Any = psi.tolist() if isinstance(psi, np.ndarray | np.generic | Tensor) else psi
    if isinstance(given, str) and "=" in given:
        psis = [1.0] * G.num_ws
        for part in given.split(","):
            level, _, value = part.partition("=")
            for i in style_indices(level, G):
                psis[i] = _number(value, given, G)
        return psis
    parts = given.split(",") if isinstance(given, str) else given
    if not isinstance(parts, list | tuple):
        return _number(parts, given, G)
    if len(parts) == 1:
        return _number(parts[0], given, G)
    if len(parts) != G.num_ws:
        raise InputError(f"psi {printable(repr(given), 80)} has {len(parts)} numbers: {_allowed(G)}")
    return [_number(part, given, G) for part in parts]


def check_cutoff(cutoff: int | None) -> int | None:
    """The cutoff. Raises InputError unless it is a whole number from 0."""
    return None if cutoff is None else whole_number(cutoff, "cutoff", words=" of styles, or None for all")


def parse_towards(towards: str) -> tuple[str, int]:
    """("mean", 5000) of "mean:5000", ("centers", 8) of "centers:8", and ("mean", 0) of "mean", which is w_avg."""
    match = re.fullmatch(r"mean|(mean|centers):([1-9]\d{0,9})", towards) if isinstance(towards, str) else None
    if match is None:
        raise InputError(
            f"towards {printable(repr(towards), 80)}: must be mean (from training), mean:N (of N samples) "
            "or centers:K (of K clusters)"
        )
    return match[1] or "mean", int(match[2] or 0)


def find_center(G: Generator, towards: str, c: Tensor | None = None) -> Tensor:
    """The target of `truncate`: a mean (w_dim,), or the centres of K clusters of W (K, w_dim). c: (1, c_dim), to
    estimate within one class.
    """
    kind, count = parse_towards(towards)
    if not count:
        return G.w_avg
    return estimate_w_avg(G, count, c=c) if kind == "mean" else cluster_centers(G, count, c=c)


def estimate_w_avg(G: Generator, count: int = SAMPLES, *, c: Tensor | None = None, seed: int = 0) -> Tensor:
    """The mean of w over `count` samples, (w_dim,). c: (1, c_dim) for one class; without, classes are drawn evenly."""
    return draw_w(G, count, c=c, seed=seed).mean(dim=0)


def cluster_centers(G: Generator, K: int, *, count: int = SAMPLES, c: Tensor | None = None, seed: int = 0) -> Tensor:
    """The centres of K clusters of W, (K, w_dim): for multimodal networks, whose mean belongs to no mode.

    Truncation towards the nearest keeps the modes (Mokady et al., Self-Distilled StyleGAN, 2022). k-means by Lloyd.
    """
    if count < K:
        raise InputError(f"centers:{K}: must be at most {count}, the number of samples that are clustered")
    w = draw_w(G, count, c=c, seed=seed)
    centers = _spread(w, K, seed)
    for _ in range(100):
        owner = torch.cdist(w, centers).argmin(dim=1)  # (count,)
        sizes = torch.bincount(owner, minlength=K)[:, None]
        sums = torch.zeros_like(centers).index_add_(0, owner, w)
        moved = torch.where(sizes > 0, sums / sizes.clamp(min=1), centers)
        if torch.equal(moved, centers):
            break
        centers = moved
    return centers


def _spread(w: Tensor, K: int, seed: int) -> Tensor:
    """K of the points, far from each other: k-means++, drawn in proportion to the squared distance to those before."""
    random = np.random.RandomState(seed)
    centers = w[:1]
    for _ in range(K - 1):
        weights = torch.cdist(w, centers).amin(dim=1).square().cpu().double().numpy()
        total = weights.sum()
        index = random.choice(len(w), p=weights / total if total > 0 else None)
        centers = torch.cat([centers, w[index : index + 1]])
    return centers


def _number(value: object, psi: object, G: Generator) -> float:
    number = finite_number(value)
    if number is None:
        raise InputError(
            f"psi {printable(repr(psi), 80)}: {printable(repr(value), 80)} is not a finite number; {_allowed(G)}"
        )
    return number


def _allowed(G: Generator) -> str:
    if not G.has_styles:
        return "give one such as 0.7"
    names = list(named_levels(G))
    levels = f"{names[0]}=0.5" + (f",{names[-1]}=1" if len(names) > 1 else "")  # of those that this network has
    return f"give one such as 0.7, one for each of the {G.num_ws} styles, or by levels such as {levels}"
