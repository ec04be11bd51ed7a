"""The time that a training run will still take."""

import io

import pytest
from rich.console import Console

from stylegan.config import CONFIG_F
from stylegan.training.run import bar
from stylegan.training.run.bar import Eta, clock, image_cost_mflop
from stylegan.training.schedule import schedule


@pytest.mark.parametrize(("seconds", "text"), [(5, "0:05"), (545, "9:05"), (4145, "1:09:05"), (90_000, "1 d 1:00:00")])
def test_a_time_reads_like_a_clock(seconds, text):
    assert clock(seconds) == text


def test_the_levels_to_come_are_known_to_be_slower():
    config = CONFIG_F.but(img_resolution=64).for_budget(100)
    eta = Eta(config)
    for _ in range(300):
        eta.step(0.001, schedule(config, 0))
    assert eta.img_per_sec == pytest.approx(1000)
    first_level = eta.seconds(0, 10_000)
    assert first_level == pytest.approx(10, rel=0.01)
    assert eta.seconds(0, 100_000) > 10 * first_level
    assert eta.words(0).startswith("16x16 in 0:10, end in ")


def test_the_eta_to_the_end_is_the_sum_of_its_parts():
    config = CONFIG_F.but(img_resolution=32).for_budget(50)
    eta = Eta(config)
    eta.step(0.01, schedule(config, 0))
    assert eta.seconds(0, 50_000) == pytest.approx(eta.seconds(0, 20_000) + eta.seconds(20_000, 50_000))


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_bar_gives_the_terminal_away_and_takes_it_back(monkeypatch, is_terminal):
    monkeypatch.setattr(bar, "voice", lambda: Console(file=io.StringIO(), force_terminal=is_terminal))
    with bar.Bar(CONFIG_F.but(img_resolution=32).for_budget(50), 0) as shown:
        assert shown.progress.live.is_started == is_terminal
        with shown.paused():
            assert not shown.progress.live.is_started
        assert shown.progress.live.is_started == is_terminal
    assert not shown.progress.live.is_started


def test_time_away_does_not_count_as_training(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(bar.time, "monotonic", lambda: now[0])
    with bar.Bar(CONFIG_F.but(img_resolution=32).for_budget(50), 0) as shown:
        with shown.paused():
            now[0] += 1000
        now[0] += 2
        shown.update(32, schedule(shown.config, 32), {"D_loss": 1.0, "G_loss": 1.0})
        assert shown.speed() == {"img_per_sec": 16}


def test_a_level_costs_its_convolutions_and_those_below_it():
    config = CONFIG_F.but(channel_base=1024, channel_max=1, img_resolution=8)
    at_4 = 16 * (9 + 9) / 1e6
    at_8 = 64 * (9 + 4) / 1e6
    assert image_cost_mflop(config, 8) - image_cost_mflop(config, 4) == pytest.approx(at_8)
    assert image_cost_mflop(config, 4) == pytest.approx(3 + at_4)
