"""Charts as inline SVG, and pictures as inline PNG: a page that holds them loads nothing else."""

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
from PIL import Image

from stylegan.probing.segments import Array

CELL_W, CELL_H, LEFT, TOP = 44, 26, 200, 40
LOW, HIGH, NEGATIVE = (255, 255, 255), (28, 82, 140), (178, 58, 38)


def heat_map(
    values: Array,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    cuts: Sequence[int] = (),
    spans: Sequence[Sequence[int]] = (),
    marks: Sequence[tuple[int, int, str]] = (),
    top: float | None = None,
) -> str:
    """Numbers (rows, columns) as colours, written in the cells; blue above 0, red below; `top` is the darkest.

    cuts: columns before which a line is drawn. spans: for each the first and last column of its 95 %, shaded above.
    marks: (row, column, colour) of cells with a frame.
    """
    H, W = values.shape
    darkest = top or max(float(np.nanmax(np.abs(values), initial=0)), 1e-9)
    parts = [
        f'<text x="{LEFT + (j + 0.5) * CELL_W}" y="{TOP - 6}" text-anchor="middle">{escape(c)}</text>'
        for j, c in enumerate(columns)
    ]
    parts += [
        f'<text x="{LEFT - 8}" y="{TOP + (i + 0.68) * CELL_H}" text-anchor="end">{escape(r)}</text>'
        for i, r in enumerate(rows)
    ]
    for i, row in enumerate(values.tolist()):
        for j, value in enumerate(row):
            parts.append(cell(LEFT + j * CELL_W, TOP + i * CELL_H, value, value / darkest))
    for (low, high), cut in zip(spans, cuts, strict=False):
        x = LEFT + low * CELL_W - 5
        parts.append(
            f'<rect class="span" x="{x}" y="{TOP - 24}" width="{(high - low) * CELL_W + 10}" height="8">'
            f"<title>boundary before layer {cut}; 95 %: {low} to {high}</title></rect>"
        )
    for cut in cuts:
        x = LEFT + cut * CELL_W
        parts.append(f'<line class="cut" x1="{x}" x2="{x}" y1="{TOP - 24}" y2="{TOP + H * CELL_H}"/>')
    for i, j, colour in marks:
        parts.append(
            f'<rect x="{LEFT + j * CELL_W + 1}" y="{TOP + i * CELL_H + 1}" width="{CELL_W - 2}" '
            f'height="{CELL_H - 2}" fill="none" stroke="{colour}" stroke-width="3"/>'
        )
    return svg(parts, LEFT + W * CELL_W + 10, TOP + H * CELL_H + 6)


def cell(x: float, y: float, value: float, strength: float) -> str:
    """A coloured field with its number; empty for NaN."""
    if value != value:
        return ""
    end, s = (HIGH if strength >= 0 else NEGATIVE), min(abs(strength), 1)
    r, g, b = (round(low + (high - low) * s) for low, high in zip(LOW, end, strict=True))
    ink = "#fff" if s > 0.55 else "#222"
    return (
        f'<rect x="{x}" y="{y}" width="{CELL_W}" height="{CELL_H}" fill="rgb({r},{g},{b})"/>'
        f'<text x="{x + CELL_W / 2}" y="{y + CELL_H * 0.68}" text-anchor="middle" fill="{ink}">{value:.2f}</text>'
    )


def svg(parts: Sequence[str], width: float, height: float) -> str:
    return f'<svg width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}">{"".join(parts)}</svg>'


def png(image: Image.Image, alt: str) -> str:
    """A picture inside the page."""
    memory = io.BytesIO()
    image.save(memory, format="PNG")
    data = base64.b64encode(memory.getvalue()).decode()
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}">'
