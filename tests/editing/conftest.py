"""A small network for the tests of editing, and a network that sees without a download."""

import pytest
import torch
import torch.nn.functional as F

from stylegan.config import CONFIG_F
from stylegan.networks.generator import Generator

SMALL = {"img_resolution": 16, "channel_base": 256, "channel_max": 16, "z_dim": 16, "w_dim": 16, "mapping_dim": 16}


def make_generator(**changes):
    """G with noise, biases and styles in which nothing is 0, soft enough that its pictures are not all saturated."""
    torch.manual_seed(0)
    G = Generator(CONFIG_F.but(**(SMALL | changes))).eval().requires_grad_(False)
    for name, tensor in G.state_dict().items():
        if name.endswith(("bias", "noise_strength", "w_avg")):
            tensor.normal_().mul_(0.2)
        if ".torgb." in name:
            tensor.mul_(0.3)
    return G


def sees_averages(images):
    """A perceptual network for tests: the pictures themselves, sharp and blurred."""
    return [images, F.avg_pool2d(images, 4), F.avg_pool2d(images, 16)]


@pytest.fixture(scope="session")
def G():
    return make_generator()


@pytest.fixture(scope="session")
def make():
    """Any other network: make(w_dim=8)."""
    return make_generator


@pytest.fixture(scope="session")
def seeing():
    return sees_averages
