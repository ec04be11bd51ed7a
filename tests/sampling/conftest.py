"""Small networks in which nothing is 0, of several kinds, for the tests of sampling."""

import numpy as np
import pytest
import torch

from stylegan.config import CONFIG_A
from stylegan.editing.projection import Projection
from stylegan.sampling.direction import Direction
from stylegan.sampling.fingerprint import fingerprint
from stylegan.sampling.sample import seed_noise


def make_projection(G, path, seed=0, N=1):
    """The file of a projection, with random styles, and noise that is no seed's below 1000."""
    ws = torch.randn(N, G.num_ws, G.w_dim, generator=torch.manual_seed(seed)) / 2
    noise = [map_.repeat(N, 1, 1, 1) for map_ in seed_noise(1000 + seed, G)] if G.config.noise else None
    found = Projection(ws, noise, [0.1] * N, [1.0] * N, ws[None].clone(), "w+", fingerprint(G))
    found.save(path)
    return found


def make_direction(G, path, layers=(2, 3), seed=0):
    """The file of a direction, a random one."""
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
def named(G, tmp_path, monkeypatch):
    """G as if loaded from a file that has the directions age (layers 2-3) and pose (0-1) beside it."""
    make_direction(G, tmp_path / "net-directions" / "age.safetensors")
    make_direction(G, tmp_path / "net-directions" / "pose.safetensors", (0, 1), seed=1)
    monkeypatch.setattr(G, "source", str(tmp_path / "net.safetensors"), raising=False)
    return G


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
    """count_of(picture, sheet): how often a picture uint8 (C, 32, 32), enlarged to 128 px, stands in a sheet."""

    def count(picture, sheet):
        part, sheet = np.kron(picture.transpose(1, 2, 0), np.ones((4, 4, 1), np.uint8)), np.asarray(sheet)
        columns = np.lib.stride_tricks.sliding_window_view(sheet, (128, 1, 3))[:, :, 0, :, 0]  # all, 128 px high
        starts = np.argwhere((columns == part[:, 0]).all(axis=(2, 3)))
        return sum(np.array_equal(sheet[y : y + 128, x : x + 128], part) for y, x in starts)

    return count
