"""A small network for the tests of editing, and a network that sees without a download."""

from functools import partial

import pytest
import torch.nn.functional as F


@pytest.fixture(scope="session")
def make(make):
    """The same at 16x16: projections take many steps."""
    return partial(make, img_resolution=16, channel_max=16)


@pytest.fixture(scope="session")
def G(make):
    return make()


@pytest.fixture(scope="session")
def seeing():
    """A perceptual network for tests: the pictures themselves, sharp and blurred."""
    return lambda images: [images, F.avg_pool2d(images, 4), F.avg_pool2d(images, 16)]
