"""Linear separability: the authors' entropies, known hyperplanes, and scikit-learn's support vector machine."""

import numpy as np
import pytest
import torch

from stylegan.errors import InputError
from stylegan.metrics.separability import conditional_entropy, separability
from stylegan.metrics.svm import linear_svm

import golden


def draw(N=2000, dim=6, seed=0):
    return torch.randn(N, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_entropies_and_the_score_of_the_authors_tables_are_the_authors():
    d = np.load(golden.FOLDER / "metrics_math.npz")
    found = [conditional_entropy(table) for table in d["ls/tables"]]
    np.testing.assert_allclose(found, d["ls/cond_entropy"], atol=1e-6)
    assert 2 ** sum(found) == pytest.approx(d["ls/score_of_all"], rel=1e-6)


def test_rows_are_predictions_and_the_entropy_is_of_the_target_given_them():
    """Predictions that are always yes tell nothing about a target that is yes half of the time. In the transposed table
    everything is known."""
    assert conditional_entropy([[0, 0], [0.5, 0.5]]) == pytest.approx(1)
    assert conditional_entropy([[0, 0.5], [0, 0.5]]) == 0


def test_counts_work_like_probabilities_and_a_rare_error_costs_the_textbook_value():
    one_in_ten = -(0.9 * np.log2(0.9) + 0.1 * np.log2(0.1))
    assert conditional_entropy(torch.tensor([[90, 10], [0, 100]])) == pytest.approx(one_in_ten / 2)


def test_attributes_that_a_hyperplane_divides_cost_nothing():
    z = draw()
    assert separability(z, z[:, :3] @ draw(3, 4, seed=1)).score == pytest.approx(1, abs=0.05)


def test_attributes_that_are_independent_of_the_code_cost_a_bit_each():
    found = separability(draw(), draw(dim=3, seed=1))
    assert found.entropies == pytest.approx([1, 1, 1], abs=0.02)
    assert found.score == pytest.approx(8, rel=0.03)


def test_an_attribute_that_is_not_linear_in_z_can_be_linear_in_w():
    """The paper's reason for W: large |z_0| is not a half-space of Z."""
    z = draw()
    w = torch.cat([z[:, :1].abs(), z[:, 1:]], dim=1)
    logits = z[:, :1].abs() - 0.67
    assert separability(z, logits).score > 1.9
    assert separability(w, logits).score < 1.1


def test_only_the_most_confident_half_is_used():
    z = draw()
    noise = torch.rand(2000, generator=torch.manual_seed(0)).double() - 0.5
    logits = torch.where(z[:, 0].abs() > z[:, 0].abs().median(), z[:, 0].sign(), 0.1 * noise)[:, None]
    assert separability(z, logits, keep=0.5).score < 1.01
    assert separability(z, logits, keep=1.0).score > 1.3


def test_an_attribute_that_all_pictures_have_costs_nothing():
    assert separability(draw(), torch.rand(2000, 2) + 0.1) == (1, [0, 0])


@pytest.mark.parametrize("scale", [0.05, 1, 30])
def test_the_machine_equals_scikit_learns(scale):
    svm = pytest.importorskip("sklearn.svm", reason="scikit-learn comes with the extra [dev]")
    X = (draw(400, 5) * scale).numpy() + scale
    y = X[:, 0] + scale * np.random.RandomState(0).randn(400) > 1.2 * scale
    theirs = svm.LinearSVC(dual=False, tol=1e-10, max_iter=10_000).fit(X, y)
    ours = linear_svm(torch.from_numpy(X), torch.from_numpy(y)).numpy()
    np.testing.assert_allclose(ours, [*theirs.coef_[0], theirs.intercept_[0]], rtol=1e-4, atol=1e-6)


def test_no_small_step_from_the_machine_makes_its_loss_smaller():
    X, y = draw(300, 4), draw(300, 1, seed=2)[:, 0] > 0.3
    w = linear_svm(X, y).requires_grad_()
    margins = torch.where(y, 1.0, -1.0) * (X @ w[:-1] + w[-1])
    (w.square().sum() / 2 + (1 - margins).clamp(min=0).square().sum()).backward()
    assert w.grad.norm() < 1e-6


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: separability(draw(10), draw(9)), "codes of 10 pictures and logits of 9"),
        (lambda: separability(draw(10), draw(10), keep=0), "keep 0 of 10 pictures"),
        (lambda: separability(draw(10), draw(10) * torch.nan), "logits: 10 of 10 rows hold NaN"),
        (lambda: conditional_entropy([[0, 0], [0, 0]]), "not all 0"),
        (lambda: conditional_entropy([[1, -1], [0, 0]]), "numbers from 0 up"),
    ],
)
def test_codes_and_logits_that_do_not_fit_are_refused(call, text):
    with pytest.raises(InputError, match=text):
        call()
