"""Sheets: pictures keep their pixels, words find room."""

import numpy as np
from PIL import Image

from stylegan.figures.sheet import Sheet, gray, resize, tile, to_rgb


def test_small_pictures_are_enlarged_by_whole_factors():
    picture = np.arange(3 * 32 * 32, dtype=np.uint32).reshape(3, 32, 32).astype(np.uint8)
    enlarged = np.asarray(tile(picture))
    assert enlarged.shape == (128, 128, 3)
    assert np.array_equal(enlarged[::4, ::4], picture.transpose(1, 2, 0))
    assert np.array_equal(enlarged[3::4, 3::4], picture.transpose(1, 2, 0))


def test_large_pictures_are_reduced_and_those_between_stay():
    assert resize(Image.new("RGB", (1024, 1024))).size == (256, 256)
    assert resize(Image.new("RGB", (200, 200))).size == (200, 200)


def test_gray_becomes_rgb_and_transparent_shows_white():
    assert to_rgb(np.full((1, 4, 4), 7, np.uint8)).getpixel((0, 0)) == (7, 7, 7)
    assert to_rgb(np.zeros((4, 4, 4), np.uint8)).getpixel((0, 0)) == (255, 255, 255)


def test_a_map_is_black_at_zero_and_white_at_its_limit():
    assert gray(np.array([[0.0, 1.0, 2.0, 9.0]]), 2.0).tolist() == [[[0, 127, 255, 255]]]


def test_words_are_drawn_beside_the_pictures_and_not_over_them():
    red = Image.new("RGB", (128, 128), (255, 0, 0))
    rows = [[red, None], [red, red]]
    long = "a long heading that needs several lines to be read"
    sheet = Sheet(
        rows,
        title=long,
        caption=long,
        columns=[long, "short"],
        row_labels=["one\ntwo", "three"],
        blocks=[("first", 1), (long, 1)],
        wide_before=[1],
    ).draw()
    plain = Sheet(rows).draw()
    assert (np.asarray(sheet) == (255, 0, 0)).all(axis=2).sum() == 3 * 128 * 128
    assert (np.asarray(plain) == (255, 0, 0)).all(axis=2).sum() == 3 * 128 * 128
    assert sheet.width > plain.width
    assert sheet.height > plain.height
