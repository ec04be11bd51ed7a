"""Planted boundaries are found, gradual networks are called gradual, and layers that are alike have no levels."""

import pytest
import torch

from stylegan.probing.measure import probe

from planted import Planted, any_blend, any_planted, any_steps, blend, planted_boundaries, steps

PAIRS = 48


@pytest.mark.parametrize("leakage", [0, 0.15])
@pytest.mark.parametrize("boundaries", [(4, 8), (2, 6), (3, 10)])
def test_planted_boundaries_are_found(boundaries, leakage):
    report = probe(Planted(steps(12, boundaries, (0, 1, 2), leakage)), pairs=PAIRS)
    assert report.boundaries == list(boundaries)
    assert report.groups == 3 and not report.gradual
    assert all(low <= b <= high for b, (low, high) in zip(boundaries, report.intervals, strict=True))


def test_two_and_four_groups_are_counted():
    assert probe(Planted(steps(9, (5,), (2, 3))), pairs=PAIRS).boundaries == [5]
    assert probe(Planted(steps(12, (3, 6, 9), (0, 1, 3, 2))), pairs=PAIRS).boundaries == [3, 6, 9]


@pytest.mark.parametrize("img_channels", [1, 4])
def test_boundaries_are_found_in_gray_and_in_transparent_pictures(img_channels):
    G = Planted(steps(8, (3, 6), (0, 3, 2)), img_channels=img_channels)
    assert probe(G, pairs=PAIRS).boundaries == [3, 6]


@pytest.mark.parametrize("num_ws", [8, 14])
def test_roles_that_pass_into_each_other_are_gradual(num_ws):
    report = probe(Planted(blend(num_ws, (0, 1, 2))), pairs=PAIRS)
    assert report.gradual and report.groups == 1 and report.boundaries == [] and report.levels is None
    assert "no boundary" in report.verdict()


@pytest.mark.parametrize("weights", [steps(10, (), (0,)), torch.full((10, 4), 0.25)])
def test_layers_that_are_alike_have_no_levels(weights):
    report = probe(Planted(weights), pairs=PAIRS)
    assert report.groups == 1 and report.boundaries == [] and not report.gradual


def test_of_random_gradual_networks_hardly_one_is_called_sharp():
    sharp = [probe(any_planted(seed, any_blend), pairs=16).groups > 1 for seed in range(8)]
    assert sum(sharp) <= 1


@pytest.mark.slow
def test_of_a_hundred_random_gradual_networks_fewer_than_five_are_called_sharp():
    sharp = [probe(any_planted(seed, any_blend), pairs=64).groups > 1 for seed in range(100)]
    assert sum(sharp) < 5


@pytest.mark.slow
def test_of_a_hundred_random_planted_networks_nearly_all_are_found():
    planted = [any_planted(1000 + seed, any_steps) for seed in range(100)]
    found = [probe(G, pairs=64).boundaries == planted_boundaries(G) for G in planted]
    assert sum(found) >= 90
