"""Nearest neighbours, computed by hand and in blocks."""

import numpy as np
import pytest
import torch

from stylegan.metrics import neighbours
from stylegan.metrics.neighbours import nearest

random = np.random.RandomState(0)


def test_the_nearest_of_three_points_on_a_line():
    distances, indices = nearest([[0.0], [10]], [[1.0], [4], [12]], 2)
    assert distances.tolist() == [[1, 4], [2, 6]]
    assert indices.tolist() == [[0, 1], [2, 1]]


@pytest.mark.parametrize("block", [1, 7, 10**6])
def test_the_blocks_change_nothing(monkeypatch, block):
    monkeypatch.setattr(neighbours, "BLOCK", block)
    queries, references = random.randn(23, 6), random.randn(31, 6)
    every = np.linalg.norm(queries[:, None] - references, axis=2)
    distances, indices = nearest(queries, references, 5)
    np.testing.assert_array_equal(indices, every.argsort(axis=1)[:, :5])
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :5], rtol=1e-9)


def test_a_memorised_picture_has_distance_0_exactly():
    references = torch.randn(200, 500, generator=torch.Generator().manual_seed(0)) + 30
    distances, indices = nearest(references[50:60], references, 1)
    assert indices[:, 0].tolist() == list(range(50, 60))
    assert (distances == 0).all()
