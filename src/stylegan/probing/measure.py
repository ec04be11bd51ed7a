"""The probe: swap the style of one layer at a time, and measure what kind of change that makes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stylegan.errors import InputError
from stylegan.probing.attributes import Attributes, Inherited, attributes_of
from stylegan.probing.kinds import features, kinds
from stylegan.probing.noise import probe_noise
from stylegan.probing.report import Report
from stylegan.probing.segments import Array
from stylegan.probing.sharpness import Cut, cuts, on_layers, ordered
from stylegan.probing.subject import Pairs, Subject, check_subject, draw_pairs, grown_px, picture
from stylegan.sampling.progress import progress

Factors = Attributes | Path | str


@torch.no_grad()
def probe(G: Subject, *, pairs: int = 256, factors: Factors | None = None, seed: int = 0) -> Report:
    """Which layer of G controls what, where the levels lie, and how certain that is (spec: docs/levels.md).

    G: a Generator, or any object that has z_dim, w_dim, c_dim, num_ws, img_resolution, img_channels, mapping(z, c),
    broadcast(w) and synthesis(ws, noise_mode=, generator=). factors: what to look for in the pictures: `Attributes`, or
    a prepared data set with known factors or classes. Raises InputError where G has no levels to look for.
    """
    check_subject(G, pairs)
    attributes = factors if isinstance(factors, Attributes) or factors is None else attributes_of(factors, G)
    drawn = draw_pairs(G, pairs, seed)
    seen = look(G, drawn, attributes.read if attributes else None)
    working = [layer for layer in range(G.num_ws) if np.isfinite(seen.kinds[:, layer]).any()]
    if len(working) < 2:
        raise InputError(
            f"swapping a style changes the picture in {len(working)} of {G.num_ws} layers: "
            "levels need at least 2; is the network trained?"
        )
    signature = np.full(seen.kinds.shape[1:], np.nan)
    F = filled(seen.kinds[:, working])
    signature[working] = F.mean(axis=0)
    notes = (
        [] if len(working) == G.num_ws else [f"layers that change nothing: {sorted({*range(G.num_ws)} - {*working})}"]
    )
    found = [on_layers(cut, working) for cut in cuts(F, seed)]
    noise, why = probe_noise(G, drawn)
    inherited = Inherited.measure(G, drawn, attributes, seen.values) if attributes else None
    return Report(
        img_resolution=G.img_resolution,
        pairs=pairs,
        features=features(grown_px(G)),
        signature=signature,
        effect=np.sqrt((seen.sizes**2).mean(axis=0) / np.maximum((seen.full**2).mean(), 1e-12)),
        cuts=found,
        **decided(found, F, seed),
        **(inherited.fields() if inherited else {}),
        noise=noise,
        notes=[*notes, *([why] if why else [])],
    )


@dataclass
class Seen:
    """kinds: (pairs, layers, features); sizes: (pairs, layers); full: (pairs,), of swapping all styles.

    values: the attributes of a, of b, and with each layer swapped: (pairs, 2 + layers, A), empty without attributes.
    """

    kinds: Array
    sizes: Array
    full: Array
    values: Array = field(default_factory=lambda: np.zeros((0, 0, 0)))


def look(G: Subject, drawn: Pairs, read: Callable[[Tensor], Tensor] | None) -> Seen:
    """The pictures of every pair with every layer swapped, one batch at a time; only numbers are kept."""
    rows: list[tuple[Tensor, ...]] = []
    for batch in progress(list(drawn.batches(G)), "layers"):
        x, end = picture(G, batch.a), picture(G, batch.b)
        full = (end - x).square().mean(dim=(1, 2, 3)).sqrt()
        found, values = [], [read(x), read(end)] if read else []
        for layer in range(G.num_ws):
            y = picture(G, batch.swapped(layer, layer + 1))
            found.append(kinds(x, y))
            values += [read(y)] if read else []
        kind, size = (torch.stack(each, dim=1) for each in zip(*found, strict=True))
        rows.append((kind, size, full, torch.stack(values, dim=1) if values else full[:0]))
    return Seen(*(torch.cat(each).double().cpu().numpy() for each in zip(*rows, strict=True)))


def filled(F: Array) -> Array:
    """Pairs in which a layer changes nothing count as its mean."""
    return np.where(np.isfinite(F), F, np.nanmean(F, axis=0))


def decided(found: list[Cut], F: Array, seed: int) -> dict[str, Any]:
    """The largest number of groups that is without problems; else gradual, where layers differ in order."""
    good = [cut for cut in found if not cut.problems]
    if good:
        best = good[-1]
        spans = [list(interval) for interval in best.intervals]
        return {"boundaries": list(best.boundaries), "intervals": spans, "gradual": False, "groups": best.groups}
    gradual = any(cut.gradual for cut in found) or ordered(F, seed)
    return {"boundaries": [], "intervals": [], "gradual": gradual, "groups": 1}
