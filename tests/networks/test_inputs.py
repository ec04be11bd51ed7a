"""What people pass to a network is brought to its type and device, or refused in words of ours."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator

from conftest import TINY

CLASSES = TINY.but(c_dim=3)
CONST = {"noise_mode": "const"}


@pytest.fixture
def G():
    torch.manual_seed(0)
    return Generator(CLASSES).eval().requires_grad_(False)


@pytest.fixture
def z():
    return torch.randn(3, 8, generator=torch.Generator().manual_seed(1))


ONE_HOT = torch.eye(3)


def test_float64_and_arrays_make_the_same_pictures(G, z):
    wanted = G(z, ONE_HOT, **CONST)
    assert torch.equal(G(z.double(), ONE_HOT.double(), **CONST), wanted)
    assert torch.equal(G(z.numpy(), np.eye(3), **CONST), wanted)


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.uint8])
def test_whole_one_hot_labels_do(G, z, dtype):
    assert torch.equal(G(z, ONE_HOT.to(dtype), **CONST), G(z, ONE_HOT, **CONST))


def test_styles_and_noise_may_be_arrays(G, z):
    ws = G.broadcast(G.mapping(z, ONE_HOT))
    maps = [torch.randn(3, 1, H, H) for H in (4, 4, 8, 8, 16, 16)]
    wanted = G.synthesis(ws, noise=maps)
    assert torch.equal(G.synthesis(ws.double().numpy(), noise=[m.double().numpy() for m in maps]), wanted)


@pytest.mark.parametrize("psi", [0.0, 0.5, 1.0])
def test_a_network_in_half_precision_takes_what_the_others_take(G, z, psi):
    images = G.bfloat16()(z, ONE_HOT, truncation_psi=psi, **CONST)
    assert images.dtype == torch.bfloat16 and images.isfinite().all()


@pytest.mark.parametrize("psi", [0.0, 0.5, 1.0])
def test_truncation_works_under_autocast(G, z, psi):
    wanted = G(z, ONE_HOT, truncation_psi=psi, **CONST)
    with torch.autocast("cpu", torch.bfloat16):
        images = G(z, ONE_HOT, truncation_psi=psi, **CONST)
    assert_close(images.float(), wanted, atol=0.1, rtol=0.1)  # bfloat16 has 8 bits


@pytest.mark.parametrize(
    ("z", "c", "words"),
    [
        ("seed 5", ONE_HOT, "z of type str: must be a tensor or an array of numbers"),
        (torch.zeros(3, 8, dtype=torch.complex64), ONE_HOT, "z of torch.complex64: must be real numbers"),
        (torch.zeros(3, 7), ONE_HOT, r"z of shape \(3, 7\): must be \(N, 8\)"),
        (torch.zeros(3, 8), torch.tensor([0, 1, 2]), r"c of shape \(3,\): must be \(3, 3\), one-hot"),
        (torch.zeros(3, 8), torch.eye(4)[:3], r"c of shape \(3, 4\): must be \(3, 3\), one-hot"),
        (torch.zeros(3, 8), [0, "cat"], "c of type list: must be a tensor"),
        (torch.zeros(3, 8, device="meta"), ONE_HOT, "z on the meta device: holds no numbers"),
    ],
)
def test_what_cannot_be_an_input_is_refused_in_words(G, z, c, words):
    with pytest.raises(ValueError, match=words):
        G(z, c)


def test_d_takes_float64_pictures_and_whole_labels_and_no_bytes():
    D, img = Discriminator(CLASSES).requires_grad_(False), torch.randn(3, 3, 16, 16)
    assert torch.equal(D(img.double().float().double(), ONE_HOT.long()), D(img, ONE_HOT))
    with pytest.raises(ValueError, match=r"img of torch\.uint8: must be floats"):
        D(img.to(torch.uint8), ONE_HOT)
