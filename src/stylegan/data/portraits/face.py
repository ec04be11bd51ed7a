"""The parts of a drawn face, each a piece of SVG; `side` is -1 for the picture's left and 1 for its right."""

import numpy as np

from stylegan.data.portraits.hair import hairline_shadow
from stylegan.data.portraits.paint import blend, line, spline
from stylegan.data.portraits.sitter import Sitter

LINE = "#3b2226"  # the warm dark of lashes and brows: pure black looks hard beside skin


def skin(s: Sitter) -> str:
    """The face with its blush and the shadow that the fringe casts."""
    cheeks = ""
    for x, (cx, cy) in ((x, s.place(x, 17)) for x in (-24, 24)):
        cheeks += (
            f'<ellipse cx="{cx:.2f}" cy="{cy:.2f}" rx="{13 * s.foreshortening(x):.2f}" ry="9" fill="url(#blush)"/>'
        )
    shadow = f'<path d="{hairline_shadow(s)}" fill="{s.shade(0.45)}" fill-opacity=".4"/>'
    return f'<path d="{s.outline()}" fill="url(#skin)"/><g clip-path="url(#face)">{cheeks}{shadow}</g>'


def ears(s: Sitter) -> str:
    """The ear on the side that turns towards us comes out; the other is hidden."""
    drawn = ""
    for side in (-1, 1):
        x, y = side * s.width - 5 * s["yaw"], 3 - 3 * s["pitch"]
        drawn += (
            f'<ellipse cx="{x:.2f}" cy="{y:.2f}" rx="7" ry="11" fill="{s.skin}"/>'
            f'<ellipse cx="{x + side:.2f}" cy="{y + 1:.2f}" rx="3.5" ry="6.5" fill="{s.shade(0.28)}"/>'
        )
    return drawn


def eye(s: Sitter, side: int) -> str:
    """White, iris, pupil, light and lid; a closing upper lid comes down until it meets the lower one."""
    openness = min(1.0, max(0.0, (s["eyes_open"] - 0.3) / 0.4))
    top, look = 8 - 21 * openness, 2 * s["yaw"]
    outer, inner = side * 11.0, side * -10.5
    lid = f"M{inner} 2C{inner * 0.6:.2f} {top:.2f} {outer * 0.65:.2f} {top - 0.5:.2f} {outer} 1"
    slit = f"{lid}C{outer * 0.6:.2f} 9 {inner * 0.6:.2f} 9 {inner} 2Z"
    ball = (
        f'<clipPath id="eye{side}"><path d="{slit}"/></clipPath><path d="{slit}" fill="#fffaf3"/>'
        f'<g clip-path="url(#eye{side})"><circle cx="{look:.2f}" cy="-.3" r="7" fill="{s.iris}"/>'
        f'<circle cx="{look:.2f}" cy="-.3" r="3.6" fill="#241418"/>'
        f'<circle cx="{look - 2.4:.2f}" cy="-3" r="2" fill="#fff"/>'
        f"{line(lid, LINE, 5.5, 0.3)}</g>"
    )
    return _at(s, side * 19, -1, (ball if openness else "") + line(lid, LINE, 2.8))


def brow(s: Sitter, side: int) -> str:
    """Thick at the nose, thin at the temple."""
    colour = blend(s.hair, blend(LINE, s.skin, 0.15), 0.5)
    tilt = f"scale({side} 1) rotate({4 - 10 * s['brow_tilt']:.2f})"
    shape = "M-10 1.5C-9.5 -1 -5 -4 2 -4C7 -4 11 -1 12 2C8 -1.4 4 -1.6 0 -1.2C-5 -.6 -9 .8 -10 1.5Z"
    drawn = f'<path transform="{tilt}" d="{shape}" fill="{colour}" stroke="{colour}"/>'
    return _at(s, side * 19, -17.5 - 4.5 * s["brow_height"], drawn)


def nose(s: Sitter) -> str:
    """A shadow from the root to the tip on the side away from the light, and a line under the tip."""
    size, colour = 1 + 0.45 * s["nose_size"], blend(s.skin, "#83283a", 0.5)
    (root_x, root_y), (x, y) = s.place(3, -4, rise=1), s.place(0, 15, rise=8)
    left, right, low = x - 6 * size, x + 6.5 * size, y + 7 * size
    bridge = (
        f"M{root_x:.2f} {root_y:.2f}Q{right:.2f} {y - 7:.2f} {right + 0.5:.2f} {y:.2f}Q{x:.2f} {low:.2f} "
        f"{left + 1:.2f} {y + 0.5:.2f}Q{x + 2:.2f} {y + 1:.2f} {root_x:.2f} {root_y:.2f}Z"
    )
    tip = line(f"M{left:.2f} {y:.2f}Q{x:.2f} {low - 1:.2f} {right:.2f} {y:.2f}", colour, 1.8)
    return f'<path d="{bridge}" fill="{colour}" fill-opacity=".5"/>{tip}'


def mouth(s: Sitter) -> str:
    """One line when closed; when open, a dark shape with teeth and tongue between two lines."""
    smile, gape = s["smile"], 13 * max(0.0, s["mouth_open"] - 0.3) / 0.7
    bend = 6 * smile if smile > 0 else 3.6 * smile  # a frown is a smaller movement than a smile
    half, corner, low = 14 + 2.5 * smile, -0.7 * bend, 0.9 * bend + 2 * gape
    upper = f"M{-half:.2f} {corner:.2f}Q0 {0.9 * bend:.2f} {half:.2f} {corner:.2f}"
    inside = (
        f'<clipPath id="mouth"><path d="{upper}Q0 {low:.2f} {-half:.2f} {corner:.2f}Z"/></clipPath>'
        '<g clip-path="url(#mouth)"><rect x="-20" y="-20" width="40" height="60" fill="#5e1a26"/>'
        f'<ellipse cy="{0.5 * bend + gape + 2:.2f}" rx="8" ry="5" fill="#d8606a"/>'
        f'<path d="{upper}" fill="none" stroke="#fff8ef" stroke-width="{min(7, gape):.2f}"/></g>'
    )
    lips = upper + (f"Q0 {low:.2f} {-half:.2f} {corner:.2f}" if gape else "")
    return _at(s, 0, 31, (inside if gape else "") + line(lips, blend(s.skin, "#b0303f", 0.62), 3))


def glasses(s: Sitter) -> str:
    """Round lenses, a bridge, and arms that end where the face does."""
    if not s["glasses"]:
        return ""
    (left, y), (right, _) = s.place(-19.5, 0, rise=4), s.place(19.5, 0, rise=4)
    left_rx, right_rx = 15.5 * s.foreshortening(-19.5), 15.5 * s.foreshortening(19.5)
    top, high = y - 3, y - 6
    arms = f"M{left - left_rx:.2f} {top:.2f}L-60 -4M{right + right_rx:.2f} {top:.2f}L60 -4"
    bridge = f"M{left + left_rx:.2f} {top:.2f}Q{(left + right) / 2:.2f} {high:.2f} {right - right_rx:.2f} {top:.2f}"
    return (
        '<g fill="#eaf6ff" fill-opacity=".16" stroke="#2b2230" stroke-width="3">'
        f'<ellipse cx="{left:.2f}" cy="{y:.2f}" rx="{left_rx:.2f}" ry="14"/>'
        f'<ellipse cx="{right:.2f}" cy="{y:.2f}" rx="{right_rx:.2f}" ry="14"/>'
        f'<path d="{arms}" clip-path="url(#face)"/><path d="{bridge}" fill="none"/></g>'
    )


def freckles(s: Sitter, rng: np.random.Generator) -> str:
    """Half of all people have some, over nose and cheeks."""
    count = int(26 * max(0.0, rng.uniform(-1, 1)))
    places = (s.place(min(max(17 * u, -32), 32), 13 + 4 * v) for u, v in rng.normal(size=(count, 2)).tolist())
    dots = "".join(f"M{x:.2f} {y:.2f}h0" for x, y in places)  # no length and round ends: a dot
    return line(dots, blend(s.skin, "#7a3018", 0.55), 1.7, 0.6) if dots else ""


def wrinkles(s: Sitter, rng: np.random.Generator) -> str:
    """Lines beside the eyes, from nose to mouth and on the forehead; half of all people show them, more or less."""
    depth = max(0.0, rng.uniform(-1, 1))
    folds = []
    for side, turns, bow in zip((-1, 1), rng.uniform(-1.5, 1.5, (2, 3)), rng.uniform(0, 3, 2), strict=True):
        folds += [[s.place(side * 31, 2 * k - 1), s.place(side * 36, 4.5 * k - 3.5 + t)] for k, t in enumerate(turns)]
        folds.append([s.place(side * 12, 19), s.place(side * (17 + bow), 24), s.place(side * 19, 31)])
    for y, slant in zip((-27, -22), rng.uniform(-1.5, 1.5, 2), strict=True):
        folds.append([s.place(-15, y + slant), s.place(0, y - 1.5), s.place(15, y - slant)])
    path = "".join(spline(fold, closed=False) for fold in folds)
    return line(path, s.shade(0.5), 1.1, 0.5 * depth) if depth else ""


def _at(s: Sitter, x: float, y: float, drawn: str) -> str:
    """A part drawn about (0, 0), put on the turned head."""
    cx, cy = s.place(x, y)
    return f'<g transform="translate({cx:.2f} {cy:.2f}) scale({s.foreshortening(x):.3f} 1)">{drawn}</g>'
