"""DiffAugment and ADA: against kornia and closed forms, differentiable twice, and no trace of them in G's pictures."""

import math

import kornia
import numpy as np
import pytest
import torch
from scipy import ndimage

from stylegan import CONFIG_F, InputError
from stylegan.training import ada, losses
from stylegan.training.augment import AUGMENTATIONS
from stylegan.training.diffaugment import coloured, cut_out, diffaugment, translated
from stylegan.training.objectives import LOSSES
from stylegan.training.warp import SYM6, doubled, halved, mirrored, warp

F64 = {"dtype": torch.float64}


@pytest.fixture
def random():
    return torch.Generator().manual_seed(0)


def pictures(random, *shape):
    return 2 * torch.rand(*shape, generator=random, **F64) - 1


def smooth(random, size=32, N=2):
    """Pictures without detail that a low-pass filter would take away."""
    coarse = pictures(random, N, 3, 5, 5)
    return torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)


def draws(random, N, p):
    u = torch.rand(N, ada.NUMBERS + 1, generator=random, **F64)
    u[:, -1] = p
    return u


def of(value, N=2):
    return torch.full((N,), value, **F64)


# DiffAugment


def test_colours_are_those_of_kornia(random):
    x = pictures(random, 4, 3, 8, 8) / 2 + 0.5  # kornia's lie in [0, 1]
    by, one = torch.tensor([-0.1, 0.0, 0.05, 0.1], **F64).view(4, 1, 1, 1), torch.ones(4, 1, 1, 1, **F64)
    x = 0.2 + 0.6 * x  # far enough from 0 and 1, where kornia clips
    ours = coloured(x, by, one, one)
    assert torch.allclose(ours, kornia.enhance.adjust_brightness(x, by.flatten()), atol=1e-12)
    factor = torch.tensor([0.5, 1.0, 1.1, 1.2], **F64).view(4, 1, 1, 1)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    assert torch.allclose(coloured(x, 0 * one, one, factor), mean + (x - mean) * factor, atol=1e-12)
    gray = coloured(x, 0 * one, 0 * one, one)
    assert torch.allclose(gray, x.mean(dim=1, keepdim=True).expand_as(x), atol=1e-12)


def test_translation_moves_by_whole_pixels_up_to_an_eighth_and_leaves_gray(random):
    x = pictures(random, 1, 2, 16, 16)
    seen = set()
    for down in np.linspace(0, 0.9999, 23):
        for right in (0.0, 0.41, 0.9999):
            moved = translated(x, *(torch.tensor(v, **F64).view(1, 1, 1, 1) for v in (down, right)))
            dy, dx = math.floor(down * 5) - 2, math.floor(right * 5) - 2
            expected = ndimage.shift(x[0].numpy(), (0, dy, dx), order=0, cval=0.0)
            assert np.array_equal(moved[0].numpy(), expected)
            seen.add((dy, dx))
    assert seen == {(dy, dx) for dy in range(-2, 3) for dx in (-2, 0, 2)}


@pytest.mark.parametrize("size", [8, 16, 64])
def test_a_square_of_half_the_size_is_cut_out_with_its_centre_anywhere(size, random):
    x = torch.ones(512, 1, size, size, **F64)
    top, left = torch.rand(2, 512, 1, 1, 1, generator=random, **F64)
    cut = cut_out(x, top, left)
    assert set(cut.unique().tolist()) == {0.0, 1.0}
    heights = (cut == 0).any(dim=3).sum(dim=2).flatten()
    assert (int(heights.min()), int(heights.max())) == (size // 4, size // 2)
    for at, places in ((size // 2, size // 2), (0, size // 4 + 1)):  # of size + 1 where the centre may lie
        covered = (cut == 0)[:, 0, at, at].double().mean()
        assert covered == pytest.approx((places / (size + 1)) ** 2, abs=0.05)


@pytest.mark.parametrize("size", [8, 16])
def test_diffaugment_is_colour_then_place_then_a_square_in_the_ranges_of_the_paper(size, random):
    x, u = pictures(random, 64, 3, size, size), torch.rand(64, 7, generator=random, **F64)
    u[0], u[1] = 0.0, 1 - 1e-9  # the ends of the ranges
    for picture, (b, s, c, *place), done in zip(x.numpy(), u.tolist(), diffaugment(x, u).numpy(), strict=True):
        expected = picture + (b - 0.5)
        expected = (expected - expected.mean(0)) * 2 * s + expected.mean(0)
        expected = (expected - expected.mean()) * (c + 0.5) + expected.mean()
        most = size // 8
        shift = [math.floor(number * (2 * most + 1)) - most for number in place[:2]]
        expected = ndimage.shift(expected, (0, *shift), order=0, cval=0.0)
        first = [math.floor(number * (size + 1)) - size // 4 for number in place[2:]]
        top, left = (slice(max(at, 0), at + size // 2) for at in first)
        expected[:, top, left] = 0
        assert np.allclose(done, expected, atol=1e-12)


# ADA: the maps of places


def test_the_filter_is_the_wavelet_sym6():
    h, k = torch.tensor(SYM6, **F64), torch.arange(12, **F64)
    assert float(h.sum()) == pytest.approx(math.sqrt(2), abs=1e-10)
    for shift in range(1, 6):  # orthogonal to its shifts by two
        assert float((h[2 * shift :] * h[: -2 * shift]).sum()) == pytest.approx(0, abs=1e-10)
    for power in range(6):  # six vanishing moments of the high-pass filter
        assert float((h * (-1) ** k * k**power).sum()) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("size", [4, 8, 32])
def test_no_transform_changes_nothing(size, random):
    x = pictures(random, 2, 3, size, size)
    assert torch.allclose(warp(x, torch.eye(3, **F64).expand(2, 3, 3)), x, atol=1e-9)
    assert torch.allclose(ada.ada(x, draws(random, 2, 0.0)), x, atol=1e-9)
    assert torch.allclose(halved(doubled(mirrored(x, 6))[..., 2:-2, 2:-2]), x, atol=1e-9)


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        (ada.scaling(of(-1.0), of(1.0)), lambda x: x.flip(3)),
        (ada.rotation(of(math.pi / 2)), lambda x: x.rot90(-1, (2, 3))),
        (ada.rotation(of(math.pi)), lambda x: x.rot90(2, (2, 3))),
        (ada.translation(of(3.0), of(0.0)), lambda x: torch.cat([x[..., :3].flip(3), x[..., :-3]], dim=3)),
        (ada.translation(of(0.0), of(-2.0)), lambda x: torch.cat([x[..., 2:, :], x[..., -2:, :].flip(2)], dim=2)),
    ],
    ids=["flip", "quarter", "half", "right", "up"],
)
def test_exact_maps_are_exact(forward, expected, random):
    x = smooth(random)
    difference = warp(x, torch.linalg.inv(forward)) - expected(x)
    assert difference[..., 4:-4, 4:-4].abs().max() < 0.01  # the filter is not quite symmetric
    assert difference.abs().max() < 0.1  # nor are mirrored edges smooth


def test_any_map_is_that_of_kornia(random):
    x, size = smooth(random, 64), 64
    forward = ada.rotation(of(0.3)) @ ada.scaling(of(1.2), of(0.9)) @ ada.translation(of(2.5), of(-4.25))
    ours = warp(x, torch.linalg.inv(forward))
    centre = ada.translation(of((size - 1) / 2), of((size - 1) / 2))
    whole = centre @ forward @ torch.linalg.inv(centre)
    theirs = kornia.geometry.warp_affine(x, whole[:, :2], (size, size), padding_mode="reflection", align_corners=True)
    inner = slice(16, -16)  # the edges are mirrored at other places
    assert (ours - theirs)[..., inner, inner].abs().max() < 0.01


# ADA: which transforms


def test_every_number_is_used_once(random):
    u = ada.Draws(draws(random, 3, 0.5))
    ada.geometry(u, 16)
    ada.colours(u)
    with pytest.raises(StopIteration):
        u.uniform()


def test_each_transform_happens_with_probability_p(random):
    for p in (0.0, 0.3, 1.0):
        u = draws(random, 20_000, p)
        matrix = ada.geometry(ada.Draws(u), 64)
        mirrors = (torch.linalg.det(matrix) < 0).double().mean()
        assert mirrors == pytest.approx(p / 2, abs=0.02)
        log_scale = -torch.linalg.det(matrix).abs().log2() / 2  # of the isotropic one: stretching keeps the area
        assert (log_scale.abs() > 1e-9).double().mean() == pytest.approx(p, abs=0.02)
        assert log_scale.square().mean().sqrt() == pytest.approx(0.2 * math.sqrt(p), abs=0.01)


# Of each transform the numbers that it takes: the one that opens it, and those of its size.
PLACES = {"flip": (1, [0]), "quarters": (3, [2]), "whole": (4, [5, 6]), "scale": (8, [7]), "before": (10, [9])}
PLACES |= {"stretch": (12, [11]), "after": (14, [13]), "part": (15, [16, 17])}
COLOURS = {"brightness": (19, [18]), "contrast": (21, [20]), "luma": (23, [22]), "hue": (25, [24])}
COLOURS |= {"saturation": (27, [26])}


def only(u, *names):
    """The numbers, with all other transforms shut."""
    u = u.clone()
    u[:, [gate for name, (gate, _) in (PLACES | COLOURS).items() if name not in names]] = 0.999999
    return u


def places(u, *names):
    """The maps of places of the transforms `names` alone, at 64 px."""
    return ada.geometry(ada.Draws(only(u, *names)), 64)


def colours(u, *names):
    draws = ada.Draws(only(u, *names))
    ada.geometry(draws, 64)
    return ada.colours(draws)


def angle(matrix):
    return torch.atan2(matrix[:, 1, 0], matrix[:, 0, 0])


def turn(matrix):
    """Of colours, around the gray axis."""
    return ((matrix[:, 0, 0] + matrix[:, 1, 1] + matrix[:, 2, 2] - 1) / 2).clamp(-1, 1).acos()


# What a transform changes, the probability at p = 0.4, and the standard deviation where it happens (ADA, Appendix B).
LAWS = {
    "quarters": (lambda u: angle(places(u, "quarters")), 0.3, math.pi / math.sqrt(2)),  # of 90, 180, -90 degrees
    "whole": (lambda u: places(u, "whole")[:, 0, 2], 0.4 * 15 / 16, 64 / 8 / math.sqrt(3) / math.sqrt(15 / 16)),
    "whole, y": (lambda u: places(u, "whole")[:, 1, 2], 0.4 * 15 / 16, 64 / 8 / math.sqrt(3) / math.sqrt(15 / 16)),
    "scale": (lambda u: torch.linalg.det(places(u, "scale")).log2() / 2, 0.4, 0.2),
    "before": (lambda u: angle(places(u, "before")), 1 - math.sqrt(0.6), math.pi / math.sqrt(3)),
    "after": (lambda u: angle(places(u, "after")), 1 - math.sqrt(0.6), math.pi / math.sqrt(3)),
    "both": (lambda u: places(u, "before", "after")[:, 0, 1], 0.4, math.sqrt(0.5)),  # the sine of an angle
    "stretch": (lambda u: places(u, "stretch")[:, 1, 1].log2(), 0.4, 0.2),
    "part": (lambda u: places(u, "part")[:, 0, 2], 0.4, 64 / 8),
    "part, y": (lambda u: places(u, "part")[:, 1, 2], 0.4, 64 / 8),
    "brightness": (lambda u: colours(u, "brightness")[:, 1, 3], 0.4, 0.2),
    "contrast": (lambda u: colours(u, "contrast")[:, 1, 1].log2(), 0.4, 0.5),
    "luma": (lambda u: colours(u, "luma")[:, 0, 1], 0.2, 2 / 3),
    "hue": (lambda u: turn(colours(u, "hue")), 0.4, math.pi / math.sqrt(3)),  # from 0 to pi, either way round
    "saturation": (lambda u: torch.linalg.det(colours(u, "saturation")).log2() / 2, 0.4, 1.0),
}


@pytest.mark.parametrize("name", LAWS)
def test_each_transform_has_the_probability_and_the_spread_of_the_paper(name, random):
    what, probability, deviation = LAWS[name]
    values = what(draws(random, 40_000, 0.4))
    happened = values[values.abs() > 1e-6]
    assert len(happened) / 40_000 == pytest.approx(probability, abs=0.01)
    assert happened.square().mean().sqrt() == pytest.approx(deviation, rel=0.03)


def test_shifts_are_whole_pixels_up_to_an_eighth_and_rotations_go_all_the_way_round(random):
    u = draws(random, 20_000, 0.9)
    for axis in (0, 1):
        assert set(places(u, "whole")[:, axis, 2].tolist()) == {float(t) for t in range(-8, 9)}
    for name in ("before", "after"):
        turned = angle(places(u, name))
        assert turned.min() < -3.13 and turned.max() > 3.13 and turned.mean().abs() < 0.05


def test_the_transforms_follow_each_other_as_in_the_paper(random):
    u = draws(random, 100, 0.9)
    in_turn = [places(u, name) for name in PLACES]
    assert torch.allclose(ada.geometry(ada.Draws(only(u, *PLACES)), 64), matrix_product(in_turn), atol=1e-9)
    in_turn = [colours(u, name) for name in reversed(COLOURS)]  # the last one is applied last
    assert torch.allclose(colours(u, *COLOURS), matrix_product(in_turn), atol=1e-9)


def matrix_product(matrices):
    product = matrices[0]
    for matrix in matrices[1:]:
        product = product @ matrix
    return product


def test_colours_turn_around_the_gray_axis(random):
    matrix = ada.colours(ada.Draws(draws(random, 5000, 1.0)))
    linear, gray = matrix[:, :3, :3], torch.ones(3, **F64)
    along = linear @ gray  # gray stays gray
    assert torch.allclose(along, along.mean(dim=1, keepdim=True).expand_as(along), atol=1e-9)
    luma = along.mean(dim=1)
    assert (luma < 0).double().mean() == pytest.approx(0.5, abs=0.03)
    assert luma.abs().log2().std() == pytest.approx(0.5, abs=0.03)
    saturation = (torch.linalg.det(linear) / luma).abs().sqrt() / luma.abs()
    assert saturation.log2().std() == pytest.approx(1.0, abs=0.05)
    brightness = matrix[:, 0, 3] / luma
    assert brightness.std() == pytest.approx(0.2, abs=0.01)


def test_a_third_of_a_turn_of_hue_exchanges_the_channels(random):
    x = pictures(random, 1, 3, 8, 8)
    assert torch.allclose(ada.recoloured(x, hue(2 * math.pi / 3)), x[:, [2, 0, 1]], atol=1e-9)


def hue(angle):
    u = torch.full((1, ada.NUMBERS + 1), 0.999, **F64)
    u[:, -1] = 0.5
    u[:, 18 + 6] = (angle / math.pi + 1) / 2
    u[:, 18 + 7] = 0.0
    return ada.colours(Skipped(u))


class Skipped(ada.Draws):
    """The draws of the colours."""

    def __init__(self, u):
        super().__init__(u)
        for _ in range(18):
            self.uniform()


# All of them


@pytest.mark.parametrize("name", ["diffaug", "ada"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_of_any_channels_and_level_keep_their_shape(name, channels, random):
    augmentation = AUGMENTATIONS[name]
    for size in (8, 16, 64) if name == "diffaug" else (4, 8, 64):
        x = pictures(random, 4, channels, size, size)
        u = torch.rand(4, augmentation.columns, generator=random, **F64)
        done = augmentation.apply(x, u)
        assert done.shape == x.shape and done.isfinite().all() and not torch.equal(done, x)
        assert torch.equal(augmentation.apply(x, u), done)
        single = torch.cat([augmentation.apply(x[i : i + 1], u[i : i + 1]) for i in range(4)])
        assert torch.allclose(single, done, atol=1e-12)  # no picture depends on another


@pytest.mark.parametrize("channels", [3, 4])
def test_opacity_keeps_its_values(channels, random):
    x = torch.cat([pictures(random, 8, 3, 16, 16), torch.ones(8, 1, 16, 16, **F64)], dim=1)
    assert set(diffaugment(x, torch.rand(8, 7, generator=random, **F64))[:, 3].unique().tolist()) == {0.0, 1.0}
    assert torch.allclose(ada.ada(x, draws(random, 8, 1.0))[:, 3], torch.ones(8, 16, 16, **F64), atol=1e-9)


@pytest.mark.parametrize("name", ["diffaug", "ada"])
def test_r1_goes_through_it_and_is_differentiated_again(name, random):
    """The gradient of R1 with respect to a weight of D, by finite differences."""
    augmentation = AUGMENTATIONS[name]
    x = pictures(random, 2, 3, 8, 8)
    u = torch.rand(2, augmentation.columns, generator=random, **F64)
    kernel = pictures(random, 1, 3, 8, 8)

    def penalty(weight):
        reals = x.clone().requires_grad_()
        logits = (augmentation.apply(reals, u) * kernel * weight).flatten(1).sum(1).square()[:, None]
        return losses.r1(logits, reals, gamma=1.0).sum()

    weight = torch.tensor(0.7, **F64, requires_grad=True)
    (gradient,) = torch.autograd.grad(penalty(weight), weight)
    numeric = (penalty(weight.detach() + 1e-4) - penalty(weight.detach() - 1e-4)) / 2e-4
    assert gradient.item() == pytest.approx(numeric.item(), rel=1e-6) and gradient.item() != 0
    assert torch.autograd.gradcheck(lambda x: augmentation.apply(x, u), x.requires_grad_())
    assert torch.autograd.gradgradcheck(lambda x: augmentation.apply(x, u).square(), x)


# The controller


def test_the_probability_moves_towards_the_target():
    assert ada.moved(0.1, [0.9] * 4, images=64, kimg=0.5) == pytest.approx(0.1 + 0.128)
    assert ada.moved(0.1, [0.9, 0.3, 0.3, 0.3], images=64, kimg=6.4) == pytest.approx(0.09)
    assert ada.moved(0.0, [0.0] * 4, images=64, kimg=1) == 0
    assert ada.moved(0.999, [1.0] * 4, images=64, kimg=1) == 1
    assert ada.moved(0.3, [0.6] * 4, images=64, kimg=1) == 0.3
    assert ada.moved(0.3, torch.tensor([0.5, 0.7, 0.8, 0.4]).tolist(), images=80, kimg=1) == 0.3  # of batches of 20


def test_impossible_combinations_are_refused():
    with pytest.raises(InputError, match=r"augment diffaug: needs initial_resolution 8"):
        CONFIG_F.but(augment="diffaug", initial_resolution=4)
    assert LOSSES["wgan_gp"].misfits(CONFIG_F.but(augment="ada")) == [
        "augment ada: needs a loss whose logits tell real pictures by their sign, not wgan_gp"
    ]
    assert LOSSES["wgan_gp"].misfits(CONFIG_F.but(augment="diffaug")) == []
    assert LOSSES["logistic"].misfits(CONFIG_F.but(augment="ada")) == []
    assert LOSSES["logistic"].misfits(CONFIG_F, adaptive="own") == []
    assert LOSSES["wgan_gp"].misfits(CONFIG_F, adaptive="own") == [
        "augment own: needs a loss whose logits tell real pictures by their sign, not wgan_gp"
    ]
    with pytest.raises(InputError, match=r"augment 'apa': must be one of none, diffaug, ada"):
        CONFIG_F.but(augment="apa")
