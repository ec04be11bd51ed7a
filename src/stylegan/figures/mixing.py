"""Style mixing: A with styles of B (Section 3.1, Figure 3), and pictures of more than two sources."""

import re
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from stylegan.errors import InputError, printable
from stylegan.figures.sheet import Cell, Sheet, refuse_large, tile
from stylegan.networks.generator import Generator
from stylegan.networks.levels import Levels, describe_levels, named_levels, pixels, require_styles, style_indices
from stylegan.sampling.controls import Controls
from stylegan.sampling.noise import checked_levels
from stylegan.sampling.recipe import CHUNK, Recipe
from stylegan.sampling.sampler import DEFAULT, Sampler
from stylegan.sampling.sources import ARRAY_SUFFIXES, SUFFIX, Source, Sources, is_file_name, label, parse_sources


def mixing_grid(
    G: Generator, a: Sources, b: Sources, *, levels: Sequence[Levels] | None = None, controls: Controls = DEFAULT
) -> Image.Image:
    """Every A with styles of every B: one block for each of `levels`, by default all named levels of the network."""
    require_styles(G, "mixing")
    levels = list(named_levels(G)) if levels is None else [checked_levels(level) for level in levels]
    return mixing_sheet(G, parse_sources(b), [(level, parse_sources(a)) for level in levels], controls)


def mixing_sheet(
    G: Generator, b: Sequence[Source], blocks: Sequence[tuple[Levels, Sequence[Source]]], controls: Controls
) -> Image.Image:
    """The sheet of Figure 3: sources B above; in each block, sources A at the left, with styles of B."""
    require_styles(G, "mixing")
    indices = [style_indices(level, G) for level, _ in blocks]
    refuse_large((1 + sum(len(a) for _, a in blocks)) * (1 + len(b)))
    sampler = Sampler(G, controls)
    targets = [(source, copied) for (_, a), copied in zip(blocks, indices, strict=True) for source in a]
    pictures = (picture for batch in sampler.pictures([source for source, _ in targets]) for picture in batch)
    rows: list[list[Cell]] = [[None]]
    rows += [[tile(picture)] for picture in pictures]
    for start in range(0, len(b), CHUNK):  # a recipe at 1024 px holds 11 MB of noise
        sources = sampler.recipe(b[start : start + CHUNK])
        rows[0] += map(tile, sources.pictures(G))
        for row, (source, copied) in zip(rows[1:], targets, strict=True):
            row += map(tile, sampler.recipe([source]).with_layers_of(sources, copied).pictures(G))
    return Sheet(
        rows,
        title="Style mixing: A with styles of B (Figure 3)",
        caption="; ".join(
            [
                *(describe_levels(level, G) for level, _ in blocks),
                sampler.describe([*b, *(source for source, _ in targets)]),
            ]
        ),
        columns=["", *(f"B, {label(source)}" for source in b)],
        row_labels=["", *(f"A {label(source)}".replace(" ", "\n") for source, _ in targets)],
        blocks=[("", 1), *((_heading(level, i), len(a)) for (level, a), i in zip(blocks, indices, strict=True))],
        wide_before=[1],
    ).draw()


def compose(G: Generator, sources: Sequence[str | int | Path], *, controls: Controls = DEFAULT) -> Image.Image:
    """One picture of several sources, and these: ["0", "4=coarse", "7=fine,8px"] is seed 0 with layers of 4 and 7.

    A projection's file may stand for a seed: ["face.safetensors", "4=coarse"].
    """
    sampler = Sampler(G, controls)
    parsed, made = composed(sampler, sources)
    labels = [f"{label(source)}{f': {levels}' if levels else ''}" for source, levels in parsed]
    each = [source for source, _ in parsed]
    pictures = [picture for batch in sampler.pictures(each) for picture in batch] + [*made.pictures(G)]
    return Sheet(
        [[tile(picture) for picture in pictures]],
        title="Styles of several sources",
        caption="; ".join([*(describe_levels(levels, G) for _, levels in parsed[1:]), sampler.describe(each)]),
        columns=[*labels, "together"],
        wide_before=[len(parsed)],
    ).draw()


def composed(sampler: Sampler, sources: Sequence[str | int | Path]) -> tuple[list[tuple[Source, str]], Recipe]:
    """The sources as (source, levels), and the recipe of their picture; later sources win."""
    require_styles(sampler.G, "mixing")
    parsed = parse_composition(sources, sampler.G)
    sampler.check([source for source, _ in parsed])
    made = sampler.recipe([parsed[0][0]])
    for source, levels in parsed[1:]:
        made = made.with_layers_of(sampler.recipe([source]), style_indices(levels, sampler.G))
    return parsed, made


def parse_composition(sources: Sequence[str | int | Path], G: Generator) -> list[tuple[Source, str]]:
    """The sources of ["0", "4=coarse", "face.safetensors=fine"] as (source, levels); the first has no levels."""
    if isinstance(sources, str | bytes | dict | set) or not isinstance(sources, Sequence):
        raise InputError(f"sources {printable(sources, 80)!r}: give a list, such as {_example(G).split()}")
    parsed = [_source(str(text), i == 0, G) for i, text in enumerate(sources)]
    if len(parsed) < 2:
        raise InputError(
            f"sources {printable(list(sources), 80)}: give a seed or a projection's file, then SOURCE=LEVELS at least "
            f"once, e.g. {_example(G)}"
        )
    return parsed


def _source(text: str, is_first: bool, G: Generator) -> tuple[Source, str]:
    file = rf".+(?:{'|'.join(map(re.escape, (SUFFIX, *ARRAY_SUFFIXES)))})"
    match = re.fullmatch(rf"\s*(\d+|{file})\s*" if is_first else rf"\s*(\d+|{file})\s*=(.+)", text)
    if match is None:
        wanted = "a seed or a projection's file" if is_first else "SOURCE=LEVELS"
        raise InputError(f"source {printable(text, 80)!r}: must be {wanted}, e.g. {_example(G)}")
    found = parse_sources([Path(match[1]) if is_file_name(match[1]) else match[1]])
    if len(found) > 1:
        raise InputError(f"source {printable(text, 80)!r} holds {len(found)} styles: one source is one style")
    return found[0], "" if is_first else match[2].strip()


def _example(G: Generator) -> str:
    """An example of sources for this network, with levels that it has."""
    names = list(named_levels(G))
    return f"0 4={names[0]} 7={names[-1]}"


def _heading(level: Levels, indices: Sequence[int]) -> str:
    name = level if isinstance(level, str) else "these"
    return f"{name[:1].upper()}{name[1:]} styles of B ({pixels(indices)})"
