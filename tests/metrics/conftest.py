"""A network, a data set of its own pictures, and a feature network that takes no time."""

import io
import zipfile

import numpy as np
import pytest
import torch

from stylegan.config import CONFIG_F
from stylegan.data.dataset import ImageDataset, image_grid
from stylegan.data.prepare import prepare
from stylegan.metrics.features import FeatureNetwork
from stylegan.networks.generator import Generator
from stylegan.sampling.sampler import sample

WIDTH = 12
COUNT = 256
TINY = CONFIG_F.but(img_resolution=8, channel_base=64, channel_max=8, z_dim=8, w_dim=8, mapping_dim=8, mapping_layers=2)


def data_of(folder, pictures, **options):
    """A data set of uint8 pictures (N, C, H, H)."""
    source = folder / "pictures.zip"
    with zipfile.ZipFile(source, "w") as z:
        for i, picture in enumerate(pictures):
            png = io.BytesIO()
            image_grid(picture[None], 1).save(png, format="PNG")
            z.writestr(f"{i:05}.png", png.getvalue())
    prepare(str(source), folder / "data", resolution=pictures.shape[-1], img_channels=pictures.shape[1], **options)
    return ImageDataset(folder / "data")


@pytest.fixture(scope="session")
def prepared():
    """prepared(folder, pictures): a data set of uint8 pictures (N, C, H, H), the folder's `data`."""
    return data_of


@pytest.fixture(scope="session")
def small_G():
    """An untrained network of 8 px."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Generator(TINY).eval().requires_grad_(False)


@pytest.fixture(scope="session")
def own(small_G, tmp_path_factory):
    """The 256 pictures that small_G makes of seeds 0-255, without truncation."""
    return data_of(tmp_path_factory.mktemp("own"), np.concatenate(list(sample(small_G, range(COUNT), batch=64))))


@pytest.fixture
def tiny_features():
    """12 random projections of 8 x 8 pictures, which count the pictures that they have seen."""
    weight = torch.randn(192, WIDTH, generator=torch.Generator().manual_seed(0))
    seen = []

    def function(images):
        seen.append(len(images))
        return images.flatten(1) @ weight

    network = FeatureNetwork("random projections", function, WIDTH, "none", "0" * 64)
    object.__setattr__(network, "seen", seen)
    return network


@pytest.fixture
def few_are_enough(monkeypatch):
    """Allow a Frechet distance of 256 pictures with 12 features."""
    monkeypatch.setattr("stylegan.metrics.names.LEAST_FRECHET", 20)
    monkeypatch.setattr("stylegan.metrics.measuring.LEAST_FRECHET", 20)
