"""The jackknife, compared with known answers."""

import math

import pytest
import torch

from stylegan.metrics.spread import jackknife, standard_error, without


def test_the_jackknife_of_a_mean_is_the_standard_error_from_the_groups():
    a = torch.arange(40.0).square()
    groups = a.reshape(10, 4).mean(dim=1)
    assert jackknife(lambda x, y: x.mean().item(), a, a) == pytest.approx((groups.std() / 10**0.5).item(), rel=1e-6)


def test_each_row_is_left_out_once():
    rows = torch.arange(23)
    left = [set(rows.tolist()) - set(without(rows, i).tolist()) for i in range(10)]
    assert sorted(x for group in left for x in group) == rows.tolist()


def test_the_spread_of_few_rows_is_nan():
    assert math.isnan(jackknife(lambda x, y: 0.0, torch.zeros(19), torch.zeros(100)))


def test_the_standard_error_of_marks_is_that_of_their_mean():
    assert standard_error(torch.tensor([0, 0, 1, 1])) == pytest.approx((1 / 3) ** 0.5 / 2)
