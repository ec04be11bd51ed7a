"""Decodes a picture file to a square of uint8 pixels, or says why it cannot."""

import io
from contextlib import nullcontext
from dataclasses import dataclass
from threading import Lock
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from stylegan.data.colours import to_8_bit, to_srgb
from stylegan.data.whole import FORMATS, HEAD_BYTES, BadPictureError, check_start, check_whole
from stylegan.errors import printable

Crop = Literal["center", "pad", "refuse"]
Channels = Literal[1, 3, 4]

MAX_PIXELS = 178_956_970  # Pillow's limit, a process-wide setting that we leave alone
MAX_BYTES = 2**30 + 2**20  # of MAX_PIXELS without compression, with 6 bytes a pixel (16-bit RGB)
LARGE_PIXELS = MAX_PIXELS // 2  # where Pillow warns; more than most cameras have
ONE_LARGE = Lock()  # only one picture above LARGE_PIXELS is in memory at a time
MODES: dict[Channels, str] = {1: "L", 3: "RGB", 4: "RGBA"}
UPRIGHT = {  # EXIF's orientation -> what undoes it
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = {UPRIGHT[5], UPRIGHT[6], UPRIGHT[7], UPRIGHT[8]}  # these exchange width and height


@dataclass(frozen=True, slots=True)
class Original:
    """Properties of the picture in a file."""

    size: tuple[int, int]  # width and height, upright
    profile: str | None  # the colour profile that it was converted from
    note: str | None  # what is odd about the file, and what was done


@dataclass(frozen=True, slots=True)
class Decoded:
    """The result of decoding a file."""

    pixels: NDArray[np.uint8]  # (resolution, resolution, img_channels)
    original: Original


def read_size(f: IO[bytes]) -> tuple[int, int]:
    """Width and height in the file's header, before EXIF rotation."""
    check_start(f.read(HEAD_BYTES))
    f.seek(0)
    return _open(f).size


def read_bytes(f: IO[bytes]) -> bytes:
    """The whole file, if it starts like a picture and is not absurdly large."""
    head = f.read(HEAD_BYTES)
    check_start(head)
    data = head + f.read(MAX_BYTES)
    if len(data) > MAX_BYTES:
        raise BadPictureError(f"a decompression bomb or too large: more than {MAX_BYTES:,} bytes in the file")
    return data


def square_side(size: tuple[int, int], crop: Crop) -> int:
    """The side, in pixels, of the square that `crop` makes of a picture; 0 if it refuses it."""
    if crop == "refuse":
        return size[0] if size[0] == size[1] else 0
    return max(size) if crop == "pad" else min(size)


def decode(data: bytes, resolution: int, *, crop: Crop, img_channels: Channels) -> Decoded:
    """The pixels of a picture file. Raises BadPictureError if it cannot be used.

    They are upright, of the first frame, in sRGB, with transparent parts over white. With 4 channels alpha is kept,
    or opaque if there was none, and the colour beneath alpha 0 is black.
    """
    try:
        image = _open(io.BytesIO(data))
        with ONE_LARGE if image.width * image.height > LARGE_PIXELS else nullcontext():
            check_whole(data, image.format)
            return _decoded(image, resolution, crop, img_channels)
    except BadPictureError:
        raise
    except (
        Exception
    ) as error:  # Pillow's plug-ins raise anything: SyntaxError, struct.error, IndexError, zlib.error ...
        raise BadPictureError(reason(error)) from error


def _decoded(image: Image.Image, resolution: int, crop: Crop, img_channels: Channels) -> Decoded:
    # A JPEG is decoded at 1/2, 1/4 or 1/8 if that leaves three times the needed size: faster, without visible loss.
    whole = image.size
    image.draft(None, (3 * resolution, 3 * resolution))
    image.load()
    turn, profile = UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1)), image.info.get("icc_profile")
    # Not ImageOps.exif_transpose: it also rewrites the tags, and fails on damaged ones.
    image = to_8_bit(image)
    if turn is not None:
        image = image.transpose(turn)
    _check_size(image.size, resolution, crop)
    image, came_from, note = to_srgb(image, profile)
    pixels = np.atleast_3d(np.array(_square(_with_channels(image, img_channels), resolution, crop)))  # (H, W, C)
    if img_channels == 4:
        pixels[pixels[:, :, 3] == 0] = 0  # hidden colours are removed, the same for files of all sizes
    size = whole[::-1] if turn in SIDEWAYS else whole
    return Decoded(pixels, Original(size, came_from, note))


def reason(error: Exception) -> str:
    """Why a file could not be read, in one line."""
    text = printable((error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__)
    if any(word in text.lower() for word in ("truncated", "broken data stream", "unexpected end")):
        return f"truncated: {text}"
    return f"unreadable: {text}"


def _open(f: IO[bytes]) -> Image.Image:
    try:
        image = Image.open(f, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise BadPictureError(f"a decompression bomb or too large: {error}") from error
    except Exception as error:  # as in decode()
        raise BadPictureError("truncated or not an image: it starts like one, but its header cannot be read") from error
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width} x {image.height}"
        raise BadPictureError(f"a decompression bomb or too large: {size}, more than {MAX_PIXELS:,} pixels")
    return image


def _check_size(size: tuple[int, int], resolution: int, crop: Crop) -> None:
    if crop == "refuse" and size[0] != size[1]:
        raise BadPictureError(f"not square: {size[0]} x {size[1]}")
    if square_side(size, crop) < resolution:
        needs = f"a side of {resolution}" if crop == "pad" else f"{resolution} x {resolution}"
        raise BadPictureError(f"too small: {size[0]} x {size[1]}, needs {needs}")


def _with_channels(image: Image.Image, img_channels: Channels) -> Image.Image:
    """Any mode of Pillow -> L, RGB or RGBA of 8 bits."""
    if not image.has_transparency_data:
        return image.convert("RGB").convert(MODES[img_channels])  # via RGB: Pillow has no way from CMYK to L
    image = image.convert("RGBA")
    if img_channels == 4:
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert(MODES[img_channels])


def _square(image: Image.Image, resolution: int, crop: Crop) -> Image.Image:
    """Cut the centre, or pad with black (transparent where there is alpha), and scale with an antialiasing filter."""
    W, H = image.size
    if crop == "pad":
        scale = resolution / max(W, H)
        size = (max(1, round(W * scale)), max(1, round(H * scale)))
        sheet = Image.new(image.mode, (resolution, resolution))
        sheet.paste(_resize(image, size), ((resolution - size[0]) // 2, (resolution - size[1]) // 2))
        return sheet
    side = min(W, H)
    left, upper = (W - side) // 2, (H - side) // 2
    return _resize(image.crop((left, upper, left + side, upper + side)), (resolution, resolution))


def _resize(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image.resize(
        size, Image.Resampling.LANCZOS, reducing_gap=3.0
    )  # 3: faster, and not visible according to Pillow
