"""The built-in data set: drawn portraits whose factors are known, so that control can be measured against the truth."""

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
import resvg_py
from PIL import Image

from stylegan.data.portraits.drawing import svg
from stylegan.errors import refuse


@dataclass(frozen=True)
class Factor:
    """One thing that differs between portraits: a number from low to high, whole if it is a `category`."""

    name: str
    kind: Literal["coarse", "middle", "fine"]  # the scale at which the paper's Section 3.1 finds such a thing
    low: float
    high: float
    meaning: str
    category: bool = False
    power: float = 1  # u^power is drawn, u uniform: above 1 makes low values common, below 1 high ones


FACTORS = (
    Factor("yaw", "coarse", -1, 1, "turns to the picture's left (-1) or right (1)"),
    Factor("pitch", "coarse", -1, 1, "looks down (-1) or up (1)"),
    Factor("roll", "coarse", -1, 1, "leans to the picture's left (-1) or right (1)"),
    Factor("face_width", "coarse", -1, 1, "narrow (-1) or wide (1)"),
    Factor("jaw", "coarse", -1, 1, "pointed (-1) or square (1)"),
    Factor("hair_style", "coarse", 0, 6, "0 bald, 1 buzz cut, 2 short, 3 bob, 4 long, 5 curly, 6 bun", category=True),
    Factor("glasses", "coarse", 0, 1, "0 without, 1 with", category=True, power=1.6),  # a third wears them
    Factor("eyes_open", "middle", 0, 1, "closed (to 0.3), half, wide open (from 0.7)", power=0.6),
    Factor("smile", "middle", -1, 1, "corners of the mouth down (-1) or up (1)", power=0.5),
    Factor("mouth_open", "middle", 0, 1, "closed (to 0.3) to wide open (1)", power=1.5),
    Factor("brow_height", "middle", -1, 1, "low (-1) or raised (1)"),
    Factor("brow_tilt", "middle", -1, 1, "inner ends up: worried (-1), or down: stern (1)"),
    Factor("nose_size", "middle", -1, 1, "small (-1) or large (1)"),
    Factor("fringe", "middle", 0, 1, "forehead free (0) or covered (1); shows only where there is hair"),
    Factor("skin_tone", "fine", 0, 1, "light (0) to deep (1)"),
    Factor("skin_warmth", "fine", -1, 1, "rosy (-1) or golden (1)"),
    Factor("hair_tone", "fine", 0, 1, "black (0) through brown to fair (1)", power=1.3),
    Factor("hair_warmth", "fine", -1, 1, "ash and grey (-1) or red (1)"),
    Factor("eye_colour", "fine", 0, 1, "brown (0), hazel, green, blue, pale blue (1); shows only in open eyes"),
    Factor("background_hue", "fine", 0, 1, "moss (0), teal, blue, violet, rose (1); the clothes follow it"),
    Factor("background_lightness", "fine", 0, 1, "dark (0) to light (1); the clothes do the opposite"),
)


def portrait(index: int, resolution: int, *, seed: int = 0, half: bool = False) -> tuple[np.ndarray, dict[str, float]]:
    """Portrait `index` of the set that `seed` names: uint8 RGB (resolution, resolution, 3), and its factors."""
    factors, detail_seed = factors_of(index, seed=seed)
    return draw(factors, resolution, detail_seed=detail_seed, half=half), factors


def factors_of(index: int, *, seed: int = 0) -> tuple[dict[str, float], int]:
    """The factors of a portrait, drawn independently of each other, and its detail seed: what `draw` needs."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, index]))
    factors = {}
    for f in FACTORS:
        u = rng.random() ** f.power
        factors[f.name] = float(f.low + int(u * (f.high - f.low + 1))) if f.category else f.low + u * (f.high - f.low)
    return factors, int(rng.integers(2**32))


def draw(factors: dict[str, float], resolution: int, *, detail_seed: int, half: bool = False) -> np.ndarray:
    """The picture of these factors, uint8 RGB; freckles, single hairs and wrinkles follow from `detail_seed` alone.

    half: the head and all its features are half as large.
    """
    _check(factors)
    # The renderer's own anti-aliasing knows few levels of coverage: up to 128 pixels, where it shows, average more.
    scale = max(-(-64 // resolution), 2 if resolution <= 128 else 1)
    size = resolution * scale
    drawing = svg(factors, detail_seed, half=half)
    png = resvg_py.svg_to_bytes(svg_string=drawing, width=size, height=size, skip_system_fonts=True)
    return np.array(Image.open(io.BytesIO(png)).convert("RGB").reduce(scale))


def _check(factors: dict[str, float]) -> None:
    ranges = {f.name: f for f in FACTORS}
    problems = [f"factor {name} is missing" for name in ranges if name not in factors]
    for name, value in factors.items():
        f = ranges.get(name)
        if f is None:
            problems.append(f"factor {name} is unknown: use {', '.join(ranges)}")
        elif not f.low <= value <= f.high or (f.category and value != int(value)):
            numbers = "a whole number" if f.category else "a number"
            problems.append(f"factor {name} is {value}: it must be {numbers} from {f.low} to {f.high}: {f.meaning}")
    refuse(problems)
