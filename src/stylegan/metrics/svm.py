"""A linear support vector machine, solved exactly."""

import torch
from torch import Tensor

C = 1.0  # weight of the violations: scikit-learn's default, which the authors used
STEPS = 100  # Newton's method needs about ten
TOLERANCE = 1e-9  # of the gradient at 0


def linear_svm(X: Tensor, positive: Tensor) -> Tensor:
    """Weights w (D + 1,), the offset last. A row of X (N, D), float64, is called positive if x @ w[:-1] + w[-1] > 0.

    positive: (N,) bool, what the rows are. Minimises |w|^2 / 2 + C sum max(0, 1 - y f(x))^2, where y is 1 or -1 and the
    offset is penalized like a weight, as liblinear does for scikit-learn's LinearSVC. This loss is smooth and convex,
    so Newton's method on the violators ends at its only minimum (Keerthi & DeCoste, JMLR 2005), without randomness.
    """
    X = torch.cat([X, X.new_ones(len(X), 1)], dim=1)
    X = torch.where(positive[:, None], X, -X)  # now a violation is 1 - x . w
    w = X.new_zeros(X.shape[1])
    enough = TOLERANCE * 2 * C * X.sum(dim=0).norm()
    for _ in range(STEPS):
        violators = X[X @ w < 1]
        gradient = w - 2 * C * violators.T @ (1 - violators @ w)
        if gradient.norm() <= enough:
            break
        hessian = torch.eye(len(w), dtype=w.dtype, device=w.device) + 2 * C * violators.T @ violators
        w = _downhill(X, w, -torch.linalg.solve(hessian, gradient), gradient)
    return w


def _downhill(X: Tensor, w: Tensor, step: Tensor, gradient: Tensor) -> Tensor:
    """w + step. The step is halved until the loss falls enough (Armijo), because a full step may overshoot."""
    before, slope = _loss(X, w), gradient @ step
    share = 1.0
    while share > 1e-10 and _loss(X, w + share * step) > before + 1e-4 * share * slope:
        share /= 2
    return w + share * step


def _loss(X: Tensor, w: Tensor) -> Tensor:
    return w.square().sum() / 2 + C * (1 - X @ w).clamp(min=0).square().sum()
