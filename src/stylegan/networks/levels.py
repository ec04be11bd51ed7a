"""Levels of layers with names: coarse, middle, fine, ranges, resolutions, for a network of any size (Section 3.1)."""

import math
import re
from collections.abc import Sequence

from stylegan.errors import InputError
from stylegan.networks.generator import Generator

Levels = str | Sequence[int]
"""Layers in words ("coarse", "4-7", "64px", "coarse,8-9", "all", "none") or as indices."""

PAPER_PX: dict[str, tuple[float, float]] = {"coarse": (4, 8), "middle": (16, 32), "fine": (64, math.inf)}
"""The levels of Figure 3 in pixels. Chosen by eye, as the paper gives no criterion."""

_PART = re.compile(r"(\d+)\s*(px)?(?:\s*-\s*(\d+)\s*(px)?)?")


def style_indices(levels: Levels, G: Generator) -> list[int]:
    """The styles that `levels` names, sorted: 2k and 2k + 1 are those of resolution 4 * 2^k.

    Parts are joined by commas. Names mean what the network's file has measured (`G.levels`), else the paper's levels.
    In words, a range may end above the last style. Raises InputError for a part that names no style, for an index that
    the network does not have, and for a network without styles.
    """
    require_styles(G, f"levels {levels!r}")
    return layer_indices(levels, G)


def layer_indices(levels: Levels, G: Generator) -> list[int]:
    """The same for layers, which have noise inputs also where a network has no styles."""
    if not isinstance(levels, str):
        if isinstance(levels, range):  # the authors' range(8, 18) means "from 8 on" in a smaller network, too
            levels = [i for i in levels if i < 0 or i < num_layers(G)] or list(levels)
        if not all(0 <= i < num_layers(G) for i in levels):
            raise InputError(f"levels {list(levels)}: {_choices(G)}")
        return sorted(set(levels))
    return sorted({i for part in levels.split(",") for i in _part(part.strip().lower(), levels, G)})


def named_levels(G: Generator) -> dict[str, list[int]]:
    """The names that this network has, and their layers: measured where its file says so, else the paper's."""
    layers = range(num_layers(G))
    if G.levels is not None:
        spans = {name: [i for i in layers if first <= i <= last] for name, (first, last) in G.levels.items()}
    else:
        spans = {n: [i for i in layers if low <= resolution_of(i) <= high] for n, (low, high) in PAPER_PX.items()}
    return {name: found for name, found in spans.items() if found}


def describe_levels(levels: Levels, G: Generator) -> str:
    """In words: "middle: layers 4-7 (16-32 px), the paper's levels", or "..., measured in this network"."""
    found = layer_indices(levels, G)
    words = f"layers {runs(found)} ({pixels(found)})" if found else "no layer"
    if not isinstance(levels, str):
        return words
    named = any(part.strip().lower() in named_levels(G) for part in levels.split(","))
    source = ", measured in this network" if G.levels is not None else ", the paper's levels"
    return f"{levels}: {words}{source if named else ''}"


def num_layers(G: Generator) -> int:
    """Two layers for each resolution from 4 up; as many styles, where the network has styles."""
    return 2 * len(G.synthesis.blocks)


def resolution_of(layer: int) -> int:
    """Height and width in pixels of what a layer draws."""
    return 4 * 2 ** (layer // 2)


def noise_resolutions(G: Generator, lod: float = 0.0) -> list[int]:
    """Height of each noise map, one for each layer that is grown at `lod`, from 4x4 up; none where G takes no noise."""
    return [layer.resolution for layer in G.synthesis.layers(lod)] if G.config.noise else []


def require_styles(G: Generator, what: str) -> None:
    """Raise InputError for a network without styles; `what` needs them."""
    if not G.has_styles:
        raise InputError(f"{what}: this network has no styles (norm {G.config.norm}, as in the traditional generator)")


def runs(indices: Sequence[int]) -> str:
    """ "0-3,6" for [0, 1, 2, 3, 6]."""
    starts = [i for i in indices if i - 1 not in indices]
    ends = [i for i in indices if i + 1 not in indices]
    return ",".join(f"{a}-{b}" if a < b else str(a) for a, b in zip(starts, ends, strict=True))


def pixels(indices: Sequence[int]) -> str:
    """ "4-32 px" for the layers 0 to 7: the resolutions at which they draw."""
    if not indices:
        return "no px"
    low, high = resolution_of(indices[0]), resolution_of(indices[-1])
    return f"{low}-{high} px" if low < high else f"{low} px"


def _part(part: str, levels: str, G: Generator) -> list[int]:
    """The layers of one part of `levels`; at least one, except for "none"."""
    names = {"all": list(range(num_layers(G))), "none": [], **named_levels(G)}
    if part in names:
        return names[part]
    match = _PART.fullmatch(part)
    if match is None:
        raise InputError(f"levels {levels!r}: {part!r} names no layer. {_choices(G)}")
    first, last = int(match[1]), int(match[3] or match[1])
    in_px = match[2] or match[4]
    found = [i for i in range(num_layers(G)) if first <= (resolution_of(i) if in_px else i) <= last]
    if not found:
        raise InputError(f"levels {levels!r}: {part!r} names no layer. {_choices(G)}")
    return found


def _choices(G: Generator) -> str:
    every = list(range(num_layers(G)))
    upper = runs(every[len(every) // 2 :])  # advice must be accepted, also in small networks
    names = "; ".join(f"{name} = {runs(found)} ({pixels(found)})" for name, found in named_levels(G).items())
    return (
        f"This network of {G.img_resolution} px has the layers {runs(every)}: give names ({names}), layers ({upper}), "
        f"resolutions ({pixels(every).replace(' ', '')}), all or none, joined by commas"
    )
