"""The metrics of torchmetrics and torch-fidelity give the same numbers for the same pictures and a tiny network.

torch-fidelity needs torchvision, which does not work with the CPU build of torch. So it cannot be in the extra [dev],
and its tests run only after `pip install --no-deps torch-fidelity`. It needs torchvision only for its own feature
networks. While it is imported, an empty module takes torchvision's place.
"""

import importlib.util
import sys
from types import ModuleType
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch

from stylegan.data.pixels import to_float
from stylegan.metrics.frechet import frechet_distance
from stylegan.metrics.inception import Inception
from stylegan.metrics.kernel import kid
from stylegan.metrics.precision_recall import precision_recall

SHELLS = ["torchvision", *(f"torchvision.{name}" for name in ("datasets", "models", "transforms"))]
SHELLS += ["torchvision.transforms.functional"]


class Shell(ModuleType):
    """A module in which every name exists."""

    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return MagicMock()


@pytest.fixture(scope="module", autouse=True)
def torch_fidelity():
    """torch-fidelity, or None. It is imported before torchmetrics, which imports it if it is installed."""
    if importlib.util.find_spec("torch_fidelity") is None:
        return None
    absent = SHELLS if importlib.util.find_spec("torchvision") is None else []
    sys.modules.update({name: Shell(name) for name in absent})
    try:
        import torch_fidelity
        import torch_fidelity.metric_prc
    finally:
        for name in absent:
            del sys.modules[name]
    return torch_fidelity


@pytest.fixture
def fidelity(torch_fidelity):
    if torch_fidelity is None:
        pytest.skip("torch-fidelity is not installed: pip install --no-deps torch-fidelity")
    return torch_fidelity


class Features(torch.nn.Module):
    """uint8 pictures (N, 3, 8, 8) -> (N, 10), fixed random weights."""

    num_features = 10

    def __init__(self):
        super().__init__()
        weight = torch.randn(192, 10, generator=torch.Generator().manual_seed(0))
        self.register_buffer("weight", weight)

    def forward(self, images):
        return (images.float() / 255).flatten(1) @ self.weight


def pictures(N, seed, brightness):
    random = np.random.RandomState(seed)
    return torch.from_numpy(random.randint(0, brightness, (N, 3, 8, 8)).astype(np.uint8))


REAL, FAKE = pictures(120, 0, 256), pictures(90, 1, 200)


@pytest.fixture(scope="module")
def features():
    return [Features()(x) for x in (REAL, FAKE)]


def test_torchmetrics_gives_the_same_frechet_distance(features):
    fid = pytest.importorskip("torchmetrics.image.fid", reason="torchmetrics comes with the extra [dev]")
    theirs = fid.FrechetInceptionDistance(feature=Features(), input_img_size=(3, 8, 8))
    theirs.update(REAL, real=True)
    theirs.update(FAKE, real=False)
    assert frechet_distance(*features) == pytest.approx(theirs.compute().item(), rel=1e-5)


def test_torchmetrics_gives_the_same_kid(features):
    """With all pictures as the one subset, so that nothing is random."""
    module = pytest.importorskip("torchmetrics.image.kid", reason="torchmetrics comes with the extra [dev]")
    theirs = module.KernelInceptionDistance(feature=Features(), subsets=1, subset_size=90)
    theirs.update(REAL[:90], real=True)
    theirs.update(FAKE, real=False)
    ours = kid(features[0][:90], features[1], subsets=1, subset_size=90, generator=torch.Generator())
    assert ours.value == pytest.approx(theirs.compute()[0].item(), rel=1e-4)


def test_torch_fidelitys_inception_gives_the_same_features(fidelity, tmp_path):
    """With random weights and pictures of 299 px, which it does not resize."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        ours = Inception().eval().requires_grad_(False)
    for module in ours.modules():  # otherwise everything would be near 0 after 94 layers
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var.fill_(0.4)
            module.running_mean.copy_(torch.linspace(-0.1, 0.1, len(module.running_mean)))
    torch.save(ours.state_dict(), tmp_path / "inception.pth")
    theirs = fidelity.FeatureExtractorInceptionV3(
        "inception", ["2048"], feature_extractor_weights_path=tmp_path / "inception.pth"
    )
    images = torch.randint(256, (2, 3, 299, 299), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    expected = theirs(images)[0]
    assert expected.std() > 0
    torch.testing.assert_close(ours(to_float(images)), expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item())


def test_torch_fidelity_gives_the_same_frechet_distance(fidelity, features):
    module = fidelity.metric_fid
    statistics = [module.fid_features_to_statistics(x.double()) for x in features]
    theirs = module.fid_statistics_to_metric(*statistics, False)[module.KEY_METRIC_FID]
    assert frechet_distance(*features) == pytest.approx(theirs, rel=1e-8)


def test_torch_fidelity_gives_the_same_kid(fidelity, features):
    module = fidelity.metric_kid
    same = {"kid_subsets": 1, "kid_subset_size": 90, "verbose": False}
    theirs = module.kid_features_to_metric(features[0][:90].double(), features[1].double(), **same)
    ours = kid(features[0][:90], features[1], subsets=1, subset_size=90, generator=torch.Generator())
    assert ours.value == pytest.approx(theirs[module.KEY_METRIC_KID_MEAN], rel=1e-8)


def test_torch_fidelity_gives_the_same_deviation_of_subsets(fidelity, features):
    module = fidelity.metric_kid
    same = {"kid_subsets": 400, "kid_subset_size": 40, "verbose": False}
    theirs = module.kid_features_to_metric(*(x.double() for x in features), **same)
    ours = kid(*features, subsets=400, subset_size=40, generator=torch.Generator().manual_seed(0))
    assert ours.error == pytest.approx(theirs[module.KEY_METRIC_KID_STD], rel=0.15)


@pytest.mark.parametrize("k", [3, 5])
def test_torch_fidelity_gives_the_same_precision_and_the_same_recall(fidelity, features, k):
    """Only from version 0.4.0 on. Older ones have the two swapped."""
    real, fake = features
    module = fidelity.metric_prc
    theirs = module.prc_features_to_metric(fake, real, prc_neighborhood=k, verbose=False)
    ours = precision_recall(real, fake, k=k)
    assert ours.precision != ours.recall
    assert ours == pytest.approx((theirs[module.KEY_METRIC_PRECISION], theirs[module.KEY_METRIC_RECALL]))
