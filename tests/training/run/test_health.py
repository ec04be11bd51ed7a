"""What goes wrong in a training run is reported early, in plain words that say what to do."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator
from stylegan.training.run.folder import held_out
from stylegan.training.run.health import Health, mean_distance
from stylegan.training.schedule import schedule
from stylegan.training.state import TrainingState

from conftest import TINY

WELL = {
    "D_real_sign": 0.5,
    "D_fake_sign": -0.5,
    "diversity": 0.9,
    "D_seen": 2.0,
    "D_held_out": 1.8,
    "D_generated": -1.0,
}


@pytest.fixture
def health(portraits):
    return Health(portraits, held_out(len(portraits), 0), TINY)


def test_a_healthy_run_gives_no_warning(health):
    assert health.warnings(WELL) == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"D_real_sign": 0.99, "D_fake_sign": -1.0}, "D wins: it recognises 100% of the real pictures"),
        ({"diversity": 0.2}, "diversity collapses: generated pictures are 0.20 times as far apart"),
        ({"D_held_out": 0.0}, "D memorises: its mean logit for pictures it has never seen lies 67% of the way"),
    ],
)
def test_each_trouble_has_its_own_words_and_a_remedy(health, change, words):
    (warning,) = health.warnings(WELL | change).values()
    assert words in warning
    assert "r1_gamma" in warning


@pytest.mark.parametrize(("generated", "warned"), [(0.6, True), (1.1, False)])
def test_memorising_is_judged_only_if_d_tells_seen_from_generated_pictures(health, generated, warned):
    found = health.warnings(WELL | {"D_generated": generated, "D_held_out": generated})
    assert bool(found) == warned  # 2.0 for those that it has seen


def test_a_generator_of_one_picture_has_no_diversity(health):
    state = TrainingState.new(TINY, torch.device("cpu"))
    for layer in state.G_ema.mapping.layers:
        layer.weight.zero_()
    stats = health.measure(state, schedule(TINY, 10**9))
    assert stats["diversity"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("seen", "kept_back", "batch"), [(1, 5, 4), (3, 1, 4), (31, 33, 4), (31, 33, 6), (31, 9, 64)])
def test_the_networks_are_given_whole_deviation_groups_and_few_pictures_at_once(
    portraits, monkeypatch, seen, kept_back, batch
):
    sizes = []
    for network in (Generator, Discriminator):
        forward = network.forward
        monkeypatch.setattr(
            network, "forward", lambda self, x, *a, f=forward, **kw: (sizes.append(len(x)), f(self, x, *a, **kw))[1]
        )
    some = Part(portraits, seen + kept_back)
    state = TrainingState.new(TINY, torch.device("cpu"))
    phase = replace(schedule(TINY, 10**9), batch=batch)
    stats = Health(some, np.arange(kept_back), TINY).measure(state, phase)
    assert all(n in (1, 2, 3) or (n % 4 == 0 and n <= 16) for n in sizes)
    assert max(sizes) <= max(batch, 4)
    assert ("diversity" in stats) == (seen > 1)
    assert "D_held_out" in stats


class Part:
    """The first pictures of a data set."""

    def __init__(self, dataset, count):
        self.batch, self.labels, self.count = dataset.batch, dataset.labels, count

    def __len__(self):
        return self.count


SILENT = WELL | {"diversity": 0.79, "D_loss": 1.386, "D_real": 0.02, "D_fake": -0.02, "lod": 0.0, "resolution": 32}


@pytest.mark.parametrize(("real", "fake"), [(0.02, -0.02), (0.03, -0.03)])
def test_a_silent_d_is_reported_at_its_third_tick_with_a_remedy(health, real, fake):
    """The logits of the runs of shared/spec/training-leads.md whose faces had one and the same mouth."""
    said = [health.new_warnings(SILENT | {"D_real": real, "D_fake": fake}) for _ in range(4)]
    assert [len(words) for words in said] == [0, 0, 1, 0]
    assert "D no longer tells real from generated pictures" in said[2][0]
    assert "lower lrate" in said[2][0]


@pytest.mark.parametrize(
    "change",
    [
        {"D_real": 0.049, "D_fake": -0.056, "D_loss": 1.363},  # the quietest tick of a good run on photographs
        {"D_real": 0.14, "D_fake": -0.13, "D_loss": 1.33},  # the demo's portraits
        {"D_real": 0.022, "D_fake": -0.023, "D_loss": 1.377, "diversity": 1.16},  # 64 px, all kinds of faces
        {"D_loss": 0.0},  # WGAN-GP, whose logits have no zero
        {"lod": 0.3},  # what fades in is new to D
    ],
)
def test_a_d_that_speaks_or_has_a_new_resolution_is_not_silent(health, change):
    assert [health.new_warnings(SILENT | change) for _ in range(9)] == [[]] * 9


def test_silence_counts_in_a_row_and_at_one_resolution(health):
    at_16 = SILENT | {"resolution": 16}
    lines = [at_16, at_16, SILENT, SILENT, WELL, SILENT, SILENT]
    assert [health.new_warnings(line) for line in lines] == [[]] * 7


def test_a_warning_is_said_once_until_it_clears(health):
    bad = WELL | {"diversity": 0.2}
    assert [len(health.new_warnings(stats)) for stats in (bad, bad, WELL, bad)] == [1, 0, 0, 1]


def test_the_mean_distance_of_a_triangle():
    corners = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])[:, :, None, None]
    assert mean_distance(corners) == pytest.approx((3 + 4 + 5) / 3)


def test_pictures_are_held_out_only_where_there_are_plenty():
    assert [len(held_out(count, 0)) for count in (100, 1599, 1600, 10_000, 10**6)] == [0, 0, 32, 200, 256]
    assert len(held_out(1650, 0)) == 32  # of 33: a multiple of 4
    assert sorted(held_out(2000, 0)) != sorted(held_out(2000, 1))
