"""Pictures of seeds and projections, mixtures and figures into files; nothing that exists is overwritten."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from stylegan.data.images import image_grid, save_png
from stylegan.errors import InputError, refuse
from stylegan.networks.generator import Generator
from stylegan.networks.levels import Levels, describe_levels, named_levels
from stylegan.sampling.controls import Controls
from stylegan.sampling.figures import describe_figure, figure
from stylegan.sampling.mixing import compose, mix, parse_composition
from stylegan.sampling.progress import progress
from stylegan.sampling.recipe import check_sources, describe_controls, recipe
from stylegan.sampling.sources import SUFFIX, Source, Sources, parse_sources

DEFAULT = Controls()
CHUNK = 16  # pictures between two moves of the progress bar


@dataclass(frozen=True)
class Saved:
    """The files that were written, and in a line how the pictures were made."""

    paths: list[Path]
    note: str


def save_samples(
    G: Generator,
    seeds: Sources,
    out: Path | str,
    *,
    controls: Controls = DEFAULT,
    images: bool = True,
    grid: bool = False,
) -> Saved:
    """Write the pictures of seeds into the folder `out`, as seed0000.png ..., and with `grid` all on one grid.png.

    A projection's file may stand for a seed ("0-3,face.safetensors"): its picture is face.png. Raises InputError,
    before a picture is made, where one of the files exists.
    """
    out, found = Path(out), list(dict.fromkeys(parse_sources(seeds)))
    if not (images or grid):
        raise InputError("neither images nor a grid: choose at least one")
    paths = [out / _name(source) for source in found] if images else []
    sheet = [out / "grid.png"] if grid else []
    refuse_twins([*paths, *sheet])
    refuse_existing([*paths, *sheet])
    check_sources(G, found, controls)
    note = describe_controls(G, controls, found)
    chunks = progress([found[i : i + CHUNK] for i in range(0, len(found), CHUNK)], "pictures")
    make_folder(out)
    kept = []
    for start, chunk in zip(range(0, len(found), CHUNK), chunks, strict=True):
        pictures = recipe(G, chunk, controls).pictures(G)
        for path, picture in zip(paths[start : start + CHUNK], pictures, strict=False):
            save_png(image_grid(picture[None], 1), path)
        kept += [pictures] if grid else []
    for path in sheet:
        save_png(image_grid(np.concatenate(kept), grid_columns(len(found))), path)
    return Saved([*paths, *sheet], note)


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
    """Write the sheet of `mix` for sources A and B, or that of `compose` for `sources` such as 0 4=coarse 7=fine.

    A source is a seed or a projection's file.
    """
    path = png_path(out)
    if bool(sources) == (a is not None or b is not None) or (a is None) != (b is None):
        raise InputError(
            "mix: give sources A and B (seeds or projections), or a list of sources such as 0 4=coarse 7=fine"
        )
    if sources and levels is not None:
        raise InputError("mix: levels are for sources A and B; in a list of sources each names its own, as 4=coarse")
    if a is None or b is None:
        image = compose(G, sources, controls=controls)
        return _save(image, path, describe_controls(G, controls, [each for each, _ in parse_composition(sources)]))
    image = mix(G, a, b, levels, controls=controls)
    said = [describe_levels(level, G) for level in levels or named_levels(G)]
    words = describe_controls(G, controls, [*parse_sources(a), *parse_sources(b)])
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
    return _save(image, path, f"figure {name}: {describe_figure(G, name, given, controls)}")


def png_path(out: Path | str) -> Path:
    """The path of a new PNG file. Raises InputError for another suffix and for a file that exists."""
    path = Path(out)
    if path.suffix.lower() != ".png":
        raise InputError(f"{path}: the name must end in .png")
    refuse_existing([path])
    make_folder(path.parent)
    return path


def refuse_twins(paths: Sequence[Path]) -> None:
    """Raise InputError naming the files that two pictures would share, in upper or lower case."""
    folded = [path.name.lower() for path in paths]
    refuse(
        [
            f"several pictures would be called {name}: rename the projections, or write them to another --out"
            for name in sorted({name for name in folded if folded.count(name) > 1})
        ]
    )


def refuse_existing(paths: Sequence[Path]) -> None:
    """Raise InputError naming the files that exist, as nothing is overwritten."""
    existing = [str(path) for path in paths if path.exists()]
    more = f" and {len(existing) - 5} more" if len(existing) > 5 else ""
    if existing:
        raise InputError(f"{', '.join(existing[:5])}{more} exist: choose another --out, or delete them first")


def grid_columns(count: int) -> int:
    """Columns of a sheet a little wider than high."""
    return min(count, int(np.ceil(np.sqrt(count * 1.5))))


def _name(source: Source) -> str:
    """The file of a picture."""
    return f"{source.name.removesuffix(SUFFIX)}.png" if isinstance(source, Path) else f"seed{source:04d}.png"


def _save(image: Image.Image, path: Path, note: str) -> Saved:
    save_png(image, path)
    return Saved([path], note)


def make_folder(folder: Path) -> None:
    """Make the folder where it is missing. Raises InputError where a file is in the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{folder} is no folder, or lies below a file: choose another --out") from error
