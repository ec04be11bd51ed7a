"""Pictures of seeds and projections into files; nothing that exists is overwritten."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stylegan.data.dataset import image_grid, save_png
from stylegan.errors import InputError, refuse
from stylegan.networks.generator import Generator
from stylegan.sampling.controls import Controls
from stylegan.sampling.progress import progress
from stylegan.sampling.recipe import CHUNK
from stylegan.sampling.sampler import DEFAULT, Sampler
from stylegan.sampling.sources import SUFFIX, Source, Sources, parse_sources


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
    sampler = Sampler(G, controls)
    sampler.check(found)
    note = sampler.describe(found)
    chunks = progress([found[i : i + CHUNK] for i in range(0, len(found), CHUNK)], "pictures")
    make_folder(out)
    kept = []
    for start, chunk in zip(range(0, len(found), CHUNK), chunks, strict=True):
        pictures = sampler.recipe(chunk).pictures(G)
        for path, picture in zip(paths[start : start + CHUNK], pictures, strict=False):
            save_png(image_grid(picture[None], 1), path)
        kept += [pictures] if grid else []
    for path in sheet:
        save_png(image_grid(np.concatenate(kept), grid_columns(len(found))), path)
    return Saved([*paths, *sheet], note)


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


def make_folder(folder: Path) -> None:
    """Make the folder where it is missing. Raises InputError where a file is in the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{folder} is no folder, or lies below a file: choose another --out") from error
