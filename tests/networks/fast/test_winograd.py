"""Winograd's convolution against torch's: fewer products, the same numbers."""

from unittest.mock import Mock

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_weight

from stylegan.networks.fast import winograd
from stylegan.networks.fast.winograd import MATRICES, POINTS, TILE, Winograd

SHAPES = [(1, 3, 5, 4, 4), (2, 5, 4, 8, 16), (5, 4, 3, 12, 8)]  # N, C, O, and H, W of the output


@pytest.fixture(params=[1, 2], ids=["stride 1", "stride 2"])
def stride(request):
    return request.param


@pytest.fixture(params=SHAPES, ids=str)
def given(request, stride):
    """x, w and y in double precision."""
    N, C, O, H, W = request.param  # noqa: E741
    return numbers(N, C, stride * H, stride * W), numbers(O, C, 2 + stride, 2 + stride), numbers(N, O, H, W)


def numbers(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def assert_equal_in_double(found: Tensor, expected: Tensor) -> None:
    """To 1e-11: rounding is 1e-16, the transforms make it 10 times more, and a wrong term would make it 1."""
    assert found.shape == expected.shape
    assert (found - expected).norm() < 1e-11 * expected.norm()


# The three maps


def test_forward_is_the_convolution(given, stride):
    x, w, _ = given
    method = Winograd(stride)
    assert_equal_in_double(method.forward(x, method.kernel(w)), F.conv2d(x, w, stride=stride, padding=1))


def test_transposed_is_the_transposed_convolution(given, stride):
    _, w, y = given
    method = Winograd(stride)
    expected = F.conv_transpose2d(y, w, stride=stride, padding=1)
    assert_equal_in_double(method.transposed(y, method.kernel(w)), expected)


def test_gradient_is_the_derivative_by_the_weights(given, stride):
    x, w, y = given
    method = Winograd(stride)
    w.requires_grad_()
    (found,) = torch.autograd.grad(method.kernel(w), w, method.gradient(x, y))
    assert_equal_in_double(found, conv2d_weight(x, w.shape, y, stride=stride, padding=1))


def test_the_three_are_transposes_of_each_other(given, stride):
    x, w, y = given
    method = Winograd(stride)
    u = method.kernel(w)
    expected = (method.forward(x, u) * y).sum()
    assert_equal_in_double((x * method.transposed(y, u)).sum(), expected)
    assert_equal_in_double((u * method.gradient(x, y)).sum(), expected)


def test_the_layout_in_memory_changes_nothing(given, stride):
    x, w, y = given
    method = Winograd(stride)
    u = method.kernel(w)
    last_x, last_y = (t.to(memory_format=torch.channels_last) for t in (x, y))
    assert_equal_in_double(method.forward(last_x, u), method.forward(x, u))
    assert_equal_in_double(method.transposed(last_y, u), method.transposed(y, u))
    assert_equal_in_double(method.gradient(last_x, last_y), method.gradient(x, y))


# In parts


def results(method: Winograd, x: Tensor, w: Tensor, y: Tensor) -> list[Tensor]:
    u = method.kernel(w)
    return [method.forward(x, u), method.transposed(y, u), method.gradient(x, y)]


@pytest.mark.parametrize("pictures", [1, 2, 5])
def test_one_part_and_many_give_the_same(stride, monkeypatch, pictures):
    """5 pictures as 5 parts, as 3 of which the last is smaller, and as one."""
    given = numbers(5, 4, stride * 8, stride * 8), numbers(3, 4, 2 + stride, 2 + stride), numbers(5, 3, 8, 8)
    whole = results(Winograd(stride), *given)
    monkeypatch.setattr(Winograd, "_pictures", Mock(return_value=pictures))
    parts = results(Winograd(stride), *given)
    assert_equal_in_double(parts[0], whole[0])
    assert_equal_in_double(parts[1], whole[1])
    assert_equal_in_double(parts[2], whole[2])


@pytest.mark.parametrize(("part_bytes", "expected"), [(1, 1), (36 * 4 * 3 * 8, 1), (2 * 36 * 4 * 3 * 8, 2)])
def test_a_part_is_as_many_pictures_as_fit_and_at_least_one(monkeypatch, part_bytes, expected):
    """A picture of 8 x 8 and 3 channels is 4 tiles of 36 numbers and 8 bytes each."""
    monkeypatch.setattr(winograd, "PART_BYTES", part_bytes)
    assert Winograd(1)._pictures(numbers(5, 3, 8, 8), 1) == expected


def test_parts_do_not_outgrow_part_bytes(monkeypatch, stride):
    monkeypatch.setattr(winograd, "PART_BYTES", 2**16)
    sizes = []
    transformed = Winograd._transformed
    monkeypatch.setattr(
        Winograd, "_transformed", lambda *given: sizes.append(transformed(*given).nbytes) or transformed(*given)
    )
    method = Winograd(stride)
    method.forward(numbers(16, 4, stride * 16, stride * 16), numbers(method.window**2, 4, 4 * stride**2))
    assert 2**15 < max(sizes) <= 2**16  # it takes more than half, as 2 more pictures would fit else


# Products and matrices


@pytest.mark.parametrize(("method", "points", "channels"), [(Winograd(1), 36, 3), (Winograd(2), 25, 4 * 3)])
def test_a_tile_of_16_outputs_takes_so_many_products(method, points, channels):
    """Lavin and Gray, Section 4.1: 36 for F(4x4, 3x3), where the sum of all takes 144; 25 for each parity, not 64."""
    w = numbers(5, 3, 2 + method.stride, 2 + method.stride)
    assert method.kernel(w).shape == (points, 5, channels)


@pytest.mark.parametrize("taps", [2, 3])
def test_the_matrices_correlate_a_row(taps):
    m = MATRICES[taps]
    x, w = numbers(TILE + taps - 1), numbers(taps)
    expected = x.unfold(0, taps, 1) @ w  # (4,)
    assert_equal_in_double(m["A"] @ ((m["G"] @ w) * (m["B"] @ x)), expected)


@pytest.mark.parametrize("taps", [2, 3])
def test_a_window_of_so_many_samples_has_as_many_points(taps):
    assert len(set(POINTS[taps])) == TILE + taps - 1 - 1  # and infinity


def test_matrices_made_in_inference_mode_serve_for_training():
    w = numbers(2, 3, 3, 3).requires_grad_()
    with torch.inference_mode():
        Winograd(1).kernel(w)
    assert torch.autograd.grad(Winograd(1).kernel(w).sum(), w)[0].isfinite().all()


def test_matrices_made_within_a_transform_serve_outside():
    def cubes(w):
        return Winograd(1).kernel(w).pow(3).sum()

    w = numbers(2, 3, 3, 3)
    torch.func.grad(lambda w: torch.func.grad(cubes)(w).sum())(w)
    torch.func.grad(cubes)(w)
    assert type(MATRICES[3]["G"].tolist()) is list  # of a transform's tensor nobody can ask that
