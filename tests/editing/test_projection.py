"""Projection: pictures come back, alike for the same seed and whatever their neighbours; the noise stays noise."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stylegan.editing.projection import Projection, noise_pattern, project, ramp
from stylegan.errors import InputError
from stylegan.sampling.sampler import sample
from stylegan.sampling.spread import spread


@pytest.fixture(scope="module")
def pictures(G):
    """Two pictures that G made itself: it can make them again."""
    return next(sample(G, [1, 2]))


@pytest.fixture(scope="module")
def found(G, pictures, seeing):
    return project(G, pictures, steps=60, perceptual=seeing)


def test_a_picture_of_g_itself_comes_back_many_times_nearer(found):
    for start, end in zip(found.start_distances, found.distances, strict=True):
        assert end < start / 4


def test_the_search_starts_from_the_mean_of_w_and_ends_at_the_ws(G, found):
    assert_close(found.path[0], spread(G).mean.float().expand(2, G.num_ws, -1))
    assert torch.equal(found.path[-1], found.ws)
    assert len(found.path) == 61


def test_w_has_one_w_for_all_styles_and_w_plus_does_not(G, pictures, seeing):
    one = project(G, pictures[:1], space="w", steps=3, perceptual=seeing)
    assert_close(one.ws, one.ws[:, :1].expand_as(one.ws))
    several = project(G, pictures[:1], space="w+", steps=3, perceptual=seeing)
    assert not torch.allclose(several.ws, several.ws[:, :1].expand_as(several.ws))


def test_the_same_seed_finds_the_same_and_another_seed_another(G, pictures, seeing):
    runs = [project(G, pictures, steps=3, seed=seed, perceptual=seeing).ws for seed in (4, 4, 5)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_the_seed_also_shakes_the_ws_of_a_network_without_noise(make, pictures, seeing):
    G = make(noise=False)
    a, b = (project(G, pictures, steps=3, seed=seed, perceptual=seeing).ws for seed in (4, 5))
    assert not torch.equal(a, b)


def test_a_picture_is_projected_as_if_it_were_alone(G, pictures, seeing):
    together, alone = (project(G, chosen, steps=5, perceptual=seeing) for chosen in (pictures, pictures[1:]))
    assert_close(together[1].ws, alone.ws, atol=1e-3, rtol=0)  # Adam's first steps enlarge rounding
    assert together[1].distances == pytest.approx(alone.distances, rel=1e-3)


def test_g_its_gradients_and_the_global_randomness_are_left_alone(make, pictures, seeing):
    G = make().requires_grad_(True)
    before, state = {name: t.clone() for name, t in G.state_dict().items()}, torch.get_rng_state()
    project(G, pictures, steps=2, perceptual=seeing)
    assert all(torch.equal(t, before[name]) for name, t in G.state_dict().items())
    assert all(p.grad is None for p in G.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def test_whoever_watches_is_called_after_each_step_and_may_end_the_search(G, pictures, seeing):
    steps = []
    project(G, pictures[:1], steps=3, perceptual=seeing, watch=lambda search, step: steps.append(step))
    assert steps == [1, 2, 3]
    with pytest.raises(ZeroDivisionError):
        project(G, pictures[:1], steps=3, perceptual=seeing, watch=lambda search, step: step / 0)


def test_the_noise_found_has_mean_zero_deviation_one_and_no_pattern(found):
    for map_ in found.noise:
        assert_close(map_.mean(dim=(2, 3)), torch.zeros(2, 1), atol=1e-5, rtol=0)
        assert_close(map_.square().mean(dim=(2, 3)), torch.ones(2, 1), atol=1e-4, rtol=0)
    assert noise_pattern(found.noise[-2:]).max() < 0.01


def test_noise_has_little_pattern_and_a_gradient_or_a_checkerboard_much():
    noise = torch.randn(1, 1, 64, 64, generator=torch.manual_seed(0))
    gradient = torch.linspace(-1.7, 1.7, 64).expand(1, 1, 64, 64)
    board = torch.ones(1, 1, 64, 64)
    board[..., ::2, ::2] = board[..., 1::2, 1::2] = -1
    assert noise_pattern([noise]).item() < 0.2  # 2 / 64 expected at 8x8 and less above
    assert noise_pattern([gradient]).item() > 1
    assert noise_pattern([board]).item() > 1


def test_a_constant_map_has_the_pattern_worked_out_by_hand():
    ones = torch.ones(1, 1, 16, 16)  # 1 along each axis; at 8x8 all entries are 2, their products 4, squared 16
    assert noise_pattern([ones]).item() == pytest.approx(2 * 1 + 2 * 16)


def test_the_learning_rate_rises_stays_and_falls():
    assert [ramp(done) for done in (0, 0.025, 0.05, 0.5, 0.75)] == pytest.approx([0, 0.5, 1, 1, 1])
    assert ramp(0.875) == pytest.approx(0.5)
    assert ramp(1) == pytest.approx(0)


def test_a_network_without_noise_and_one_in_gray_project_too(make, seeing):
    for G in (make(noise=False), make(img_channels=1), make(img_channels=4)):
        picture = next(sample(G, [1]))
        assert project(G, picture, steps=20, perceptual=seeing).distances[0] < np.inf


def test_a_network_that_is_still_growing_projects_pictures_of_its_size(make, seeing):
    G = make()
    G.lod = 1.0
    found = project(G, next(sample(G, [1])), steps=3, perceptual=seeing)
    assert found.recipe.pictures(G).shape == (1, 3, 8, 8)


def test_a_projection_comes_back_from_its_file_and_makes_the_same_picture(G, found, tmp_path):
    found.save(tmp_path / "p.safetensors")
    loaded = Projection.load(tmp_path / "p.safetensors", G)
    assert np.array_equal(loaded.recipe.pictures(G), found.recipe.pictures(G))
    assert torch.equal(loaded.path, found.path)
    for name in ("distances", "start_distances", "space", "network"):
        assert getattr(loaded, name) == getattr(found, name)


def test_a_projection_into_another_network_is_refused(found, make, tmp_path):
    found.save(tmp_path / "p.safetensors")
    with pytest.raises(InputError, match=r"p.safetensors was made for another network.*stylegan project"):
        Projection.load(tmp_path / "p.safetensors", make(w_dim=8))


def test_the_picture_is_one_of_its_recipe(found):
    assert len(found[1].recipe) == 1
    assert torch.equal(found[1].recipe.ws, found.ws[1:])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"space": "z"}, "must be w or w+"), ({"steps": 0}, "1 to 1000000"), ({"steps": 10**20}, "1 to 1000000")],
)
def test_what_cannot_be_searched_is_refused(G, pictures, seeing, wrong, words):
    with pytest.raises(InputError, match=words.replace("+", r"\+")):
        project(G, pictures, perceptual=seeing, **wrong)
