"""Who sits for a portrait: the geometry and the colours that the factors mean.

The picture is 120 units wide. (0, 0) is the middle of the head, y points down, light comes from
the upper left. Colours are "#rrggbb".
"""

import math
from dataclasses import dataclass
from functools import cached_property

from stylegan.data.portraits.paint import Point, blend, oklch, ramp, spline

SKIN = ("#fde3d0", "#f4caa8", "#e2aa80", "#c58a5e", "#9a6642", "#70472f", "#4f3225")
HAIR = ("#221d22", "#3b2823", "#6a432c", "#a5703f", "#d9ab62", "#eddcb8")
IRIS = ("#5a3820", "#8d6a2e", "#5f8a4c", "#3f88a8", "#7fa6c9")
TURN = math.radians(17)  # where the yaw is 1: beyond it the far eye would touch the outline
NOD = math.radians(9)  # where the pitch is 1


@dataclass(frozen=True)
class Sitter:
    """A head of half width `width` and half height 50, turned and coloured as the factors say."""

    factors: dict[str, float]

    def __getitem__(self, name: str) -> float:
        return self.factors[name]

    @cached_property
    def width(self) -> float:
        return 41 + 4.5 * self["face_width"]

    def place(self, x: float, y: float, rise: float = 0) -> Point:
        """Where the point (x, y) of the front view lands when the head turns; rise: how far it stands out."""
        z = math.sqrt(max(0.0, 1 - (x / self.width) ** 2 - 0.5 * (y / 55) ** 2)) * self.width + rise
        yaw, pitch = self["yaw"] * TURN, self["pitch"] * NOD
        return x * math.cos(yaw) + z * math.sin(yaw), y - z * math.sin(pitch)

    def foreshortening(self, x: float) -> float:
        """How wide a thing at x appears: near 1 in front, less on the side that turns away."""
        return (self.place(x + 4, 0)[0] - self.place(x - 4, 0)[0]) / 8

    def outline(self) -> str:
        """The edge of the face as a path."""
        w, jaw = self.width, self["jaw"]
        half = ((0.58, -43), (0.93, -25), (1.0, -2), (0.95, 17), (0.76 + 0.13 * jaw, 34), (0.37 + 0.16 * jaw, 46.5))
        right = [(x * w, y) for x, y in half]
        ring = [(0.0, -50.0), *right, (0.0, 50.0), *((-x, y) for x, y in reversed(right))]
        return spline([(x + self._lean(y), y - 3 * self["pitch"] * (y > 30)) for x, y in ring])

    def _lean(self, y: float) -> float:
        """The chin leads when the head turns; the skull stays behind."""
        return self["yaw"] * (7 * max(0.0, (y + 10) / 60) - 1)

    @cached_property
    def skin(self) -> str:
        pure = ramp(SKIN, self["skin_tone"])
        return blend(pure, "#cf6d68" if self["skin_warmth"] < 0 else "#c99a2e", 0.3 * abs(self["skin_warmth"]))

    def shade(self, depth: float) -> str:
        """The skin in shadow: redder, not greyer."""
        return blend(self.skin, "#732a34", depth)

    @cached_property
    def hair(self) -> str:
        pure = ramp(HAIR, self["hair_tone"])
        return blend(pure, "#8d8b92" if self["hair_warmth"] < 0 else "#b8401f", 0.55 * abs(self["hair_warmth"]) ** 1.5)

    @cached_property
    def iris(self) -> str:
        return ramp(IRIS, self["eye_colour"])

    @cached_property
    def background(self) -> str:
        return oklch(0.66 + 0.22 * self["background_lightness"], 0.07, self._hue)

    @cached_property
    def cloth(self) -> str:
        """The clothes follow the background, so that the two never quarrel: opposite hue, opposite lightness."""
        return oklch(0.68 - 0.26 * self["background_lightness"], 0.095, self._hue + 160)

    @property
    def _hue(self) -> float:
        """From moss through teal, blue and violet to rose: no hues of skin, and not a circle, so a line can fit it."""
        return 110 + 270 * self["background_hue"]
