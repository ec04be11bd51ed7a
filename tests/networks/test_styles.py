"""What is done to w: truncation (Appendix B) and copying of styles (Section 3.1)."""

import math

import pytest
import torch
from torch.testing import assert_close

from stylegan.networks.styles import copy_styles, nearest, truncate

WS, OTHER = torch.randn(2, 3, 6, 4, generator=torch.Generator().manual_seed(0))  # (N, num_ws, w_dim) each
W_AVG = torch.tensor([1.0, 2.0, 3.0, 4.0])


def test_psi_one_changes_no_bit_and_psi_zero_gives_the_average_to_the_bit():
    assert torch.equal(truncate(WS, W_AVG, 1), WS)
    assert torch.equal(truncate(WS, W_AVG, 0), W_AVG.expand_as(WS))


@pytest.mark.parametrize("psi", [0.7, -0.5, -1, 1.5])
def test_any_psi_follows_the_formula(psi):
    assert_close(truncate(WS, W_AVG, psi), W_AVG + psi * (WS - W_AVG))


def test_a_cutoff_leaves_the_later_styles_as_they_are():
    ws = truncate(WS, W_AVG, 0, cutoff=2)
    assert torch.equal(ws[:, 2:], WS[:, 2:])
    assert torch.equal(ws[:, :2], W_AVG.expand(3, 2, 4))


def test_a_cutoff_above_the_number_of_styles_is_all_of_them():
    assert torch.equal(truncate(WS, W_AVG, 0.5, cutoff=99), truncate(WS, W_AVG, 0.5))


def test_of_several_centres_each_w_is_pulled_to_the_nearest():
    centers = torch.stack([W_AVG, -W_AVG, 100 * W_AVG])
    ws = truncate(WS, centers, 0, cutoff=5)
    for n in range(3):
        for i in range(5):
            distances = [(WS[n, i] - center).norm() for center in centers]
            assert torch.equal(ws[n, i], centers[distances.index(min(distances))])
    assert torch.equal(ws[:, 5], WS[:, 5])


def test_each_style_may_have_its_own_psi():
    ws = truncate(WS, W_AVG, [0, 0, 0.5, 0.5, 1, 1])
    assert torch.equal(ws[:, :2], truncate(WS, W_AVG, 0)[:, :2])
    assert torch.equal(ws[:, 2:4], truncate(WS, W_AVG, 0.5)[:, 2:4])
    assert torch.equal(ws[:, 4:], WS[:, 4:])


@pytest.mark.parametrize(
    ("psi", "words"),
    [
        ([1, 1], "psi of 2 numbers: must be one number, or 6, one for each style"),
        ("0.7", "psi '0.7': must be a number, or 6, one for each style"),
        (None, "psi None: must be a number, or 6"),
        (["a"] * 6, "must be a number, or 6"),
        (math.nan, "psi nan: must be a finite number"),
        (-math.inf, "psi -inf: must be a finite number"),
        ([1, 1, math.nan, 1, 1, 1], r"psi \[1, 1, nan, 1, 1, 1\]: must be a finite number"),
        (torch.tensor(math.nan), r"psi tensor\(nan\): must be a finite number"),
        (torch.tensor([1, 1, 1, 1, 1, math.inf]), "must be a finite number"),
    ],
)
def test_a_psi_that_is_no_finite_number_nor_one_for_each_style_is_refused(psi, words):
    with pytest.raises(ValueError, match=words):
        truncate(WS, W_AVG, psi)


@pytest.mark.parametrize("cutoff", [-1, True, False, 2.0, "2"])
def test_a_cutoff_that_counts_no_styles_is_refused(cutoff):
    with pytest.raises(ValueError, match=f"cutoff {cutoff!r}: must be a whole number from 0 up, or None"):
        truncate(WS, W_AVG, 0.5, cutoff=cutoff)


def test_a_cutoff_of_zero_changes_no_bit():
    assert torch.equal(truncate(WS, W_AVG, 0.5, cutoff=0), WS)


def test_copying_no_style_gives_a_and_all_styles_give_b():
    assert torch.equal(copy_styles(WS, OTHER, []), WS)
    assert torch.equal(copy_styles(WS, OTHER, range(6)), OTHER)


def test_copying_takes_the_named_styles_from_b_and_no_others():
    ws = copy_styles(WS[:1], OTHER, [1, 4])
    assert torch.equal(ws[:, [1, 4]], OTHER[:, [1, 4]])
    assert torch.equal(ws[:, [0, 2, 3, 5]], WS[:1, [0, 2, 3, 5]].expand(3, -1, -1))


def test_the_nearest_centre_is_found_for_each_style_of_each_picture():
    centers = torch.tensor([[0.0, 0, 0, 0], [9, 9, 9, 9]])
    ws = torch.stack([torch.full((2, 4), 1.0), torch.full((2, 4), 8.0)])
    assert torch.equal(nearest(ws, centers)[:, 0], centers)
