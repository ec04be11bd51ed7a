"""Identifies a file by its first bytes, and finds truncated files that Pillow accepts."""

import struct
import zlib
from importlib.util import find_spec

from PIL import features


class BadPictureError(Exception):
    """A file that cannot be used: the message is the reason, in one line."""


# Only these are given to Pillow: other plug-ins start programs (EPS) or read what no camera writes.
AVIF = bool(find_spec("PIL.AvifImagePlugin")) and bool(features.check("avif"))  # missing in some builds of Pillow
JPEG2000 = bool(features.check("jpg_2000"))
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM") + ("AVIF",) * AVIF + ("JPEG2000",) * JPEG2000
NAMES = "JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF, JPEG 2000 or PPM"
SIGNATURES = (
    *(b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"GIF87a", b"GIF89a"),
    *(b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"),
)
JPEG2000_SIGNATURES = (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n")
HEAD_BYTES = 256

NOT_PICTURES = {  # other files found in such folders -> what they are, and what to do
    b"version https://git-lfs": "a Git LFS pointer, not the picture: run `git lfs pull` where it was cloned",
    b"%pdf": "a PDF, not a picture: export its pages as PNG",
    b"8bps": "a Photoshop file: export it as PNG",
    b"<svg": "an SVG drawing: export it as PNG",
    b"\0\0\0\x0cjxl ": "a JPEG XL picture, which Pillow cannot read: convert it to PNG",
    b"\xff\x0a": "a JPEG XL picture, which Pillow cannot read: convert it to PNG",
    b"pk\3\4": "a zip inside: prepare it separately, or unpack it",
}
BRANDS = {  # of the ISO base media files -> the same
    (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"): (
        "a HEIC picture, which Pillow cannot read: convert it to JPEG or PNG"
    ),
    (b"mp41", b"mp42", b"isom", b"qt  ", b"M4V ", b"avc1", b"iso5", b"iso6"): "a film, not a picture",
    (b"avif", b"avis"): "an AVIF picture, and this Pillow was built without AVIF: install a newer Pillow",
}


def check_start(head: bytes) -> None:
    """Raise BadPictureError, saying what the file is, if its first HEAD_BYTES are not those of a supported picture."""
    if not head:
        raise BadPictureError("an empty file")
    if head.startswith(SIGNATURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return
    if head.startswith(JPEG2000_SIGNATURES):
        if JPEG2000:
            return
        raise BadPictureError("a JPEG 2000 picture, and this Pillow was built without it: convert it to PNG")
    if head[4:8] == b"ftyp":
        _check_brand(head)
        return
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        raise BadPictureError("a saved web page, not the picture: download the picture itself")
    if text.startswith(b"<?xml") and b"<svg" in text:
        text = b"<svg"
    for start, what in NOT_PICTURES.items():
        if text.startswith(start):
            raise BadPictureError(what)
    raise BadPictureError(f"not an image ({NAMES})")


def _check_brand(head: bytes) -> None:
    """AVIF names itself as its major brand, or among the brands that it is compatible with."""
    size = int.from_bytes(head[:4], "big")
    brands = [head[8:12], *(head[i : i + 4] for i in range(16, min(size, len(head)) - 3, 4))]
    if AVIF and (b"avif" in brands or b"avis" in brands):
        return
    for known, what in BRANDS.items():
        if brands[0] in known:
            raise BadPictureError(what)
    raise BadPictureError(f"not an image ({NAMES})")


def check_whole(data: bytes, kind: str | None) -> None:
    """Raise BadPictureError if a PNG or GIF ends early or a checksum of a PNG is wrong.

    Pillow stops reading at the last row. In other formats it refuses truncated files (tests/data/test_whole.py).
    """
    if kind == "PNG":
        _check_png(data)
    elif kind == "GIF":
        _check_gif(data)


def _check_png(data: bytes) -> None:
    """Walk the chunks (PNG, section 5.3): length, type, data, CRC; IEND is the last."""
    at = 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            break
        critical = not kind[0] & 32  # a capital letter: others may be dropped without loss
        if critical and zlib.crc32(memoryview(data)[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise BadPictureError(f"damaged: the checksum of its chunk {kind.decode('latin-1')} is wrong")
        if kind == b"IEND":
            return
        at = end + 4
    raise BadPictureError("truncated: a PNG without its end (IEND)")


def _check_gif(data: bytes) -> None:
    """Walk the blocks (GIF89a, appendix A) to the trailer."""
    try:
        at = 13 + _colours(data[10])
        while data[at] != 0x3B:
            if data[at] == 0x2C:  # an image: position, size, flags; its colours; the bits of its first code
                at += 11 + _colours(data[at + 9])
            elif data[at] == 0x21:  # an extension and its label
                at += 2
            else:
                raise BadPictureError("damaged: a GIF with an unknown block")
            while data[at]:  # sub-blocks, each with its length before it
                at += 1 + data[at]
            at += 1
    except IndexError:
        raise BadPictureError("truncated: a GIF without its end") from None


def _colours(flags: int) -> int:
    """The number of bytes of the colour table that these flags describe."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
