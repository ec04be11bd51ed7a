"""Large features without gradients: the same numbers as by definition, and nothing of the caller's is overwritten."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from stylegan.config import CONFIG_F
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.fast import bands, when
from stylegan.networks.fast.when import large_unrecorded
from stylegan.networks.generator import Generator
from stylegan.networks.layers import adain

from conftest import TINY


def numbers(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def channels_last(x):
    return x.contiguous(memory_format=torch.channels_last)


@pytest.fixture(params=[1, 3, 7, 100])
def rows(request, monkeypatch):
    """So many rows of a picture below, (5, 13, 8) of 8 bytes, are a band: one, several, more than there are."""
    monkeypatch.setattr(bands, "BAND_BYTES", request.param * 5 * 8 * 8)


X = numbers(2, 5, 13, 8)


@pytest.mark.parametrize("layout", [channels_last, torch.clone])
@pytest.mark.parametrize("groups", [1, 5])
def test_a_convolution_in_bands_is_that_of_the_whole(rows, layout, groups):
    w = numbers(5, 5 // groups, 3, 3)
    found = bands.convolve_(layout(X), w, groups=groups)
    assert_close(found, F.conv2d(X, w, padding=1, groups=groups), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layout", [channels_last, torch.clone])
def test_an_up_convolution_in_bands_is_that_of_the_whole_and_leaves_what_it_is_given(rows, layout):
    x, w = layout(X), numbers(5, 3, 4, 4)
    expected = F.conv_transpose2d(X, w, stride=2, padding=1)
    assert_close(bands.convolve_up(x, w), expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(x, X)


@pytest.mark.parametrize("noise", [numbers(2, 1, 13, 8), numbers(1, 1, 13, 8), None])
def test_noise_bias_and_activation_in_bands_are_those_of_the_whole(rows, noise):
    bias, strength = numbers(5, 1, 1), numbers(5, 1, 1) + 1
    expected = F.leaky_relu(X + bias + (0 if noise is None else noise * strength), 0.2)
    assert_close(bands.activate_(channels_last(X), bias, noise, strength), expected, rtol=1e-12, atol=1e-12)


def test_the_norm_in_bands_is_that_of_the_whole(rows):
    scale, shift = numbers(2, 5, 1, 1), numbers(2, 5, 1, 1) + 1
    for eps in (1e-8, 0.5):
        found = bands.instance_norm_(channels_last(X), scale, shift, eps)
        assert_close(found, adain(X, scale, shift, eps), rtol=1e-12, atol=1e-12)


def taken_bytes(work):
    """The most memory that torch's operations hold at once while they do this work."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        kept = work()
    events = (e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]")
    held = itertools.accumulate(e.nbytes() for e in sorted(events, key=lambda e: e.start_ns()))
    return max(held, default=0), kept


def test_large_features_take_their_own_memory_and_a_few_bands():
    x, w, scale = channels_last(torch.randn(1, 32, 512, 512)), torch.randn(32, 32, 3, 3), torch.ones(1, 32, 1, 1)
    few, up = 6 * bands.BAND_BYTES, torch.randn(32, 16, 4, 4)
    with torch.no_grad():
        assert taken_bytes(lambda: bands.convolve_(x, w))[0] < few < x.nbytes
        assert taken_bytes(lambda: bands.activate_(x, scale[0], x[:, :1].clone(), scale[0]))[0] < few
        assert taken_bytes(lambda: bands.instance_norm_(x, scale, scale))[0] < few
        taken, y = taken_bytes(lambda: bands.convolve_up(x, up))
        assert taken < y.nbytes + few


# In the network

SMALL = TINY.but(img_resolution=32)


@pytest.fixture(params=["bilinear", "nearest"])
def G(request, monkeypatch):
    """A network of which every layer is large, and no band is the whole."""
    monkeypatch.setattr(when, "LARGE_BYTES", 0)
    monkeypatch.setattr(bands, "BAND_BYTES", 2**11)
    G = Generator(SMALL.but(resample=request.param)).double()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for p in G.parameters():
            torch.nn.init.normal_(p)
    return G


@pytest.mark.parametrize("lod", [0, 0.5, 1.25])
def test_pictures_without_gradients_are_those_with_them(G, lod):
    z = numbers(3, G.z_dim)
    expected = G(z, noise_mode="const", lod=lod)
    with torch.no_grad():
        assert_close(G(z, noise_mode="const", lod=lod), expected.detach(), rtol=1e-9, atol=1e-9)


def test_neither_weights_nor_inputs_are_overwritten(G):
    z, before = numbers(3, G.z_dim), {name: t.clone() for name, t in G.state_dict().items()}
    noise = [m.repeat(3, 1, 1, 1) for m in G.synthesis.noise_maps(1, "const", None, None, 0)]
    ws = G.broadcast(G.mapping(z)).detach()
    given = [t.clone() for t in (z, ws, *noise)]
    with torch.no_grad():
        G(z, noise=noise)
        G.synthesis(ws, noise=noise)
    assert all(torch.equal(a, b) for a, b in zip((z, ws, *noise), given, strict=True))
    assert all(torch.equal(t, before[name]) for name, t in G.state_dict().items())


def test_a_traced_network_serves_another_batch(G):
    G.requires_grad_(False)
    ws = numbers(3, G.num_ws, G.config.w_dim)

    def draw(ws):
        return G.synthesis(ws, noise_mode="none")

    with torch.no_grad():
        traced = torch.jit.trace(draw, ws[:1], check_trace=False)
        assert_close(traced(ws), draw(ws), rtol=1e-9, atol=1e-9)


def test_vmap_over_pictures_gives_them_one_by_one(G):
    ws = numbers(2, 1, G.num_ws, G.config.w_dim)

    def draw(ws):
        return G.synthesis(ws, noise_mode="none")

    with torch.no_grad():
        assert_close(torch.func.vmap(draw)(ws), torch.stack([draw(w) for w in ws]), rtol=1e-9, atol=1e-9)


def test_features_of_d_lie_as_channels_last_without_gradients_too(monkeypatch):
    monkeypatch.setattr(when, "LARGE_BYTES", 0)
    with torch.no_grad():
        features = Discriminator(SMALL).fromrgb[-1](torch.zeros(2, 3, 32, 32))
    assert features.is_contiguous(memory_format=torch.channels_last)


# What chooses


def test_bands_are_for_large_features_on_the_cpu_of_which_nobody_records_gradients():
    x = torch.empty(2, 32, 256, 256)
    assert not large_unrecorded(x)
    with torch.no_grad():
        assert large_unrecorded(x)
        assert not large_unrecorded(x[:, :, 1:255, 1:255])
        assert not large_unrecorded(torch.empty(2, 64, 256, 256, dtype=torch.float16))  # sums of squares would overflow
        assert not large_unrecorded(x.to("meta"))
        assert not large_unrecorded(torch.empty(4, 16, 256, 256))  # large together, and each picture is not


def test_a_1024_px_network_computes_its_last_levels_in_bands(monkeypatch):
    """At each level a blur and a convolution; with 16 channels features are 8 MB, which is large, from 512 px on."""
    sizes = []
    convolve_ = bands.convolve_
    monkeypatch.setattr(bands, "convolve_", lambda x, *w, **k: sizes.append(x.shape[2]) or convolve_(x, *w, **k))
    G = Generator(CONFIG_F.but(channel_max=16, z_dim=8, w_dim=8, mapping_dim=8))
    with torch.no_grad():
        G(torch.zeros(1, 8))
    assert sizes == [512, 512, 1024, 1024]
