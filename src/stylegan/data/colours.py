"""Converts the colours of a picture to 8-bit sRGB from any profile and depth."""

import io
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms

from stylegan.data.whole import BadPictureError
from stylegan.errors import printable

MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # a profile's colour space -> Pillow's mode
BITS_PER_SAMPLE, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0  # of TIFF


class Coloured(NamedTuple):
    """A picture in sRGB, the profile that it was converted from (None: it was sRGB already), and what went wrong."""

    image: Image.Image
    profile: str | None = None
    note: str | None = None


def to_srgb(image: Image.Image, profile: bytes | None) -> Coloured:
    """Convert from the file's ICC profile. An unusable profile is noted, and the values are kept."""
    if not profile:
        return Coloured(image)
    try:
        space, name, transform = _transform(profile)
    except Exception as error:  # LittleCMS and Pillow raise all kinds of errors for invalid profiles
        why = printable(error, 100) or type(error).__name__
        return Coloured(image, note=f"its colour profile cannot be read ({why}): taken as sRGB")
    if transform is None:
        return Coloured(image)
    mode = _mode(image)
    if MODES[space] != mode:
        return Coloured(image, note=f"its colour profile is for {space}, its pixels are {mode}: taken as sRGB")
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    converted = ImageCms.applyTransform(image.convert(mode), transform)
    assert converted is not None
    if alpha is not None:
        converted.putalpha(alpha)
    return Coloured(converted, profile=name)


def to_8_bit(image: Image.Image) -> Image.Image:
    """Gray of 16 bits -> 8 bits; others as they are. White is the largest number of the container's bits.

    Pillow's convert() would clip at 255. The brightest pixel must not affect the result.
    """
    if image.mode != "F" and not image.mode.startswith("I"):
        return image
    if not image.mode.startswith("I;16") and image.format != "PPM":  # of PPM, Pillow has scaled white to 65535
        raise BadPictureError(f"unreadable: 32-bit or signed pixels (Pillow's mode {image.mode}) have no agreed white")
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(BITS_PER_SAMPLE, (16,))
    white = (1 << int(bits[0] if isinstance(bits, tuple) else bits)) - 1
    pixels = np.asarray(image).astype(np.uint32)
    gray = np.minimum((pixels * 255 + white // 2) // white, 255).astype(np.uint8)
    return Image.fromarray(255 - gray if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else gray)


def _mode(image: Image.Image) -> str:
    """RGB, L or CMYK: which kind of profile fits the pixels."""
    if image.mode == "CMYK":
        return "CMYK"
    return "L" if image.mode in ("1", "L", "LA", "La") else "RGB"


@lru_cache(maxsize=16)  # the pictures of a folder share a few profiles
def _transform(profile: bytes) -> tuple[str, str, ImageCms.ImageCmsTransform | None]:
    """The profile's colour space, its name, and its transform to sRGB: None if it changes no colour by more than 1."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    if space not in MODES:
        raise ValueError(f"colour space {space}")
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        MODES[space],
        "RGB",
        renderingIntent=ImageCms.Intent.PERCEPTUAL,
        flags=ImageCms.Flags.NOCACHE,  # threads share it
    )
    name = printable((ImageCms.getProfileDescription(source) or "a profile without a name").strip(), 60)
    return space, name, None if _is_srgb(space, transform) else transform


def _is_srgb(space: str, transform: ImageCms.ImageCmsTransform) -> bool:
    """sRGB profiles differ in name and rounding: their colours should stay unchanged."""
    if space == "CMYK":
        return False
    steps = np.arange(0, 256, 17, dtype=np.uint8)
    grays = np.repeat(steps[None, :, None], 3, axis=2)  # (1, 16, 3)
    grid = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(16, -1, 3) if space == "RGB" else grays
    sample = Image.fromarray(grid if space == "RGB" else np.ascontiguousarray(grid[:, :, 0]))
    moved = ImageCms.applyTransform(sample, transform)
    assert moved is not None
    return int(np.abs(np.asarray(moved).astype(int) - grid).max()) <= 1
