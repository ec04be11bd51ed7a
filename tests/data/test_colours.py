"""Whatever profile and depth a file has, its pixels are 8-bit sRGB."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from stylegan.data.decode import Decoded, decode

GAMMA = {"Adobe RGB (1998)": 2.19921875, "P3 with gamma 1.8": 1.8}
# Columns are the XYZ of the primaries, adapted to D50: of Adobe RGB (1998) as its specification has them, of P3 (D65)
# and sRGB (IEC 61966-2-1) as Bradford's adaptation gives them.
PRIMARIES = {
    "Adobe RGB (1998)": [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]],
    "P3 with gamma 1.8": [[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]],
    "sRGB": [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]],
}


def icc(tags: dict[bytes, bytes], space: bytes) -> bytes:
    """A version 2 profile for a display (ICC.1:2001-04, section 6)."""
    place, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        data += b"\0" * (-len(data) % 4)
        table += struct.pack(">4sII", name, place + len(body), len(data))
        body += data
    size = place + len(body)
    header = struct.pack(">I4sI4s4s4s12s4s4sIIIQI", size, b"lcms", 0x02100000, b"mntr", space, b"XYZ ", bytes(12),
                         b"acsp", b"", 0, 0, 0, 0, 0)  # fmt: skip
    header += xyz([0.9642, 1.0, 0.8249])[8:] + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + body


def xyz(values) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))


def curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def described(name: str) -> dict[bytes, bytes]:
    text = name.encode() + b"\0"
    desc = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    return {b"desc": desc, b"cprt": b"text\0\0\0\0nobody\0", b"wtpt": xyz([0.9642, 1.0, 0.8249])}


def rgb_profile(name: str) -> bytes:
    columns = np.array(PRIMARIES[name]).T
    tags = described(name) | {c + b"XYZ": xyz(column) for c, column in zip((b"r", b"g", b"b"), columns, strict=True)}
    return icc(tags | {c + b"TRC": curve(GAMMA[name]) for c in (b"r", b"g", b"b")}, b"RGB ")


def gray_profile(gamma: float) -> bytes:
    return icc(described("a gray of its own") | {b"kTRC": curve(gamma)}, b"GRAY")


def srgb_of_light(light):
    """IEC 61966-2-1."""
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def read(image: Image.Image, profile: bytes | None, kind="PNG", *, img_channels=3, **options) -> Decoded:
    f = io.BytesIO()
    image.save(f, kind, icc_profile=profile, **options)
    return decode(f.getvalue(), 8, crop="center", img_channels=img_channels)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG", "AVIF"])
@pytest.mark.parametrize("name", GAMMA)
def test_a_photo_with_another_profile_gets_the_srgb_of_the_same_light(name, kind):
    colour = np.array([150, 120, 90])
    light = np.linalg.solve(PRIMARIES["sRGB"], PRIMARIES[name] @ (colour / 255) ** GAMMA[name])
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind in ("JPEG", "AVIF") else {}
    found = read(Image.new("RGB", (8, 8), tuple(colour)), rgb_profile(name), kind, **options)
    assert found.original.profile == name
    assert np.abs(found.pixels - srgb_of_light(light)).max() <= (2 if options else 1.2)
    assert np.abs(srgb_of_light(light) - colour).max() > 5  # which is seen


def test_a_picture_in_srgb_stays_as_it_is_whatever_its_profile_is_called():
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = read(Image.fromarray(noise), profile)
    assert np.array_equal(found.pixels, noise)
    assert (found.original.profile, found.original.note) == (None, None)


def test_alpha_is_no_colour():
    image = Image.new("RGBA", (8, 8), (150, 120, 90, 100))
    found = read(image, rgb_profile("Adobe RGB (1998)"), img_channels=4)
    opaque = read(image.convert("RGB"), rgb_profile("Adobe RGB (1998)"))
    assert np.array_equal(found.pixels[:, :, :3], opaque.pixels)
    assert (found.pixels[:, :, 3] == 100).all()


def test_a_gray_profile_is_applied_to_gray_pictures():
    found = read(Image.new("L", (8, 8), 100), gray_profile(1.0), img_channels=1)
    assert np.abs(found.pixels - srgb_of_light(100 / 255)).max() <= 1
    assert found.original.profile == "a gray of its own"


def test_a_palette_is_converted_by_its_colours():
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 150, 120, 90])
    direct = read(Image.new("RGB", (8, 8), (150, 120, 90)), rgb_profile("Adobe RGB (1998)"))
    assert np.array_equal(read(image, rgb_profile("Adobe RGB (1998)")).pixels, direct.pixels)


@pytest.mark.parametrize("profile", [b"no profile", rgb_profile("Adobe RGB (1998)")[:200], bytes(300)])
def test_a_broken_profile_is_said_and_the_picture_kept(profile):
    found = read(Image.new("RGB", (8, 8), (150, 120, 90)), profile)
    assert (found.pixels == [150, 120, 90]).all()
    assert found.original.note is not None and "its colour profile cannot be read" in found.original.note
    assert "taken as sRGB" in found.original.note


def test_a_profile_for_other_pixels_is_said_and_not_used():
    found = read(Image.new("L", (8, 8), 100), rgb_profile("Adobe RGB (1998)"), img_channels=1)
    assert (found.pixels == 100).all()
    assert found.original.note == "its colour profile is for RGB, its pixels are L: taken as sRGB"


def test_a_profile_of_rgb_is_not_used_for_cmyk():
    found = read(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), rgb_profile("Adobe RGB (1998)"), "TIFF")
    assert found.original.note == "its colour profile is for RGB, its pixels are CMYK: taken as sRGB"
    assert (found.pixels == [0, 255, 255]).all()


def deep_tiff(pixels: np.ndarray, bits: int, photometric: int) -> bytes:
    """A TIFF of gray, 16 bits a pixel or 12 packed (TIFF 6.0)."""
    data = pixels.astype("<u2").tobytes()
    if bits == 12:
        flat = "".join(f"{value:012b}" for value in pixels.ravel())
        data = int(flat, 2).to_bytes(len(flat) // 8, "big")
    tags = [(256, 3, 8), (257, 3, 8), (258, 3, bits), (259, 3, 1), (262, 3, photometric), (273, 4, 8 + 2 + 9 * 12 + 4),
            (277, 3, 1), (278, 3, 8), (279, 4, len(data))]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(tags)) + entries + bytes(4) + data


def gray(data: bytes) -> list[int]:
    return decode(data, 8, crop="center", img_channels=1).pixels[0, :4, 0].tolist()


@pytest.mark.parametrize(("bits", "white"), [(16, 65535), (12, 4095)])
def test_the_white_of_a_deep_picture_is_that_of_its_container(bits, white):
    ramp = np.zeros((8, 8), np.uint16)
    ramp[0, :4] = 0, white // 2 + 1, white // 4, white
    assert gray(deep_tiff(ramp, bits, 1)) == [0, 128, 64, 255]


def test_a_dark_deep_picture_stays_dark():
    assert gray(deep_tiff(np.full((8, 8), 255, np.uint16), 16, 1)) == [1, 1, 1, 1]


def test_where_zero_is_white_a_deep_picture_is_turned():
    ramp = np.zeros((8, 8), np.uint16)
    ramp[0, :2] = 0, 65535
    assert gray(deep_tiff(ramp, 16, 0))[:2] == [255, 0]


def test_deep_pgm_has_its_white_in_the_header():
    data = b"P5 8 8 1000\n" + np.full(64, 500, ">u2").tobytes()
    assert gray(data) == [128] * 4
