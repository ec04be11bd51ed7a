"""What a training run infers from its data, its budget, its GPUs and the network that it starts from."""

import json
import sys
from dataclasses import fields

import numpy as np
import pytest
from PIL import Image

import stylegan
from stylegan import checkpoint, cli
from stylegan.config import BATCHES, CONFIG_A, CONFIG_E, CONFIG_F
from stylegan.data.dataset import ImageDataset
from stylegan.data.prepare import prepare
from stylegan.errors import InputError
from stylegan.networks.generator import Generator
from stylegan.training import train as train_module
from stylegan.training.fitted import fitted
from stylegan.training.train import train

from conftest import TINY


@pytest.fixture(scope="module")
def gray_classes(tmp_path_factory):
    """A data set of 2 classes, gray, at 8 px."""
    folder = tmp_path_factory.mktemp("classes")
    for i, name in enumerate(["cats", "dogs"] * 4):
        (folder / "animals" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 20 * i, np.uint8)).save(folder / "animals" / name / f"{i}.png")
    prepare(folder / "animals", folder / "data", img_channels=1)
    return folder / "data"


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The file of a narrow network of 16 px that has grown to 8 px and half way to 16."""
    path = tmp_path_factory.mktemp("network") / "G.safetensors"
    checkpoint.save(path, Generator(TINY, 0.5).eval())
    return path


def changed(before, after):
    return {each.name for each in fields(after) if getattr(before, each.name) != getattr(after, each.name)}


def test_the_data_set_gives_resolution_and_channels_and_nothing_else(portraits, gray_classes):
    config = fitted(portraits)
    assert changed(CONFIG_F, config) == {"img_resolution", "augment"}  # few pictures: test_augmented_runs
    assert config.img_resolution == 16
    config = fitted(gray_classes, config=CONFIG_E)
    assert changed(CONFIG_E, config) == {"img_resolution", "img_channels", "augment"}
    assert (config.img_resolution, config.img_channels, config.c_dim) == (8, 1, 0)


def test_classes_are_used_if_wanted_and_refused_if_there_are_none(portraits, gray_classes):
    assert fitted(gray_classes, cond=True).c_dim == 2
    with pytest.raises(InputError, match="has no classes: prepare a folder of class folders"):
        fitted(portraits, cond=True)


def test_growing_starts_no_larger_than_the_data(portraits):
    assert fitted(portraits, config=CONFIG_F.but(initial_resolution=64)).initial_resolution == 16
    assert fitted(portraits, config=CONFIG_A).initial_resolution == 4


def test_a_budget_scales_the_schedule_of_the_fitted_resolution(portraits):
    config = fitted(portraits, 10)
    assert config == fitted(portraits).for_budget(10)
    assert (config.total_kimg, config.level_kimg, config.fade_kimg) == (10, 3.0, 3.0)  # one growth, from 8 to 16


@pytest.mark.parametrize("gpus", [1, 2, 4, 8])
def test_gpus_give_the_authors_batch_sizes(portraits, gpus):
    config = fitted(portraits, None, gpus, config=CONFIG_E)
    assert (config.batch, config.batch_at) == BATCHES[gpus]


@pytest.mark.parametrize("gpus", [1, 2, 4, 8])
def test_your_own_batch_stays_whatever_the_number_of_gpus(portraits, gpus):
    config = fitted(portraits, None, gpus, config=CONFIG_F.but(batch=64))
    assert (config.batch, config.batch_at) == (64, {})


@pytest.mark.parametrize("gpus", [None, 3])
def test_other_numbers_of_gpus_keep_the_batch_sizes(portraits, gpus):
    config = fitted(portraits, None, gpus, config=CONFIG_F.but(batch=12, batch_at={}))
    assert (config.batch, config.batch_at) == (12, {})


def test_a_network_to_start_from_gives_widths_and_growth(portraits, network):
    config = fitted(ImageDataset(portraits.path), 10, init=network)
    assert (config.w_dim, config.channel_max, config.mapping_layers) == (8, 8, 2)
    assert config.initial_resolution == 16  # what fades in has begun
    assert (config.batch, config.ema_kimg) == (CONFIG_F.batch, 0.4)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--lrate", "0.000001", "--batch", "4"], {"lrate": 1e-6, "lrate_at": {}, "batch": 4, "batch_at": {}}),
        (["--lrate=0.001"], {"lrate": 0.001, "lrate_at": {}, "batch_at": CONFIG_F.batch_at}),
        (["--tick-kimg", "5"], {"tick_kimg": 5.0, "tick_kimg_at": {}}),
        (["--tick_kimg", "5", "--kimg", "10"], {"tick_kimg": 5.0, "tick_kimg_at": {}, "total_kimg": 10.0}),
        (["--batch", "8", "--batch-at", "16:4"], {"batch": 8, "batch_at": {16: 4}}),
        (["--config", "A", "--batch", "64"], {"batch": 64, "max_batch_per_gpu": {}}),
        (["--no-mirror", "--precision", "fp32"], {"mirror": False, "precision": "fp32", "lrate_at": CONFIG_F.lrate_at}),
    ],
)
def test_what_is_typed_is_what_trains(portraits, stop_before_training, tmp_path, monkeypatch, flags, expected):
    argv = ["stylegan", "train", "--data", str(portraits.path), "--out", str(tmp_path / "run"), *flags]
    argv += ["--channel-base", "128", "--channel-max", "8", "--mapping-layers", "1"]
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(StoppedError):
        cli.main()
    (config,) = stop_before_training
    assert {name: getattr(config, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--lrate-at", "1024:0.1"], "--lrate-at at 1024: this run only trains at 8, 16 px"),
        (["--kimg", "1", "--total-kimg", "2"], "--kimg scales the whole schedule"),
        (["--device", "tpu"], "device 'tpu'"),
    ],
)
def test_typed_values_without_effect_are_refused(portraits, tmp_path, monkeypatch, capsys, flags, words):
    argv = ["stylegan", "train", "--data", str(portraits.path), "--out", str(tmp_path / "run"), *flags]
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    assert words in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "run").exists()


class StoppedError(Exception):
    """Before the first step."""


@pytest.fixture
def stop_before_training(monkeypatch):
    """Gives the configurations that a training run would have had."""
    configs = []

    def stop(keeping, dataset, state):
        configs.append(state.config)
        raise StoppedError

    monkeypatch.setattr(train_module, "_go_on", stop)
    return configs


@pytest.mark.parametrize(
    ("how", "flags"),
    [
        ({}, []),
        ({"kimg": 5.0}, ["--kimg", "5"]),
        ({"cond": True}, ["--cond"]),
        ({"init": "network", "kimg": 2.0}, ["--init", "network", "--kimg", "2"]),
    ],
)
def test_train_from_python_trains_what_the_command_trains(
    how, flags, gray_classes, network, stop_before_training, tmp_path, monkeypatch
):
    how = {name: network if value == "network" else value for name, value in how.items()}
    with pytest.raises(StoppedError):
        stylegan.train(gray_classes, tmp_path / "python", **how)
    flags = [str(network) if flag == "network" else flag for flag in flags]
    argv = ["stylegan", "train", "--data", str(gray_classes), "--out", str(tmp_path / "command"), *flags]
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(StoppedError):
        cli.main()
    from_python, from_command = stop_before_training
    assert from_python == from_command
    texts = [(tmp_path / way / "config.json").read_text() for way in ("python", "command")]
    assert texts[0] == texts[1]
    assert json.loads(texts[0])["config"]["img_channels"] == 1


def test_a_config_that_is_given_is_trained_as_it_is(portraits, stop_before_training, tmp_path):
    config = TINY.but(batch=8, total_kimg=3.0)
    with pytest.raises(StoppedError):
        train(portraits.path, tmp_path / "run", config=config)
    assert stop_before_training == [config]
    with pytest.raises(InputError, match=r"img_resolution 1024: the data set .* has 16"):
        train(portraits.path, tmp_path / "other", config=CONFIG_F)


@pytest.mark.parametrize("how", [{"kimg": 5.0}, {"cond": True}])
def test_a_config_says_budget_and_classes_itself(portraits, tmp_path, how):
    with pytest.raises(InputError, match=r"a config is used as it is.*give config=stylegan\.fitted\(data, kimg"):
        train(portraits.path, tmp_path / "run", config=TINY, **how)
    assert not (tmp_path / "run").exists()


def test_a_network_to_start_from_is_named_as_everywhere(portraits):
    assert fitted(portraits, init="portraits").channel_max == 64
    with pytest.raises(InputError, match=r"no such file, run folder or network in the box \(portraits\)"):
        fitted(portraits, init="portrait")
