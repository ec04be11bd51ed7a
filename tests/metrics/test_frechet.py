"""The Frechet distance: the authors' number, closed forms and laws."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from stylegan.metrics.frechet import frechet_distance, frechet_infinity, intercept

import golden

rng = np.random.RandomState(0)


def exactly(mean, covariance, N=50, seed=0):
    """N points with exactly this mean and this covariance (divided by N - 1)."""
    x = np.random.RandomState(seed).randn(N, len(mean))
    x -= x.mean(axis=0)
    x @= np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T
    return x @ np.linalg.cholesky(covariance).T + mean


def test_the_distance_of_the_authors_features_is_the_authors():
    d = np.load(golden.FOLDER / "metrics_math.npz")
    assert frechet_distance(d["fid/real_features"], d["fid/fake_features"]) == pytest.approx(d["fid/value"], rel=1e-6)


def test_gaussians_with_the_same_axes_differ_by_their_means_and_deviations():
    a = exactly([1.0, 2, 3], np.diag([1.0, 4, 9]))
    b = exactly([1.0, 0, 7], np.diag([4.0, 4, 25]), N=80, seed=1)
    assert frechet_distance(a, b) == pytest.approx((0 + 4 + 16) + (1 + 0 + 4))


def test_gaussians_with_different_axes_have_the_closed_form_of_two_dimensions():
    """tr M^(1/2) = (tr M + 2 det(M)^(1/2))^(1/2) for a 2 x 2 matrix."""
    A, B = np.array([[3.0, 1], [1, 2]]), np.array([[1.0, -0.5], [-0.5, 4]])
    root = math.sqrt(np.trace(A @ B) + 2 * math.sqrt(np.linalg.det(A @ B)))
    assert frechet_distance(exactly([0, 0], A), exactly([0, 0], B)) == pytest.approx(np.trace(A + B) - 2 * root)


def test_two_segments_in_many_dimensions_overlap_by_the_cosine_between_them():
    """Covariances of rank 1, s^2 u u^T and t^2 v v^T: the trace of the root is s t |u . v|."""
    u, v = (x / np.linalg.norm(x) for x in rng.randn(2, 100))
    a, b = np.stack([3 * u, -3 * u]), np.stack([5 * v, -5 * v])  # variances, divided by N - 1: 2 * 9 and 2 * 25
    assert frechet_distance(a, b) == pytest.approx(18 + 50 - 2 * math.sqrt(18 * 50) * abs(u @ v), rel=1e-12)


@pytest.mark.parametrize("N", [20, 64, 200])
def test_a_set_has_distance_0_from_itself_even_with_fewer_pictures_than_features(N):
    x = 100 + rng.randn(N, 64)
    assert frechet_distance(x, x) < 1e-9


def test_fewer_pictures_than_features_give_the_value_of_the_matrix_root():
    scipy_linalg = pytest.importorskip("scipy.linalg")
    a, b = rng.randn(12, 30), rng.randn(15, 30) * 2 + 1
    A, B = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy_linalg.sqrtm(A) @ B @ scipy_linalg.sqrtm(A)
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(A + B)
    expected -= 2 * np.sqrt(np.linalg.eigvalsh((root + root.T).real / 2).clip(0)).sum()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)  # the matrix root has rounding errors


@given(st.integers(2, 40), st.integers(2, 40), st.integers(1, 20), st.floats(-5, 5), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_the_distance_is_symmetric_and_unchanged_if_both_sets_are_rotated_and_moved(N, M, F, move, seed):
    random = np.random.RandomState(seed)
    a, b = random.randn(N, F), random.randn(M, F) * 2
    turn = np.linalg.qr(random.randn(F, F))[0]
    d = frechet_distance(a, b)
    assert frechet_distance(b, a) == pytest.approx(d, rel=1e-9, abs=1e-9)
    assert frechet_distance(a @ turn + move, b @ turn + move) == pytest.approx(d, rel=1e-9, abs=1e-9)
    assert frechet_distance(3 * a, 3 * b) == pytest.approx(9 * d, rel=1e-9, abs=1e-9)
    assert frechet_distance(a, a + move) == pytest.approx(F * move**2, rel=1e-9, abs=1e-9)


def test_the_intercept_of_a_line_is_exact_and_that_of_scattered_points_has_the_textbook_error():
    x = np.array([1.0, 2, 3, 4])
    assert intercept(x, 5 - 2 * x) == pytest.approx((5, 0), abs=1e-12)
    y = np.array([1.0, 3, 2, 4])  # slope 0.8, intercept 0.5, squared residuals 1.8, error sqrt(0.9 * (1/4 + 6.25/5))
    assert intercept(x, y) == pytest.approx((0.5, math.sqrt(0.9 * 1.5)))


def test_extrapolation_removes_the_bias_of_few_pictures():
    """Two samples of one distribution: the true distance is 0, but the one measured with N pictures is not."""
    generator = torch.Generator().manual_seed(1)
    real = torch.randn(20_000, 16, generator=generator)
    fake = torch.randn(2_000, 16, generator=generator)
    value, error = frechet_infinity(real, fake, generator=generator)
    assert frechet_distance(real, fake) > 0.02
    assert abs(value) < min(0.01, 4 * error)
    assert 0 < error < 0.005


def test_extrapolation_keeps_a_true_distance():
    generator = torch.Generator().manual_seed(2)
    real, fake = torch.randn(20_000, 8, generator=generator), 1 + torch.randn(2_000, 8, generator=generator)
    assert frechet_infinity(real, fake, generator=generator).value == pytest.approx(8, rel=0.05)
