"""Finds a file's layout, and its network's configuration and growth, from the names and shapes of its tensors."""

import math
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from stylegan.config import NetworkConfig
from stylegan.errors import InputError, printable
from stylegan.interop.layouts import LAYOUTS, Layout, channels_name
from stylegan.interop.others import refuse_other
from stylegan.interop.parts import FEW
from stylegan.interop.records import Record
from stylegan.interop.torch_files import TorchFile

MOST_BLOCKS = 10  # 2048 px
MOST_WIDTH = 4096  # numbers in z and in w; 10,000 of each may be drawn
MOST_CLASSES = 10_000
Tensors = dict[str, Record]


@dataclass(frozen=True)
class Source:
    """A file that is being read. resolution: as typed. said: what was guessed, made or left out, in words, so far."""

    file: TorchFile
    path: Path
    resolution: int | None = None
    said: list[str] = field(default_factory=list)


def find_layout(held: Tensors) -> str:
    """The name of the layout of these tensors. Raises InputError if none or several fit, naming what else it may be."""
    own = _own_names()
    counts = {name: len(names & held.keys()) for name, names in own.items()}
    signed = [name for name in LAYOUTS if any(re.fullmatch(LAYOUTS[name].sign, key) for key in held)]
    found = [name for name in LAYOUTS if name in signed or counts[name] >= FEW]
    if len(found) > 1:
        makers = " and ".join(LAYOUTS[name].maker for name in found)
        raise InputError(f"its names are those of {makers} at once: a file has one layout")
    if found:
        return found[0]
    refuse_other(held)
    known = ", ".join(layout.maker for layout in LAYOUTS.values())
    raise InputError(
        f"no names of a known layout ({known}); the first are {printable(', '.join(sorted(held)[:4]), 200)}"
    )


@cache
def _own_names() -> dict[str, set[str]]:
    """The names of each layout's tensors that no other layout has."""
    largest = NetworkConfig(img_resolution=4 << (MOST_BLOCKS - 1), c_dim=2)
    every = {name: {theirs for theirs, _ in layout.names(largest).values()} for name, layout in LAYOUTS.items()}
    return {
        name: names.difference(*(every[other] for other in every if other != name)) for name, names in every.items()
    }


def config_of(layout: Layout, held: Tensors, source: Source) -> NetworkConfig:
    """The configuration, from the shapes of the tensors. Raises InputError for missing tensors and impossible sizes."""
    count = next((b for b in range(MOST_BLOCKS) if channels_name(layout, b) not in held), MOST_BLOCKS)
    if not count:
        raise InputError(f"{channels_name(layout, 0)} is missing")
    widths = [math.prod(held[channels_name(layout, b)].shape) for b in range(count)]
    if layout.up_bias:
        count = _blocks_of_rosinality(held, len(widths), source)
    size = 4 << (count - 1)
    if source.resolution not in (None, size):
        raise InputError(f"resolution {source.resolution}: the file holds a network of {size} px; leave it out")
    layers = next((k for k in range(8) if layout.mapping.format(k=k, k2=2 * k + 1) not in held), 8)
    first = _shape(held, layout.mapping.format(k=0, k2=1), 2)
    labels = _shape(held, layout.labels, 2) if layout.labels in held else (0, first[1])
    w_dim = _shape(held, layout.style, 2)[1]
    if max(*first, labels[1], w_dim) > MOST_WIDTH or labels[0] > MOST_CLASSES:
        raise InputError(
            f"z, w and the mapping network of {labels[1]}, {w_dim} and {first[0]} numbers and {labels[0]} classes: "
            f"must be at most {MOST_WIDTH} and {MOST_CLASSES:,}"
        )
    return NetworkConfig(
        img_resolution=size,
        img_channels=_shape(held, layout.torgb, 4)[0],
        c_dim=labels[0],
        z_dim=labels[1],
        w_dim=w_dim,
        mapping_dim=first[0] if layers > 1 else w_dim,
        mapping_layers=layers,
        channel_base=widths[-1] * (4 << (len(widths) - 1)),
        channel_max=max(widths),
        const_input=layout.latent not in held,
        resample="bilinear" if any(re.fullmatch(layout.blur, name) for name in held) or count == 1 else "nearest",
        norm_eps=layout.norm_eps,
        up_bias=layout.up_bias,
    )


def _shape(held: Tensors, name: str, ndim: int) -> tuple[int, ...]:
    if name not in held:
        raise InputError(f"{name} is missing")
    if len(held[name].shape) != ndim:
        raise InputError(f"{name} is {held[name].shape}: must have {ndim} axes")
    return held[name].shape


def _blocks_of_rosinality(held: Tensors, count: int, source: Source) -> int:
    """How many blocks were trained. The file does not say, and always holds all nine."""
    allowed = [4 << b for b in range(count)]
    if source.resolution is not None:
        if source.resolution not in allowed:
            raise InputError(f"resolution {source.resolution}: must be one of {', '.join(map(str, allowed))}")
        return allowed.index(source.resolution) + 1
    trained = [
        b
        for b in range(count)
        for j in (1, 2)
        if source.file.tensor(held[f"generator.progression.{b}.noise{j}.weight_orig"]).any()
    ]
    if not trained:
        raise InputError("the file does not state its resolution, and no noise was trained: give the resolution")
    source.said.append(
        f"resolution: {allowed[max(trained)]}, a guess: no noise of a larger size was trained; "
        "if it is wrong, give the resolution"
    )
    return max(trained) + 1


def lod_of(layout: Layout, held: Tensors, *, config: NetworkConfig, source: Source) -> float:
    """The growth that the file records, or its name if it is huangzh13's; otherwise 0, which is full size.

    Raises InputError for a lod that the network cannot have.
    """
    lod = 0.0
    if layout.lod is not None and layout.lod in held:
        lod = float(source.file.tensor(held[layout.lod]).reshape(-1)[0])
    match = re.match(r"GAN_GEN_(?:SHADOW_)?(\d+)_\d+", source.path.name)
    if layout.maker.startswith("huangzh13") and match:
        lod = max(config.max_lod - int(match[1]), 0.0)
    if not 0 <= lod <= config.max_lod:
        raise InputError(f"lod {lod}: must be 0 to {config.max_lod:g}")
    return lod
