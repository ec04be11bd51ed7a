"""Perceptual path length: the authors' slerp and outliers, and closed forms for a network that draws its own w."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stylegan.errors import InputError
from stylegan.metrics import path_length
from stylegan.metrics.path_length import crop_face, distances, inliers, mean_length, ppl, reduce, slerp

import golden

DIM = 12


def squared(a, b):
    return (a - b).square().sum(dim=(1, 2, 3))


class Drawing:
    """A network whose w is z times `stretch` and whose picture is w, plus the noise if there is any."""

    def __init__(self, stretch=1.0, noise=False):
        self.z_dim, self.w_dim, self.c_dim, self.num_ws = DIM, DIM, 0, 2
        self.w_avg = torch.zeros(DIM, dtype=torch.float64)
        self.config = SimpleNamespace(noise=noise)
        self.stretch = stretch
        self.synthesis = self.draw

    def mapping(self, z, c=None):
        return z * self.stretch

    def broadcast(self, w):
        return w[:, None].repeat(1, self.num_ws, 1)

    def draw(self, ws, *, noise_mode, noise=None):
        return ws[:, 0].reshape(len(ws), 1, 3, 4)


def z_pair(N=6, seed=0):
    return torch.randn(2, N, DIM, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# Paths


def test_slerp_gives_the_authors_points():
    d = np.load(golden.FOLDER / "ops.npz")
    a, b, t = (torch.from_numpy(d[f"ppl/{name}"]) for name in "abt")
    assert golden.relative_error(slerp(a, b, t), d["ppl/slerp"]) < 1e-6


def test_slerp_between_a_point_and_itself_stays_there():
    a = torch.tensor([[3.0, 4]])
    assert_close(slerp(a, 2 * a, torch.tensor([[0.3]])), a / 5)


def test_in_w_the_length_of_a_straight_path_is_the_squared_distance_of_its_ends_at_any_t():
    z0, z1 = z_pair()
    found = distances(Drawing(), z0, z1, torch.rand(6), space="w", distance=squared)
    assert_close(found, (z1 - z0).square().sum(dim=1), rtol=1e-6, atol=0)


def test_in_z_the_length_of_the_arc_is_the_squared_angle_between_its_ends():
    z0, z1 = z_pair()
    found = distances(Drawing(), z0, z1, torch.rand(6), space="z", distance=squared)
    angle = torch.cosine_similarity(z0, z1).acos()
    assert_close(found, angle.square(), rtol=1e-6, atol=0)


def test_the_step_starts_at_t():
    z0, z1 = z_pair(2)
    seen = []
    distances(
        Drawing(),
        z0,
        z1,
        torch.tensor([0, 0.25]),
        space="w",
        epsilon=0.5,
        distance=lambda a, b: seen.append((a, b)) or squared(a, b),
    )
    a, b = (x.flatten(1) for x in seen[0])
    assert_close(a, torch.stack([z0[0], torch.lerp(z0[1], z1[1], 0.25)]))
    assert_close(b, torch.stack([torch.lerp(z0[0], z1[0], 0.5), torch.lerp(z0[1], z1[1], 0.75)]))


# Real networks


@pytest.mark.parametrize("space", ["z", "w"])
@pytest.mark.parametrize("noise_mode", ["random", "const", "none"])
def test_halving_the_step_changes_little_because_both_pictures_have_the_same_noise(make, space, noise_mode):
    G = make().double()
    z0, z1 = torch.randn(2, 4, G.z_dim, generator=torch.manual_seed(0))
    t = torch.tensor([0, 0.2, 0.5, 0.9])
    whole, half = (
        distances(
            *(G, z0, z1, t),
            space=space,
            distance=squared,
            epsilon=epsilon,
            noise_mode=noise_mode,
            generator=torch.manual_seed(1),
        )
        for epsilon in (1e-4, 5e-5)
    )
    assert_close(whole, half, rtol=0.02, atol=0)
    assert (whole > 0).all()


def test_each_pair_has_random_noise_of_its_own(G):
    z = torch.randn(1, G.z_dim, generator=torch.manual_seed(0)).repeat(2, 1)
    seen = []
    distances(
        *(G, z, -z.roll(1, dims=1), torch.zeros(2)),
        space="w",
        distance=lambda a, b: seen.append(a) or squared(a, b),
        generator=torch.manual_seed(1),
    )
    assert not torch.allclose(seen[0][0], seen[0][1], atol=1e-3)


def test_single_precision_is_within_a_few_percent_of_double(make):
    single, double = make(), make().double()
    z0, z1 = torch.randn(2, 8, single.z_dim, generator=torch.manual_seed(0))
    a, b = (
        distances(G, z0, z1, torch.linspace(0, 0.99, 8), space="w", distance=squared, noise_mode="const").double()
        for G in (single, double)
    )
    assert_close(a, b, rtol=0.03, atol=0)


def test_nothing_is_truncated(make):
    z0, z1 = torch.randn(2, 4, 16, generator=torch.manual_seed(0))
    G, moved = make(), make()
    moved.w_avg.add_(10)
    a, b = (distances(x, z0, z1, torch.zeros(4), space="w", distance=squared, noise_mode="none") for x in (G, moved))
    assert torch.equal(a, b)


def test_the_distance_gets_pictures_as_the_network_gives_them(G):
    z0, z1 = torch.randn(2, 3, G.z_dim, generator=torch.manual_seed(0))
    seen = []
    distances(
        *(G, z0, z1, torch.zeros(3)),
        space="w",
        noise_mode="const",
        distance=lambda a, b: seen.append(a) or squared(a, b),
    )
    assert_close(seen[0], G(z0, noise_mode="const"), rtol=1e-4, atol=1e-4)


def test_networks_with_classes_and_without_styles_are_measured_too(labelled, traditional):
    for G in (labelled, traditional):
        found = ppl(G, pairs=4, space="w", distance=squared, generator=torch.manual_seed(0))
        assert found.value > 0


# Which part of the picture


def test_the_crop_is_half_the_picture_below_the_middle_as_in_the_authors_code():
    picture = torch.arange(16 * 16).reshape(1, 1, 16, 16)
    assert torch.equal(crop_face(picture), picture[:, :, 6:14, 4:12])


def test_a_cropped_distance_sees_only_the_crop(G):
    z0, z1 = torch.randn(2, 3, G.z_dim, generator=torch.manual_seed(0))
    seen = []
    options = {"space": "z", "noise_mode": "const", "distance": lambda a, b: seen.append(a) or squared(a, b)}
    for crop in (True, False):
        distances(G, z0, z1, torch.zeros(3), crop=crop, **options)
    assert torch.equal(seen[0], seen[1][:, :, 12:28, 8:24])


@pytest.mark.parametrize(("side", "reduced"), [(32, 32), (256, 256), (512, 256), (1024, 256)])
def test_pictures_above_256_px_are_reduced_to_it_by_box_means(side, reduced):
    picture = torch.randn(1, 1, side, side, generator=torch.manual_seed(0))
    factor = side // reduced
    expected = picture.reshape(1, 1, reduced, factor, reduced, factor).mean(dim=(3, 5))
    assert_close(reduce(picture), expected)


# Outliers and means


def test_the_mean_without_outliers_is_the_authors():
    d = np.load(golden.FOLDER / "metrics_math.npz")
    assert mean_length(torch.from_numpy(d["ppl/distances"])).value == pytest.approx(d["ppl/value"], rel=1e-6)


def test_of_a_thousand_distances_nine_are_left_out_on_each_side():
    """The 1st percentile of 0 ... 999 is between 9 and 10, so 9 is kept. The 99th is between 989 and 990: 990 is kept
    too."""
    assert inliers(torch.arange(1000.0).flip(0)).sort().values.tolist() == list(range(9, 991))


def test_the_error_is_the_standard_error_of_what_is_kept():
    kept = torch.tensor([1.0, 3, 5])
    assert mean_length(kept) == pytest.approx((3, 2 / math.sqrt(3)))


def test_the_length_of_random_straight_paths_is_their_mean_squared_length():
    """E |z1 - z0|^2 = 2 dim for normal z if nothing is left out. The tails matter little."""
    found = ppl(Drawing(), pairs=4000, space="w", distance=squared, generator=torch.manual_seed(0), batch=500)
    assert found.value == pytest.approx(2 * DIM, abs=4 * found.error + 0.1)
    assert found.error == pytest.approx(math.sqrt(8 * DIM / 4000), rel=0.1)


def test_the_length_of_random_arcs_is_that_of_a_quarter_circle_and_a_little_more():
    """E angle^2 = (pi / 2)^2 + Var angle, and the angle between random directions varies by about 1 / dim."""
    found = ppl(Drawing(), pairs=4000, space="z", distance=squared, generator=torch.manual_seed(0), batch=500)
    assert found.value == pytest.approx((math.pi / 2) ** 2 + 1 / DIM, abs=0.06)


@pytest.mark.parametrize(("sampling", "least", "most"), [("full", 0.9, 1), ("end", 0, 0)])
def test_steps_start_anywhere_on_the_full_path_and_at_its_start_for_end(monkeypatch, sampling, least, most):
    seen = []
    monkeypatch.setattr(path_length, "distances", lambda G, z0, z1, t, **options: seen.append(t) or t + 1)
    ppl(Drawing(), pairs=100, space="z", sampling=sampling, distance=squared, generator=torch.manual_seed(0), batch=16)
    assert len(torch.cat(seen)) == 100
    assert least <= torch.cat(seen).max() <= most


def test_the_same_generator_gives_the_same_number(G):
    a, b = (
        ppl(G, pairs=6, space="z", distance=squared, generator=torch.Generator().manual_seed(7), batch=4)
        for _ in range(2)
    )
    assert a == b


# Bad input


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"space": "y"}, "space 'y': must be z or w"),
        ({"noise_mode": "loud"}, "noise_mode 'loud': must be random or const or none"),
        ({"epsilon": 0}, "epsilon 0: must be above 0"),
        ({"t": torch.zeros(5)}, r"t of shape \(5,\): must be \(6,\)"),
        ({"t": torch.full((6,), 1.5)}, "t must be from 0, where z0 is, to 1"),
        ({"z1": torch.zeros(6, 3)}, r"z1 of shape \(6, 3\): must be \(6, 12\)"),
        ({"distance": lambda a, b: (a - b).square().mean()}, r"has shape \(\): must be \(6,\)"),
    ],
)
def test_bad_ends_places_and_steps_of_a_path_are_refused(change, text):
    z0, z1 = z_pair()
    given = {"z0": z0, "z1": z1, "t": torch.zeros(6), "space": "w", "distance": squared} | change
    with pytest.raises(InputError, match=text):
        distances(Drawing(), **given)


def test_an_unknown_sampling_too_few_pairs_and_broken_distances_are_refused():
    common = {"space": "w", "distance": squared, "generator": torch.manual_seed(0)}
    with pytest.raises(InputError, match="sampling 'middle': must be full or end"):
        ppl(Drawing(), pairs=4, sampling="middle", **common)
    with pytest.raises(InputError, match="path length of 1 pairs: must be 2 or more"):
        ppl(Drawing(), pairs=1, **common)
    with pytest.raises(InputError, match="path lengths hold NaN"):
        mean_length(torch.tensor([1.0, float("nan")]))
