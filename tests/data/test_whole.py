"""Files that are not pictures are named, and truncated ones are refused, whatever the format."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from stylegan.data import whole
from stylegan.data.decode import decode, read_size
from stylegan.data.whole import BadPictureError

RNG = np.random.default_rng(0)
NOISE = Image.fromarray(RNG.integers(0, 256, (24, 24, 3), np.uint8))
KINDS = {
    "JPEG": {},
    "PNG": {},
    "WEBP": {},
    "BMP": {},
    "TIFF": {},
    "TIFF lzw": {"compression": "tiff_lzw"},
    "GIF": {},
    "AVIF": {},
    "JPEG2000": {},
    "JPEG2000 codestream": {"no_jp2": True},
    "PPM": {},
}


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    f = io.BytesIO()
    image.save(f, kind, **options)
    return f.getvalue()


def read(data: bytes) -> np.ndarray:
    return decode(data, 8, crop="center", img_channels=3).pixels


def reason(data: bytes) -> str:
    with pytest.raises(BadPictureError) as error:
        read(data)
    return str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_cut_anywhere_is_refused_and_said_to_be_truncated(kind):
    data = encoded(NOISE, kind.split()[0], **KINDS[kind])
    assert read(data).shape == (8, 8, 3)
    places = [*range(40, len(data), max(1, len(data) // 40)), *range(len(data) - 14, len(data))]
    reasons = {reason(data[:n]) for n in places}
    assert all(text.startswith(("truncated", "unreadable", "damaged")) for text in reasons)
    assert reason(data[:-1]).startswith(("truncated", "unreadable"))


def test_a_png_and_a_gif_without_only_their_last_block_are_refused():
    assert reason(encoded(NOISE, "PNG")[:-12]) == "truncated: a PNG without its end (IEND)"
    assert reason(encoded(NOISE, "GIF")[:-1]) == "truncated: a GIF without its end"


def test_a_gif_of_many_frames_is_whole_only_with_all_of_them():
    data = encoded(NOISE, "GIF", save_all=True, append_images=[NOISE.rotate(90), NOISE.rotate(180)])
    assert read(data).shape == (8, 8, 3)
    assert reason(data[: len(data) * 2 // 3]) == "truncated: a GIF without its end"


def test_bytes_behind_the_end_do_no_harm():
    for kind in ("PNG", "GIF", "JPEG"):
        data = encoded(NOISE, kind)
        assert np.array_equal(read(data + b"from a camera"), read(data))


def test_a_flipped_bit_in_a_png_is_seen():
    data = bytearray(encoded(NOISE, "PNG"))
    data[-20] ^= 1  # the checksum of the pixels themselves, which Pillow does not read
    assert reason(bytes(data)) == "damaged: the checksum of its chunk IDAT is wrong"


def test_a_wrong_checksum_of_a_comment_behind_the_pixels_does_no_harm():
    data = encoded(NOISE, "PNG")
    comment = struct.pack(">I4s2sI", 2, b"tEXt", b"a\0", zlib.crc32(b"something else"))
    assert np.array_equal(read(data[:-12] + comment + data[-12:]), read(data))


@pytest.mark.parametrize("kind", ["AVIF", "JPEG2000"])
def test_avif_and_jpeg_2000_are_pictures(kind):
    data = encoded(Image.new("RGB", (24, 24), (200, 100, 50)), kind)
    assert np.abs(read(data).astype(int) - [200, 100, 50]).max() <= 4
    assert read_size(io.BytesIO(data)) == (24, 24)


def test_a_pillow_without_avif_is_told_and_not_the_file_blamed(monkeypatch):
    monkeypatch.setattr(whole, "AVIF", False)
    assert reason_of_start(encoded(NOISE, "AVIF")) == (
        "an AVIF picture, and this Pillow was built without AVIF: install a newer Pillow"
    )


def reason_of_start(head: bytes) -> str:
    with pytest.raises(BadPictureError) as error:
        read_size(io.BytesIO(head))
    return str(error.value)


NO_PICTURES = {
    "a web page": (b"\n<!DOCTYPE html><html>404", "a saved web page, not the picture: download the picture itself"),
    "a page with a mark": (b"\xef\xbb\xbf<HTML>", "a saved web page"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer.*`git lfs pull`"),
    "HEIC": (struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic", "a HEIC picture.*convert it to JPEG or PNG"),
    "a film": (struct.pack(">I", 24) + b"ftypisom\0\0\0\0isomiso2", "a film, not a picture"),
    "SVG": (b'<?xml version="1.0"?><svg>', "an SVG drawing: export it as PNG"),
    "a PDF": (b"%PDF-1.7", "a PDF, not a picture"),
    "a zip": (b"PK\3\4", "a zip inside"),
    "a text": (b"my pictures", "not an image .JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF, JPEG 2000 or PPM"),
    "nothing": (b"", "an empty file"),
}


@pytest.mark.parametrize(("head", "words"), NO_PICTURES.values(), ids=NO_PICTURES.keys())
def test_what_is_no_picture_is_named_with_the_way_out(head, words):
    with pytest.raises(BadPictureError, match=f"^{words}"):
        read_size(io.BytesIO(head))
