"""Charts of measurements, as SVG: curves over the images shown, and dots for the seeds of a study."""

from collections.abc import Collection, Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from statistics import mean

Points = Sequence[tuple[int, float]]
COLOURS = ("#1c528c", "#b23a26", "#3b7d3b", "#8a5a9c", "#b07d12", "#4a4a4a", "#1a8a8a", "#c2528b")
LEFT, WIDTH, RIGHT = 150, 420, 60
TOP, HEIGHT, BOTTOM, ROW = 40, 170, 30, 26


def curves_svg(charts: Mapping[str, Mapping[str, Sequence[Points]]]) -> str:
    """Title -> row -> lines of points (images shown, value): a chart for each title, a colour for each row.

    Axes begin at 0. The smallest value of a chart is marked.
    """
    height = TOP + HEIGHT + BOTTOM
    return _svg([_curves(title, rows, y=i * height) for i, (title, rows) in enumerate(charts.items())], height)


def dots_svg(charts: Mapping[str, Mapping[str, Sequence[float]]], logarithmic: Collection[str] = ()) -> str:
    """Title -> row -> the value of each seed: a chart for each title, in it a line of dots for each row, and a bar at
    their mean. Axes begin at 0, those of `logarithmic` titles, whose values are above 0, at a power of ten.
    """
    height = TOP + BOTTOM + ROW * max(len(rows) for rows in charts.values())
    drawn = [
        _dots(title, rows, y=i * height, logarithmic=title in logarithmic)
        for i, (title, rows) in enumerate(charts.items())
    ]
    return _svg(drawn, height)


def _curves(title: str, rows: Mapping[str, Sequence[Points]], *, y: float) -> str:
    every = [point for lines in rows.values() for line in lines for point in line]
    last, top, base = max(n for n, _ in every) or 1, max(v for _, v in every) or 1, y + TOP + HEIGHT

    def place(point: tuple[int, float]) -> tuple[float, float]:
        return round(LEFT + point[0] / last * WIDTH, 1), round(base - max(point[1], 0) / top * HEIGHT, 1)

    parts = _axes(title, y=y, base=base, ends=("0", f"{last:,} images"))
    parts.append(f'<text x="{LEFT - 6}" y="{y + TOP + 4}" text-anchor="end">{top:.4g}</text>')
    for i, (row, lines) in enumerate(rows.items()):
        colour = COLOURS[i % len(COLOURS)]
        parts.append(
            f'<text x="{LEFT - 20}" y="{y + TOP + 30 + 16 * i}" text-anchor="end" fill="{colour}">{escape(row)}</text>'
        )
        for line in lines:
            places = " ".join(f"{px},{py}" for px, py in map(place, line))
            parts.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    least = min(every, key=lambda point: point[1])
    x, lowest = place(least)
    anchor = "end" if x > LEFT + WIDTH / 2 else "start"
    parts.append(f'<circle cx="{x}" cy="{lowest}" r="4" fill="{COLOURS[1]}"/>')
    parts.append(f'<text x="{x}" y="{lowest - 8}" text-anchor="{anchor}">{least[1]:.4g}</text>')
    return "".join(parts)


def _dots(title: str, rows: Mapping[str, Sequence[float]], *, y: float, logarithmic: bool) -> str:
    every = [value for values in rows.values() for value in values]
    low, top = 0.0, max(every, default=1) or 1
    ends = "0", f"{top:.4g}"
    if logarithmic:
        rows = {row: [log10(value) for value in values] for row, values in rows.items()}
        low, top = floor(log10(min(every))), ceil(log10(max(every)) + 1e-9)
        ends = f"{10.0**low:g}", f"{10.0**top:g}, logarithmic"
    parts = _axes(title, y=y, base=y + TOP + ROW * len(rows), ends=ends)
    for i, (row, values) in enumerate(rows.items()):
        middle = y + TOP + (i + 0.5) * ROW
        parts.append(f'<text x="{LEFT - 8}" y="{middle + 4}" text-anchor="end">{escape(row)}</text>')
        xs = [round(LEFT + max(value - low, 0) / (top - low) * WIDTH, 1) for value in values]
        parts += [f'<circle cx="{x}" cy="{middle}" r="4" fill="{COLOURS[0]}" fill-opacity=".6"/>' for x in xs]
        if xs:
            parts.append(f'<path d="M{mean(xs):.1f} {middle - 9}v18" stroke="{COLOURS[1]}" stroke-width="2"/>')
    return "".join(parts)


def _axes(title: str, *, y: float, base: float, ends: tuple[str, str]) -> list[str]:
    return [
        f'<text x="{LEFT}" y="{y + 22}" font-weight="600">{escape(title)}</text>',
        f'<path d="M{LEFT} {y + TOP}V{base}h{WIDTH}" fill="none" stroke="#888"/>',
        f'<text x="{LEFT}" y="{base + 16}">{ends[0]}</text>',
        f'<text x="{LEFT + WIDTH}" y="{base + 16}" text-anchor="end">{ends[1]}</text>',
    ]


def _svg(charts: Sequence[str], height: float) -> str:
    width, H = LEFT + WIDTH + RIGHT, height * len(charts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{H:g}" viewBox="0 0 {width} {H:g}" '
        f'font-family="system-ui, sans-serif" font-size="12"><rect width="{width}" height="{H:g}" fill="#fff"/>'
        f"{''.join(charts)}</svg>\n"
    )
