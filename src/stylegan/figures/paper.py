"""The figures of the paper and some more, for any network: labelled sheets, each a function of G."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from stylegan.errors import InputError, printable
from stylegan.figures.mixing import mixing_sheet
from stylegan.figures.noise import noise, noise_layers
from stylegan.figures.sheet import Cell, Sheet, refuse_large, resize, tile, to_rgb
from stylegan.networks.generator import Generator
from stylegan.networks.levels import (
    describe_levels,
    layer_indices,
    named_levels,
    require_styles,
    resolution_of,
)
from stylegan.networks.styles import copy_styles, truncate
from stylegan.sampling.controls import Controls
from stylegan.sampling.describe import describe_center, describe_directions, describe_noise, describe_styles
from stylegan.sampling.direction import move
from stylegan.sampling.latents import labels_of
from stylegan.sampling.progress import progress
from stylegan.sampling.recipe import CHUNK, Recipe
from stylegan.sampling.sampler import DEFAULT, Sampler
from stylegan.sampling.sources import Source, Sources, describe_sources, label, parse_sources
from stylegan.sampling.truncation import estimate_w_avg

PSIS = (1, 0.7, 0.5, 0, -0.5, -1)  # of Figure 8


def uncurated(G: Generator, *, seeds: Sources | None = None, controls: Controls = DEFAULT) -> Image.Image:
    """Figure 2: uncurated pictures; for large networks at several sizes, as in the paper.

    seeds: one per picture; by default as many as the layout holds, from seed 0.
    """
    sizes = _column_sizes(G)
    room = sum(3 * sizes[0] // size for size in sizes)
    found = parse_sources(range(room) if seeds is None else seeds)
    sampler = Sampler(G, controls)
    pictures = [to_rgb(image) for batch in sampler.pictures(found) for image in batch]
    caption = f"Of {describe_sources(found)}; {sampler.describe(found)}"
    if len(found) != room or len(set(sizes)) == 1:
        cells: list[Cell] = [resize(picture) for picture in pictures]
        columns = min(len(cells), 8)
        cells += [None] * (-len(cells) % columns)
        rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
        return Sheet(rows, title="Uncurated pictures (Figure 2)", caption=caption).draw()
    strips: list[Cell] = []
    for size in sizes:
        n = 3 * sizes[0] // size
        strips.append(_strip([p.resize((size, size), Image.Resampling.BOX) for p in pictures[:n]]))
        pictures = pictures[n:]
    return Sheet([strips], title="Uncurated pictures (Figure 2)", caption=caption).draw()


def mixing(
    G: Generator, *, seeds: Sources | None = None, seeds_b: Sources = "100-104", controls: Controls = DEFAULT
) -> Image.Image:
    """Figure 3: sources A at the left take coarse, middle or fine styles of the sources B above.

    seeds: the sources A, split over the levels as evenly as possible, coarse first; by default 3, 2 and 1.
    """
    require_styles(G, "figure mixing")
    names = list(named_levels(G))
    rows = [3, 2, 1][: len(names)] + [1] * (len(names) - 3)
    a = parse_sources(range(sum(rows)) if seeds is None else seeds)
    if seeds is not None:
        rows = [len(part) for part in np.array_split(np.arange(len(a)), len(names))]
    starts = np.cumsum([0, *rows])
    blocks = [(name, a[starts[i] : starts[i + 1]]) for i, name in enumerate(names) if rows[i]]
    return mixing_sheet(G, parse_sources(seeds_b), blocks, controls)


def truncation(
    G: Generator,
    *,
    seeds: Sources = "0-2",
    controls: Controls = DEFAULT,
    psis: Sequence[float] = PSIS,
    cutoff: int | None = None,
) -> Image.Image:
    """Figure 8: from variety (psi 1) to the average picture (0) and beyond, to the opposite of each.

    psis and cutoff replace those of the controls: by default all styles, so that psi 0 is a single picture.
    """
    found = parse_sources(seeds)
    sampler = Sampler(G, controls.but(psi=1))
    rows: list[list[Cell]] = []
    for start in range(0, len(found), CHUNK):
        plain = sampler.but(direction=()).recipe(found[start : start + CHUNK])
        each = [move(truncate(plain.ws, sampler.center, psi, cutoff), sampler.moves) for psi in psis]
        columns = [Recipe(ws, plain.noise).pictures(G) for ws in each]
        rows += [list(map(tile, row)) for row in zip(*columns, strict=True)]
    return Sheet(
        rows,
        title="Truncation (Figure 8)",
        caption=f"w' = w_avg + psi (w - w_avg), {_describe_psis(sampler, found, cutoff)}",
        columns=[f"psi {psi:g}" for psi in psis],
        row_labels=[label(source).replace(" ", "\n") for source in found],
    ).draw()


def mean_image(
    G: Generator, *, seeds: Sources | None = None, controls: Controls = DEFAULT, count: int = 10_000
) -> Image.Image:
    """The picture of the mean of W, tracked in training and estimated from samples; then the (blurred) mean picture."""
    found, sampler = parse_sources("0-255" if seeds is None else seeds), Sampler(G, controls)
    sampler.check(found)
    estimate = estimate_w_avg(G, count, c=labels_of(G, controls.class_index, 1))
    means = {"w_avg from training": G.w_avg, f"mean w of {count:,} samples": estimate}
    if controls.towards != "mean":
        centers = sampler.center.view(-1, G.w_dim)  # (K, w_dim)
        means |= {
            f"{controls.towards}, {i}" if len(centers) > 1 else controls.towards: w for i, w in enumerate(centers)
        }
    still = sampler.but(noise="none" if controls.noise == "none" else "const", noise_seed=None, noise_layers=None)
    ws = move(G.broadcast(torch.stack(list(means.values()))), sampler.moves)
    pictures = list(still.recipe(ws).pictures(G))
    total = np.zeros(pictures[0].shape)
    for start in progress(range(0, len(found), CHUNK), "mean picture"):
        total += sampler.recipe(found[start : start + CHUNK]).pictures(G).sum(axis=0, dtype=float)
    pictures.append((total / len(found)).round().astype(np.uint8))
    labels = [*means, f"mean of {len(found)} pictures"]
    return Sheet(
        [[tile(picture, least_px=256, most_px=512) for picture in pictures]],
        title="The mean picture (psi 0)",
        caption="; ".join(
            [
                "The mean of w is a picture like the others; the mean of pictures is a blur",
                *describe_directions(sampler),
            ]
        ),
        columns=labels,
        wide_before=[len(means)],
    ).draw()


def levels(
    G: Generator, *, seeds: Sources = "0-2", seeds_b: Sources = "100-102", controls: Controls = DEFAULT
) -> Image.Image:
    """The effect of each layer: one row per layer with A, this style of B, and the change. The noise is that of A."""
    require_styles(G, "figure levels")
    a, b = parse_sources(seeds), parse_sources(seeds_b)
    if len(a) != len(b):
        raise InputError(f"figure levels: {len(a)} seeds and {len(b)} seeds_b; give as many of each: they are paired")
    layers = layer_indices(f"4px-{G.resolution}px", G)  # those that have grown
    sampler = Sampler(G, controls)
    before, of_b = ([picture for batch in sampler.pictures(each) for picture in batch] for each in (a, b))
    after = [_with_style_of(sampler, a, b, i) for i in progress(layers, "layer by layer")]
    changes = [np.abs(pictures.astype(np.int16) - before).astype(np.uint8) for pictures in after]
    white = max(quantile(changes, 0.98), 1.0)
    rows: list[list[Cell]] = [_alternate(before, of_b)]
    rows += [
        _alternate(pictures, np.clip(change.astype(float) * (255 / white), 0, 255).astype(np.uint8)[:, :3])
        for pictures, change in zip(after, changes, strict=True)
    ]
    strength = [float(np.sqrt(np.mean(change.astype(float) ** 2))) for change in changes]
    names = [(name, [i for i in found if i in layers]) for name, found in named_levels(G).items()]
    contiguous = [i for _, found in names for i in found] == layers
    return Sheet(
        rows,
        title="What each layer's style changes",
        caption=f"Change: white is {white:.0f} of 255 levels or more, rms is over all pairs. "
        f"{'; '.join(describe_levels(name, G) for name, found in names if found)}; "
        f"{sampler.describe([*a, *b])}",
        columns=[
            text for pair in zip(a, b, strict=True) for text in (f"A {label(pair[0])}", f"B {label(pair[1])}, change")
        ],
        row_labels=["A, B", *(_layer_label(i, rms) for i, rms in zip(layers, strength, strict=True))],
        blocks=[("", 1), *((name, len(found)) for name, found in names if found)] if contiguous else [],
        wide_before=list(range(2, 2 * len(a), 2)),
    ).draw()


FIGURES: dict[str, Callable[..., Image.Image]] = {
    "uncurated": uncurated,
    "mixing": mixing,
    "noise": noise,
    "noise-layers": noise_layers,
    "truncation": truncation,
    "mean-image": mean_image,
    "levels": levels,
}
"""The figures by the names of the command. Each takes G and, by keyword, seeds and controls."""

TWO_SOURCES = ("mixing", "levels")  # those that also take seeds_b


def figure(
    G: Generator,
    name: str,
    *,
    seeds: Sources | None = None,
    seeds_b: Sources | None = None,
    controls: Controls = DEFAULT,
) -> Image.Image:
    """The figure with this name. seeds None: the default of the figure."""
    if not isinstance(name, str) or name not in FIGURES:
        raise InputError(f"figure {printable(name, 60)!r}: must be one of {', '.join(FIGURES)}")
    if seeds_b is not None and name not in TWO_SOURCES:
        raise InputError(f"figure {name} has no sources B; seeds_b is for {' and '.join(TWO_SOURCES)}")
    given = {"seeds": seeds, "seeds_b": seeds_b}
    if FIGURES[name] is not mean_image:  # which shows the mean of many
        refuse_large(sum(len(parse_sources(each)) for each in given.values() if each is not None))
    return FIGURES[name](G, controls=controls, **{key: value for key, value in given.items() if value is not None})


def describe_figure(sampler: Sampler, name: str, sources: Sequence[Source]) -> str:
    """In words how a figure's pictures were made: "psi 0.7 on all styles, noise of each seed"."""
    if FIGURES[name] is truncation:
        return f"psi {', '.join(f'{psi:g}' for psi in PSIS)} on {_describe_psis(sampler, sources)}"
    if FIGURES[name] is mean_image:  # the class is that of the mean, too
        return ", ".join([*describe_styles(sampler, sources), *describe_noise(sampler, sources, uses_class=True)])
    return sampler.describe(sources)


def _with_style_of(sampler: Sampler, a: Sequence[Source], b: Sequence[Source], layer: int) -> NDArray[np.uint8]:
    """The pictures of A, each with the style of its B in one layer, uint8 (N, C, H, H)."""
    pictures = []
    for start in range(0, len(a), CHUNK):
        of_a, ws_b = sampler.recipe(a[start : start + CHUNK]), sampler.ws(b[start : start + CHUNK])
        pictures.append(Recipe(copy_styles(of_a.ws, ws_b, [layer]), of_a.noise).pictures(sampler.G))
    return np.concatenate(pictures)


def _describe_psis(sampler: Sampler, sources: Sequence[Source], cutoff: int | None = None) -> str:
    """What all columns of Figure 8 share. It has its own psis, also for projections."""
    center = describe_center(sampler)
    uses = True if center else None  # the class is that of the mean
    words = ["all styles" if cutoff is None else f"the first {cutoff} styles", *center, *describe_directions(sampler)]
    return ", ".join([*words, *describe_noise(sampler, sources, uses_class=uses)])


def quantile(levels: Sequence[NDArray[np.uint8]], q: float) -> float:
    """np.quantile of all these values, 0 to 255, computed from their histogram without a copy as floats."""
    ranks = np.cumsum(sum(np.bincount(each.ravel(), minlength=256) for each in levels))
    at = q * (ranks[-1] - 1)
    below, above = (int(np.searchsorted(ranks, i, side="right")) for i in (int(at), int(np.ceil(at))))
    return below + (above - below) * (at - int(at))


def _column_sizes(G: Generator) -> list[int]:
    """Sizes in pixels of the columns of Figure 2: full, half, quarter twice, down to 64 px."""
    H = G.resolution
    sizes = [H, H // 2, H // 4, H // 4, H // 8, H // 8]
    return [size for size in sizes if size >= 64] if H >= 128 else [H] * 8


def _strip(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures of one size, stacked without gaps."""
    size = pictures[0].height
    strip = Image.new("RGB", (size, size * len(pictures)))
    for i, picture in enumerate(pictures):
        strip.paste(picture, (0, i * size))
    return strip


def _alternate(first: Iterable[NDArray[np.uint8]], second: Iterable[NDArray[np.uint8]]) -> list[Cell]:
    """first[0], second[0], first[1], ..."""
    return [tile(image) for pair in zip(first, second, strict=True) for image in pair]


def _layer_label(layer: int, rms: float) -> str:
    return f"layer {layer}\n{resolution_of(layer)} px\nrms {rms:.1f}"
