"""Directions: what each method finds, that a step is the same for all, and that files know their network."""

import dataclasses

import pytest
import torch
from torch.testing import assert_close

from stylegan.editing.directions import boundary, closed_form, principal_components
from stylegan.editing.projection import Projection
from stylegan.errors import InputError
from stylegan.sampling.direction import Direction, apply, find_direction
from stylegan.sampling.fingerprint import fingerprint
from stylegan.sampling.latents import seed_ws
from stylegan.sampling.noise import seed_noise
from stylegan.sampling.spread import spread


@pytest.fixture(scope="module")
def linear(make):
    """A network whose w is the normalised z, but stretched 5 times along the last axis."""
    G = make(mapping_layers=1)
    G.mapping.layers[0].weight.copy_(torch.eye(16) / G.mapping.layers[0].weight_gain)
    G.mapping.layers[0].weight[15] *= 5
    G.mapping.layers[0].bias.zero_()
    return G


def unit(direction):
    return direction.vector / direction.vector.norm()


def test_strength_zero_changes_nothing(G):
    ws = seed_ws(G, [0, 1])
    assert torch.equal(apply(ws, closed_form(G, 1)[0], 0.0), ws)


def test_a_direction_moves_its_layers_and_no_other_and_leaves_its_argument_alone(G):
    ws = seed_ws(G, [0, 1])
    before = ws.clone()
    direction = closed_form(G, 1, levels="2-3")[0]
    moved = apply(ws, direction, 2.0) - ws
    assert_close(moved[:, 2:4], (2 * direction.vector).expand(2, 2, -1))
    assert not moved[:, [0, 1, 4, 5]].any()
    assert torch.equal(ws, before)


def test_steps_in_two_directions_come_in_any_order(G):
    ws, (a, b) = seed_ws(G, [0]), principal_components(G, 2)
    assert_close(apply(apply(ws, a, 2.0), b, -1.0), apply(apply(ws, b, -1.0), a, 2.0))


def test_strength_one_is_one_standard_deviation_of_w_for_every_method(G):
    w = seed_ws(G, list(range(2000)))[:, 0]
    marked = boundary(G, "b", yes=[0, 1, 2], no=[3, 4, 5])
    for direction in [closed_form(G, 3)[2], principal_components(G, 3)[2], marked]:
        assert_close((w @ unit(direction)).std(), direction.vector.norm(), rtol=0.05, atol=0)  # 2000 samples: 2 %


def test_closed_form_gives_the_right_singular_vectors_of_the_stacked_affine_weights(G):
    A = torch.cat([layer.norm.affine.weight for block in G.synthesis.blocks[:2] for layer in block.layers])
    _, S, Vh = torch.linalg.svd(A)
    found = closed_form(G, 4, levels="0-3")
    for i, direction in enumerate(found):
        assert_close((unit(direction) @ Vh[i]).abs(), torch.tensor(1.0), atol=1e-4, rtol=0)
        assert direction.score == pytest.approx((S[i].square() / S.square().sum()).item(), rel=1e-4)
    assert found[0].layers == (0, 1, 2, 3)


def test_principal_components_are_orthogonal_and_explain_less_and_less(G):
    found = principal_components(G, 16)
    units = torch.stack([unit(direction) for direction in found])
    assert_close(units @ units.T, torch.eye(16), atol=1e-5, rtol=0)
    scores = [direction.score for direction in found]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1)


def test_the_first_principal_component_is_the_axis_along_which_w_was_stretched(linear):
    assert principal_components(linear, 1)[0].vector.abs().argmax() == 15
    assert unit(principal_components(linear, 1)[0]).abs().max() > 0.99


def test_the_same_seed_finds_the_same_components(G):
    a, b = principal_components(G, 1, samples=100, seed=3), principal_components(G, 1, samples=100, seed=3)
    assert torch.equal(a[0].vector, b[0].vector)


def test_a_boundary_between_marked_seeds_finds_what_they_were_marked_by(G):
    w = seed_ws(G, list(range(200)))[:, 0]
    planted = principal_components(G, 1)[0]
    along = (w - spread(G).mean.float()) @ planted.vector
    ranked = along.argsort().tolist()
    found = boundary(G, "planted", yes=ranked[-20:], no=ranked[:20], levels="coarse")
    assert unit(found) @ unit(planted) > 0.8  # of 16 dimensions, by chance it would be 0.25
    assert found.score > 0.9
    assert found.layers == (0, 1, 2, 3)


def test_a_boundary_between_seeds_marked_by_chance_scores_like_chance(G):
    scores = [boundary(G, "x", yes=range(i, i + 20), no=range(i + 20, i + 40)).score for i in range(0, 120, 40)]
    assert sum(scores) / len(scores) == pytest.approx(0.5, abs=0.2)


def projected(G, folder, ws):
    """The files of projections that have found these ws (N, num_ws, w_dim)."""
    noise = [map_.expand(len(ws), -1, -1, -1).clone() for map_ in seed_noise(0, G)]
    found = Projection(ws, noise, [0.1] * len(ws), [1.0] * len(ws), ws[None].clone(), "w+", fingerprint(G))
    paths = [folder / f"face{i}.safetensors" for i in range(len(ws))]
    for i, path in enumerate(paths):
        found[i].save(path)
    return paths


def test_a_projection_that_has_found_the_styles_of_a_seed_is_marked_like_the_seed(G, tmp_path):
    files = projected(G, tmp_path, seed_ws(G, range(6)))
    expected = boundary(G, "x", yes="0-2", no="3-5")
    for yes, no in [(files[:3], files[3:]), ([0, files[1], 2], f"3,{files[4]},5")]:
        found = boundary(G, "x", yes=yes, no=no)
        assert_close(found.vector, expected.vector)
        assert found.score == expected.score


def test_only_the_layers_that_the_direction_moves_count_of_a_projection(G, tmp_path):
    ws = seed_ws(G, range(6))
    ws[:, 4:] = torch.randn(6, 2, G.w_dim, generator=torch.manual_seed(0))
    files = projected(G, tmp_path, ws)
    found = boundary(G, "x", yes=files[:3], no=files[3:], levels="coarse")
    assert_close(found.vector, boundary(G, "x", yes="0-2", no="3-5", levels="coarse").vector)


def test_all_marked_files_that_are_no_projections_into_this_network_are_named(G, make, tmp_path):
    files = projected(make(w_dim=8), tmp_path, seed_ws(make(w_dim=8), range(2)))
    with pytest.raises(InputError, match=r"(?s)face0.safetensors was made for another.*face1.safetensors was made for"):
        boundary(G, "x", yes=[0, files[0]], no=[1, files[1]])


def test_pictures_marked_twice_or_too_few_are_refused_all_at_once(G):
    with pytest.raises(InputError, match=r"(?s)seed 3 is marked yes and no.*1 pictures are marked no: a boundary need"):
        boundary(G, "x", yes=[1, 2, 3], no=[3])
    with pytest.raises(InputError, match="face is marked yes and no"):
        boundary(G, "x", yes="0,1,face.safetensors", no="2,face.safetensors")


def test_a_boundary_that_moves_no_style_is_refused(G):
    with pytest.raises(InputError, match="levels 'none': a direction moves at least one style"):
        boundary(G, "x", yes="0-1", no="2-3", levels="none")
    for find in (closed_form, principal_components):
        with pytest.raises(InputError, match="levels 'none': a direction moves at least one style"):
            find(G, 2, levels="none")


def test_a_network_without_styles_has_no_directions_in_closed_form(make):
    with pytest.raises(InputError, match="no styles"):
        closed_form(make(norm="pixel", const_input=False, style_mixing_prob=0.0))


def test_classes_are_drawn_for_components_and_given_for_boundaries(make):
    G = make(c_dim=3)
    c = torch.eye(3)[1:2]
    assert principal_components(G, 1)[0].score > 0
    assert boundary(G, "x", yes=[0, 1], no=[2, 3], c=c).vector.shape == (16,)


def test_a_direction_comes_back_from_its_file(G, tmp_path):
    saved = dataclasses.replace(principal_components(G, 1, levels="4-5")[0], name="glasses")
    saved.save(tmp_path / "glasses.safetensors")
    loaded = find_direction("glasses", tmp_path, G)
    assert torch.equal(loaded.vector, saved.vector)
    assert dataclasses.replace(loaded, vector=saved.vector) == saved
    assert find_direction(str(tmp_path / "glasses.safetensors"), "elsewhere", G).name == "glasses"


def test_a_direction_of_another_network_is_refused(G, make, tmp_path):
    closed_form(G, 1)[0].save(tmp_path / "closed-1.safetensors")
    other = make()
    other.mapping.layers[0].weight[0, 0] += 1e-3
    with pytest.raises(InputError, match=r"closed-1.safetensors was made for another network"):
        Direction.load(tmp_path / "closed-1.safetensors", other)
