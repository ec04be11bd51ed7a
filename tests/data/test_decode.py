"""One picture file of every kind -> pixels, or the reason why not."""

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from stylegan.data import decode as decoder
from stylegan.data.decode import decode, read_size
from stylegan.data.pyramid import pyramid
from stylegan.data.whole import BadPictureError

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (8, 8, 3), np.uint8)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    f = io.BytesIO()
    image.save(f, kind, **options)
    return f.getvalue()


def pixels(data: bytes, resolution=8, *, crop="center", img_channels=3) -> np.ndarray:
    return decode(data, resolution, crop=crop, img_channels=img_channels).pixels


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + b"\0\0\0\0IDAT"
    )


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})]
)
def test_lossless_rgb_comes_out_as_it_is(kind, options):
    assert np.array_equal(pixels(encoded(Image.fromarray(NOISE), kind, **options)), NOISE)


def test_webp_comes_out_as_it_is():
    assert np.array_equal(pixels(encoded(Image.fromarray(NOISE), "WEBP", lossless=True)), NOISE)


def test_jpeg_comes_out_close():
    smooth = Image.linear_gradient("L").convert("RGB").resize((64, 64))
    out = pixels(encoded(smooth, "JPEG", quality=95), 64).astype(int)
    assert np.abs(out - np.asarray(smooth)).max() <= 4


def test_a_large_jpeg_decoded_small_agrees_with_the_plain_way():
    ramp = np.linspace(0, 255, 1024).astype(np.uint8)
    image = Image.fromarray(np.stack(np.broadcast_arrays(ramp[:, None], ramp[None], 128), -1).astype(np.uint8))
    plain = np.asarray(image.resize((16, 16), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(pixels(encoded(image, "JPEG", quality=95), 16) - plain).max() <= 3


def test_gif_gives_its_first_frame():
    red, blue = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    assert (pixels(encoded(red, "GIF", save_all=True, append_images=[blue])) == [255, 0, 0]).all()


def test_gray_becomes_rgb():
    gray = NOISE[:, :, 0]
    assert np.array_equal(pixels(encoded(Image.fromarray(gray), "PNG")), np.repeat(gray[:, :, None], 3, axis=2))


def test_black_and_white_becomes_rgb():
    assert (pixels(encoded(Image.new("1", (8, 8), 1), "PNG")) == 255).all()


def test_a_palette_becomes_rgb():
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    assert (pixels(encoded(image, "PNG")) == [10, 20, 30]).all()


def test_a_transparent_palette_colour_lies_over_white():
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    assert (pixels(encoded(image, "PNG", transparency=1)) == 255).all()


def test_alpha_lies_over_white():
    assert (pixels(encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "PNG")) == 255).all()
    assert (pixels(encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 51)), "PNG")) == 204).all()


def test_gray_with_alpha_lies_over_white():
    assert (pixels(encoded(Image.new("LA", (8, 8), (0, 51)), "PNG")) == 204).all()


def test_four_channels_keep_alpha_and_are_opaque_where_there_was_none():
    with_alpha = encoded(Image.new("RGBA", (8, 8), (9, 8, 7, 100)), "PNG")
    assert (pixels(with_alpha, img_channels=4) == [9, 8, 7, 100]).all()
    without = encoded(Image.new("RGB", (8, 8), (9, 8, 7)), "PNG")
    assert (pixels(without, img_channels=4) == [9, 8, 7, 255]).all()


def test_one_channel_is_luma():
    out = pixels(encoded(Image.new("RGB", (8, 8), (255, 0, 0)), "PNG"), img_channels=1)
    assert out.shape == (8, 8, 1)
    assert (out == 76).all()  # 0.299 * 255


def test_cmyk_becomes_rgb_and_gray():
    cyan = encoded(Image.new("CMYK", (64, 64), (255, 0, 0, 0)), "JPEG", quality=95)
    assert np.abs(pixels(cyan, 64).astype(int) - [0, 255, 255]).max() <= 3
    assert pixels(cyan, 64, img_channels=1).shape == (64, 64, 1)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_gray_is_scaled_not_clipped(kind):
    deep = np.full((8, 8), 32768, np.uint16)
    deep[0, :4] = 0, 128, 129, 65535
    out = pixels(encoded(Image.fromarray(deep), kind), img_channels=1)
    assert out[0, :5, 0].tolist() == [0, 0, 1, 255, 128]


def test_32_bit_pixels_are_refused():
    image = Image.fromarray(np.full((8, 8), 0.5, np.float32))
    with pytest.raises(BadPictureError, match=r"32-bit or signed pixels .* have no agreed white"):
        pixels(encoded(image, "TIFF"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_cameras_rotation_is_undone(kind, orientation):
    upright = Image.new("RGB", (64, 64), "black")
    upright.paste("red", (0, 0, 32, 32))
    upright.paste("blue", (32, 0, 64, 32))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # as EXIF 2.3 says: the Transpose that undoes each
    turned = upright
    if orientation > 1:
        inverse = {2: 4, 4: 2}.get(undo[orientation], undo[orientation])  # only the quarter turns are not their own
        turned = upright.transpose(Image.Transpose(inverse))
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = pixels(encoded(turned, kind, exif=exif), 64).astype(int)
    assert np.abs(out[16, 16] - [255, 0, 0]).max() < 12
    assert np.abs(out[16, 48] - [0, 0, 255]).max() < 12
    assert np.abs(out[48, 16]).max() < 12


def test_center_cuts_the_middle():
    wide = np.zeros((8, 16, 3), np.uint8)
    wide[:, 4:12] = NOISE
    assert np.array_equal(pixels(encoded(Image.fromarray(wide), "PNG")), NOISE)


def test_pad_keeps_everything_on_black():
    out = pixels(encoded(Image.new("RGB", (16, 8), "white"), "PNG"), 16, crop="pad")
    assert (out[4:12] == 255).all()
    assert (out[:4] == 0).all()
    assert (out[12:] == 0).all()


def test_pad_is_transparent_where_there_is_alpha():
    out = pixels(encoded(Image.new("RGB", (16, 8), "white"), "PNG"), 16, crop="pad", img_channels=4)
    assert (out[0, 0] == 0).all()
    assert (out[8, 8] == 255).all()


def test_scaling_is_antialiased():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    out = pixels(encoded(Image.fromarray(stripes), "PNG"), 8)
    assert np.abs(out[:, 1:-1].astype(int) - 128).max() <= 2


LARGE = Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8))
BAD = {
    "small": (encoded(Image.new("RGB", (7, 9)), "PNG"), "^too small: 7 x 9, needs 8 x 8$"),
    "half a JPEG": (encoded(LARGE, "JPEG")[:2000], "^truncated: "),
    "half a PNG": (encoded(LARGE, "PNG")[:2000], "^truncated: "),
    "half a BMP": (encoded(LARGE, "BMP")[:2000], "^truncated: "),
    "half a GIF": (encoded(LARGE, "GIF")[:2000], "^truncated: "),
    "half a WebP": (encoded(LARGE, "WEBP")[:2000], "^truncated"),
    "half a TIFF": (encoded(LARGE, "TIFF")[:2000], "^truncated"),
    "a JPEG's first 100 bytes": (encoded(LARGE, "JPEG")[:100], "^truncated or not an image: "),
    "text that starts with BM": (b"BM is not only the start of a bitmap", "^truncated or not an image: "),
    "180 million pixels": (png_header(15_000, 12_000), "^a decompression bomb or too large: .*180000000 pixels"),
    "2500 million pixels": (png_header(50_000, 50_000), "^a decompression bomb or too large: "),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("data", "reason"), BAD.values(), ids=BAD.keys())
def test_a_bad_file_has_its_reason(data, reason):
    with pytest.raises(BadPictureError, match=reason):
        pixels(data)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_the_largest_cameras_pictures_are_no_bombs():
    assert read_size(io.BytesIO(png_header(14_204, 10_652))) == (14_204, 10_652)  # 151 million pixels


def test_above_our_own_limit_the_size_is_told(monkeypatch):
    monkeypatch.setattr(decoder, "MAX_PIXELS", 63)
    with pytest.raises(BadPictureError, match=r"^a decompression bomb or too large: 8 x 8, more than 63 pixels$"):
        pixels(encoded(Image.fromarray(NOISE), "PNG"))


def test_one_large_picture_is_in_memory_at_a_time(monkeypatch):
    monkeypatch.setattr(decoder, "LARGE_PIXELS", 63)
    data = encoded(Image.fromarray(NOISE), "PNG")
    with ThreadPoolExecutor() as pool:
        with decoder.ONE_LARGE:
            waiting = pool.submit(pixels, data)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.1)
        assert np.array_equal(waiting.result(timeout=10), NOISE)


def test_refuse_refuses_what_is_not_square():
    with pytest.raises(BadPictureError, match=r"^not square: 9 x 8$"):
        pixels(encoded(Image.new("RGB", (9, 8)), "PNG"), crop="refuse")


def test_the_size_in_the_reason_is_that_of_the_upright_picture():
    exif = Image.Exif()
    exif[0x0112] = 6
    with pytest.raises(BadPictureError, match=r"^too small: 7 x 30, needs 8 x 8$"):
        pixels(encoded(Image.new("RGB", (30, 7)), "JPEG", exif=exif))


@pytest.mark.parametrize("side", [16, 64, 200])
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_colours_beneath_alpha_0_are_never_seen_whatever_the_size_of_the_file(kind, side):
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    disc = np.hypot(x, y) < side / 3
    image = np.where(disc[:, :, None], [255, 0, 0, 255], [0, 255, 0, 0]).astype(np.uint8)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    for level in pyramid(pixels(encoded(Image.fromarray(image), kind, **options), 16, img_channels=4)):
        hidden = level[:, :, 3] == 0
        assert hidden.any() or len(level) == 4
        assert (level[hidden] == 0).all()
        assert (level[:, :, 1] == 0).all()
        assert (level[~hidden][:, 0] >= 253).all()


def test_the_size_told_is_that_of_the_whole_picture_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.new("RGB", (900, 600)), "JPEG", exif=exif)
    assert decode(data, 8, crop="center", img_channels=3).original.size == (600, 900)
