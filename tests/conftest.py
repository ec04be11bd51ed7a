"""What many tests share: a small data set, a configuration that trains in seconds, small networks."""

import os
import time
from pathlib import Path

import pytest
import torch

from stylegan.config import CONFIG_F
from stylegan.data.images import ImageDataset
from stylegan.data.prepare import prepare
from stylegan.networks.generator import Generator
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
    """signals_at(7, SIGINT): this process gets the signal in its 7th training step. Gives a list, an item a step."""

    def arrange(step: int, *numbers: int) -> list[int]:
        g_step, steps = loop.g_step, []

        def interrupted(*args):
            steps.append(1)
            for number in numbers if len(steps) == step else ():
                os.kill(os.getpid(), number)
            return g_step(*args)

        monkeypatch.setattr(loop, "g_step", interrupted)
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
