"""Projects picture files and writes the ws, a sheet of picture and projection, and a film of the search."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stylegan.data.decode import decode, read_bytes, read_size, reason, square_side
from stylegan.data.whole import BadPictureError
from stylegan.editing.projection import Projection, Space, project
from stylegan.errors import printable, refuse
from stylegan.figures.sheet import resize, to_rgb
from stylegan.figures.video import film_path, write_frames
from stylegan.files import refuse_special, user_path
from stylegan.metrics.efficientnet import EfficientNetLite0
from stylegan.metrics.perceptual import Perceptual
from stylegan.networks.generator import Generator
from stylegan.sampling.fingerprint import full_fingerprint
from stylegan.sampling.latents import check_class, labels_of
from stylegan.sampling.made import Made, digest_of
from stylegan.sampling.recipe import Recipe
from stylegan.sampling.sampler import check_network
from stylegan.sampling.save import Saved, make_folder

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
    class_index: int | str | None = None,
) -> Saved:
    """Project picture files; for each, write NAME.safetensors, NAME.png and the film NAME.mp4 into the folder `out`.

    NAME.png has the picture at the left and its projection at the right; the film (.webp without PyAV) goes there from
    the mean picture. The arguments are those of `project`. What is there already and was made in the same way is kept.
    Raises InputError naming every file that is not a picture.
    """
    check_network(G)
    if isinstance(pictures, str | Path):
        pictures = [pictures]
    paths, out = [user_path(path) for path in pictures], user_path(out)
    names = [path.stem for path in paths]
    twice = sorted({name for name in names if names.count(name) > 1})
    refuse(
        [
            f"several pictures are called {printable(name, 80)}: rename them: their results would share one file"
            for name in twice
        ]
    )
    targets, notes = read_pictures(paths, G)
    c = labels_of(G, class_index, 1)
    perceptual = perceptual or EfficientNetLite0().to(G.w_avg.device)
    results, said = _results(out, names, video)
    settings = [full_fingerprint(G), space, steps, seed, check_class(G, class_index), type(perceptual).__name__, FPS]
    digests = [digest_of([*settings, hashlib.sha256(target.tobytes()).hexdigest()]) for target in targets]
    made = Made(out, {path: digest for each, digest in zip(results, digests, strict=True) for path in each})
    make_folder(out)
    todo = [i for i, (file, *_) in enumerate(results) if file not in made.there]
    batch = max(1, min(16, 2**20 // G.img_resolution**2))  # bounds the memory, a quarter of what `synthesize` takes
    for start in range(0, len(todo), batch):
        chunk = todo[start : start + batch]
        found = project(G, targets[chunk], space=space, steps=steps, seed=seed, perceptual=perceptual, c=c)
        for at, i in enumerate(chunk):
            with made.new(results[i][0]) as partial:
                found[at].save(partial)
            _show(G, found[at], targets[i], results[i], made)
    distances = []
    for i, (file, *shown) in enumerate(results):
        one = Projection.load(file, G)
        if i not in todo and any(path not in made.there for path in shown):
            _show(G, one, targets[i], results[i], made)
        distances.append(f"{names[i]}: distance {one.start_distances[0]:.3f} -> {one.distances[0]:.3f}")
    by_kind = [path for kind in zip(*results, strict=True) for path in kind]
    return Saved(by_kind, "; ".join([*distances, *said, *notes, *made.said()]))


def _results(out: Path, names: list[str], video: bool) -> tuple[list[list[Path]], list[str]]:
    """The files of each picture, and one line saying why its film is not MP4."""
    films = [film_path(out / f"{name}.mp4", new=False) for name in names] if video else []
    results = [[out / f"{name}.safetensors", out / f"{name}.png"] for name in names]
    for each, (film, _) in zip(results, films, strict=False):
        each.append(film)
    return results, films[0][1] if films else []


def _show(G: Generator, one: Projection, target: NDArray[np.uint8], files: Sequence[Path], made: Made) -> None:
    """Write the sheet and the film of a projection, where they are missing."""
    *frames, last = path_frames(G, one, target)
    for path in files[1:]:
        if path in made.there:
            continue
        with made.new(path) as partial:
            if path.suffix == ".png":
                last.save(partial, format="PNG")
            else:
                write_frames(partial, [*frames, *[last] * FPS], FPS)


def path_frames(G: Generator, projection: Projection, target: NDArray[np.uint8]) -> Iterator[Image.Image]:
    """Frames of the search for one picture, uint8 (C, H, H): the picture at the left, that of G at the right."""
    left = resize(to_rgb(target), least_px=256, most_px=1024)
    for ws in projection.path:
        right = resize(to_rgb(Recipe(ws, projection.noise).pictures(G)[0]), least_px=256, most_px=1024)
        frame = Image.new("RGB", (left.width + right.width, left.height))
        frame.paste(left, (0, 0))
        frame.paste(right, (left.width, 0))
        yield frame


def read_pictures(paths: Sequence[Path], G: Generator) -> tuple[NDArray[np.uint8], list[str]]:
    """Picture files as G's own size and channels, uint8 (N, C, H, H), and a note for each that was cut or resized.

    The middle square is taken; no alignment is needed. Raises InputError naming every file that is not a picture.
    """
    H = G.resolution
    images, notes, problems = [], [], []
    for path in paths:
        try:
            image, size = _read(path, H, G.img_channels)
        except (BadPictureError, OSError) as e:
            problems.append(f"{printable(path)}: {e if isinstance(e, BadPictureError) else reason(e)}")
            continue
        images.append(image)
        if size != (H, H):
            cut = "" if size[0] == size[1] else "its middle square "
            notes.append(f"{printable(path.name, 80)} is {size[0]} x {size[1]}: {cut}resized to {H} x {H}")
    refuse(problems or ([] if images else ["no pictures: name at least one file"]))
    return np.stack(images), notes


def _read(path: Path, H: int, img_channels: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """A picture (C, H, H), and its size in the file."""
    refuse_special(path)
    with path.open("rb") as f:
        data = read_bytes(f)
    size = read_size(io.BytesIO(data))
    side = min(H, square_side(size, "center"))
    pixels = decode(data, side, crop="center", img_channels=img_channels).pixels  # type: ignore[arg-type]
    if side < H:  # decode() only reduces: a data set must not hold enlarged pictures
        small = Image.fromarray(pixels[:, :, 0] if img_channels == 1 else pixels)
        pixels = np.atleast_3d(np.asarray(small.resize((H, H), Image.Resampling.LANCZOS)))
    return pixels.transpose(2, 0, 1), size
