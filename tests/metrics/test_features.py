"""Feature networks are identified by name and checksum. Nothing in an unknown file is read."""

import hashlib
import pickle

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stylegan.errors import InputError
from stylegan.metrics import features
from stylegan.metrics.features import FeatureNetwork, extract, find_features, resized
from stylegan.metrics.inception import Inception


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('it ran')",)


def test_a_file_with_another_checksum_is_refused_and_nothing_in_it_runs(tmp_path):
    for name in ("inception.pth", "inception-2015-12-05.pt"):
        path = tmp_path / name
        path.write_bytes(pickle.dumps(Evil()))
        with pytest.raises(InputError, match=r"has the checksum \w{16}\.\.\., and must have 6726825d.* or f58cb9b6"):
            find_features(path)


def test_the_error_for_an_unknown_name_says_how_to_get_a_file():
    with pytest.raises(
        InputError, match=r"features dinov2: must be efficientnet-lite0, inception-2015-12-05, or .*6726825d\.pth from"
    ):
        find_features("dinov2")


def test_a_feature_network_is_returned_as_it_is():
    own = FeatureNetwork("own", lambda images: images.flatten(1), 192, "none", "")
    assert find_features(own) is own


def test_the_state_dict_with_the_known_checksum_gives_inceptions_features(tmp_path, monkeypatch):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = Inception().eval()
    path = tmp_path / "inception.pth"
    torch.save(net.state_dict(), path)
    monkeypatch.setattr(features, "STATE_DICT_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    network = find_features(path)
    images = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        assert_close(network.function(images), net(resized(images, 299)))
    assert (network.name, network.fid, network.width) == ("inception-2015-12-05.pth", True, 2048)
    assert network.resizing == "antialiased bilinear to 299 px"


class Scripted(torch.nn.Module):
    """Takes the same arguments as the authors' TorchScript: pictures from 0 to 255, and whether to return features."""

    def forward(self, x: torch.Tensor, return_features: bool = False) -> torch.Tensor:
        return x.flatten(1)[:, :2048] if return_features else x.flatten(1)[:, :8]


def test_the_torchscript_with_the_known_checksum_gets_0_to_255_and_resizes_itself(tmp_path, monkeypatch):
    path = tmp_path / "inception.pt"
    torch.jit.script(Scripted()).save(str(path))
    monkeypatch.setattr(features, "TORCHSCRIPT_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    network = find_features(path)
    images = torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32)
    assert_close(network.function(images), ((images + 1) * 127.5).flatten(1)[:, :2048])
    assert network.fid and "TensorFlow 1" in network.resizing


def test_pictures_are_reduced_with_antialiasing_before_features():
    stripes = torch.tensor([1.0, -1.0]).repeat(32).expand(1, 3, 64, 64)
    assert resized(stripes, 16).abs().max() < 0.3  # without antialiasing, whole stripes would remain


def test_the_network_gets_rgb_in_minus_one_to_one_whatever_the_channels():
    network = FeatureNetwork("corner", lambda images: images[:, :, 0, 0], 3, "none", "")
    gray = np.full((1, 1, 4, 4), 255, np.uint8)
    transparent = np.zeros((1, 4, 4, 4), np.uint8)
    assert_close(extract(network, [gray, transparent]), torch.ones(2, 3))


def test_nan_features_are_refused_and_the_network_is_named():
    network = FeatureNetwork("broken", lambda images: images[:, :, 0, 0] / 0, 3, "none", "")
    with pytest.raises(InputError, match="broken gives NaN or infinity"):
        extract(network, [np.zeros((1, 3, 4, 4), np.uint8)])


def test_features_of_another_shape_are_refused():
    network = FeatureNetwork("maps", lambda images: images, 3, "none", "")
    with pytest.raises(InputError, match=r"maps gives features of shape \(1, 3, 4, 4\).*must be \(1, 3\)"):
        extract(network, [np.zeros((1, 3, 4, 4), np.uint8)])
