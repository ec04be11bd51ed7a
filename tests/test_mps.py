"""Everything runs on a device without float64, such as Apple's GPUs (MPS), which a stand-in imitates on any machine."""

import signal

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import stylegan
from stylegan.explorer.state import read_state

from conftest import TINY
from stand_in import MPS, stand_in


@pytest.fixture
def mps():
    with stand_in() as mode:
        yield mode


def test_the_stand_in_refuses_float64_on_the_device_and_nowhere_else(mps):
    x = torch.ones(3).to("mps")
    assert x.device == (x + 1).device == x[:2].device == torch.zeros(2, device="mps").device == MPS
    assert x.cpu().double().device.type == "cpu"
    assert torch.ones(3).double().sum() == 3
    refused = [
        x.double,
        lambda: x.to(torch.float64),
        lambda: torch.zeros(1, dtype=torch.float64, device="mps"),
        lambda: torch.ones(3).double().to("mps"),
    ]
    for make in refused:
        with pytest.raises(TypeError, match="doesn't support float64"):
            make()
    with pytest.raises(RuntimeError, match="expected all tensors to be on the same device"):
        x + torch.ones(3)


def test_the_weights_of_a_network_are_on_the_stand_in_and_so_are_its_pictures_and_gradients(mps):
    G = stylegan.Generator(TINY).to(MPS)
    images = G(torch.randn(2, 8, device=MPS), noise_mode="none")
    gradients = torch.autograd.grad(images.sum(), list(G.parameters()), allow_unused=True)
    assert images.device == MPS
    assert {p.device for p in G.parameters()} == {g.device for g in gradients if g is not None} == {MPS}


@pytest.mark.parametrize(
    "changes", [{}, {"loss": "wgan_gp"}, {"shared_fakes": True}, {"c_dim": 0, "batch_gpu": 4, "batch": 8}]
)
def test_training(mps, portraits, tmp_path, changes):
    config = TINY.but(total_kimg=0.04, level_kimg=0.008, fade_kimg=0.012, **changes)  # 4x4, a fade, 8x8, a fade
    G = stylegan.train(portraits.path, tmp_path / "run", config=config, device=MPS)
    assert G.w_avg.device == MPS
    assert G.w_avg.isfinite().all()


def test_going_on(mps, portraits, tmp_path, signals_at):
    signals_at(2, signal.SIGINT)
    stylegan.train(portraits.path, tmp_path / "run", config=TINY.but(total_kimg=0.016), device=MPS)
    assert stylegan.load_networks(tmp_path / "run").metadata["cur_nimg"] == 8
    G = stylegan.resume(tmp_path / "run", device=MPS)
    assert G.w_avg.device == MPS
    assert stylegan.load_networks(tmp_path / "run").metadata["cur_nimg"] == 16


@pytest.fixture
def G(make, mps):
    """On the stand-in."""
    return make(img_resolution=16).to(MPS)


@pytest.mark.parametrize("towards", ["mean", "mean:50", "centers:3"])
@pytest.mark.parametrize("noise", ["random", "const", "none"])
def test_sampling(G, make, towards, noise):
    controls = stylegan.Controls(towards=towards, noise=noise)
    pictures = stylegan.recipe(G, [1, 2], controls).pictures(G)
    expected = stylegan.recipe(make(img_resolution=16), [1, 2], controls).pictures(make(img_resolution=16))
    assert np.abs(pictures.astype(int) - expected).max() <= 1  # the plain way rounds otherwise


def test_projection(G, make):
    target = np.concatenate(list(stylegan.sample(G, [3], noise_mode="none")))
    seeing = lambda x: [x, F.avg_pool2d(x, 4)]  # noqa: E731
    found = stylegan.project(G, target, steps=3, perceptual=seeing)
    assert found.ws.device == MPS
    assert found.distances[0] < found.start_distances[0]


def test_directions(G, tmp_path):
    assert len(stylegan.closed_form(G, 2)) == 2
    assert len(stylegan.principal_components(G, 2, samples=100)) == 2
    found = stylegan.boundary(G, "half", yes="0-3", no="4-7")
    found.save(tmp_path / "half.safetensors")
    moved = stylegan.recipe(G, [1], stylegan.Controls(direction=(f"{tmp_path / 'half.safetensors'}=+2",)))
    assert moved.ws.device == MPS


def test_files_are_written_and_read(G, tmp_path):
    stylegan.save(tmp_path / "net.safetensors", G)
    read = stylegan.load(tmp_path / "net.safetensors").to(MPS)
    assert torch.equal(read.w_avg, G.w_avg)
    saved = stylegan.save_samples(read, "0-1", tmp_path / "out")
    stylegan.save_shard(read, "0-1", tmp_path / "shards", shard="0/1")
    stylegan.save_mix(read, tmp_path / "mix.png", a="0", b="1")
    assert len(saved.paths) == 2


def test_exploring(G, make):
    """Every part of a state; the projection of a photo has its own test above."""
    state = {
        "a": {"seeds": [1, 2, 3, 4], "x": 0.3, "y": 0.6, "steps": [{"seed": 5, "t": 0.3}]},
        "b": {"seeds": 6, "steps": [{"source": {"seeds": 7}, "t": [0.5] * G.num_ws}]},
        "mix": [0.25] * G.num_ws,
        "noise": ["own", "const", "none", 9, *["own"] * (G.num_ws - 4)],
        "directions": [{"name": "closed-1", "strength": 1.0, "layers": [0, 2]}],
    }
    explorer, plain = stylegan.Explorer(G), stylegan.Explorer(make(img_resolution=16))
    expected = plain.picture(state)
    assert np.abs(explorer.picture(state).astype(int) - expected).max() <= 1
    kept = explorer._picture(read_state(state), "ann", "main")
    assert np.array_equal(kept, explorer.picture(state))
