"""One picture file -> a square of uint8 pixels, or the reason why not."""

import io
from contextlib import nullcontext
from threading import Lock
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

Crop = Literal["center", "pad", "refuse"]
Channels = Literal[1, 3, 4]

# Only these are given to Pillow: other plug-ins start programs (EPS) or read what no camera writes.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"GIF87a", b"GIF89a")
MAX_PIXELS = 178_956_970  # where Pillow refuses, by a setting of the whole process that is not ours to change
MAX_BYTES = 2**30 + 2**20  # of MAX_PIXELS without compression, with 6 bytes a pixel (16-bit RGB)
LARGE_PIXELS = MAX_PIXELS // 2  # where Pillow warns: more than most cameras give
ONE_LARGE = Lock()  # held while a picture above LARGE_PIXELS is in memory: threads do not multiply it
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


class BadPictureError(Exception):
    """A file that cannot be used: the message is the reason, in one line."""


def read_size(f: IO[bytes]) -> tuple[int, int]:
    """Width and height as the file's header tells them, before EXIF rotation."""
    _check_signature(f.read(16))
    f.seek(0)
    return _open(f).size


def read_bytes(f: IO[bytes]) -> bytes:
    """The whole file, if it starts like a picture and is not absurdly large."""
    head = f.read(16)
    _check_signature(head)
    data = head + f.read(MAX_BYTES)
    if len(data) > MAX_BYTES:
        raise BadPictureError(f"a decompression bomb or too large: more than {MAX_BYTES:,} bytes in the file")
    return data


def square_side(size: tuple[int, int], crop: Crop) -> int:
    """The side, in pixels, of the square that `crop` makes of a picture; 0 where it refuses it."""
    if crop == "refuse":
        return size[0] if size[0] == size[1] else 0
    return max(size) if crop == "pad" else min(size)


def decode(data: bytes, resolution: int, *, crop: Crop, img_channels: Channels) -> NDArray[np.uint8]:
    """Pixels (resolution, resolution, img_channels) of a picture file; BadPictureError where it gives none.

    Upright, the first frame, see-through parts over white (with 4 channels: alpha kept, opaque where there was none).
    """
    try:
        image = _open(io.BytesIO(data))
        with ONE_LARGE if image.width * image.height > LARGE_PIXELS else nullcontext():
            return _pixels(image, resolution, crop, img_channels)
    except BadPictureError:
        raise
    except (
        Exception
    ) as error:  # Pillow's plug-ins raise anything: SyntaxError, struct.error, IndexError, zlib.error ...
        raise BadPictureError(reason(error)) from error


def _pixels(image: Image.Image, resolution: int, crop: Crop, img_channels: Channels) -> NDArray[np.uint8]:
    # A JPEG is decoded at 1/2, 1/4 or 1/8 where that leaves three times what is needed: faster, not visible.
    image.draft(None, (3 * resolution, 3 * resolution))
    image.load()
    image = _upright(image)
    _check_size(image.size, resolution, crop)
    return np.atleast_3d(np.asarray(_square(_eight_bit(image, img_channels), resolution, crop)))  # (H, W, C)


def reason(error: Exception) -> str:
    """Why a file could not be read, in one line."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    if any(word in text.lower() for word in ("truncated", "broken data stream", "unexpected end")):
        return f"truncated: {text}"
    return f"unreadable: {text}"


def _check_signature(head: bytes) -> None:
    if not head:
        raise BadPictureError("an empty file")
    if not head.startswith(SIGNATURES) and not (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        raise BadPictureError("not an image (JPEG, PNG, WebP, BMP, TIFF or GIF)")


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


def _upright(image: Image.Image) -> Image.Image:
    """Undo the camera's rotation. Not ImageOps.exif_transpose: it also rewrites the tags, and fails on damaged ones."""
    turn = UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def _check_size(size: tuple[int, int], resolution: int, crop: Crop) -> None:
    if crop == "refuse" and size[0] != size[1]:
        raise BadPictureError(f"not square: {size[0]} x {size[1]}")
    if square_side(size, crop) < resolution:
        needs = f"a side of {resolution}" if crop == "pad" else f"{resolution} x {resolution}"
        raise BadPictureError(f"too small: {size[0]} x {size[1]}, needs {needs}")


def _eight_bit(image: Image.Image, img_channels: Channels) -> Image.Image:
    """Any mode of Pillow -> L, RGB or RGBA of 8 bits."""
    if image.mode.startswith("I") or image.mode == "F":
        image = _scale_16_bit(image)
    if not image.has_transparency_data:
        return image.convert("RGB").convert(MODES[img_channels])  # via RGB: Pillow has no way from CMYK to L
    image = image.convert("RGBA")
    if img_channels == 4:
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert(MODES[img_channels])


def _scale_16_bit(image: Image.Image) -> Image.Image:
    """Gray of 16 bits -> 8 bits: 65535 is 255. Pillow's own convert() would clip at 255."""
    pixels = np.asarray(image)
    if image.mode == "F" or pixels.min() < 0 or pixels.max() > 65535:
        raise BadPictureError(f"unreadable: 32-bit pixels (Pillow's mode {image.mode}) have no agreed white")
    return Image.fromarray(((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8))


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
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)  # 3: not visible, says Pillow, and faster
