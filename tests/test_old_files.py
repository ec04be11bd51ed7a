"""Files of version 0.1 are read, their seeds give the same pictures, and its run ends with the same weights.

To the last bit where they were recorded (tests/data/version-0.1/README.md); elsewhere, rounding is another.
"""

import hashlib
import json
import shutil

import numpy as np
import pytest
import safetensors.numpy
import torch
from PIL import Image

import stylegan

from old_files import OLD, command, environment

CASES = json.loads((OLD / "cases.json").read_text())
SAMPLES = [name for name, argv in CASES.items() if argv[0] == "sample" and "--shard" not in argv]
TILES = {"mix": (slice(65, 467), slice(78, 480)), "levels": (slice(65, 1001), slice(102, 360))}
"""Where the pictures are on the sheets; the words around them may change."""

EXACT = environment() == json.loads((OLD / "expected" / "environment.json").read_text())
LEVELS = 0 if EXACT else 1  # of 255, by which a pixel may differ: rounding moves few across the edge between two
WAY = 0 if EXACT else 0.1
"""Of the way that a network's weights went, how far from their end it may end elsewhere. Adam makes full steps of the
smallest gradients, whose sign is rounding. Without vector instructions 0.03; with the moments of Adam lost 0.24."""


@pytest.fixture(autouse=True)
def in_the_folder(monkeypatch):
    """The commands of cases.json name files in their own folder."""
    monkeypatch.chdir(OLD)


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)


def assert_same_pictures(made, expected):
    assert made.shape == expected.shape
    assert abs(made - expected).max() <= LEVELS


@pytest.mark.parametrize("name", SAMPLES)
def test_seeds_give_the_pictures_that_they_gave(name, tmp_path):
    command(*CASES[name], "--out", str(tmp_path / "made"))
    expected = sorted(path.name for path in (OLD / "expected" / name).iterdir())
    assert sorted(path.name for path in (tmp_path / "made").glob("[!.]*")) == expected
    for file in expected:
        assert_same_pictures(pixels(tmp_path / "made" / file), pixels(OLD / "expected" / name / file))


@pytest.mark.skipif(not EXACT, reason="recorded on another machine, or with other packages")
def test_a_picture_is_the_same_file(tmp_path):
    command(*CASES["defaults"], "--out", str(tmp_path / "made"))
    for path in (OLD / "expected" / "defaults").iterdir():
        assert (tmp_path / "made" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", TILES)
def test_sheets_show_the_pictures_that_they_showed(name, tmp_path):
    command(*CASES[name], "--out", str(tmp_path / "made.png"))
    assert_same_pictures(
        pixels(tmp_path / "made.png")[TILES[name]], pixels(OLD / "expected" / f"{name}.png")[TILES[name]]
    )


def test_python_gives_the_pictures_of_the_command():
    G, seeds = stylegan.load("run"), [0, 1, 2, 3, 20]
    files = [OLD / "expected" / "defaults" / f"seed{seed:04d}.png" for seed in seeds]
    expected = np.stack([pixels(file) for file in files]).transpose(0, 3, 1, 2)
    sampled = np.concatenate(list(stylegan.sample(G, seeds, truncation_psi=0.7, truncation_cutoff=8)))
    assert_same_pictures(sampled.astype(int), expected)
    assert_same_pictures(stylegan.recipe(G, seeds, stylegan.Controls()).pictures(G).astype(int), expected)


def test_a_shard_is_done_and_the_next_one_is_of_the_same_job(tmp_path):
    shards = tmp_path / "shards"
    shutil.copytree(OLD / "expected" / "shards", shards)
    before = (shards / "shard-00000-of-00002.tar").stat().st_mtime_ns
    command(*CASES["shards"], "--out", str(shards))
    assert (shards / "shard-00000-of-00002.tar").stat().st_mtime_ns == before
    command(*[word.replace("0/2", "1/2") for word in CASES["shards"]], "--out", str(shards))
    jobs = [json.loads(path.read_text())["job"] for path in sorted(shards.glob("*.json"))]
    assert len(jobs) == 2
    assert jobs[0] == jobs[1]


@pytest.mark.skipif(not EXACT, reason="recorded on another machine, or with other packages")
def test_a_shard_is_the_same_tar(tmp_path):
    command(*CASES["shards"], "--out", str(tmp_path))
    made = (tmp_path / "shard-00000-of-00002.tar").read_bytes()
    manifest = json.loads((OLD / "expected" / "shards" / "shard-00000-of-00002.json").read_text())
    assert hashlib.sha256(made).hexdigest() == manifest["sha256"]


@pytest.fixture(scope="module")
def gone_on(tmp_path_factory):
    """The run, continued to its end."""
    run = tmp_path_factory.mktemp("gone-on") / "run"
    shutil.copytree(OLD / "run", run)
    stylegan.resume(run, data=OLD / "data", device=torch.device("cpu"))
    return run


@pytest.mark.skipif(not EXACT, reason="recorded on another machine, or with other packages")
def test_the_run_goes_on_to_the_same_state(gone_on):
    state = safetensors.numpy.load_file(gone_on / "state.safetensors")
    sums = {name: hashlib.sha256(array.tobytes()).hexdigest()[:16] for name, array in state.items()}
    assert sums == json.loads((OLD / "expected" / "state.json").read_text())


@pytest.mark.parametrize("name", ["G", "D", "G_ema"])
def test_the_run_goes_on_to_the_same_networks(gone_on, name):
    runs = [stylegan.load_networks(path) for path in (OLD / "run", OLD / "expected" / "end.safetensors", gone_on)]
    start, end, made = (run.modules()[name].state_dict() for run in runs)
    assert made.keys() == end.keys()
    assert distance(made, end) <= WAY * distance(start, end)
    assert runs[2].metadata == runs[1].metadata == {"cur_nimg": 200}


def distance(ours, theirs):
    """Of two sets of weights; those of the mapping network are stored 100 times larger than others."""
    parts = [(ours[name] - t).norm() / t.abs().max().clamp(min=1) for name, t in theirs.items()]
    return torch.stack(parts).norm().item()


def test_the_run_keeps_its_statistics_and_goes_on_with_them(gone_on):
    before, after = (folder.joinpath("stats.jsonl").read_text().splitlines() for folder in (OLD / "run", gone_on))
    assert after[: len(before)] == before
    assert json.loads(after[-1])["cur_nimg"] == 200


@pytest.mark.parametrize("name", ["classes", "rgba", "A"])
def test_a_network_is_written_as_it_was_read(name, tmp_path):
    networks = stylegan.load_networks(f"{name}.safetensors")
    stylegan.save(tmp_path / "again.safetensors", networks)
    again = stylegan.load_networks(tmp_path / "again.safetensors")
    assert again.G_ema.config == networks.G_ema.config
    assert again.metadata == networks.metadata
    theirs = safetensors.numpy.load_file(OLD / f"{name}.safetensors")
    ours = safetensors.numpy.load_file(tmp_path / "again.safetensors")
    assert ours.keys() == theirs.keys()
    assert [key for key in theirs if ours[key].tobytes() != theirs[key].tobytes()] == []


def test_a_training_run_starts_from_an_old_network(tmp_path):
    old = stylegan.load("classes.safetensors")
    config = stylegan.Config.from_json(old.config.to_json()).but(total_kimg=0.004, initial_resolution=16)
    G = stylegan.train("data", tmp_path / "run", config=config, init="classes.safetensors", device=torch.device("cpu"))
    torch.testing.assert_close(G.w_avg, old.w_avg, rtol=0, atol=0.1)  # one step later; a new network's is 0
    assert G.w_avg.abs().max() > 0.1
