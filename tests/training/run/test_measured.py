"""Metrics while training: they appear in the statistics and in a curve, and change nothing else."""

import json
import re
import shutil
import signal

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import stylegan
from stylegan.metrics.features import FeatureNetwork
from stylegan.training.run import measured

NAMES, TITLES = "kid16,mind16", ["kid16 (means)", "mind16 (means)"]


@pytest.fixture(autouse=True)
def means(monkeypatch):
    """Features that need no weights: means over parts of the pictures."""

    def function(images):
        return F.adaptive_avg_pool2d(images, 2).flatten(1)

    network = FeatureNetwork("means", function, 12, "none", "0" * 64)
    monkeypatch.setattr(measured, "find_features", lambda: network)
    return network


def stats_of(run):
    return [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]


def without_time(lines):
    return [{name: value for name, value in line.items() if name != "img_per_sec"} for line in lines]


def test_metrics_change_nothing_and_are_in_the_lines_with_a_snapshot(portraits, tiny, tmp_path):
    for name, metrics in (("with", NAMES), ("without", "")):
        stylegan.train(portraits.path, tmp_path / name, config=tiny, metrics=metrics)
    states = [(tmp_path / name / "state.safetensors").read_bytes() for name in ("with", "without")]
    assert states[0] == states[1]
    lines = stats_of(tmp_path / "with")
    snapshots = {int(re.findall(r"\d+", path.name)[0]) for path in (tmp_path / "with").glob("snapshot-*")}
    measured_at = {line["cur_nimg"] for line in lines if TITLES[0] in line}
    assert measured_at == snapshots - {0}
    assert all(set(TITLES) <= line.keys() for line in lines if line["cur_nimg"] in measured_at)
    bare = [{name: value for name, value in line.items() if name not in TITLES} for line in lines]
    assert without_time(bare) == without_time(stats_of(tmp_path / "without"))
    assert (tmp_path / "with" / "metrics.svg").exists() and not (tmp_path / "without" / "metrics.svg").exists()


def test_the_numbers_are_those_of_the_snapshot(portraits, tiny, tmp_path, means):
    config = tiny.but(mirror=True)
    stylegan.train(portraits.path, tmp_path / "run", config=config, metrics=NAMES)
    last = stats_of(tmp_path / "run")[-1]
    G = stylegan.load(tmp_path / "run")
    found = stylegan.metrics.measure(G, portraits, NAMES, features=means, mirror=True)
    assert {title: last[title] for title in TITLES} == pytest.approx({r.title: r.value for r in found})


def test_a_stopped_run_measures_the_same_when_it_goes_on(portraits, tiny, tmp_path, signals_at):
    stylegan.train(portraits.path, tmp_path / "whole", config=tiny, metrics=NAMES)
    signals_at(3, signal.SIGINT)
    stylegan.train(portraits.path, tmp_path / "run", config=tiny, metrics=NAMES)
    shutil.copytree(tmp_path / "run", tmp_path / "other")
    stylegan.resume(tmp_path / "run")
    assert without_time(stats_of(tmp_path / "run")) == without_time(stats_of(tmp_path / "whole"))
    assert (tmp_path / "run" / "metrics.svg").read_text() == (tmp_path / "whole" / "metrics.svg").read_text()
    stylegan.resume(tmp_path / "other", metrics="mind16")
    assert stats_of(tmp_path / "other")[-1].keys() & set(TITLES) == {TITLES[1]}
    assert json.loads((tmp_path / "other" / "config.json").read_text())["metrics"] == "mind16"


@pytest.mark.parametrize(
    ("metrics", "words"),
    [("fd6k", "must be"), ("kidd5k", "unknown metric"), ("ls_w", "classifier"), (5, "must be names")],
)
def test_what_cannot_be_measured_is_refused_before_there_is_a_folder(metrics, words, portraits, tiny, tmp_path):
    with pytest.raises(stylegan.InputError, match=words):
        stylegan.train(portraits.path, tmp_path / "run", config=tiny, metrics=metrics)
    assert not (tmp_path / "run").exists()


def test_the_random_numbers_of_the_user_stay_where_they_are(portraits, tiny, tmp_path):
    torch.manual_seed(3)
    before, numpy_before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    stylegan.train(portraits.path, tmp_path / "run", config=tiny, metrics=NAMES)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()


def test_a_snapshot_that_cannot_be_measured_is_a_warning_and_the_run_goes_on(
    portraits, tiny, tmp_path, monkeypatch, capsys
):
    def broken(self, G):
        raise stylegan.InputError("kid16 is not finite")

    monkeypatch.setattr(measured.Measured, "__call__", broken)
    stylegan.train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.02), metrics=NAMES)
    assert stats_of(tmp_path / "run")[-1]["cur_nimg"] == 20
    assert "warning: this snapshot is not measured: kid16 is not finite" in capsys.readouterr().err
    assert not (tmp_path / "run" / "metrics.svg").exists()


def test_the_curve_has_a_line_for_each_resolution(tmp_path):
    stats = [{"cur_nimg": i, "resolution": 8 if i < 2 else 16, "kid16 (means)": 9.0 - i} for i in range(4)]
    stats.append({"cur_nimg": 4, "resolution": 32})
    measured.write_curve(tmp_path, stats)
    assert re.findall(r">(\d+ px)<", (tmp_path / "metrics.svg").read_text()) == ["8 px", "16 px"]
    assert measured.by_resolution(stats, "kid16 (means)", [16]) == {"16 px": [[(2, 7.0), (3, 6.0)]]}
