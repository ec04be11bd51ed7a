"""The effect of noise: Figures 4 and 5 (Section 3.2)."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from stylegan.data.pixels import to_levels
from stylegan.errors import InputError
from stylegan.figures.sheet import Cell, Sheet, enlarge, gray, tile, to_rgb
from stylegan.networks.generator import Generator
from stylegan.networks.levels import named_levels, num_layers, pixels, runs
from stylegan.sampling.controls import Controls
from stylegan.sampling.describe import describe_styles
from stylegan.sampling.noise import only_layers, stack_noise
from stylegan.sampling.numbers import whole_number
from stylegan.sampling.progress import progress
from stylegan.sampling.recipe import CHUNK, Recipe, synthesize
from stylegan.sampling.sampler import DEFAULT, Sampler
from stylegan.sampling.sources import Sources, label, parse_sources

LEAST_PX, MOST_PX = 256, 512  # larger than in the other figures, to show detail

Box = tuple[int, int, int]  # left, top, size


def noise(
    G: Generator, *, seeds: Sources = "0-1", controls: Controls = DEFAULT, realizations: int = 100
) -> Image.Image:
    """Figure 4: a picture, a detail of it with four realizations of the noise, the standard deviation of each pixel."""
    _require_noise(G, controls, "figure noise")
    found = parse_sources(seeds)
    sampler = Sampler(G, controls)
    wholes = [picture for batch in sampler.pictures(found) for picture in batch]
    ws = sampler.ws(found)
    realizations = whole_number(realizations, "realizations", least=1)
    each = [realized(G, ws[i : i + 1], realizations) for i in progress(range(len(found)), "realizations of noise")]
    deviations = [deviation for _, deviation in each]  # (H, H) each
    white = max(float(np.quantile(deviations, 0.995)), 0.1)
    rows: list[list[Cell]] = []
    for whole, (pictures, deviation) in zip(wholes, each, strict=True):
        box = liveliest(deviation)
        map_ = tile(gray(deviation, white), least_px=LEAST_PX, most_px=MOST_PX)
        rows.append([_marked(whole, box), _four(pictures.round().astype(np.uint8), box, map_.height), map_])
    return Sheet(
        rows,
        title="What noise changes (Figure 4)",
        caption=f"(b), (c): noise of the seeds 0 to {realizations - 1}. White in (c): a deviation of {white:.1f} of "
        f"255 levels. {', '.join(describe_styles(sampler, found))}",
        columns=["(a) picture", "(b) detail, 4 realizations", f"(c) deviation over {realizations}"],
        row_labels=[label(source).replace(" ", "\n") for source in found],
        wide_before=[1, 2],
    ).draw()


def noise_layers(G: Generator, *, seeds: Sources = "0-1", controls: Controls = DEFAULT) -> Image.Image:
    """Figure 5: noise in all layers, none, the fine ones only, the coarse ones only; below, a detail of each."""
    _require_noise(G, controls, "figure noise-layers")
    coarse, fine = coarse_and_fine(G)
    choices = {"(a) all layers": [*coarse, *fine], "(b) no noise": [], "(c) fine only": fine, "(d) coarse only": coarse}
    found = parse_sources(seeds)
    sampler = Sampler(G, controls.but(noise_layers=None))
    rows: list[list[Cell]] = []
    for start in range(0, len(found), CHUNK):
        made = sampler.recipe(found[start : start + CHUNK])
        columns = [Recipe(made.ws, only_layers(made.noise or [], each)).pictures(G) for each in choices.values()]
        for pictures in zip(*columns, strict=True):  # of one source: all layers, none, fine, coarse
            box = liveliest(np.abs(pictures[0].astype(float) - pictures[1]).mean(axis=0))
            wholes = [_marked(picture, box) for picture in pictures]
            rows += [[*wholes], [_detail(picture, box, wholes[0].height) for picture in pictures]]
    return Sheet(
        rows,
        title="Noise in some of the layers (Figure 5)",
        caption=f"Coarse: layers {runs(coarse)} ({pixels(coarse)}), fine: layers {runs(fine)} ({pixels(fine)}). "
        f"{sampler.describe(found)}",
        columns=list(choices),
        row_labels=[text for source in found for text in (label(source).replace(" ", "\n"), "detail")],
        blocks=[("", 2) for _ in found],
    ).draw()


def realized(
    G: Generator, ws: Tensor, count: int, *, batch: int = 10
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The picture of ws (1, num_ws, w_dim) with the noise of the seeds 0, 1, ...: the first four, (4, C, H, H), 0 to
    255, and the deviation of each pixel over all, the mean over the channels, (H, H).

    A running mean and sum of squares (Welford) keep only four pictures in memory.
    """
    first: list[NDArray[np.float64]] = []
    mean, squares, seen = np.zeros(()), np.zeros(()), 0
    for start in range(0, count, batch):
        maps = [m.to(ws) for m in stack_noise(range(start, min(start + batch, count)), G)]
        for images in synthesize(G, Recipe(ws.expand(len(maps[0]), -1, -1), maps), batch):
            for picture in to_levels(images).cpu().numpy().astype(np.float64):
                first += [picture] if seen < 4 else []
                seen += 1
                from_mean = picture - mean
                mean = mean + from_mean / seen
                squares = squares + from_mean * (picture - mean)
    return np.stack(first), np.sqrt(squares / seen).mean(axis=0)


def coarse_and_fine(G: Generator) -> tuple[list[int], list[int]]:
    """The layers in two groups, as in Figure 5: the last named level is fine, all before it are coarse.

    In a network with one level, the upper half is fine.
    """
    *_, fine = named_levels(G).values()
    first = fine[0] or num_layers(G) // 2
    return list(range(first)), list(range(first, num_layers(G)))


def liveliest(change: NDArray[np.floating]) -> Box:
    """The square, a quarter as high (half in small pictures), with the greatest mean of `change` (H, H)."""
    H = len(change)
    size = H // 4 if H >= 128 else H // 2
    starts = range(0, H - size + 1, max(1, size // 4))
    corners = [(top, left) for top in starts for left in starts]
    top, left = max(corners, key=lambda corner: change[corner[0] :, corner[1] :][:size, :size].mean())
    return left, top, size


def _require_noise(G: Generator, controls: Controls, what: str) -> None:
    if not G.config.noise:
        raise InputError(f"{what}: this network has no noise inputs")
    if controls.noise == "none":
        raise InputError(f"{what} with noise none: it shows what noise does; give random or const")


def _marked(picture: NDArray[np.uint8], box: Box) -> Image.Image:
    """The whole picture with a frame around the box."""
    whole = tile(picture, least_px=LEAST_PX, most_px=MOST_PX)
    left, top, size = (v * whole.height // picture.shape[1] for v in box)
    frame = ImageDraw.Draw(whole)
    frame.rectangle((left, top, left + size - 1, top + size - 1), outline=(0, 0, 0), width=3)
    frame.rectangle((left + 1, top + 1, left + size - 2, top + size - 2), outline=(255, 255, 255))
    return whole


def _detail(picture: NDArray[np.uint8], box: Box, height: int) -> Image.Image:
    left, top, size = box
    return enlarge(to_rgb(picture[:, top : top + size, left : left + size]), max(1, height // size))


def _four(pictures: NDArray[np.uint8], box: Box, height: int) -> Image.Image:
    """The details of the first four pictures as a square."""
    square = Image.new("RGB", (height, height), (255, 255, 255))
    for i, picture in enumerate(pictures[:4]):
        square.paste(_detail(picture, box, height // 2), (i % 2 * (height // 2 + 1), i // 2 * (height // 2 + 1)))
    return square
