"""Perceptual path length (Section 4.1): how much the picture changes along a short step between two latents.

If the paper does not say something, the authors' code decides; see docs/decisions.md.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan.config import NoiseMode
from stylegan.errors import InputError, refuse
from stylegan.metrics.arrays import as_double
from stylegan.metrics.estimate import Estimate
from stylegan.metrics.pairs import Distance, compare, picture_pairs, refuse_unknown
from stylegan.networks.classes import one_hot
from stylegan.networks.generator import Generator
from stylegan.sampling.progress import progress

Space = Literal["z", "w"]
Sampling = Literal["full", "end"]
EPSILON = 1e-4  # the step, relative to the length of the path
PICTURE_PX = 256  # larger pictures are reduced to this, which is near the size that VGG16 was trained on
PERCENTILES = (1, 99)  # distances outside them are left out


def ppl(
    G: Generator,
    *,
    pairs: int,
    space: Space,
    sampling: Sampling = "full",
    distance: Distance,
    generator: torch.Generator,
    crop: bool = False,
    noise_mode: NoiseMode = "random",
    batch: int = 16,
) -> Estimate:
    """The mean of `distances` over random pairs, without outliers, with its standard error (Section 4.1).

    pairs: 2 or more; the authors take 100,000. sampling: steps start anywhere on the path ("full") or at its start, t =
    0 ("end"), which by symmetry stands for both ends. Classes are drawn with equal probability. batch: pairs at a time.
    The other arguments are those of `distances`. Raises InputError for fewer than 2 pairs, unknown words, or NaN.
    """
    refuse_unknown(sampling=(sampling, Sampling))
    if pairs < 2:
        raise InputError(f"path length of {pairs} pairs: must be 2 or more; the authors take 100,000")
    found = []
    for start in progress(range(0, pairs, batch), "path length"):
        N = min(batch, pairs - start)
        z0, z1 = (torch.randn(N, G.z_dim, generator=generator, device=generator.device) for _ in range(2))
        t = torch.rand(N, generator=generator, device=generator.device) * (sampling == "full")
        c = draw_classes(N, G.c_dim, generator) if G.c_dim else None
        options = {"space": space, "distance": distance, "crop": crop, "noise_mode": noise_mode}
        found.append(distances(G, z0, z1, t, **options, c=c, generator=generator).cpu())  # type: ignore[arg-type]
    return mean_length(torch.cat(found))


@torch.no_grad()
def distances(
    G: Generator,
    z0: Tensor,
    z1: Tensor,
    t: Tensor,
    *,
    space: Space,
    epsilon: float = EPSILON,
    distance: Distance,
    crop: bool = False,
    noise_mode: NoiseMode = "random",
    c: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """d(G(t), G(t + epsilon)) / epsilon^2, (N,), on the paths from z0 to z1, (N, z_dim) each, at t (N,) in [0, 1].

    space: "z" slerps between the latents, "w" lerps between their w. Nothing is truncated. Both pictures of a pair have
    the same noise; by default each pair's noise is drawn from `generator`. crop: compare only the part of the pictures
    that the authors compare for faces. c: (N, c_dim). Raises InputError for other shapes, t or words.
    """
    check(G, z0, z1, t, epsilon)
    refuse_unknown(space=(space, Space), noise_mode=(noise_mode, NoiseMode))
    z0, z1, t = (as_double(x).cpu() for x in (z0, z1, t.reshape(-1, 1)))  # a step of 1e-4 leaves float32 few digits
    labels = None if c is None else c.to(G.w_avg)
    ws = [G.broadcast(w) for w in path(G, z0, z1, torch.stack([t, t + epsilon]), space=space, c=labels)]
    a, b = picture_pairs(G, *ws, noise_mode=noise_mode, generator=generator)
    if crop:
        a, b = crop_face(a), crop_face(b)
    return compare(reduce(a), reduce(b), distance) / epsilon**2


def path(G: Generator, z0: Tensor, z1: Tensor, ts: Tensor, *, space: Space, c: Tensor | None) -> list[Tensor]:
    """w (N, w_dim) at each t (N, 1) of `ts`. The path is computed in float64; w has the type of G's parameters."""
    if space == "z":
        return [G.mapping(slerp(z0, z1, t).to(G.w_avg), c) for t in ts]
    w0, w1 = (as_double(G.mapping(z.to(G.w_avg), c)).cpu() for z in (z0, z1))
    return [torch.lerp(w0, w1, t).to(G.w_avg) for t in ts]


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """The points (N, dim) at t (N, 1) on the great circles of the unit sphere from a (t = 0) to b (t = 1)."""
    a, b = F.normalize(a), F.normalize(b)
    cosine = (a * b).sum(dim=1, keepdim=True)
    tangent = F.normalize(b - cosine * a)
    angle = t * cosine.clamp(-1, 1).acos()
    return F.normalize(a * angle.cos() + tangent * angle.sin())


def crop_face(images: Tensor) -> Tensor:
    """The half of height and width that holds the face in FFHQ and CelebA-HQ: rows 3/8 to 7/8, columns 2/8 to 6/8."""
    H = images.shape[-1]
    return images[..., 3 * H // 8 : 7 * H // 8, 2 * H // 8 : 6 * H // 8]


def reduce(images: Tensor) -> Tensor:
    """Reduce pictures larger than PICTURE_PX to about that size, by box means over a whole factor."""
    factor = images.shape[-1] // PICTURE_PX
    return F.avg_pool2d(images, factor) if factor > 1 else images


def inliers(distances: Tensor) -> Tensor:
    """The distances from the 1st to the 99th percentile. A percentile between two distances is the outer one."""
    low, high = (
        torch.quantile(distances.double(), percent / 100, interpolation=side)
        for percent, side in zip(PERCENTILES, ("lower", "higher"), strict=True)
    )
    return distances[(low <= distances) & (distances <= high)]


def mean_length(distances: Tensor) -> Estimate:
    """The mean of the inliers of distances (N,), with its standard error. Raises InputError for NaN or infinity."""
    distances = as_double(distances)
    if not distances.isfinite().all():
        raise InputError("path lengths hold NaN or infinity: the network or the distance function is broken")
    kept = inliers(distances)
    error = kept.std().item() / math.sqrt(len(kept)) if len(kept) > 1 else math.nan
    return Estimate(kept.mean().item(), error)


def draw_classes(N: int, c_dim: int, generator: torch.Generator) -> Tensor:
    """Random one-hot labels (N, c_dim), each class equally likely."""
    return one_hot(torch.randint(c_dim, (N,), generator=generator, device=generator.device), c_dim)


def check(G: Generator, z0: Tensor, z1: Tensor, t: Tensor, epsilon: float) -> None:
    """Raise InputError that names all problems of a path's ends, of the places t on it and of the step."""
    N = len(z0)
    problems = [
        f"{name} of shape {tuple(z.shape)}: must be ({N}, {G.z_dim})"
        for name, z in {"z0": z0, "z1": z1}.items()
        if z.shape != (N, G.z_dim)
    ]
    if t.numel() != N:
        problems.append(f"t of shape {tuple(t.shape)}: must be ({N},), a place on each path")
    elif not ((t >= 0) & (t <= 1)).all():
        problems.append("t must be from 0, where z0 is, to 1, where z1 is")
    if not 0 < epsilon <= 1:
        problems.append(f"epsilon {epsilon}: must be above 0, at most 1; the paper takes {EPSILON}")
    refuse(problems)
