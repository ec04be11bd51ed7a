"""Precision (of generated pictures), recall (of real ones), density and coverage, compared with brute force."""

import numpy as np
import pytest
import torch

from stylegan.metrics import neighbours
from stylegan.metrics.precision_recall import density_coverage, precision_recall

random = np.random.RandomState(0)
REAL, FAKE = random.randn(60, 3), random.randn(45, 3) * 0.7 + 0.4


def inside(points, centres, k):
    """Which points are in which balls, (points, centres)."""
    own = np.linalg.norm(centres[:, None] - centres, axis=2)
    radii = np.sort(own, axis=1)[:, k]  # index 0 is the centre itself
    return np.linalg.norm(points[:, None] - centres, axis=2) <= radii


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("block", [1, 200, 10**6])
def test_all_four_numbers_are_those_of_brute_force(monkeypatch, k, block):
    monkeypatch.setattr(neighbours, "BLOCK", block)
    assert precision_recall(REAL, FAKE, k=k) == pytest.approx(
        (inside(FAKE, REAL, k).any(axis=1).mean(), inside(REAL, FAKE, k).any(axis=1).mean())
    )
    hits = inside(FAKE, REAL, k)
    assert density_coverage(REAL, FAKE, k=k) == pytest.approx((hits.sum() / (k * len(FAKE)), hits.any(axis=0).mean()))


def test_a_network_that_repeats_one_good_picture_has_high_precision_and_low_recall():
    found = precision_recall(REAL, REAL[:1] + 1e-3 * random.randn(45, 3))
    assert found.precision == 1
    assert found.recall < 0.1


def test_a_network_that_also_gives_rubbish_has_full_recall_and_low_precision():
    found = precision_recall(REAL, np.concatenate([REAL, 100 + 10 * random.randn(240, 3)]))
    assert found.recall == 1
    assert found.precision == pytest.approx(60 / 300)


def test_a_set_covers_itself():
    assert precision_recall(REAL, REAL) == (1, 1)
    assert density_coverage(REAL, REAL) == (1, 1)


def test_copies_within_a_set_do_not_hide_that_it_covers_itself():
    twice = np.repeat(REAL + 1000, 5, axis=0)  # the radius of each ball is 0
    assert precision_recall(twice, twice, k=3) == (1, 1)


def test_density_is_about_1_for_two_samples_of_one_distribution():
    real, fake = torch.randn(2, 2000, 4, generator=torch.Generator().manual_seed(0))
    found = density_coverage(real, fake)
    assert found.density == pytest.approx(1, abs=0.05)
    assert found.coverage == pytest.approx(1 - 0.5**5, abs=0.02)  # each of the 5 nearest is as likely real as not


def test_density_is_not_fooled_by_one_real_outlier_as_precision_is():
    """Figure 2 of Naeem et al.: rubbish is inside the ball of an outlier."""
    real = np.concatenate([REAL, [[50.0, 50, 50]]])
    rubbish = 50 + 5 * random.randn(45, 3)
    assert precision_recall(real, rubbish).precision == 1
    assert density_coverage(real, rubbish).density <= 1 / 5
