"""Fixtures that many tests share: a small data set, a configuration that trains in seconds, small networks."""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from stylegan import cli
from stylegan.config import CONFIG_A, CONFIG_F
from stylegan.data.dataset import ImageDataset
from stylegan.data.prepare import prepare
from stylegan.editing.projection import Projection
from stylegan.networks.generator import Generator
from stylegan.sampling.controls import Controls
from stylegan.sampling.direction import Direction
from stylegan.sampling.fingerprint import fingerprint
from stylegan.sampling.noise import seed_noise
from stylegan.training import loop

TINY = CONFIG_F.but(
    img_resolution=16,
    channel_base=128,
    channel_max=8,
    z_dim=8,
    w_dim=8,
    mapping_dim=8,
    mapping_layers=2,
    batch=4,
    batch_at={},
    initial_resolution=4,
    lrate_at={},
)
PATIENCE_SEC = 60  # for what another process does in a fraction of a second; a busy machine needs more
SMALL = {"img_resolution": 32, "channel_base": 256, "channel_max": 8, "z_dim": 16, "w_dim": 16, "mapping_dim": 16}


def wait_until(done):
    """Return once done() is true; fail after PATIENCE_SEC."""
    deadline = time.monotonic() + PATIENCE_SEC
    while not done():
        assert time.monotonic() < deadline, f"it did not happen in {PATIENCE_SEC} seconds"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def portraits(tmp_path_factory) -> ImageDataset:
    """64 drawn portraits at 16x16."""
    dest: Path = tmp_path_factory.mktemp("data") / "portraits"
    prepare("portraits:64", dest, resolution=16)
    return ImageDataset(dest)


@pytest.fixture
def signals_at(monkeypatch):
    """signals_at(7, SIGINT): this process gets the signal in its 7th training step. Gives a list, an item per step."""

    def arrange(step: int, *numbers: int) -> list[int]:
        take_steps, steps = loop.take_steps, []

        def interrupted(*args):
            steps.append(1)
            for number in numbers if len(steps) == step else ():
                os.kill(os.getpid(), number)
            return take_steps(*args)

        monkeypatch.setattr(loop, "take_steps", interrupted)
        return steps

    return arrange


@pytest.fixture
def tiny():
    """Configuration F at 16x16, 8 channels wide: 300 images grow it from 4x4 through two fades."""
    return TINY.for_budget(0.3)


@pytest.fixture(scope="session")
def make():
    """make(base=CONFIG_F, **changes): G at 32x32 with noise, biases and w_avg that are not 0.

    Soft enough that its pictures are not all saturated.
    """

    def make(base=CONFIG_F, **changes):
        torch.manual_seed(0)
        G = Generator(base.but(**(SMALL | changes))).eval().requires_grad_(False)
        for name, tensor in G.state_dict().items():
            if name.endswith(("bias", "noise_strength", "w_avg")):
                tensor.normal_().mul_(0.2)
            if ".torgb." in name:
                tensor.mul_(0.3)
        return G

    return make


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Tiny networks are faster on one thread, and the tests do not disturb each other."""
    torch.set_num_threads(1)


def make_projection(G, path, seed=0, N=1):
    """The file of a projection, with random styles, and noise that belongs to no seed below 1000."""
    ws = torch.randn(N, G.num_ws, G.w_dim, generator=torch.manual_seed(seed)) / 2
    noise = [map_.repeat(N, 1, 1, 1) for map_ in seed_noise(1000 + seed, G)] if G.config.noise else None
    found = Projection(ws, noise, [0.1] * N, [1.0] * N, ws[None].clone(), "w+", fingerprint(G))
    found.save(path)
    return found


def make_direction(G, path, layers=(2, 3), seed=0):
    """The file of a random direction."""
    vector = torch.randn(G.w_dim, generator=torch.manual_seed(seed))
    direction = Direction(path.name.removesuffix(".safetensors"), vector, layers, "component", fingerprint(G), 0.5)
    path.parent.mkdir(exist_ok=True)
    direction.save(path)
    return direction


@pytest.fixture(scope="session")
def face(G, tmp_path_factory):
    """The file of a projection into G."""
    path = tmp_path_factory.mktemp("found") / "face.safetensors"
    make_projection(G, path)
    return path


@pytest.fixture(scope="session")
def write_projection():
    """write_projection(G, path, seed=, N=) writes one of your own."""
    return make_projection


@pytest.fixture(scope="session")
def write_direction():
    """write_direction(G, path, layers=, seed=) writes one of your own."""
    return make_direction


@pytest.fixture
def turn(G, tmp_path):
    """turn("age=+2", psi=...): controls with steps along directions of G by name: age (layers 2-3) and pose (0-1)."""
    make_direction(G, tmp_path / "net-directions" / "age.safetensors")
    make_direction(G, tmp_path / "net-directions" / "pose.safetensors", (0, 1), seed=1)
    return lambda *direction, **how: Controls(direction=direction, directions_from=tmp_path / "net-directions", **how)


@pytest.fixture(scope="session")
def G(make):
    return make()


@pytest.fixture(scope="session")
def labelled(make):
    return make(c_dim=3)


@pytest.fixture(scope="session")
def traditional(make):
    """Configuration A: no styles, no noise."""
    return make(CONFIG_A)


@pytest.fixture(scope="session")
def count_of():
    """count_of(picture, sheet): how often a picture uint8 (C, 32, 32), enlarged to 128 px, occurs in a sheet."""

    def count(picture, sheet):
        part, sheet = np.kron(picture.transpose(1, 2, 0), np.ones((4, 4, 1), np.uint8)), np.asarray(sheet)
        columns = np.lib.stride_tricks.sliding_window_view(sheet, (128, 1, 3))[:, :, 0, :, 0]  # all, 128 px high
        starts = np.argwhere((columns == part[:, 0]).all(axis=(2, 3)))
        return sum(np.array_equal(sheet[y : y + 128, x : x + 128], part) for y, x in starts)

    return count


@pytest.fixture
def stylegan(monkeypatch, capsys):
    """Run a command. Returns (exit code, what it printed)."""

    def run(*args) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["stylegan", *map(str, args)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return int(exit_.value.code or 0), captured.out + captured.err

    return run
