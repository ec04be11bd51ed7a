"""Inception's layers, without its weights: the published sizes and names."""

import pytest
import torch
from torch.testing import assert_close

from stylegan.data.pixels import to_float
from stylegan.metrics.inception import Inception, Mixed, chain, only, pooled

TORCHVISION_PARAMETERS = 23_834_568  # of its inception_v3 without the auxiliary classifier, 1000 classes


@pytest.fixture(scope="module")
def net():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Inception().eval().requires_grad_(False)


def test_the_number_of_parameters_is_the_published_one(net):
    assert sum(p.numel() for p in net.parameters()) == TORCHVISION_PARAMETERS + 8 * (2048 + 1)


def test_the_state_dict_has_as_many_entries_as_the_published_file(net):
    assert len(net.state_dict()) == 566


def test_names_are_those_of_the_published_file(net):
    names = net.state_dict().keys()
    assert {
        "Conv2d_1a_3x3.conv.weight",
        "Conv2d_4a_3x3.bn.running_var",
        "Mixed_5b.branch5x5_2.conv.weight",
        "Mixed_5d.branch_pool.bn.bias",
        "Mixed_6a.branch3x3.conv.weight",
        "Mixed_6e.branch7x7dbl_5.conv.weight",
        "Mixed_7a.branch7x7x3_4.bn.num_batches_tracked",
        "Mixed_7c.branch3x3dbl_3b.conv.weight",
        "fc.weight",
        "fc.bias",
    } <= names


def test_a_picture_of_299_px_is_reduced_to_35_17_and_8_px(net):
    sizes = {}
    for name in ("Conv2d_4a_3x3", "Mixed_5d", "Mixed_6a", "Mixed_6e", "Mixed_7a", "Mixed_7c"):
        net.get_submodule(name).register_forward_hook(
            lambda module, args, out, name=name: sizes.update({name: tuple(out.shape[1:])})
        )
    assert net(torch.zeros(2, 3, 299, 299)).shape == (2, 2048)
    assert sizes == {
        "Conv2d_4a_3x3": (192, 71, 71),
        "Mixed_5d": (288, 35, 35),
        "Mixed_6a": (768, 17, 17),
        "Mixed_6e": (768, 17, 17),
        "Mixed_7a": (1280, 8, 8),
        "Mixed_7c": (2048, 8, 8),
    }


def test_average_pooling_does_not_count_its_padding():
    assert_close(pooled(torch.ones(1, 1, 5, 5), "average"), torch.ones(1, 1, 5, 5))


def test_a_reduction_keeps_the_maximum_as_its_last_branch():
    block = Mixed(3, [[("branch3x3", 5, (3, 3), 2)]], pool="reduce").eval()
    x = torch.randn(1, 3, 9, 9)
    out = block(x)
    assert out.shape == (1, 8, 4, 4)
    assert_close(out[:, 5:], torch.nn.functional.max_pool2d(x, 3, stride=2))


def test_branches_follow_one_another_in_the_order_of_the_table():
    block = Mixed(4, [only("branch1x1", 2), chain("branch3x3", "3 1x1", "6 3x3"), only("branch_pool", 1)], pool="max")
    for name in block.branches[1]:
        block.get_submodule(name).bn.weight.data.zero_()
    out = block.eval()(torch.randn(2, 4, 6, 6))
    assert out.shape == (2, 9, 6, 6) and block.channels == 9
    assert out[:, 2:8].abs().max() == 0 and out[:, :2].abs().max() > 0


def test_the_input_is_scaled_as_in_training(net):
    """(uint8 - 128) / 128, as in TensorFlow's graph."""
    seen = []
    hook = net.Conv2d_1a_3x3.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    images = to_float(torch.tensor([0, 128, 255], dtype=torch.uint8))[:, None, None, None].expand(3, 3, 75, 75)
    net(images)
    hook.remove()
    assert_close(seen[0][:, 0, 0, 0], torch.tensor([-1.0, 0.0, 127 / 128]), atol=1e-6, rtol=0)
