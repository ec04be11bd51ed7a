"""Generators whose layers do what was planted: warp, blobs, recolour or texture, sharply or gradually over depth."""

import random
from itertools import pairwise

import torch
import torch.nn.functional as F

ROLES = ("warp", "blobs", "recolour", "texture")


class Planted:
    """weights: (num_ws, roles), how strongly each layer warps, adds blobs, recolours, adds texture."""

    z_dim = w_dim = 16
    c_dim = 0

    def __init__(self, weights, *, seed=0, img_channels=3, img_resolution=32, sizes=(1.0, 1.0, 1.0, 1.0)):
        g = torch.Generator().manual_seed(seed)
        self.weights, (self.num_ws, _) = weights, weights.shape
        self.img_channels, self.img_resolution = img_channels, img_resolution
        L, C, H = self.num_ws, img_channels, img_resolution
        draw = lambda *shape: torch.randn(*shape, generator=g)  # noqa: E731
        self.base = sum(smooth(draw(1, C, k, k), H) * s for k, s in ((4, 0.5), (8, 0.4), (16, 0.2)))
        size = weights * torch.tensor(sizes) * torch.exp(0.3 * draw(L, 1))  # a layer may be weak
        self.to_warp = draw(L, 16, 2 * 9) * 0.015 * size[:, 0, None, None]
        self.to_blobs = draw(L, 16, 6) * 0.12 * size[:, 1, None, None]
        self.to_colour = draw(L, 16, C * (C + 1)) * 0.05 * size[:, 2, None, None]
        self.to_texture = draw(L, 16, 8) * 0.04 * size[:, 3, None, None]
        centres = torch.rand(L, 6, 2, generator=g) * 1.6 - 0.8
        ys, xs = torch.meshgrid(*[torch.linspace(-1, 1, H)] * 2, indexing="ij")
        self.grid = torch.stack([xs, ys], dim=-1)
        r2 = (xs - centres[..., 0, None, None]) ** 2 + (ys - centres[..., 1, None, None]) ** 2
        width = 0.03 + 0.05 * torch.rand(L, 1, 1, 1, generator=g)
        self.blob = torch.exp(-r2 / width)[:, :, None] * draw(L, 6, C, 1, 1)  # (L, 6, C, H, H)
        self.texture = draw(8, C, H, H)

    def mapping(self, z, c):
        return z

    def broadcast(self, w):
        return w[:, None].expand(-1, self.num_ws, -1)

    def synthesis(self, ws, noise_mode="random", generator=None):
        N, C, H = len(ws), self.img_channels, self.img_resolution
        moved = torch.einsum("nlw,lwk->nk", ws, self.to_warp).reshape(N, 2, 3, 3)
        x = F.grid_sample(
            self.base.expand(N, -1, -1, -1),
            self.grid + smooth(moved, H).permute(0, 2, 3, 1),
            padding_mode="reflection",
            align_corners=True,
        )
        x = x + torch.einsum("nlw,lwk,lkchv->nchv", ws, self.to_blobs, self.blob)
        colour = torch.einsum("nlw,lwk->nk", ws, self.to_colour).reshape(N, C, C + 1)
        x = x + torch.einsum("ncd,ndhv->nchv", colour[:, :, :C], x) + colour[:, :, C, None, None]
        return x + torch.einsum("nlw,lwk,kchv->nchv", ws, self.to_texture, self.texture)


def smooth(knots, H):
    return F.interpolate(knots, (H, H), mode="bicubic", align_corners=True)


def steps(num_ws, boundaries, roles, leakage=0.0):
    """Weights of sharp groups; `leakage` of each layer's weight goes to the other roles."""
    weights = torch.full((num_ws, 4), leakage / 3)
    for role, first, end in zip(roles, (0, *boundaries), (*boundaries, num_ws), strict=True):
        weights[first:end, role] = 1 - leakage
    return weights


def blend(num_ws, roles, power=1.0):
    """Weights that pass evenly from each role to the next over the whole depth."""
    t = torch.linspace(0, len(roles) - 1, num_ws)[:, None]
    hats = (1 - (t - torch.arange(len(roles))).abs()).clamp_min(0) ** power
    weights = torch.zeros(num_ws, 4)
    weights[:, list(roles)] = hats / hats.sum(dim=1, keepdim=True)
    return weights


def any_planted(seed, weights_of):
    """A random generator of 6 to 18 layers, gray, RGB or RGBA, its roles weak or strong; weights_of(num_ws, random)."""
    rng = random.Random(seed)
    num_ws, img_channels = rng.randint(6, 18), rng.choice([1, 3, 3, 4])
    sizes = tuple(2 ** rng.uniform(-1, 1) for _ in ROLES)
    return Planted(weights_of(num_ws, rng), seed=seed, img_channels=img_channels, sizes=sizes)


def any_blend(num_ws, rng):
    """Two to four roles that pass into each other: evenly, by bumps, or faster at one end; leaking or not."""
    roles = rng.sample(range(4), rng.choice([2, 3, 3, 4]))
    leakage = rng.choice([0, 0.15])
    t = torch.linspace(0, 1, num_ws)[:, None] ** rng.uniform(0.75, 1.33) * (len(roles) - 1)
    distance = (t - torch.arange(len(roles))).abs()
    hats = torch.exp(-(distance**2) / 0.35) if rng.random() < 0.4 else (1 - distance).clamp_min(0)
    weights = torch.full((num_ws, 4), leakage / 4)
    weights[:, roles] += (1 - leakage) * hats / hats.sum(dim=1, keepdim=True)
    return weights


def any_steps(num_ws, rng):
    """Weights of two to four sharp groups of at least two layers (three up to 7 layers), with or without leakage."""
    groups = rng.choice([2, 3, 3, 4] if num_ws > 7 else [2, 3])
    while True:
        boundaries = sorted(rng.sample(range(2, num_ws - 1), groups - 1))
        ends = [0, *boundaries, num_ws]
        if min(b - a for a, b in pairwise(ends)) >= 2:
            return steps(num_ws, boundaries, rng.sample(range(4), groups), rng.choice([0, 0.15]))


def planted_boundaries(G):
    """Where the strongest role changes."""
    role = G.weights.argmax(dim=1)
    return [i for i in range(1, len(role)) if role[i] != role[i - 1]]
