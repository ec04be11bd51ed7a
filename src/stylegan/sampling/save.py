"""Writes the pictures of seeds and projections. Existing files are never overwritten."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stylegan.data.dataset import image_grid
from stylegan.errors import InputError, printable, refuse
from stylegan.files import user_path
from stylegan.networks.generator import Generator
from stylegan.sampling.controls import Controls
from stylegan.sampling.made import Made, digest_of, file_digest, refuse_files
from stylegan.sampling.progress import progress
from stylegan.sampling.recipe import CHUNK
from stylegan.sampling.sampler import DEFAULT, Sampler
from stylegan.sampling.sources import Source, Sources, Style, parse_sources, picture_name

MOST_GRID_PIXELS = 2**30  # 3 GB: 1,024 pictures at 1024 px


@dataclass(frozen=True)
class Saved:
    """The files of a job, and one line on how the pictures were made."""

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
    save_w: bool = False,
) -> Saved:
    """Write the pictures of seeds into the folder `out`, as seed0000.png ..., and with `grid` all on one grid.png.

    A file of styles may stand for a seed ("0-3,face.safetensors"): its picture is face.png. save_w: also write the
    styles as ws.npz, (N, num_ws, w_dim), which may stand for seeds in turn. What is there already and was made in the
    same way is kept. Raises InputError, before a picture is made, where one of the files exists and was not.
    """
    if not (images or grid or save_w):
        raise InputError("neither images nor a grid: choose at least one")
    out, found, sampler = user_path(out), list(dict.fromkeys(parse_sources(seeds))), Sampler(G, controls)
    if grid and len(found) * G.resolution**2 > MOST_GRID_PIXELS:
        most = MOST_GRID_PIXELS // G.resolution**2
        raise InputError(
            f"a grid of {len(found):,} pictures of {G.resolution} px: {most:,} fit on one; give fewer seeds"
        )
    paths = [out / f"{picture_name(source)}.png" for source in found] if images else []
    sheet, styles = [out / "grid.png"] if grid else [], [out / "ws.npz"] if save_w else []
    refuse_twins([*paths, *sheet, *styles])
    sampler.check(found)
    each, same = list(map(made_of, found)), digest_of(sampler.made_of())
    how = {path: digest_of([same, one]) for path, one in zip(paths, each, strict=False)}
    how |= {path: digest_of([same, path.name, each]) for path in [*sheet, *styles]}
    made = Made(out, how)
    make_folder(out)
    pictures = _pictures(sampler, found, paths, made, all_of_them=any(path not in made.there for path in sheet))
    kept = [picture for picture in pictures if grid]
    for path in sheet:
        if path not in made.there:
            save_new(image_grid(np.stack(kept), grid_columns(len(found))), path, made)
    for path in styles:
        if path not in made.there:
            ws = sampler.ws(found).float().cpu().numpy()
            with made.new(path) as partial:
                np.savez(partial, ws=ws, names=np.array([*map(picture_name, found)]))
    return Saved([*paths, *sheet, *styles], "; ".join([sampler.describe(found), *made.said()]))


def _pictures(
    sampler: Sampler, found: list[Source], paths: list[Path], made: Made, *, all_of_them: bool
) -> Iterator[NDArray[np.uint8]]:
    """Write the pictures that are missing; give all pictures, or only those that had to be made.

    Pictures are computed in the same batches whatever is there, so they are the same to the last bit.
    """
    for start in progress(range(0, len(found), CHUNK), "pictures"):
        files = paths[start : start + CHUNK]
        missing = [path for path in files if path not in made.there]
        if not missing and not all_of_them:
            continue
        pictures = sampler.recipe(found[start : start + CHUNK]).pictures(sampler.G)
        for path, picture in zip(files, pictures, strict=False):
            if path in missing:
                save_new(image_grid(picture[None], 1), path, made)
        yield from pictures


def save_new(image: Image.Image, path: Path, made: Made) -> None:
    """Write a whole new PNG file of a job."""
    with made.new(path) as partial:
        image.save(partial, format="PNG")


def made_of(source: Source) -> object:
    """A source as JSON data that tells it from others: a file by its contents."""
    if isinstance(source, Path):
        return ["projection", file_digest(source)]
    if isinstance(source, Style):
        return ["style", hashlib.sha256(source.values.tobytes()).hexdigest()]
    return source


def png_path(out: Path | str) -> Path:
    """The path of a new PNG file. Raises InputError for another suffix and for a file that exists."""
    path = user_path(out)
    if path.suffix.lower() != ".png":
        raise InputError(f"{printable(path)}: the name must end in .png")
    refuse_existing([path])
    make_folder(path.parent)
    return path


def refuse_twins(paths: Sequence[Path]) -> None:
    """Raise InputError naming the files that two pictures would share, in upper or lower case."""
    folded = [path.name.lower() for path in paths]
    refuse(
        [
            f"several pictures would be called {printable(name, 80)}: rename the projections, or write them to another "
            "folder"
            for name in sorted({name for name in folded if folded.count(name) > 1})
        ]
    )


def refuse_existing(paths: Sequence[Path]) -> None:
    """Raise InputError naming the files that exist, as nothing is overwritten."""
    refuse_files([path for path in paths if os.path.lexists(path)])


def grid_columns(count: int) -> int:
    """Number of columns for a sheet slightly wider than high."""
    return min(count, int(np.ceil(np.sqrt(count * 1.5))))


def make_folder(folder: Path) -> None:
    """Create the folder if it is missing. Raises InputError if a file is in the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{printable(folder)} is not a folder, or lies below a file: choose another place") from error
