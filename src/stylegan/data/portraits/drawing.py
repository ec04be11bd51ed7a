"""A portrait as an SVG document: background, hair behind, body, face, hair in front, glasses, in this order."""

import numpy as np

from stylegan.data.portraits.face import brow, ears, eye, freckles, glasses, mouth, nose, skin, wrinkles
from stylegan.data.portraits.hair import hair_behind, hair_in_front
from stylegan.data.portraits.paint import blend, line
from stylegan.data.portraits.sitter import Sitter

LIGHT, DARK = "#fff1dc", "#1a1020"  # the warm light and the cool dark that shade hair and cloth


def svg(factors: dict[str, float], detail_seed: int, *, half: bool = False) -> str:
    """The portrait with these factors (their names: `portraits.FACTORS`) as SVG, 120 units wide and high.

    half: draw the person half as large, as from twice the distance, still cut off by the lower edge.
    """
    s = Sitter(factors)
    # One stream for each kind of detail: a head without single hairs keeps its freckles.
    hairs, spots, folds = (np.random.default_rng(q) for q in np.random.SeedSequence(detail_seed).spawn(3))
    face = ears(s) + skin(s) + wrinkles(s, folds) + freckles(s, spots) + nose(s) + mouth(s) + eye(s, -1) + eye(s, 1)
    head = face + hair_in_front(s, hairs) + brow(s, -1) + brow(s, 1) + glasses(s)
    person = f"{_posed(s, hair_behind(s))}{_body(s)}{_posed(s, head)}"
    if half:
        person = f'<g transform="translate(0 28) scale(0.5)">{person}</g>'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-60 -64 120 120" width="120" height="120">'
        f'<defs>{_paints(s)}<clipPath id="face"><path d="{s.outline()}"/></clipPath></defs>'
        '<rect x="-60" y="-64" width="120" height="120" fill="url(#background)"/>'
        f"{person}</svg>"
    )


def _posed(s: Sitter, drawn: str) -> str:
    """What belongs to the head: it leans about the neck and moves a little with the turn."""
    move = f"translate({1.5 * s['yaw']:.2f} 1) rotate({7 * s['roll']:.2f} 0 45)"
    return f'<g transform="{move}">{drawn}</g>'


def _paints(s: Sitter) -> str:
    """Everything that is filled with more than one colour, by name."""
    hair, cloth, background = s.hair, s.cloth, s.background
    return (
        _slope("background", blend(background, LIGHT, 0.35), background, blend(background, "#2a2440", 0.16))
        + _slope("skin", blend(s.skin, LIGHT, 0.22), s.skin, s.shade(0.17))
        + _slope("hair", blend(hair, LIGHT, 0.2), hair, blend(hair, DARK, 0.3))
        + _slope("hairBehind", hair, blend(hair, DARK, 0.25), blend(hair, DARK, 0.4))
        + _slope("cloth", blend(cloth, LIGHT, 0.15), cloth, blend(cloth, DARK, 0.25))
        + _glow("blush", blend(s.skin, "#dd3f45", 0.55), 0.45 - 0.2 * s["skin_tone"])
        + _glow("shine", LIGHT, 0.5)
    )


def _slope(name: str, *colours: str) -> str:
    """From the lit upper left to the shaded lower right of whatever it fills."""
    stops = "".join(f'<stop offset="{i / 2}" stop-color="{colour}"/>' for i, colour in enumerate(colours))
    return f'<linearGradient id="{name}" x1=".15" y1="0" x2=".8" y2="1">{stops}</linearGradient>'


def _glow(name: str, colour: str, opacity: float) -> str:
    """A spot that fades to nothing at its rim."""
    stops = "".join(
        f'<stop offset="{i}" stop-color="{colour}" stop-opacity="{opacity * (1 - i):.3f}"/>' for i in (0, 1)
    )
    return f'<radialGradient id="{name}">{stops}</radialGradient>'


def _body(s: Sitter) -> str:
    """Neck, the shadow of the chin on it, and a jumper with a collar."""
    return (
        f'<path d="M-17 20V54C-19 60 -26 60 -26 60C-20 80 20 80 26 60C26 60 19 60 17 54V20Z" fill="{s.skin}"/>'
        f'<path d="M-17 20V50C-8 64 8 64 17 53V20Z" fill="{s.shade(0.32)}"/>'
        '<path d="M-92 84C-86 68 -58 65 -24 58C-19 74 19 74 24 58C58 65 86 68 92 84Z" fill="url(#cloth)"/>'
        + line("M-25 57.5C-20 75 20 75 25 57.5", blend(s.cloth, LIGHT, 0.3), 3.5)
    )
