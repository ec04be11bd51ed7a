"""The self-test, with feature networks that see blur and noise and with ones that do not."""

import numpy as np
import pytest
import torch

from stylegan.errors import InputError
from stylegan.metrics import FeatureNetwork, run_self_test
from stylegan.metrics.self_test import changed, noise


@pytest.fixture(scope="module")
def spots(prepared, tmp_path_factory):
    """400 smooth pictures, each with a bright spot somewhere."""
    random = np.random.RandomState(0)
    x = np.arange(16)
    where = random.uniform(4, 12, (400, 2))
    gauss = [np.exp(-((x - at) ** 2) / 6) for at in where.T[:, :, None]]
    pictures = (255 * gauss[0][:, :, None] * gauss[1][:, None, :]).astype(np.uint8)
    return prepared(tmp_path_factory.mktemp("spots"), np.repeat(pictures[:, None], 3, axis=1))


def see(images):
    """Features: the mean squared difference of neighbouring pixels, the largest value and the mean value."""
    across = images.diff(dim=3)
    return torch.stack([across.square().mean((1, 2, 3)), images.amax((1, 2, 3)), images.mean((1, 2, 3))], dim=1)


def test_features_that_see_blur_and_noise_pass(spots):
    found = run_self_test(spots, features=FeatureNetwork("seeing", see, 3, "none", ""))
    assert found.problems == []
    assert found.half == 200
    assert "passed: what must be small is small and in order" in found.lines()
    assert [c.what for c in found.comparisons] == ["the other half", "blurred", "blurred more", "noisy", "noisier"]
    assert "fd" not in found.comparisons[0].numbers  # 200 pictures are too few


def test_features_that_do_not_see_blur_and_noise_fail(spots):
    def blind(images):
        return images.mean(dim=(2, 3)).mean(dim=1, keepdim=True).expand(-1, 3) * 0 + images[:, 0, :1, 0] * 0 + 1

    found = run_self_test(spots, features=FeatureNetwork("blind", blind, 3, "none", ""))
    assert "kid of the other half must be below that of blurred" in found.problems


def test_noise_has_its_deviation_and_differs_from_picture_to_picture():
    gray = np.full((8, 3, 32, 32), 128, np.uint8)
    out = changed(gray, noise(10)).astype(float)
    assert out.std() == pytest.approx(10, rel=0.02)
    assert (out[0] != out[1]).mean() > 0.9


def test_few_pictures_are_refused(prepared, tmp_path):
    few = prepared(tmp_path, np.zeros((6, 3, 8, 8), np.uint8) + np.arange(6, dtype=np.uint8)[:, None, None, None])
    with pytest.raises(InputError, match="has 6 pictures: the self-test needs 200 or more"):
        run_self_test(few, features=FeatureNetwork("seeing", see, 3, "none", ""))
