"""Laws of the discriminator: what it is a function of, what it refuses, how it grows."""

import pytest
import torch

from stylegan.config import CONFIG_A, CONFIG_F
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.layers import downsample

import golden

SMALL = {"img_resolution": 32, "channel_base": 256, "channel_max": 16, "z_dim": 16, "w_dim": 16, "mapping_dim": 16}
CONFIG = CONFIG_F.but(**SMALL)
LABELLED = CONFIG.but(c_dim=3)


def discriminator(config=CONFIG, **how):
    """A D whose biases are random."""
    torch.manual_seed(0)
    D = Discriminator(config, **how).requires_grad_(False)
    for name, tensor in D.state_dict().items():
        if "bias" in name:
            tensor.normal_()
    return D


@pytest.fixture(scope="module")
def D():
    return discriminator()


@pytest.fixture(scope="module")
def images():
    return torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def close(a, b, tolerance=1e-5):
    return golden.relative_error(a, b) < tolerance


def test_every_picture_gets_one_number(D, images):
    assert D(images).shape == (8, 1)
    assert torch.equal(D(images), D(images))


def test_the_score_depends_on_the_group_only(D, images):
    """Of 8 pictures, 0, 2, 4 and 6 are one group of the minibatch deviation."""
    assert close(D(images)[::2], D(images[::2]))
    assert not close(D(images)[:4], D(images[:4]))


def test_pictures_alone_are_scored_without_neighbours(D, images):
    assert close(D(images[:1]), D(images[:1].expand(4, -1, -1, -1))[:1])


def test_a_call_changes_nothing_and_training_mode_neither(D, images):
    before, state = images.clone(), {name: t.clone() for name, t in D.state_dict().items()}
    scores = D.train()(images)
    assert torch.equal(D.eval()(images), scores)
    assert torch.equal(images, before)
    assert all(torch.equal(state[name], t) for name, t in D.state_dict().items())


# Growth


def test_pictures_of_the_resolution_grown_to_are_scored(D, images):
    for lod, factor in [(0, 1), (0.5, 1), (1, 2), (1.5, 2), (2, 4), (3, 8)]:
        assert D(downsample(images, factor), lod=lod).shape == (8, 1)


def test_without_lod_the_growth_reached_counts(images):
    D = discriminator(lod=1.5)
    small = downsample(images)
    assert torch.equal(D(small), D(small, lod=1.5))
    D.lod = 0.0
    assert torch.equal(D(images), D(images, lod=0))


@pytest.mark.parametrize("lod", [1, 2, 3])
def test_fading_in_begins_at_the_smaller_picture(D, images, lod):
    pictures = downsample(images, 2 ** (lod - 1))
    assert close(D(pictures, lod=lod - 1e-6), D(downsample(pictures), lod=lod), 1e-3)


@pytest.mark.parametrize("lod", [0, 1, 2])
def test_fading_in_ends_at_the_larger_picture(D, images, lod):
    pictures = downsample(images, 2**lod)
    assert close(D(pictures, lod=lod + 1e-6), D(pictures, lod=lod), 1e-3)


def test_what_is_not_grown_costs_and_learns_nothing(images):
    D = discriminator().requires_grad_()
    D(downsample(images, 4), lod=2).sum().backward()
    unused = [*D.blocks[1:], D.fromrgb[0], *D.fromrgb[2:]]
    assert all(p.grad is None for module in unused for p in module.parameters())
    assert D.fromrgb[1].bias.grad is not None


@pytest.mark.parametrize("lod", [0, 0.5, 1])
def test_gradients_of_gradients_exist_for_r1(lod):
    D = discriminator().requires_grad_()
    small = torch.randn(4, 3, 32 >> int(lod), 32 >> int(lod), requires_grad=True)
    (gradient,) = torch.autograd.grad(D(small, lod=lod).sum(), small, create_graph=True)
    gradient.square().sum().backward()
    assert D.head.conv.weight.grad.abs().sum() > 0


# Kinds


def test_configuration_a_does_not_blur(images):
    A, B = (discriminator(CONFIG_A.but(**SMALL, resample=resample)) for resample in ("nearest", "bilinear"))
    assert A.state_dict().keys() == B.state_dict().keys()
    assert not close(A(images), B(images))


@pytest.mark.parametrize("img_channels", [1, 4])
def test_pictures_may_be_gray_or_have_alpha(img_channels):
    D = discriminator(CONFIG.but(img_channels=img_channels))
    assert D(torch.randn(4, img_channels, 32, 32)).shape == (4, 1)


def test_the_smallest_network_has_a_head_only():
    D = discriminator(CONFIG.but(img_resolution=4, initial_resolution=4))
    assert len(D.blocks) == 0
    assert D(torch.randn(4, 3, 4, 4)).shape == (4, 1)


def test_the_head_has_the_channels_of_4_px():
    head = Discriminator(CONFIG_F.but(img_resolution=16, channel_base=64, channel_max=64)).head
    assert head.conv.weight.shape == (16, 16 + 1, 3, 3)  # 64 / 4
    assert head.dense0.weight.shape == (32, 16 * 16)  # 64 / 2


def test_the_label_chooses_the_score(images):
    D = discriminator(LABELLED)
    by_class = torch.cat([D(images, torch.eye(3)[i].expand(8, 3)) for i in range(3)], dim=1)
    half = torch.tensor([0.5, 0.5, 0.0]).expand(8, 3)
    assert torch.allclose(D(images, half)[:, 0], by_class[:, :2].mean(dim=1), atol=1e-5)
    assert not close(by_class[:, 0], by_class[:, 1])


# What is refused


def test_labels_are_asked_for_where_there_are_classes(images):
    with pytest.raises(ValueError, match="c is missing: this network has 3 classes"):
        discriminator(LABELLED)(images)


@pytest.mark.parametrize("shape", [(8, 2), (4, 3)])
def test_labels_of_a_wrong_shape_are_refused(images, shape):
    with pytest.raises(ValueError, match=r"c of shape .*: must be \(8, 3\)"):
        discriminator(LABELLED)(images, torch.zeros(shape))


@pytest.mark.parametrize("shape", [(8, 3, 16, 16), (8, 1, 32, 32), (3, 32, 32), (8, 3, 32, 31)])
def test_pictures_of_a_wrong_shape_are_refused(D, shape):
    with pytest.raises(ValueError, match=r"pictures of shape .*: must be \(N, 3, 32, 32\) at lod 0"):
        D(torch.zeros(shape))


def test_pictures_of_full_size_are_refused_before_it_is_grown(D, images):
    with pytest.raises(ValueError, match=r"must be \(N, 3, 16, 16\) at lod 1\.5"):
        D(images, lod=1.5)


@pytest.mark.parametrize("lod", [-1, 3.5])
def test_a_growth_out_of_range_is_refused(D, images, lod):
    with pytest.raises(ValueError, match=rf"lod {lod}: must be 0"):
        D(images, lod=lod)


def test_a_batch_of_broken_groups_is_refused(D, images):
    with pytest.raises(ValueError, match="a batch of 6 pictures"):
        D(images[:6])
