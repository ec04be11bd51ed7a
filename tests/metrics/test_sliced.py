"""MIND: closed forms of Gaussians and of points on a line."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from stylegan.metrics.sliced import mind, squared_wasserstein


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def column(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)[:, None]


def test_a_shifted_set_has_three_times_the_squared_shift_as_distance():
    """3 F E[(u . d)^2] = 3 |d|^2 for random unit vectors u."""
    a = torch.randn(100, 20, generator=generator(), dtype=torch.float64)
    way = torch.randn(20, generator=generator(1), dtype=torch.float64)
    found = mind(a, a + way, directions=20_000, generator=generator(2))
    assert found == pytest.approx(3 * way.square().sum().item(), rel=0.03)  # 3 deviations of the mean over u


def test_a_set_scaled_about_its_mean_has_the_distance_in_closed_form():
    """W_2 between centred numbers and c times them is |c - 1| times their rms, so the distance is 3 (c - 1)^2 tr C."""
    a = torch.randn(500, 10, generator=generator(), dtype=torch.float64)
    a = a - a.mean(dim=0)
    found = mind(a, 3 * a, directions=5_000, generator=generator(1))
    assert found == pytest.approx(3 * 4 * a.square().sum(dim=1).mean().item(), rel=0.03)


def test_with_one_feature_it_is_exact_whatever_the_directions():
    a, b = column(0.0, 1, 5), column(7.0, 2, 0)
    assert mind(a, b, directions=2, generator=generator()) == pytest.approx(3 * (0 + 1 + 4) / 3)


def test_sets_of_different_sizes_share_out_their_mass():
    """{0, 3} against {0, 0, 3}: a sixth of the mass moves by 3."""
    assert squared_wasserstein(column(0.0, 3), column(3.0, 0, 0)).item() == pytest.approx(9 / 6)


@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 4), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_the_distance_is_that_of_both_sets_repeated_to_the_same_size(N, M, K, seed):
    x, y = torch.randn(N, K, generator=generator(seed)).double(), torch.randn(M, K, generator=generator(~seed)).double()
    repeated = (x.repeat(M, 1).sort(dim=0).values - y.repeat(N, 1).sort(dim=0).values).square().mean(dim=0)
    torch.testing.assert_close(squared_wasserstein(x, y), repeated)


def test_the_distance_is_the_least_over_all_pairings_of_the_points():
    optimize = pytest.importorskip("scipy.optimize")
    x, y = np.random.RandomState(0).randn(2, 9)
    costs = (x[:, None] - y) ** 2
    assigned = costs[optimize.linear_sum_assignment(costs)].mean()
    assert squared_wasserstein(column(*x), column(*y)).item() == pytest.approx(assigned)


def test_directions_in_blocks_are_the_same_directions(monkeypatch):
    a, b = torch.randn(2, 50, 8, generator=generator())
    whole = mind(a, b, directions=30, generator=generator(3))
    monkeypatch.setattr("stylegan.metrics.sliced.BLOCK", 50 * 7)
    assert mind(a, b, directions=30, generator=generator(3)) == pytest.approx(whole, rel=1e-12)


def test_a_set_has_distance_0_from_itself_in_any_order():
    a = torch.randn(50, 8, generator=generator())
    assert mind(a, a.flip(0), directions=10, generator=generator()) == pytest.approx(0, abs=1e-24)
