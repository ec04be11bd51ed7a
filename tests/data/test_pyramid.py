"""The pyramid of one picture."""

from pathlib import Path

import numpy as np

from stylegan.data.pyramid import halve, pyramid


def test_levels_go_down_to_4():
    levels = pyramid(np.zeros((32, 32, 3), np.uint8))
    assert [level.shape for level in levels] == [(32, 32, 3), (16, 16, 3), (8, 8, 3), (4, 4, 3)]


def test_halve_is_the_box_mean_of_the_authors_fade():
    golden = np.load(Path(__file__).parent / "golden" / "ops.npz")
    faded, full = golden["reals/lod0.25"], golden["reals/lod0"]  # lerp(full, box mean, 0.25)
    box = ((faded - 0.75 * full) / 0.25)[0, :, ::2, ::2].transpose(1, 2, 0)
    np.testing.assert_allclose(halve(full[0].transpose(1, 2, 0)), box, atol=1e-5)


def test_each_level_is_rounded_alone_half_to_even():
    pixels = np.zeros((16, 16, 1), np.uint8)
    pixels[0:2, 0:2, 0] = [[1, 1], [0, 0]]  # mean 0.5 -> 0, and 1/8 of a level below -> 0
    pixels[0:4, 4:8, 0] = 1
    pixels[0:2, 4:6, 0] = [[1, 1], [1, 3]]  # 1.5 -> 2, with 1, 1, 1 a mean of 1.125 -> 1; of rounded levels 1.25
    _, half, quarter = pyramid(pixels)
    assert half[0, 0, 0] == 0
    assert half[0, 2, 0] == 2
    assert quarter[0, 0, 0] == 0
    assert quarter[0, 1, 0] == 1


def test_the_chain_is_not_rounded():
    pixels = np.zeros((16, 16, 1), np.uint8)
    pixels[0:4:2, 0:4:2, 0] = 2  # every 2x2 mean is 0.5 -> 0
    pixels[0, 0, 0] = 3  # one of them 0.75 -> 1; the mean of 16 is 9/16 -> 1, of the rounded ones 1/4 -> 0
    assert pyramid(pixels)[2][0, 0, 0] == 1


def test_colours_count_as_much_as_their_alpha():
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, :] = 0, 255, 0, 0  # what is hidden is never seen
    pixels[0, 0] = 200, 0, 0, 255
    pixels[0, 1] = 100, 0, 0, 85
    half = pyramid(pixels)[1]
    assert half[0, 0].tolist() == [175, 0, 0, 85]  # (200 * 255 + 100 * 85) / 340; 340 / 4
    assert half[1, 1].tolist() == [0, 0, 0, 0]


def test_opaque_colours_are_plain_means():
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    opaque = np.concatenate([noise, np.full((32, 32, 1), 255, np.uint8)], axis=2)
    for with_alpha, plain in zip(pyramid(opaque), pyramid(noise), strict=True):
        assert np.array_equal(with_alpha[:, :, :3], plain)
        assert (with_alpha[:, :, 3] == 255).all()


def test_an_alpha_that_rounds_to_0_hides_black():
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[0, 0] = 255, 255, 255, 1
    assert pyramid(pixels)[1][0, 0].tolist() == [0, 0, 0, 0]
