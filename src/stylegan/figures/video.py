"""Seamlessly looping films, as MP4 (PyAV, extra `video`) or as animated WebP."""

import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from stylegan.errors import InputError, printable
from stylegan.figures.loops import Loop, LoopKind, loop
from stylegan.figures.sheet import resize, to_rgb
from stylegan.files import user_path, whole_file
from stylegan.networks.generator import Generator
from stylegan.networks.levels import Levels, describe_levels
from stylegan.sampling.controls import Controls
from stylegan.sampling.describe import describe_noise, describe_styles
from stylegan.sampling.numbers import is_whole
from stylegan.sampling.progress import progress
from stylegan.sampling.recipe import Recipe
from stylegan.sampling.sampler import DEFAULT, Sampler
from stylegan.sampling.save import Saved, make_folder, refuse_existing
from stylegan.sampling.sources import Source, Sources, Style, parse_sources

MOST_FRAMES = 1_000_000
LEAST_PX = 256  # smaller pictures are enlarged here, as players would blur them


def save_video(
    G: Generator,
    out: Path | str,
    *,
    kind: LoopKind = "smooth",
    seeds: Sources | None = None,
    levels: Levels | None = None,
    frames: int | None = None,
    fps: int = 30,
    controls: Controls = DEFAULT,
) -> Saved:
    """Write a seamless loop: the frame after the last would be the first again.

    kind: see `LoopKind`. seeds: or projections, by default 0-5, for noise 0. levels: the styles that kind "mix" moves,
    by default coarse. frames: by default 2 seconds for each seed. MP4 needs PyAV: without it, .mp4 becomes .webp and
    the note says so.
    """
    found = parse_sources(seeds if seeds is not None else "0" if kind == "noise" else "0-5")
    if levels is not None and kind != "mix":
        raise InputError(
            f"levels {printable(repr(levels), 60)} with kind {printable(kind, 20)}: only kind mix has levels"
        )
    levels = "coarse" if levels is None else levels
    if not is_whole(fps) or not 1 <= fps <= 120 or not (frames is None or is_whole(frames)):
        shown = printable(frames, 40), printable(fps, 40)
        raise InputError(f"{shown[0]} frames at {shown[1]} a second: give whole numbers, and 1 to 120 a second")
    frames = 2 * fps * len(found) if frames is None else frames
    if not 1 <= frames <= MOST_FRAMES:
        raise InputError(f"{printable(frames, 40)} frames: give 1 to {MOST_FRAMES:,}, which lasts hours")
    path, said = film_path(out)
    sampler = Sampler(G, controls)
    path_of_t = loop(sampler, kind, found, levels=levels)
    make_folder(path.parent)
    write_film(path, film_frames(G, path_of_t, frames), fps)
    said += [describe_levels(levels, G)] if kind == "mix" else []
    said += ["shown over white, as a film has no alpha"] if G.img_channels == 4 else []
    return Saved(
        [path],
        "; ".join([f"{frames} frames, {frames / fps:.1f} s, kind {kind}", *said, _words(sampler, kind, found)]),
    )


def film_frames(G: Generator, path_of_t: Loop, frames: int, *, batch: int = 8) -> Iterator[Image.Image]:
    """The frames at t = 0, 1 / frames, ... as RGB pictures, enlarged where they are small."""
    for start in progress(range(0, frames, batch), "frames"):
        recipes = [path_of_t(k / frames) for k in range(start, min(start + batch, frames))]
        for picture in stack(recipes).pictures(G):
            yield resize(to_rgb(picture), least_px=LEAST_PX, most_px=4096)


def stack(recipes: list[Recipe]) -> Recipe:
    """Several recipes of one picture each as one of many."""
    ws = torch.cat([each.ws for each in recipes])
    maps = [each.noise for each in recipes if each.noise is not None]
    if not maps:
        return Recipe(ws, None)
    if all(m is maps[0] for m in maps):
        return Recipe(ws, maps[0])  # one noise for all: no copies
    return Recipe(ws, [torch.cat(layer) for layer in zip(*maps, strict=True)])


def film_path(out: Path | str, *, new: bool = True) -> tuple[Path, list[str]]:
    """Where the film will be, and what to say about it: .webp in place of .mp4 where PyAV is missing.

    new: refuse a film that exists.
    """
    path, said = user_path(out), []
    if path.suffix.lower() not in (".mp4", ".webp"):
        raise InputError(f"{printable(path)}: the name must end in .mp4 or .webp")
    if path.suffix.lower() == ".mp4" and importlib.util.find_spec("av") is None:
        path = path.with_suffix(".webp")
        said = [f"{path.name} instead of MP4, because PyAV is missing (pip install 'stylegan[video]')"]
    refuse_existing([path] if new else [])
    return path, said


def write_film(path: Path, frames: Iterable[Image.Image], fps: int) -> None:
    """Write RGB frames of one size as a whole new file, by its suffix MP4 or animated WebP."""
    with whole_file(path, exist_ok=False) as partial:
        write_frames(partial, frames, fps)


def write_frames(path: Path, frames: Iterable[Image.Image], fps: int) -> None:
    """Write RGB frames of one size as a file, by its suffix MP4 or animated WebP."""
    if path.suffix.lower() == ".mp4":
        _write_mp4(path, frames, fps)
    else:
        _write_webp(path, frames, fps)


def _write_mp4(path: Path, frames: Iterable[Image.Image], fps: int) -> None:
    import av  # of the extra `video`

    with av.open(str(path), "w", format="mp4") as container:
        stream: Any = None
        for frame in frames:
            pixels: NDArray[np.uint8] = np.asarray(frame)
            if stream is None:
                stream = container.add_stream("h264", rate=fps, options={"crf": "17"})
                stream.height, stream.width, stream.pix_fmt = pixels.shape[0], pixels.shape[1], "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


def _write_webp(path: Path, frames: Iterable[Image.Image], fps: int) -> None:
    first, *others = frames
    durations = np.diff(np.round(np.arange(len(others) + 2) * 1000 / fps)).astype(int).tolist()  # whole milliseconds
    first.save(path, format="WEBP", save_all=True, append_images=others, duration=durations, loop=0, quality=85)


def _words(sampler: Sampler, kind: LoopKind, sources: Sequence[Source]) -> str:
    first = "noise of the first projection" if isinstance(sources[0], Path) else "noise of the first seed"
    first = "noise of seed 0" if isinstance(sources[0], Style) else first
    noise = describe_noise(sampler, sources, own="noise moving in a circle" if kind == "noise" else first)
    return ", ".join([*describe_styles(sampler, sources), *noise])
