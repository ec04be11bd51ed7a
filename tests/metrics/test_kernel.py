"""KID equals its definition by hand and another library's kernel, and is unbiased."""

import math

import numpy as np
import pytest
import torch

from stylegan.metrics.kernel import kid, mmd

random = np.random.RandomState(0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def by_hand(x, y):
    """KID from its definition, pair by pair."""
    k = lambda a, b: (sum(p * q for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3  # noqa: E731
    N, M = len(x), len(y)
    xx = sum(k(x[i], x[j]) for i in range(N) for j in range(N) if i != j) / (N * (N - 1))
    yy = sum(k(y[i], y[j]) for i in range(M) for j in range(M) if i != j) / (M * (M - 1))
    return xx + yy - 2 * sum(k(a, b) for a in x for b in y) / (N * M)


def test_one_subset_of_everything_is_the_definition_pair_by_pair_and_has_no_error():
    x, y = random.randn(7, 3), random.randn(7, 3) + 0.5
    value, error = kid(x, y, subsets=1, subset_size=7, generator=generator())
    assert value == pytest.approx(by_hand(x, y))
    assert math.isnan(error)


def test_the_kernel_is_scikit_learns():
    pairwise = pytest.importorskip("sklearn.metrics.pairwise", reason="scikit-learn comes with the extra [dev]")
    x, y = random.randn(9, 5), random.randn(6, 5)
    xx, yy, xy = (pairwise.polynomial_kernel(*pair, degree=3) for pair in ((x, x), (y, y), (x, y)))
    expected = (xx.sum() - np.trace(xx)) / 72 + (yy.sum() - np.trace(yy)) / 30 - 2 * xy.mean()
    assert mmd(torch.from_numpy(x), torch.from_numpy(y)) == pytest.approx(expected)


def test_kid_is_unbiased_its_mean_over_many_small_samples_of_one_distribution_is_0():
    values = [
        kid(*torch.randn(2, 5, 4, generator=generator(seed)), subsets=1, subset_size=5, generator=generator()).value
        for seed in range(2000)
    ]
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(2000)


def test_the_error_is_the_deviation_of_the_subsets():
    x = torch.randn(4000, 4, generator=generator(1))
    y = torch.randn(4000, 4, generator=generator(2)) + 0.5
    value, error = kid(x, y, subsets=40, subset_size=100, generator=generator())
    parts = [kid(x[i : i + 100], y[i : i + 100], subsets=1, subset_size=100, generator=generator()).value
             for i in range(0, 4000, 100)]  # fmt: skip
    assert value == pytest.approx(np.mean(parts), abs=4 * error / math.sqrt(40))
    assert error == pytest.approx(np.std(parts), rel=0.4)


def test_the_same_generator_gives_the_same_number():
    x, y = torch.randn(2, 50, 4, generator=generator())
    assert kid(x, y, subsets=3, subset_size=20, generator=generator(5)) == kid(
        x, y, subsets=3, subset_size=20, generator=generator(5)
    )
