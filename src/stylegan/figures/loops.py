"""Closed paths through latents and noise: the content of a film at time t, with period 1."""

import math
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from stylegan.errors import InputError
from stylegan.networks.levels import Levels, require_styles, style_indices
from stylegan.networks.styles import copy_styles
from stylegan.sampling.direction import move
from stylegan.sampling.latents import labels_of, seed_z
from stylegan.sampling.recipe import Recipe
from stylegan.sampling.sampler import Sampler
from stylegan.sampling.sources import Source, names, seeds_among

LoopKind = Literal["z", "w", "smooth", "mix", "noise"]
"""z: slerp from seed to seed in Z. w: lerp in W. smooth: a closed curve in W without corners. mix: the first seed,
while some of its styles pass through all seeds. noise: one seed, while its noise moves in a circle. A projection may
stand for a seed, except for z."""

Loop = Callable[[float], Recipe]


def loop(sampler: Sampler, kind: LoopKind, sources: Sequence[Source], *, levels: Levels) -> Loop:
    """The recipe of the picture at time t, with period 1. At k / len(sources) it is that of the k-th source.

    The noise stays constant, by default that of the first source; only kind "noise" varies it.
    levels: the styles that kind "mix" moves.
    """
    if kind not in get_args(LoopKind):
        raise InputError(f"kind {kind!r}: must be one of {', '.join(get_args(LoopKind))}")
    if kind == "noise":
        return _noise_loop(sampler, sources)
    if len(sources) < 2:
        raise InputError(f"a film of kind {kind} goes from seed to seed: give at least 2, such as 0-5")
    if kind == "z":
        return _z_loop(sampler, sources)
    ws, noise = sampler.ws(sources), sampler.noise(sources[:1])
    curve = smooth if kind == "smooth" else straight
    if kind != "mix":
        return lambda t: Recipe(curve(ws, t), noise)
    require_styles(sampler.G, "a film of kind mix")
    moving = style_indices(levels, sampler.G)
    if not moving:
        raise InputError("a film of kind mix with levels none would stand still: name a level, such as coarse")
    return lambda t: Recipe(copy_styles(ws[:1], smooth(ws, t), moving), noise)


def _z_loop(sampler: Sampler, sources: Sequence[Source]) -> Loop:
    G, seeds = sampler.G, seeds_among(sources)
    others = [source for source in sources if not isinstance(source, int)]
    if others:
        raise InputError(
            f"a film of kind z goes through Z, and files have no z ({names(others)}): give kind w, smooth or mix"
        )
    noise = sampler.noise(seeds[:1])
    z = torch.cat([seed_z(seed, G.z_dim) for seed in seeds]).to(G.w_avg)
    c = labels_of(G, sampler.controls.class_index, 1)

    @torch.no_grad()
    def at(t: float) -> Recipe:
        i, j, f = _between(len(z), t)
        w = G.mapping(slerp(z[i : i + 1], z[j : j + 1], f), None if c is None else c.to(z))
        return Recipe(move(sampler.truncate(G.broadcast(w)), sampler.moves), noise)

    return at


def _noise_loop(sampler: Sampler, sources: Sequence[Source]) -> Loop:
    controls = sampler.controls
    if not sampler.G.config.noise:
        raise InputError("a film of kind noise: this network has no noise inputs")
    if controls.noise == "none":
        raise InputError("a film of kind noise with noise none would stand still: give random or const")
    if len(sources) != 1:
        raise InputError(f"a film of kind noise shows one picture: give one seed, not {len(sources)}")
    still = sampler.recipe(sources)
    first = sources[0] if isinstance(sources[0], int) else 0
    other_seed = (first if controls.noise_seed is None else controls.noise_seed) + 1
    other = sampler.but(noise="random", noise_seed=other_seed).noise([other_seed])
    pairs = list(zip(still.noise or [], other or [], strict=True))

    def at(t: float) -> Recipe:
        angle = 2 * math.pi * (t % 1)  # cos and sin keep the variance at 1, so every frame is as noisy as a picture
        return Recipe(still.ws, [a * math.cos(angle) + b * math.sin(angle) for a, b in pairs])

    return at


def slerp(a: Tensor, b: Tensor, f: float) -> Tensor:
    """From a (f = 0) to b (f = 1) along the arc between them, the length changing evenly. (N, z_dim) each."""
    length_a, length_b = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    angle = torch.acos((a / length_a * b / length_b).sum(dim=1, keepdim=True).clamp(-1, 1))
    if angle.max() < 1e-4 or angle.max() > math.pi - 1e-4:  # the arc is degenerate or not unique
        return torch.lerp(a, b, f)
    arc = (torch.sin((1 - f) * angle) * a / length_a + torch.sin(f * angle) * b / length_b) / torch.sin(angle)
    return arc * torch.lerp(length_a, length_b, f)


def straight(ws: Tensor, t: float) -> Tensor:
    """The point at t, of period 1, on the straight lines through the K points ws and back: (K, ...) -> (1, ...)."""
    i, j, f = _between(len(ws), t)
    return torch.lerp(ws[i : i + 1], ws[j : j + 1], f)


def smooth(ws: Tensor, t: float) -> Tensor:
    """The same on a smooth curve through the points: the closed Catmull-Rom spline."""
    i, j, f = _between(len(ws), t)
    before, a, b, after = (ws[k % len(ws)][None] for k in (i - 1, i, j, j + 1))
    speed_a, speed_b = (b - before) / 2, (after - a) / 2
    return (
        (2 * f**3 - 3 * f**2 + 1) * a
        + (f**3 - 2 * f**2 + f) * speed_a
        + (3 * f**2 - 2 * f**3) * b
        + (f**3 - f**2) * speed_b
    )


def _between(K: int, t: float) -> tuple[int, int, float]:
    """The keyframes before and after t, and how far t is from one to the other."""
    at = (t % 1) * K
    i = int(at) % K
    return i, (i + 1) % K, at - int(at)
