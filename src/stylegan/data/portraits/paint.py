"""Curves and colours for drawing in SVG; colours are "#rrggbb"."""

import math

Point = tuple[float, float]


def spline(points: list[Point], closed: bool = True) -> str:
    """A smooth path through the points (Catmull-Rom, as cubic Béziers)."""
    around = [points[-1], *points, *points[:2]] if closed else [points[0], *points, points[-1]]
    path = f"M{points[0][0]:.2f} {points[0][1]:.2f}"
    for a, b, c, d in zip(around, around[1:], around[2:], around[3:], strict=False):
        leave = b[0] + (c[0] - a[0]) / 6, b[1] + (c[1] - a[1]) / 6
        arrive = c[0] - (d[0] - b[0]) / 6, c[1] - (d[1] - b[1]) / 6
        path += f"C{leave[0]:.2f} {leave[1]:.2f} {arrive[0]:.2f} {arrive[1]:.2f} {c[0]:.2f} {c[1]:.2f}"
    return path + ("Z" if closed else "")


def line(path: str, colour: str, width: float, opacity: float = 1) -> str:
    """A path drawn with a round pen."""
    pen = f'stroke="{colour}" stroke-width="{width:.2f}" stroke-opacity="{opacity:.3f}" stroke-linecap="round"'
    return f'<path d="{path}" fill="none" {pen}/>'


def blend(a: str, b: str, t: float) -> str:
    """The colour at t on the way from a (0) to b (1)."""
    old, new = bytes.fromhex(a[1:]), bytes.fromhex(b[1:])
    return "#" + bytes(round(p + t * (q - p)) for p, q in zip(old, new, strict=True)).hex()


def ramp(stops: tuple[str, ...], t: float) -> str:
    """The colour at t in [0, 1] on a road through all the stops."""
    i = min(int(t * (len(stops) - 1)), len(stops) - 2)
    return blend(stops[i], stops[i + 1], t * (len(stops) - 1) - i)


def oklch(lightness: float, chroma: float, hue: float) -> str:
    """A colour as the eye counts (Ottosson's OKLab as lightness, chroma, hue in degrees): equal numbers look equal."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    cones = [
        (lightness + i * a + j * b) ** 3
        for i, j in ((0.3963377774, 0.2158037573), (-0.1055613458, -0.0638541728), (-0.0894841775, -1.2914855480))
    ]
    linear = (
        sum(weight * cone for weight, cone in zip(row, cones, strict=True))
        for row in (
            (4.0767416621, -3.3077115913, 0.2309699292),
            (-1.2684380046, 2.6097574011, -0.3413193965),
            (-0.0041960863, -0.7034186147, 1.7076147010),
        )
    )
    return "#" + bytes(round(255 * _gamma(min(max(c, 0.0), 1.0))) for c in linear).hex()


def _gamma(c: float) -> float:
    return 12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055
