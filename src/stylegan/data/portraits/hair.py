"""Hair for a portrait: what falls behind the head, what lies on it, and single hairs."""

import math

import numpy as np

from stylegan.data.portraits.paint import Point, blend, line, spline
from stylegan.data.portraits.sitter import Sitter

BALD, BUZZ, SHORT, BOB, LONG, CURLY, BUN = range(7)
# How far the hair stands off the skull at the side and on top, and how far down it reaches.
SHAPE = {BUZZ: (1, 3, -4), SHORT: (4, 9, 0), BOB: (8, 9, 34), LONG: (8, 9, 66), CURLY: (7, 11, 2), BUN: (2, 5, 0)}

FALL = {
    BOB: ((14, 22), (7, 40), (-25, 38)),
    LONG: ((12, 30), (18, 62), (6, 90)),
}  # behind the head, from the face's side


def hair_behind(sitter: Sitter) -> str:
    """The part of the hair that the head hides, in the hair's shade."""
    style, w, back = int(sitter["hair_style"]), sitter.width, -4 * sitter["yaw"]
    if style in (BOB, LONG):
        right = [(0.62 * w, -54.0), (w + 6, -33.0), (w + 11, -3.0), *((w + x, y) for x, y in FALL[style])]
        ring = [(0.0, -58.0), *right, *((-x, y) for x, y in reversed(right))]
        return _shape(spline([(x + back, y) for x, y in ring]), "hairBehind")
    if style == CURLY:
        return _locks([((w + 7) * cos + back, -14 + 44 * sin, 16.0) for cos, sin in _arc(146, 386, 16)])
    if style == BUN:
        return _locks([(back * 2, -59 - 3 * sitter["pitch"], 17.0)])
    return ""


def hair_in_front(sitter: Sitter, rng: np.random.Generator) -> str:
    """The hair on the skull with its fringe, its shine and single hairs."""
    style = int(sitter["hair_style"])
    if style == BALD:
        return '<ellipse cx="-14" cy="-33" rx="15" ry="8" transform="rotate(-24 -14 -33)" fill="url(#shine)"/>'
    side, top, end = SHAPE[style]
    edge = _hairline(sitter, end)
    path = spline(_outer(sitter, side, top, end), closed=False) + spline(edge, closed=False).replace("M", "L", 1) + "Z"
    if style == BUZZ:
        return _shape(path, "hair", 0.78)
    if style == CURLY:
        return _shape(path, "hair") + _curls(sitter, edge)
    return _shape(path, "hair") + _shine(sitter, side, top) + _single_hairs(sitter, rng, side, top)


def hairline_shadow(sitter: Sitter) -> str:
    """What the fringe casts on the forehead, as a path to be clipped to the face."""
    style = int(sitter["hair_style"])
    if style == BALD:
        return ""
    edge = [(0.98 * x, y + 5) for x, y in _hairline(sitter, SHAPE[style][2])]
    return spline(edge, closed=False) + "L-70 -70L70 -70Z"


def _outer(sitter: Sitter, side: float, top: float, end: float) -> list[Point]:
    """The hair's silhouette from the lower left over the top to the lower right."""
    rx, ry, back = sitter.width + side, 42 + top, -2.5 * sitter["yaw"]
    dome = [(rx * cos + back, -8 + ry * sin) for cos, sin in _arc(180, 360, 20)]
    tail = [(rx + 4.0, 0.55 * end), (rx + 1.0, float(end))] if end > 10 else [(sitter.width - 1, float(end))]
    return [*((back - x, y) for x, y in reversed(tail)), *dome, *((back + x, y) for x, y in tail)]


def _hairline(sitter: Sitter, end: float) -> list[Point]:
    """The edge between hair and face from right to left; the fringe lowers its middle, a parting lifts the left."""
    w, middle = sitter.width, -38 + 23 * sitter["fringe"]
    over = [
        (x, middle + (-9 - middle) * abs(x / 0.9) ** 2.6 + 3.5 * math.sin(2.6 * x))
        for x in (0.9, 0.7, 0.35, 0, -0.35, -0.7, -0.9)
    ]
    temple = [(1.0, 0.7 * end), (0.93, 0.3 * end)] if end > 10 else [(1.0, float(end))]
    points = [*temple, *over, *((-x, y) for x, y in reversed(temple))]
    return [sitter.place(x * w, y) if y < 8 else (x * w + 3 * sitter["yaw"], y) for x, y in points]


def _shine(sitter: Sitter, side: float, top: float) -> str:
    """A crescent of light over the crown."""
    rx, ry, back = sitter.width + side - 8, 42 + top - 8, -2 * sitter["yaw"]
    upper = [(rx * cos + back, -8 + ry * sin) for cos, sin in _arc(198, 290, 23)]
    lower = [(0.86 * (rx * cos) + back, -8 + 0.84 * ry * sin) for cos, sin in _arc(221, 272, 25)]
    colour = blend(sitter.hair, "#ffe9cf", 0.55)
    return f'<path d="{spline([*upper, *reversed(lower)])}" fill="{colour}" fill-opacity=".28"/>'


def _curls(sitter: Sitter, edge: list[Point]) -> str:
    """Round locks over the crown and along the hairline."""
    w, back = sitter.width, -3 * sitter["yaw"]
    rows = [(0.96 * w * cos + back, -12 + 40 * sin, 13.0) for cos, sin in _arc(190, 350, 20)]
    rows += [(0.62 * w * cos + back, -20 + 24 * sin, 12.0) for cos, sin in _arc(210, 330, 30)]
    return _locks(rows + [(x, y - 6, 9.0) for x, y in edge[1:-1]])


def _single_hairs(sitter: Sitter, rng: np.random.Generator, side: float, top: float) -> str:
    """Thin strokes along the crown; a few stand off it."""
    strokes = []
    for start, reach, off in rng.uniform((190, 25, -16), (300, 55, 2), size=(18, 3)).tolist():
        rx, ry = sitter.width + side + off, 42 + top + off
        arc = _arc(start, start + reach, reach / 2)
        strokes.append(spline([(rx * cos - 2.5 * sitter["yaw"], -8 + ry * sin) for cos, sin in arc], closed=False))
    colours = blend(sitter.hair, "#ffe9cf", 0.45), blend(sitter.hair, "#1a1014", 0.4)
    return "".join(line("".join(strokes[i::2]), colour, 0.7, 0.4) for i, colour in enumerate(colours))


def _arc(start: float, end: float, step: float) -> list[Point]:
    """Cosine and sine at the angles from start to end, in degrees: 180 is left, 270 up, 360 right."""
    angles = (math.radians(start + i * step) for i in range(round((end - start) / step) + 1))
    return [(math.cos(a), math.sin(a)) for a in angles]


def _locks(circles: list[tuple[float, float, float]]) -> str:
    """Circles (x, y, radius), each shaded by itself."""
    drawn = "".join(f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{r:.2f}"/>' for x, y, r in circles)
    return f'<g fill="url(#hair)">{drawn}</g>'


def _shape(path: str, paint: str, opacity: float = 1) -> str:
    return f'<path d="{path}" fill="url(#{paint})" fill-opacity="{opacity}"/>'
