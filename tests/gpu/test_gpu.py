"""A CUDA device gives what the CPU gives: training, going on, sampling, projection. In float32, and in bfloat16.

Float32 differs by rounding alone, about 1e-6 of a number. bfloat16 keeps 8 bits: 4e-3 of each number.
"""

import json
import shutil
import signal
import warnings
from contextlib import nullcontext
from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

import stylegan
from stylegan.training.machine import graphs

from conftest import TINY
from stand_in import Generator

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
CPU, CUDA = torch.device("cpu"), torch.device("cuda")
CONFIG = TINY.but(initial_resolution=16, batch=8, total_kimg=0.024)  # three steps at 16x16
FADING = TINY.but(batch=8, total_kimg=0.04, level_kimg=0.008, fade_kimg=0.024)  # from 4x4, a fade

WAY = {"float32": 0.1, "bfloat16": 0.8}
"""How far from the CPU's end a network may end, of the way that its weights went. Adam, with beta1 0, makes full steps
of the smallest gradients: where rounding turns a sign, a weight ends two steps off. Of the signs, 0.25 % turned make
0.1, and 16 % make 0.8; unrelated gradients, of which half have another sign, make 1.4. In bfloat16 on a CPU: 0.6."""

REL, ABS = {"float32": 1e-3, "bfloat16": 0.02}, {"float32": 1e-3, "bfloat16": 0.1}
"""Of the mean losses of the steps. In bfloat16 WGAN-GP's were off by 0.03 on a CPU and by 0.07 on an H100."""


class DrawnOnTheCPU(TorchFunctionMode):
    """Random numbers for the device come from a stream of the CPU, so that both devices train on the same."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if isinstance(kwargs.get("generator"), Generator) and kwargs.get("device") is not None:
            return func(*args, **(kwargs | {"device": CPU})).to(kwargs["device"])
        return func(*args, **kwargs)


@pytest.fixture(autouse=True)
def same_numbers(monkeypatch):
    """No convolutions in TF32, which keeps 11 bits, and the same random numbers on both devices."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    with mock.patch.object(torch, "Generator", Generator), DrawnOnTheCPU():
        yield


@pytest.fixture(params=["float32", "bfloat16"])
def precision(request, monkeypatch):
    """The training's own choice is bfloat16 where the device has it."""
    if request.param == "bfloat16" and not torch.cuda.is_bf16_supported():
        pytest.skip("this device has no bfloat16")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: request.param == "bfloat16")
    return request.param


def autocast(precision):
    """For what is float32 unless its caller asks for less."""
    return torch.autocast("cuda", torch.bfloat16) if precision == "bfloat16" else nullcontext()


def networks(run, cur_nimg):
    """The weights of a snapshot."""
    return stylegan.load_networks(run / f"snapshot-{cur_nimg:09d}.safetensors").modules()


def distance(ours, theirs):
    """Between two networks' weights; those of the mapping network are stored 100 times larger than others."""
    ours, theirs = ours.state_dict(), theirs.state_dict()
    parts = [(ours[name] - t).norm() / t.abs().max().clamp(min=1) for name, t in theirs.items()]
    return torch.stack(parts).norm().item()


def stats_of(run):
    return json.loads((run / "stats.jsonl").read_text().splitlines()[-1])


@pytest.mark.parametrize(
    "changes",
    [{}, {"loss": "wgan_gp"}, {"shared_fakes": True}, {"r1_interval": 16}],
    ids=["paper", "wgan_gp", "shared fakes", "lazy R1"],
)
def test_three_steps_of_training_are_those_of_the_cpu(precision, changes, portraits, tmp_path):
    config, runs = CONFIG.but(**changes), {device: tmp_path / device.type for device in (CPU, CUDA)}
    for device, run in runs.items():
        stylegan.train(portraits.path, run, config=config, device=device)
    for name in ("G", "D"):
        start, cpu = (networks(runs[CPU], cur_nimg)[name] for cur_nimg in (0, 24))
        cuda = networks(runs[CUDA], 24)[name]
        assert distance(cpu, start) > 0.01
        assert distance(cuda, cpu) <= WAY[precision] * distance(cpu, start)
    cpu, cuda = stats_of(runs[CPU]), stats_of(runs[CUDA])
    for name in ("D_loss", "G_loss"):
        assert cuda[name] == pytest.approx(cpu[name], rel=REL[precision], abs=ABS[precision])


@pytest.mark.parametrize(
    "changes",
    [{}, {"loss": "wgan_gp"}, {"r1_interval": 2}, {"batch_gpu": 4}, {"initial_resolution": 4}],
    ids=["paper", "wgan_gp", "lazy R1", "in parts", "growing"],
)
def test_recorded_steps_are_the_steps(precision, changes, portraits, tmp_path, monkeypatch):
    config = FADING.but(**({"initial_resolution": 16, "total_kimg": 0.08} | changes))
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    for eager in (graphs.EAGER_STEPS, 100):
        monkeypatch.setattr(graphs, "EAGER_STEPS", eager)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            stylegan.train(portraits.path, tmp_path / str(eager), config=config, device=CUDA)
    for name in ("G", "D"):
        recorded, as_it_is = (networks(tmp_path / str(eager), 80)[name] for eager in (2, 100))
        assert distance(recorded, as_it_is) == 0


def test_a_run_of_the_device_goes_on_there_as_on_the_cpu(precision, portraits, tmp_path, signals_at):
    signals_at(3, signal.SIGINT)
    stylegan.train(portraits.path, tmp_path / "cuda", config=FADING, device=CUDA)
    stopped = networks(tmp_path / "cuda", 24)
    shutil.copytree(tmp_path / "cuda", tmp_path / "cpu")
    for device in (CPU, CUDA):
        assert stylegan.resume(tmp_path / device.type, device=device).w_avg.device.type == device.type
    for name in ("G", "D"):
        cpu, cuda = (networks(tmp_path / run, 40)[name] for run in ("cpu", "cuda"))
        assert distance(cuda, cpu) <= WAY[precision] * distance(cpu, stopped[name])


@pytest.mark.parametrize("noise", ["random", "const", "none"])
def test_sampling_gives_the_pictures_of_the_cpu(precision, G, noise):
    controls = stylegan.Controls(noise=noise, towards="mean:100")
    on_cpu = stylegan.recipe(G, range(4), controls).pictures(G).astype(int)
    device_G = stylegan.Generator(G.config).requires_grad_(False).to(CUDA)
    device_G.load_state_dict(G.state_dict())
    with autocast(precision):
        on_device = stylegan.recipe(device_G, range(4), controls).pictures(device_G)
    differences = np.abs(on_device - on_cpu)
    if precision == "float32":
        assert differences.max() <= 1  # a number at the edge between two levels
    else:
        assert differences.mean() < 2  # of 255; 0.7 with bfloat16 on a CPU


def test_projection_comes_as_close_as_on_the_cpu(precision, make):
    distances = {}
    for device in (CPU, CUDA):
        G = make(img_resolution=16).to(device)
        target = np.concatenate(list(stylegan.sample(G.cpu(), [3], noise_mode="none")))
        with autocast(precision) if device == CUDA else nullcontext():
            found = stylegan.project(
                G.to(device), target, steps=20, perceptual=lambda images: [images, F.avg_pool2d(images, 4)]
            )
        assert found.ws.device.type == device.type
        assert found.distances[0] < found.start_distances[0]
        distances[device] = found.distances[0]
    assert distances[CUDA] == pytest.approx(distances[CPU], rel={"float32": 0.05, "bfloat16": 0.3}[precision])
