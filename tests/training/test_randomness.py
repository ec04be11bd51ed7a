"""Randomness is a function of the seed and the image count."""

import numpy as np
import pytest
import torch

from stylegan.networks.generator import Generator
from stylegan.training.randomness import DataOrder, draw, step_generator

from conftest import TINY

CPU = torch.device("cpu")


def draws(cur_nimg: int, seed: int = 0, N: int = 4, lod: float = 0.0, prob: float = 0.9):
    G = Generator(TINY, lod)
    return draw(G, None, N, style_mixing_prob=prob, generator=step_generator(seed, cur_nimg, CPU))


def test_the_same_step_draws_the_same_and_another_does_not():
    assert torch.equal(draws(100).z, draws(100).z)
    assert all(torch.equal(a, b) for a, b in zip(draws(100).noise, draws(100).noise, strict=True))
    assert not torch.equal(draws(100).z, draws(104).z)
    assert not torch.equal(draws(100).z, draws(100, seed=1).z)


def test_a_step_leaves_the_global_random_state_alone():
    G = Generator(TINY)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    draw(G, None, 4, style_mixing_prob=0.9, generator=step_generator(0, 100, CPU))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()


@pytest.mark.parametrize(("lod", "active"), [(0.0, 6), (0.5, 6), (1.0, 4), (2.0, 2)])
def test_the_crossover_lies_between_the_layers_that_are_grown(lod, active):
    crossovers = {int(draws(4 * i, lod=lod, prob=1.0).crossover) for i in range(200)}
    assert crossovers == set(range(1, active))


def test_nine_of_ten_batches_are_mixed():
    mixed = [draws(4 * i).crossover < 6 for i in range(500)]
    assert np.mean(mixed) == pytest.approx(0.9, abs=0.05)


def test_an_epoch_shows_every_picture_once_whatever_the_batch():
    order = DataOrder(np.arange(10, 23), seed=3)
    shown = np.concatenate([order(0, 4), order(4, 8), order(12, 1)])
    assert sorted(shown) == list(range(10, 23))
    assert np.array_equal(np.concatenate([order(0, 8), order(8, 5)]), shown)


def test_the_next_epoch_has_another_order_and_a_batch_may_span_both():
    order = DataOrder(np.arange(8), seed=0)
    assert not np.array_equal(order(0, 8), order(8, 8))
    assert np.array_equal(order(4, 8), np.concatenate([order(4, 4), order(8, 4)]))


def test_a_batch_may_be_larger_than_the_data_set():
    assert sorted(DataOrder(np.arange(3), seed=0)(0, 9)) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
