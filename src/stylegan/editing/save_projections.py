"""Pictures from files, projected and kept: the ws, the picture beside its projection, and the path there as a film."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stylegan.data.dataset import save_png
from stylegan.data.decode import decode, read_bytes, read_size, reason, square_side
from stylegan.data.whole import BadPictureError
from stylegan.editing.projection import Projection, Space, project
from stylegan.errors import refuse
from stylegan.figures.sheet import resize, to_rgb
from stylegan.figures.video import film_path, write_film
from stylegan.metrics.efficientnet import EfficientNetLite0
from stylegan.metrics.perceptual import Perceptual
from stylegan.networks.generator import Generator
from stylegan.sampling.latents import labels_of
from stylegan.sampling.recipe import Recipe
from stylegan.sampling.save import Saved, make_folder, refuse_existing

FPS = 20  # the path takes five seconds


def save_projections(
    G: Generator,
    pictures: Sequence[Path | str],
    out: Path | str,
    *,
    space: Space = "w+",
    steps: int = 500,
    seed: int = 0,
    video: bool = True,
    perceptual: Perceptual | None = None,
    class_index: int | None = None,
) -> Saved:
    """Project picture files; write into the folder `out` of each NAME.safetensors, NAME.png and the film NAME.mp4.

    NAME.png has the picture at the left and its projection at the right; the film (.webp without PyAV) goes there from
    the mean picture. The arguments are those of `project`. Raises InputError naming every file that is no picture.
    """
    paths, out = [Path(path) for path in pictures], Path(out)
    names = [path.stem for path in paths]
    twice = sorted({name for name in names if names.count(name) > 1})
    refuse([f"several pictures are called {name}: rename them, as their results would be one file" for name in twice])
    files, sheets = [out / f"{name}.safetensors" for name in names], [out / f"{name}.png" for name in names]
    films, said = _film_paths(out, names) if video else ([], [])
    refuse_existing([*files, *sheets])
    targets, notes = read_pictures(paths, G)
    make_folder(out)
    c, distances = labels_of(G, class_index, 1), []
    perceptual = perceptual or EfficientNetLite0().to(G.w_avg.device)
    batch = max(1, min(16, 2**20 // G.img_resolution**2))  # bounds the memory, a quarter of what `synthesize` takes
    for start in range(0, len(paths), batch):
        chunk = targets[start : start + batch]
        found = project(G, chunk, space=space, steps=steps, seed=seed, perceptual=perceptual, c=c)
        for i, target in enumerate(chunk):
            one, at = found[i], start + i
            one.save(files[at])
            *frames, last = path_frames(G, one, target)
            save_png(last, sheets[at])
            if video:
                write_film(films[at], [*frames, *[last] * FPS], FPS)
            distances.append(f"{names[at]}: distance {one.start_distances[0]:.3f} -> {one.distances[0]:.3f}")
    return Saved([*files, *sheets, *films], "; ".join([*distances, *said, *notes]))


def path_frames(G: Generator, projection: Projection, target: NDArray[np.uint8]) -> Iterator[Image.Image]:
    """Frames of the way to one picture, uint8 (C, H, H): the picture at the left, what G made at the right."""
    left = resize(to_rgb(target), least_px=256, most_px=1024)
    for ws in projection.path:
        right = resize(to_rgb(Recipe(ws, projection.noise).pictures(G)[0]), least_px=256, most_px=1024)
        frame = Image.new("RGB", (left.width + right.width, left.height))
        frame.paste(left, (0, 0))
        frame.paste(right, (left.width, 0))
        yield frame


def read_pictures(paths: Sequence[Path], G: Generator) -> tuple[NDArray[np.uint8], list[str]]:
    """Picture files as G's own size and channels, uint8 (N, C, H, H), and a note for each that was cut or resized.

    The middle square is taken; no alignment is needed. Raises InputError naming every file that is no picture.
    """
    H = G.img_resolution // 2 ** int(G.lod)
    images, notes, problems = [], [], []
    for path in paths:
        try:
            image, size = _read(path, H, G.img_channels)
        except (BadPictureError, OSError) as e:
            problems.append(f"{path}: {e if isinstance(e, BadPictureError) else reason(e)}")
            continue
        images.append(image)
        if size != (H, H):
            cut = "" if size[0] == size[1] else "its middle square "
            notes.append(f"{path.name} is {size[0]} x {size[1]}: {cut}resized to {H} x {H}")
    refuse(problems or ([] if images else ["no pictures: name at least one file"]))
    return np.stack(images), notes


def _read(path: Path, H: int, img_channels: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """A picture (C, H, H), and its size in the file."""
    with path.open("rb") as f:
        data = read_bytes(f)
    size = read_size(io.BytesIO(data))
    side = min(H, square_side(size, "center"))
    pixels = decode(data, side, crop="center", img_channels=img_channels).pixels  # type: ignore[arg-type]
    if side < H:  # decode() only reduces: a data set must not hold enlarged pictures
        small = Image.fromarray(pixels[:, :, 0] if img_channels == 1 else pixels)
        pixels = np.atleast_3d(np.asarray(small.resize((H, H), Image.Resampling.LANCZOS)))
    return pixels.transpose(2, 0, 1), size


def _film_paths(out: Path, names: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The films, and in a line why they are no MP4."""
    found = [film_path(out / f"{name}.mp4") for name in names]
    return [path for path, _ in found], found[0][1] if found else []
