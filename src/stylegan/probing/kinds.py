"""The kind of a change, apart from its size: what turns x into y? Every number is a share, from 0 to 1."""

import torch
import torch.nn.functional as F
from torch import Tensor

WARP_PX = 32  # warps are fitted at this size: finer detail moves too far for a linear fit
WARP_KNOTS = 4  # of the smooth displacement, along each side


def features(img_resolution: int) -> list[str]:
    """The names of the numbers that `kinds` gives, in its order."""
    octaves = [f"{H} px" for H in octave_resolutions(img_resolution)]
    return [*octaves, "chroma", "colour map", "warp", "spread"]


def octave_resolutions(img_resolution: int) -> list[int]:
    """The resolutions of the octaves, each half of the last, down to 4. The final one also holds everything coarser."""
    found = [img_resolution]
    while found[-1] > 4 and found[-1] % 2 == 0:
        found.append(found[-1] // 2)
    return found


def kinds(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """What kind of change leads from pictures x to y, and how large it is: (N, features), (N,).

    x, y: (N, C, H, H). In each octave, in chroma, in one affine map of colours, in a smooth warp: the root of the share
    of the change's energy, so that a blend of two kinds moves evenly from one to the other; the energy itself would
    jump. Spread: the root of the participation ratio, 1 for a change that is equally strong in every pixel.
    NaN where nothing changes.
    """
    d = y - x
    energy = d.square().mean(dim=(1, 2, 3))  # (N,)
    nothing = energy <= 1e-12 * x.square().mean(dim=(1, 2, 3)).clamp_min(1e-6)
    shares = [*octaves(d), chroma(d), colour_map(x, d), warp(x, y)]
    found = torch.stack([*(share / energy for share in shares), spread(d)], dim=1).clamp(0, 1).sqrt()
    return found.masked_fill(nothing[:, None], torch.nan), energy.masked_fill(nothing, 0).sqrt()


def octaves(d: Tensor) -> list[Tensor]:
    """The energy in each octave, the finest first: a Laplacian pyramid of box filters, whose bands add up exactly."""
    found, rest = [], d.square().mean(dim=(1, 2, 3))
    for _ in octave_resolutions(d.shape[-1])[1:]:
        d = F.avg_pool2d(d, 2)
        coarser = d.square().mean(dim=(1, 2, 3))
        found.append(rest - coarser)
        rest = coarser
    return [*found, rest]


def chroma(d: Tensor) -> Tensor:
    """The energy of what differs between red, green and blue; 0 for gray pictures."""
    rgb = d[:, :3]
    return (rgb - rgb.mean(dim=1, keepdim=True)).square().sum(dim=(1, 2, 3)) / d[0].numel()


def colour_map(x: Tensor, d: Tensor) -> Tensor:
    """The energy of d that one affine map of the colours of x explains, the same in every pixel."""
    N, C = x.shape[:2]
    basis = torch.cat([x, torch.ones_like(x[:, :1])], dim=1).reshape(N, C + 1, -1)
    return explained(basis, d.reshape(N, C, -1)) / d[0].numel()


def warp(x: Tensor, y: Tensor) -> Tensor:
    """The energy of y - x that a smooth warp explains: gradients of the mean picture, times a smooth displacement."""
    factor = max(1, x.shape[-1] // WARP_PX)
    x, y = F.avg_pool2d(x, factor), F.avg_pool2d(y, factor)
    N, _, H, W = x.shape
    gradients = torch.stack(torch.gradient((x + y) / 2, dim=(2, 3)), dim=1)  # (N, 2, C, H, W)
    knots = torch.eye(WARP_KNOTS**2, dtype=x.dtype, device=x.device).reshape(-1, 1, WARP_KNOTS, WARP_KNOTS)
    bumps = F.interpolate(knots, (H, W), mode="bilinear", align_corners=True)[:, 0]  # (knots, H, W)
    basis = torch.einsum("ndchw,khw->ndkchw", gradients, bumps).reshape(N, 2 * len(bumps), -1)
    return explained(basis, (y - x).reshape(N, 1, -1)) / x[0].numel()


def explained(basis: Tensor, targets: Tensor) -> Tensor:
    """Squared length of the targets' (N, T, P) projection on the span of the basis (N, B, P): (N,)."""
    gram = basis @ basis.mT
    ridge = 1e-4 * gram.diagonal(dim1=1, dim2=2).mean(dim=1) + 1e-12
    gram = gram + ridge[:, None, None] * torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
    products = basis @ targets.mT  # (N, B, T)
    return (products * torch.linalg.solve(gram, products)).sum(dim=(1, 2))


def spread(d: Tensor) -> Tensor:
    """Participation ratio of the energy over pixels: the share of the picture that changes."""
    energy = d.square().sum(dim=1).flatten(1)
    return energy.mean(dim=1).square() / energy.square().mean(dim=1)
