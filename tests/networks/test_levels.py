"""Levels in words: one translation for networks of any size."""

import re

import pytest

from stylegan.config import CONFIG_A, CONFIG_F
from stylegan.errors import InputError
from stylegan.networks.generator import Generator
from stylegan.networks.levels import describe_levels, layer_indices, named_levels, style_indices

SMALL = {"channel_base": 1024, "channel_max": 1, "z_dim": 2, "w_dim": 2, "mapping_dim": 2, "mapping_layers": 1}


def generator(resolution, base=CONFIG_F):
    return Generator(base.but(img_resolution=resolution, **SMALL))


@pytest.fixture(scope="module")
def G1024():
    return generator(1024)


@pytest.fixture(scope="module")
def G32():
    return generator(32)


@pytest.fixture
def measured():
    """A network of 64 px whose file says where its levels end."""
    G = generator(64)
    G.levels = {"coarse": [0, 1], "middle": [2, 6], "fine": [7, 9]}
    return G


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ("coarse", range(0, 4)),  # Figure 3: 4 and 8 px
        ("middle", range(4, 8)),  # 16 and 32 px
        ("fine", range(8, 18)),  # 64 to 1024 px
        ("4-7", range(4, 8)),
        ("5", [5]),
        ("64px", [8, 9]),
        ("4px,64px-128px", [0, 1, 8, 9, 10, 11]),
        ("64-128px", range(8, 12)),
        ("coarse,8-9", [0, 1, 2, 3, 8, 9]),
        ("fine, coarse", [0, 1, 2, 3, *range(8, 18)]),
        (" Coarse ", range(0, 4)),
        ("all", range(18)),
        ("none", []),
        ([9, 8, 9], [8, 9]),
        ([], []),
    ],
)
def test_words_name_the_styles_of_the_paper(G1024, levels, expected):
    assert style_indices(levels, G1024) == list(expected)


def test_a_range_may_end_above_the_last_style_as_a_cutoff_may(G32):
    assert style_indices("4-17", G32) == [4, 5, 6, 7]
    assert style_indices("16px-1024px", G32) == [4, 5, 6, 7]
    assert style_indices(range(4, 18), G32) == [4, 5, 6, 7]


@pytest.mark.parametrize("levels", ["fine", "coarse,fine", "8-9", "64px", "12px", "7-4", [8], [-1], [0, 99], [3, -1]])
def test_levels_that_name_no_style_say_which_there_are(G32, levels):
    words = r"32 px has the layers 0-7.*coarse = 0-3 \(4-8 px\); middle = 4-7 \(16-32 px\)"
    with pytest.raises(InputError, match=re.escape(f"levels {levels!r}") + ".*" + words):
        style_indices(levels, G32)


@pytest.mark.parametrize("levels", ["", "coarse,", "fnie", "4..7", "-3", "1.5", "4px8"])
def test_words_that_mean_nothing_are_refused(G32, levels):
    with pytest.raises(InputError, match="names no layer"):
        style_indices(levels, G32)


def test_measured_levels_stand_before_the_papers_and_say_so(measured):
    assert style_indices("middle", measured) == [2, 3, 4, 5, 6]
    assert named_levels(measured)["fine"] == [7, 8, 9]
    assert describe_levels("middle", measured) == "middle: layers 2-6 (8-32 px), measured in this network"
    assert describe_levels("64px", measured) == "64px: layers 8-9 (64 px)"


def test_levels_of_the_paper_say_so(G32):
    assert describe_levels("middle,0", G32) == "middle,0: layers 0,4-7 (4-32 px), the paper's levels"


def test_a_network_without_styles_has_layers_for_noise_only():
    G = generator(32, CONFIG_A.but(noise=True))
    assert layer_indices("coarse", G) == [0, 1, 2, 3]
    with pytest.raises(InputError, match="no styles"):
        style_indices("coarse", G)
