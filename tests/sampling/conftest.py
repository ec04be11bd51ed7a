"""Small networks in which nothing is 0, of several kinds, for the tests of sampling."""

import numpy as np
import pytest
import torch

from stylegan.config import CONFIG_A, CONFIG_F
from stylegan.networks.generator import Generator

SMALL = {"img_resolution": 32, "channel_base": 256, "channel_max": 8, "z_dim": 16, "w_dim": 16, "mapping_dim": 16}


def make_generator(base=CONFIG_F, **changes):
    """G with random noise strengths, biases and w_avg, soft enough that its pictures are not all saturated."""
    torch.manual_seed(0)
    G = Generator(base.but(**(SMALL | changes))).eval().requires_grad_(False)
    for name, tensor in G.state_dict().items():
        if name.endswith(("bias", "noise_strength", "w_avg")):
            tensor.normal_().mul_(0.2)
        if ".torgb." in name:
            tensor.mul_(0.3)
    return G


@pytest.fixture(scope="session")
def G():
    return make_generator()


@pytest.fixture(scope="session")
def labelled():
    return make_generator(c_dim=3)


@pytest.fixture(scope="session")
def traditional():
    """Configuration A: no styles, no noise."""
    return make_generator(CONFIG_A)


@pytest.fixture(scope="session")
def count_of():
    """count_of(picture, sheet): how often a picture uint8 (C, 32, 32), enlarged to 128 px, stands in a sheet."""

    def count(picture, sheet):
        part, sheet = np.kron(picture.transpose(1, 2, 0), np.ones((4, 4, 1), np.uint8)), np.asarray(sheet)
        columns = np.lib.stride_tricks.sliding_window_view(sheet, (128, 1, 3))[:, :, 0, :, 0]  # all, 128 px high
        starts = np.argwhere((columns == part[:, 0]).all(axis=(2, 3)))
        return sum(np.array_equal(sheet[y : y + 128, x : x + 128], part) for y, x in starts)

    return count


@pytest.fixture(scope="session")
def make():
    """Any other network: make(img_resolution=64)."""
    return make_generator
