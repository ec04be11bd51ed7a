"""What the noise of each layer changes: how much, where, at which frequency (the paper's Figures 4 and 5)."""

from typing import Any

import torch
import torch.nn.functional as F

from stylegan.networks.generator import Generator
from stylegan.networks.levels import num_layers
from stylegan.probing.kinds import octave_resolutions, octaves
from stylegan.probing.subject import Pairs, Subject
from stylegan.sampling.noise import random_noise

PAIRS = 64  # the most pictures in which noise is probed
MAP_PX = 32  # of the map `where`


def probe_noise(G: Subject, drawn: Pairs, seed: int = 0) -> tuple[dict[str, Any] | None, str]:
    """What new noise in each layer alone changes, or None and the reason.

    effect: (layers,), its size relative to swapping all styles. octaves: (layers, octaves), root shares of its
    energy. where: (layers, h, h), its size over the picture, the largest 1 in each layer.
    """
    if not isinstance(G, Generator):
        return None, "noise was not probed: only a stylegan Generator takes the noise of one layer by itself"
    if not G.config.noise:
        return None, "noise was not probed: this network has no noise inputs"
    generator = torch.Generator().manual_seed(seed)
    sums: list[list[torch.Tensor]] = []
    for batch in Pairs(drawn.a[:PAIRS], drawn.b[:PAIRS]).batches(G):
        maps, other = (random_noise(G, len(batch), generator) for _ in range(2))
        x = G.synthesis(batch.a, noise=maps)
        full = (G.synthesis(batch.b, noise=maps) - x).square().mean().mul(len(batch))
        row = [full]
        for layer in range(num_layers(G)):
            d = G.synthesis(batch.a, noise=[*maps[:layer], other[layer], *maps[layer + 1 :]]) - x
            where = d.square().mean(dim=1, keepdim=True).sum(dim=0, keepdim=True)
            row += [torch.stack([e.sum() for e in octaves(d)]), F.adaptive_avg_pool2d(where, min(MAP_PX, d.shape[-1]))]
        sums.append(row)
    full, *rest = (torch.stack(each).sum(dim=0).cpu() for each in zip(*sums, strict=True))
    bands, where = torch.stack(rest[::2]), torch.cat(rest[1::2])[:, 0]
    energy = bands.sum(dim=1, keepdim=True)
    peak = where.amax(dim=(1, 2), keepdim=True).clamp_min(1e-20)
    return {
        "octave_names": [f"{H} px" for H in octave_resolutions(int(x.shape[-1]))],
        "effect": (energy[:, 0] / full.clamp_min(1e-20)).sqrt().tolist(),
        "octaves": (bands / energy.clamp_min(1e-20)).clamp_min(0).sqrt().tolist(),
        "where": (where / peak).sqrt().tolist(),
    }, ""
