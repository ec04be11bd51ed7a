"""Each layer alone: the authors' numbers, and what the layer is by definition."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from stylegan.interop.variables import to_ours
from stylegan.networks import fast
from stylegan.networks.generator import StyledLayer, TraditionalLayer
from stylegan.networks.layers import (
    AdaIN,
    Bias,
    Blur,
    EqualizedConv2d,
    EqualizedConv2dDown,
    EqualizedConv2dUp,
    EqualizedLinear,
    downsample,
    instance_norm,
    leaky_relu,
    minibatch_stddev,
    pixel_norm,
    upsample,
)

import golden

OPS, META = golden.load("ops")
X, DLATENT = golden.tensor(OPS["scale/x"]), golden.tensor(OPS["inputs/dlatent"])


@pytest.fixture(params=["fast", "by definition"], autouse=True)
def way(request):
    """Every test of this file runs twice."""
    with fast.off() if request.param == "by definition" else nullcontext():
        yield


def assert_close(ours, key):
    assert golden.relative_error(ours, OPS[key]) < golden.TOLERANCE


def fill(layer: torch.nn.Module, key: str, **names: str) -> torch.nn.Module:
    """`layer` with the authors' variables: our parameter name -> theirs."""
    tensors = {ours: to_ours(theirs, OPS[f"{key}/var/{theirs}"]) for ours, theirs in names.items()}
    state = {name: tensors.get(name, torch.zeros_like(t)) for name, t in layer.state_dict().items()}
    layer.load_state_dict(state)
    return layer.requires_grad_(False)


def gradient(op, key: str) -> Tensor:
    """d sum(op(x) dy) / dx with the authors' dy."""
    x = X.clone().requires_grad_()
    return torch.autograd.grad((op(x) * golden.tensor(OPS[f"{key}/dy"])).sum(), x)[0]


# Resampling


@pytest.mark.parametrize("factor", [2, 4])
def test_upsampling_repeats_pixels(factor):
    assert_close(upsample(X, factor), f"scale/up{factor}")


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_downsampling_takes_means(factor):
    assert_close(downsample(X, factor), f"scale/down{factor}")


def test_factor_one_changes_nothing():
    assert upsample(X, 1) is X
    assert downsample(X, 1) is X


def test_the_blur_is_the_authors():
    assert_close(Blur()(X), "blur/121")


def test_the_blur_of_a_point_is_the_binomial_filter():
    point = torch.zeros(1, 1, 5, 5)
    point[0, 0, 2, 2] = 16
    expected = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])
    assert torch.equal(Blur()(point)[0, 0, 1:4, 1:4], expected)


@pytest.mark.parametrize(("op", "key"), [(upsample, "up2"), (downsample, "down2"), (Blur(), "blur121")])
def test_gradients_of_resampling_are_the_authors(op, key):
    assert_close(gradient(op, f"grad_{key}"), f"grad_{key}/dx")


# Activation and normalization


def test_leaky_relu_is_the_authors():
    assert_close(leaky_relu(golden.tensor(OPS["lrelu/x"])), "lrelu/y")


def test_the_gradient_of_leaky_relu_is_the_authors_at_zero_too():
    x = golden.tensor(OPS["lrelu/x"]).requires_grad_()
    assert (x == 0).any()
    (ours,) = torch.autograd.grad(leaky_relu(x).sum(), x)
    assert_close(ours, "lrelu/dx")


@pytest.mark.parametrize("dims", ["4", "2"])
def test_pixel_norm_is_the_authors(dims):
    assert_close(pixel_norm(golden.tensor(OPS[f"pixelnorm/x{dims}"])), f"pixelnorm/y{dims}")


def test_pixel_norm_gives_unit_length_to_every_pixel():
    y = pixel_norm(torch.randn(2, 5, 3, 3))
    assert torch.allclose(y.square().mean(dim=1), torch.ones(2, 3, 3), atol=1e-5)


def test_the_traditional_layer_takes_no_heed_of_w():
    layer = TraditionalLayer(config_with_noise(), torch.nn.Identity(), 3, 8)
    assert torch.equal(layer(X, DLATENT, None), layer(X, DLATENT + 1, None))


def test_instance_norm_is_the_authors():
    x, theirs = golden.tensor(OPS["instnorm/x"]), golden.tensor(OPS["instnorm/y"])
    ours = instance_norm(x)
    flat = x.std(dim=(2, 3)) == 0
    assert flat.sum() == 1
    assert golden.relative_error(ours[~flat], theirs[~flat]) < golden.TOLERANCE
    assert golden.relative_error(ours, theirs) < 1e-3  # the mean's last bit (6e-8), times 1 / sqrt(1e-8)


def test_instance_norm_of_a_flat_channel_is_zero():
    assert torch.equal(instance_norm(torch.full((1, 2, 4, 4), 3.0)), torch.zeros(1, 2, 4, 4))


def test_the_affine_of_adain_is_the_authors_style_modulation():
    adain = fill(
        AdaIN(3, 5), "style_mod_wscale", **{"affine.weight": "StyleMod/weight", "affine.bias": "StyleMod/bias"}
    )
    y_s, y_b = adain.affine(DLATENT)[:, :, None, None].chunk(2, dim=1)
    assert_close(X * (y_s + 1) + y_b, "style_mod_wscale/y")  # theirs has the instance norm outside


def test_adain_gives_each_channel_the_mean_and_deviation_of_the_style():
    adain = AdaIN(3, 5)
    y_s, y_b = adain.affine(DLATENT).chunk(2, dim=1)
    y = adain(X, DLATENT)
    assert torch.allclose(y.mean(dim=(2, 3)), y_b, atol=1e-5)
    assert torch.allclose(y.std(dim=(2, 3), unbiased=False), (y_s + 1).abs(), atol=1e-4)


def test_minibatch_stddev_does_not_touch_the_features():
    x = golden.tensor(OPS["mbstd/x"])
    assert torch.equal(minibatch_stddev(x)[:, :-1], x)


@pytest.mark.parametrize(("N", "group_size"), [(8, 4), (4, 4), (3, 4), (2, 4), (1, 4), (6, 3)])
def test_minibatch_stddev_is_the_authors(N, group_size):
    x = golden.tensor(OPS["mbstd/x"][:N])
    assert_close(minibatch_stddev(x, group_size)[:, -1:], f"mbstd/n{N}_g{group_size}_f1")


def test_the_groups_of_minibatch_stddev_are_strided():
    x = torch.zeros(8, 1, 4, 4)
    x[0] = 1  # of the 2 groups, picture 0 shares its own with 2, 4 and 6
    channel = minibatch_stddev(x)[:, 1, 0, 0]
    assert (channel[[0, 2, 4, 6]] > 0.1).all()
    assert (channel[[1, 3, 5, 7]] < 0.001).all()


def test_minibatch_stddev_refuses_a_batch_of_broken_groups():
    with pytest.raises(
        ValueError, match="a batch of 6 pictures: the minibatch deviation needs 1, 2, 3 or a multiple of 4"
    ):
        minibatch_stddev(torch.zeros(6, 1, 4, 4))


# Weights


@pytest.mark.parametrize(
    ("key", "options", "x"),
    [
        ("dense_wscale_lrmul", {"lrmul": 0.01}, DLATENT),
        ("dense_flatten4d", {"gain": 1}, X.flatten(1)),
    ],
)
def test_linear_layers_are_the_authors(key, options, x):
    names = {"weight": "weight"} | ({"bias": "bias"} if f"{key}/var/bias" in OPS else {})
    assert_close(fill(EqualizedLinear(x.shape[1], 7, **options), key, **names)(x), f"{key}/y")


@pytest.mark.parametrize(
    ("key", "layer"),
    [
        ("conv3_wscale", EqualizedConv2d(3, 4)),
        ("conv1_gain1_wscale", EqualizedConv2d(3, 4, 1, gain=1)),
        ("up_conv_unfused", EqualizedConv2dUp(3, 4)),
        ("down_conv_unfused", EqualizedConv2dDown(3, 4)),
        ("down_conv_fused", EqualizedConv2dDown(3, 4)),
    ],
)
def test_convolutions_are_the_authors(key, layer):
    assert_close(fill(layer, key, weight="weight")(X), f"{key}/y")


def test_the_authors_fused_up_convolution_is_ours_with_the_kernel_turned():
    layer = EqualizedConv2dUp(3, 4).requires_grad_(False)
    layer.weight.copy_(to_ours("weight", OPS["up_conv_fused/var/weight"], turned=True))
    ours = layer(X)
    layer.weight.copy_(layer.weight.flip(2, 3))
    assert golden.relative_error(ours, OPS["up_conv_fused/y"]) < golden.TOLERANCE
    assert golden.relative_error(layer(X), OPS["up_conv_fused/y"]) > 0.1  # and is another without


def test_up_and_down_in_one_are_what_they_are_in_two_steps():
    plain, up, down = (kind(3, 4).double() for kind in (EqualizedConv2d, EqualizedConv2dUp, EqualizedConv2dDown))
    up.load_state_dict(plain.state_dict())
    down.load_state_dict(plain.state_dict())
    x = X.double()
    assert torch.allclose(up(x), plain(upsample(x)), atol=1e-12)
    assert torch.allclose(down(x), downsample(plain(x)), atol=1e-12)


def test_equalized_weights_are_stored_with_unit_deviation_and_scaled_when_used():
    torch.manual_seed(0)
    conv = EqualizedConv2d(64, 64)
    assert conv.weight.std().item() == pytest.approx(META["init_std"]["init_w/weight:0"], rel=0.02)
    y = conv(torch.randn(1, 64, 32, 32))[:, :, 1:-1, 1:-1]
    assert y.std().item() == pytest.approx(2**0.5, rel=0.05)  # the gain, whatever the number of inputs


def test_weights_that_learn_100_times_slower_are_stored_100_times_larger():
    torch.manual_seed(0)
    layer = EqualizedLinear(256, 256, lrmul=0.01)
    assert layer.weight.std().item() == pytest.approx(META["init_std"]["init_lr/weight:0"], rel=0.02)
    assert layer(torch.randn(64, 256)).std().item() == pytest.approx(2**0.5, rel=0.05)
    assert (layer.bias == 0).all()


def test_noise_is_one_map_for_all_channels_each_with_its_own_strength():
    strength = golden.tensor(OPS["apply_noise/var/Noise/weight"])
    layer = StyledLayer(config_with_noise(), torch.nn.Identity(), 3, 8).requires_grad_(False)
    layer.norm = Nothing()
    layer.noise_strength.copy_(strength)
    ours = layer(X, DLATENT, golden.tensor(OPS["inputs/noise"]))
    assert golden.relative_error(ours, functional.leaky_relu(golden.tensor(OPS["apply_noise/y"]), 0.2)) < 1e-6


class Nothing(torch.nn.Module):
    def forward(self, x, w):
        return x


def config_with_noise():
    meta = golden.load("net_v_labels10")[1]
    return golden.config(meta["config"])


def test_a_bias_adds_its_number_to_each_channel_and_begins_at_0():
    layer, x = Bias(2), torch.randn(3, 2, 4, 4)
    assert torch.equal(layer(x), x)
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([1.0, -2.0]))
    assert torch.equal(layer(x), x + torch.tensor([1.0, -2.0]).view(1, 2, 1, 1))
