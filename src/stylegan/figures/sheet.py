"""Sheets of pictures with titles and labels, drawn with Pillow's own font."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from stylegan.errors import InputError

INK, PAPER, FAINT = (20, 20, 20), (255, 255, 255), (110, 110, 110)
MOST_TILES = 10_000  # on a sheet: 0.65 Gpixel at 256 px
GAP = 2  # between neighbours, in pixels
WIDE_GAP = 14  # between the blocks of a figure

Cell = Image.Image | None


@dataclass(frozen=True)
class Sheet:
    """The content of a figure: rows of pictures with labels at the edges.

    blocks: label and number of rows of each group of rows, written upwards at the left. wide_before: the columns with
    a wider gap before them.
    """

    rows: Sequence[Sequence[Cell]]
    title: str = ""
    caption: str = ""
    columns: Sequence[str] = ()
    row_labels: Sequence[str] = ()
    blocks: Sequence[tuple[str, int]] = ()
    wide_before: Sequence[int] = ()

    def draw(self) -> Image.Image:
        """The sheet as one RGB picture."""
        widths = [max(cell.width for cell in column if cell) for column in _columns(self.rows)]
        heights = [max(cell.height for cell in row if cell) for row in self.rows]
        font = ImageFont.load_default(max(13, min(22, min(heights) // 8)))
        line = _line(font)
        left = _left_of_rows(self.row_labels, font) + (line + 8 if self.blocks else 0) + GAP
        xs = _starts(left, widths, self.wide_before)
        width = xs[-1] + widths[-1] + GAP
        heads = [wrap(text, font, w) for text, w in zip(self.columns, widths, strict=True)] if self.columns else []
        title, caption = wrap(self.title, _bigger(font), width - 8), wrap(self.caption, font, width - 8)
        top = _height(title, _bigger(font)) + max((_height(head, font) for head in heads), default=0) + GAP
        block_starts = np.cumsum([0, *(n for _, n in self.blocks)])[1:-1].tolist()
        ys = _starts(top, heights, block_starts)
        bottom = ys[-1] + heights[-1]

        sheet = Image.new("RGB", (width, bottom + GAP + _height(caption, font)), PAPER)
        draw = ImageDraw.Draw(sheet)
        draw.multiline_text((4, 2), title, INK, _bigger(font), spacing=2)
        draw.multiline_text((4, bottom + 4), caption, FAINT, font, spacing=2)
        for x, w, head in zip(xs, widths, heads, strict=False):
            draw.multiline_text((x + w / 2, top - 3), head, INK, font, anchor="md", align="center", spacing=2)
        for y, h, label in zip(ys, heights, self.row_labels, strict=False):
            draw.multiline_text((left - 5, y + h / 2), label, INK, font, anchor="rm", align="right", spacing=2)
        for (label, n), first in zip(self.blocks, [0, *block_starts], strict=False):
            last = first + n - 1
            _write_upwards(sheet, label, (2, ys[first]), ys[last] + heights[last] - ys[first], font)
        for y, row in zip(ys, self.rows, strict=True):
            for x, cell in zip(xs, row, strict=True):
                if cell:
                    sheet.paste(cell, (x, y))
        return sheet


def tile(image: NDArray[np.uint8], *, least_px: int = 128, most_px: int = 256) -> Image.Image:
    """A picture uint8 (C, H, W) as RGB, enlarged or reduced by a whole factor to a legible size.

    Gray becomes RGB, transparent shows white.
    """
    return resize(to_rgb(image), least_px=least_px, most_px=most_px)


def refuse_large(count: int) -> None:
    """Raise InputError for a sheet of more pictures than one can hold, before they are made."""
    if count > MOST_TILES:
        raise InputError(f"a sheet of {count:,} pictures: {MOST_TILES:,} fit on one; give fewer seeds")


def to_rgb(image: NDArray[np.uint8]) -> Image.Image:
    """A picture uint8 (C, H, W) of 1, 3 or 4 channels as RGB; transparent shows white."""
    if len(image) == 4:
        picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)), "RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, (*PAPER, 255)), picture).convert("RGB")
    return Image.fromarray(np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0).copy())


def resize(picture: Image.Image, *, least_px: int = 128, most_px: int = 256) -> Image.Image:
    """Enlarge (every pixel a square) or reduce (means of squares) by a whole factor, to a height within the limits."""
    if picture.height > most_px:
        return picture.reduce(-(-picture.height // most_px))
    return enlarge(picture, max(1, -(-least_px // picture.height)))


def enlarge(picture: Image.Image, factor: int) -> Image.Image:
    """Every pixel becomes a square of `factor` pixels."""
    size = (picture.width * factor, picture.height * factor)
    return picture if factor == 1 else picture.resize(size, Image.Resampling.NEAREST)


def gray(values: NDArray[np.floating], white: float) -> NDArray[np.uint8]:
    """A map (H, W) as a picture (1, H, W): 0 is black, `white` and above white."""
    return (np.clip(values / max(white, 1e-9), 0, 1) * 255).astype(np.uint8)[None]


def wrap(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    """The text in lines of at most `width` pixels, broken at spaces where there is one."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def _columns(rows: Sequence[Sequence[Cell]]) -> list[tuple[Cell, ...]]:
    return list(zip(*rows, strict=True))


def _line(font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> int:
    """Height of a line with its spacing."""
    return round(font.getbbox("Agjy")[3]) + 3


def _height(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> int:
    return (text.count("\n") + 1) * _line(font) + 6 if text else 0


def _bigger(font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_line(font))


def _left_of_rows(labels: Sequence[str], font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> int:
    lines = [line for label in labels for line in label.split("\n")]
    return round(max((font.getlength(line) for line in lines), default=0)) + (10 if lines else 0)


def _starts(first: int, sizes: Sequence[int], wide_before: Sequence[int]) -> list[int]:
    """Where each of the sizes begins, with a gap between them."""
    starts, at = [], first
    for i, size in enumerate(sizes):
        at += WIDE_GAP if i in wide_before else 0
        starts.append(at)
        at += size + GAP
    return starts


def _write_upwards(
    sheet: Image.Image,
    label: str,
    corner: tuple[int, int],
    height: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Draw a line of text upwards, centred in the `height` pixels below `corner` and clipped to them."""
    strip = Image.new("RGB", (height, _line(font) + 2), PAPER)
    while font.getlength(label) > height and "(" in label:
        label = label[: label.rindex("(")].strip()  # a short block drops the words in brackets
    ImageDraw.Draw(strip).text((height / 2, 1), label, INK, font, anchor="ma")
    sheet.paste(strip.rotate(90, expand=True), corner)
