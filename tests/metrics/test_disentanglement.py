"""DCI: codes with known scores, tables computed by hand, and scikit-learn's lasso."""

import math

import numpy as np
import pytest
import torch

from stylegan.metrics.disentanglement import dci, importance_scores
from stylegan.metrics.lasso import lasso_path


def draw(N=1500, dim=4, seed=0):
    return torch.randn(N, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_codes_that_are_the_factors_reordered_and_scaled_are_perfect():
    factors = draw()
    found = dci(factors[:, [2, 0, 3, 1]] * torch.tensor([1.0, -3, 0.1, 20]) + 5, factors)
    assert found == pytest.approx((1, 1, 1), abs=0.03)


def test_factors_rotated_between_two_coordinates_are_informative_but_entangled():
    factors = draw(dim=2)
    half = math.sqrt(0.5)
    found = dci(factors @ torch.tensor([[half, half], [-half, half]], dtype=torch.float64), factors)
    assert found.disentanglement < 0.05
    assert found.completeness < 0.05
    assert found.informativeness > 0.98


def test_codes_without_information_predict_nothing():
    assert dci(draw(seed=0), draw(seed=1)).informativeness < 0.02


def test_unused_coordinates_do_not_count():
    factors = draw()
    dead = torch.full((1500, 3), 7.0, dtype=torch.float64)
    assert dci(torch.cat([factors, dead], dim=1), factors) == pytest.approx((1, 1, 1), abs=0.03)


def test_binary_factors_are_measured_too():
    z = draw()
    assert dci(z, z > 0).disentanglement > 0.9


@pytest.mark.parametrize(
    ("importance", "scores"),
    [
        ([[1, 0], [0, 1]], (1, 1)),
        ([[1, 0], [1, 0], [0, 1], [0, 1]], (1, 0.5)),  # each factor depends on two of four coordinates
        ([[1, 1], [0, 0]], (0, 1)),  # one coordinate encodes both factors
        ([[3, 0], [1, 1]], (3 / 5, 1 - (0.75 * math.log2(4 / 3) + 0.25 * 2) / 2)),  # columns (3, 1) and (0, 1)
        ([[0, 0], [0, 0]], (0, 0)),
        ([[1, 0], [1, 0]], (1, 0)),  # no coordinate encodes the second factor
    ],
)
def test_the_scores_of_an_importance_table_are_those_by_hand(importance, scores):
    assert importance_scores(torch.tensor(importance, dtype=torch.float64)) == pytest.approx(scores, abs=1e-12)


@pytest.mark.parametrize("penalty", [0.5, 0.1, 0.01])
def test_the_lasso_equals_scikit_learns_for_correlated_codes(penalty):
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn comes with the extra [dev]")
    X = draw(300, 8) @ draw(8, 8, seed=1)
    X, Y = X - X.mean(dim=0), X[:, :3] + draw(300, 3, seed=2)
    Y = Y - Y.mean(dim=0)
    ours = lasso_path(X, Y, [0.9, penalty])[1]
    for k in range(3):
        a = penalty * (X.T @ Y[:, k]).abs().max().item() / 300
        theirs = linear_model.Lasso(alpha=a, fit_intercept=False, tol=1e-10, max_iter=10**5).fit(X, Y[:, k])
        np.testing.assert_allclose(ours[:, k], theirs.coef_, atol=1e-4)


def test_the_largest_penalty_leaves_no_weight():
    assert (lasso_path(draw(), draw(seed=1), [1.0]) == 0).all()
