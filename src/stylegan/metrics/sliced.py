"""MIND, the sliced Wasserstein distance of features (Berthet et al., arXiv 2605.06797).

It needs no covariance, so fewer pictures suffice.
"""

import torch
from torch import Tensor

from stylegan.errors import InputError
from stylegan.metrics.arrays import Array, checked

BLOCK = 2**22  # projected numbers of one set sorted at once, 32 MB


def mind(a: Array, b: Array, *, directions: int, generator: torch.Generator) -> float:
    """3 F times the mean, over random unit directions, of the squared 2-Wasserstein distance of the projections.

    a: (N, F), b: (M, F). The paper takes 1000 directions and N = M; the distance of projections is exact for N != M
    too. Raises InputError for fewer than 1 direction, other shapes, NaN or infinity.
    """
    a, b = checked(a=a, b=b)
    if directions < 1:
        raise InputError(f"MIND with {directions} directions: must be 1 or more; its authors take 1000")
    F = a.shape[1]
    u = torch.randn(directions, F, generator=generator, device=generator.device, dtype=torch.float64).to(a.device)
    u = u / u.norm(dim=1, keepdim=True)
    parts = u.split(max(1, BLOCK // max(len(a), len(b))))
    total = sum(squared_wasserstein(a @ part.T, b @ part.T).sum().item() for part in parts)
    return 3 * F * total / directions


def squared_wasserstein(x: Tensor, y: Tensor) -> Tensor:
    """W_2^2 (K,) of the numbers in each column of x (N, K) and y (M, K).

    After sorting, the i-th number of x is moved to the i-th of y. For N != M, each number of x has mass 1/N and each of
    y mass 1/M, and mass is moved in order.
    """
    N, M = len(x), len(y)
    ends = torch.cat([torch.arange(1, N + 1) * M, torch.arange(1, M + 1) * N]).unique().to(x.device)  # in 1 / (N M)
    mass = ends.diff(prepend=ends.new_zeros(1)).double() / (N * M)
    x, y = x.sort(dim=0).values[(ends - 1) // M], y.sort(dim=0).values[(ends - 1) // N]
    return mass @ (x - y).square()
