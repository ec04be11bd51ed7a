"""Writes style mixtures and figures. Existing files are never overwritten."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from stylegan.data.dataset import save_png
from stylegan.errors import InputError, printable
from stylegan.figures.mixing import compose, mixing_grid, parse_composition
from stylegan.figures.paper import describe_figure, figure
from stylegan.networks.generator import Generator
from stylegan.networks.levels import Levels, describe_levels, named_levels
from stylegan.sampling.controls import Controls
from stylegan.sampling.sampler import DEFAULT, Sampler, check_network
from stylegan.sampling.save import Saved, png_path
from stylegan.sampling.sources import Sources, parse_sources


def save_mix(
    G: Generator,
    out: Path | str,
    *,
    a: Sources | None = None,
    b: Sources | None = None,
    levels: Sequence[Levels] | None = None,
    sources: Sequence[str] = (),
    controls: Controls = DEFAULT,
) -> Saved:
    """Write the sheet of `mixing_grid` for A and B, or that of `compose` for `sources` such as 0 4=coarse 7=fine.

    A source is a seed or a projection's file.
    """
    path = png_path(out)
    check_network(G)
    if not isinstance(sources, str | list | tuple) or not (levels is None or isinstance(levels, list | tuple)):
        shown = printable(sources, 60), printable(levels, 60)
        raise InputError(f"mix: sources {shown[0]} and levels {shown[1]}: give lists, such as ['coarse', '4-7']")
    if bool(sources) == (a is not None or b is not None) or (a is None) != (b is None):
        raise InputError(
            "mix: give sources A and B (seeds or projections), or a list of sources such as 0 4=coarse 7=fine"
        )
    if sources and levels is not None:
        raise InputError("mix: levels are for sources A and B; in a list of sources each names its own, as 4=coarse")
    if a is None or b is None:
        image = compose(G, sources, controls=controls)
        return _save(image, path, Sampler(G, controls).describe([each for each, _ in parse_composition(sources, G)]))
    image = mixing_grid(G, a, b, levels=levels, controls=controls)
    said = [describe_levels(level, G) for level in levels or named_levels(G)]
    words = Sampler(G, controls).describe([*parse_sources(a), *parse_sources(b)])
    return _save(image, path, "; ".join([*said, words]))


def save_figure(
    G: Generator,
    name: str,
    out: Path | str,
    *,
    seeds: Sources | None = None,
    seeds_b: Sources | None = None,
    controls: Controls = DEFAULT,
) -> Saved:
    """Write the figure of this name, see `figures.FIGURES`, as the PNG file `out`."""
    path = png_path(out)
    image = figure(G, name, seeds=seeds, seeds_b=seeds_b, controls=controls)
    given = [source for sources in (seeds, seeds_b) if sources is not None for source in parse_sources(sources)]
    return _save(image, path, f"figure {name}: {describe_figure(Sampler(G, controls), name, given)}")


def _save(image: Image.Image, path: Path, note: str) -> Saved:
    save_png(image, path, exist_ok=False)
    return Saved([path], note)
