"""The styles and the noise of a state: the laws of docs/explorer.md, and the pictures of `sample`."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stylegan.errors import InputError
from stylegan.explorer.explorer import Explorer
from stylegan.explorer.recipes import Remembered, blend, unit
from stylegan.sampling.controls import Controls
from stylegan.sampling.noise import seed_noise
from stylegan.sampling.recipe import Recipe
from stylegan.sampling.sampler import Sampler
from stylegan.sampling.truncation import estimate_w_avg

PAD = {"seeds": [1, 2, 3, 4], "x": 0.25, "y": 0.5}


def picture(G, seed, **controls):
    """That of `stylegan sample`."""
    return next(Sampler(G, Controls(**controls)).pictures([seed]))[0]


def ws(explorer, state):
    return explorer.recipe(state).ws


@pytest.mark.parametrize(
    ("fields", "controls"),
    [
        ({}, {}),
        ({"psi": 1}, {"psi": 1}),
        ({"psi": 0.5, "cutoff": 3}, {"psi": 0.5, "cutoff": 3}),
        ({"psi": -0.5, "cutoff": None}, {"psi": -0.5, "cutoff": None}),
        ({"noise": ["none"] * 8}, {"noise": "none"}),
        ({"noise": ["const"] * 8}, {"noise": "const"}),
        ({"noise": [9] * 8}, {"noise_seed": 9}),
        ({"noise": ["own", "own", *["none"] * 6]}, {"noise_layers": "0-1"}),
    ],
)
def test_a_seed_is_the_picture_of_sample_to_the_bit(explorer, G, fields, controls):
    assert np.array_equal(explorer.picture({"a": {"seeds": 3}} | fields), picture(G, 3, **controls))


def test_a_class_is_that_of_sample(labelled):
    explorer = Explorer(labelled)
    assert np.array_equal(explorer.picture({"a": {"seeds": 3, "class": 2}}), picture(labelled, 3, class_index=2))


def test_networks_without_styles_or_noise_have_pictures(traditional):
    explorer = Explorer(traditional)
    assert np.array_equal(explorer.picture({"a": {"seeds": 3}, "noise": []}), picture(traditional, 3))


@pytest.mark.parametrize(("x", "y", "seed"), [(0, 0, 1), (1, 0, 2), (0, 1, 3), (1, 1, 4)])
def test_a_corner_of_the_pad_is_its_seed_to_the_bit(explorer, G, x, y, seed):
    assert np.array_equal(explorer.picture({"a": PAD | {"x": x, "y": y}}), picture(G, seed))


def test_the_pad_is_bilinear_in_w(explorer, G):
    w = [Sampler(G, Controls(psi=1)).ws([seed]) for seed in (1, 2, 3, 4)]
    weights = [0.75 * 0.5, 0.25 * 0.5, 0.75 * 0.5, 0.25 * 0.5]
    assert_close(ws(explorer, {"a": PAD, "psi": 1}), sum(g * each for g, each in zip(weights, w, strict=True)))


def test_psi_0_is_the_mean_and_the_cutoff_spares_the_others(explorer, G):
    found = ws(explorer, {"a": PAD, "psi": 0, "cutoff": 5})[0]
    whole = ws(explorer, {"a": PAD, "psi": 1})[0]
    assert torch.equal(found[:5], G.w_avg.expand(5, -1)) and torch.equal(found[5:], whole[5:])


def test_mixing_nothing_is_a_and_mixing_all_is_b_with_its_noise(explorer, G):
    assert np.array_equal(explorer.picture({"a": {"seeds": 3}, "b": {"seeds": 5}, "mix": [0] * 8}), picture(G, 3))
    assert np.array_equal(explorer.picture({"a": {"seeds": 3}, "b": {"seeds": 5}, "mix": [1] * 8}), picture(G, 5))


def test_mixing_some_styles_is_that_of_a_recipe(explorer, G):
    sampler = Sampler(G)
    expected = sampler.recipe([3]).with_layers_of(sampler.recipe([5]), [2, 6]).pictures(G)[0]
    mix = [1 if i in (2, 6) else 0 for i in range(8)]
    assert np.array_equal(explorer.picture({"a": {"seeds": 3}, "b": {"seeds": 5}, "mix": mix}), expected)


def test_mixing_a_part_goes_a_part_of_the_way(explorer):
    a, b = ws(explorer, {"a": {"seeds": 3}}), ws(explorer, {"a": {"seeds": 5}})
    mixed = ws(explorer, {"a": {"seeds": 3}, "b": {"seeds": 5}, "mix": [0.25] * 8})
    assert_close(mixed, 0.75 * a + 0.25 * b)


def test_a_mutation_of_0_changes_nothing_and_of_1_is_the_other_seed(explorer):
    a, b = ws(explorer, {"a": {"seeds": 3}}), ws(explorer, {"a": {"seeds": 5}})
    bred = {t: ws(explorer, {"a": {"seeds": 3, "steps": [{"seed": 5, "t": t}]}}) for t in (0, 1, 0.3)}
    assert torch.equal(bred[0], a) and torch.equal(bred[1], b)
    assert not torch.equal(bred[0.3], a)


def test_mutations_do_not_drift_towards_the_mean(make):
    """40 steps on, styles are as far from the mean as at first."""
    G = make()
    G.w_avg.copy_(estimate_w_avg(G))
    explorer = Explorer(G)
    steps = [{"seed": 100 + i, "t": 0.4} for i in range(60)]

    def distance(source):
        return (ws(explorer, {"a": source, "psi": 1})[0, 0] - G.w_avg).norm().item()

    first = np.mean([distance({"seeds": seed}) for seed in range(20)])
    later = np.mean([distance({"seeds": seed, "steps": steps[seed : seed + 40]}) for seed in range(20)])
    assert later == pytest.approx(first, rel=0.15)


def test_a_crossing_is_the_mixture_that_it_inherits(explorer):
    mix = [0, 0.3, 1, 0.5, 0, 0, 1, 1]
    crossed = {"a": {"seeds": 3, "steps": [{"source": {"seeds": 5}, "t": mix}]}}
    mixed = {"a": {"seeds": 3}, "b": {"seeds": 5}, "mix": mix}
    assert np.array_equal(explorer.picture(crossed), explorer.picture(mixed))


def test_directions_move_the_styles_that_they_name(explorer):
    along = {"name": "closed-1", "strength": 2, "layers": [1, 3]}
    moved = ws(explorer, {"a": {"seeds": 3}, "directions": [along]})[0] - ws(explorer, {"a": {"seeds": 3}})[0]
    expected = torch.zeros_like(moved)
    expected[1:4] = 2 * explorer.directions["closed-1"].vector
    assert_close(moved, expected)


def test_a_direction_of_a_file_is_found_beside_the_network(G, tmp_path, write_direction):
    from stylegan.checkpoint import Networks, save

    save(tmp_path / "net.safetensors", Networks(G))
    made = write_direction(G, tmp_path / "net-directions" / "age.safetensors")
    (tmp_path / "net-directions" / "bad.safetensors").write_bytes(b"no direction")
    with pytest.warns(UserWarning, match="left out.*bad.safetensors"):
        explorer = Explorer(G, network=tmp_path / "net.safetensors")
    assert list(explorer.directions)[:2] == ["age", "closed-1"]
    state = {"a": {"seeds": 3}, "directions": [{"name": "age", "strength": 2, "layers": [2, 3]}]}
    assert np.array_equal(explorer.picture(state), picture(G, 3, direction=[(made, 2.0)]))


def test_noise_on_the_pad_keeps_its_deviation(explorer):
    maps = explorer.recipe({"a": PAD | {"x": 0.5}}).noise
    assert maps[-1].std().item() == pytest.approx(1, abs=0.05)


def test_the_noise_of_a_corner_and_of_equal_seeds_is_exactly_that_of_the_seed(explorer, G):
    for source in (PAD | {"x": 0, "y": 0}, {"seeds": 1, "x": 0.3, "y": 0.8}):
        found = explorer.recipe({"a": source}).noise
        assert all(map(torch.equal, found, seed_noise(1, G)))


def test_weights_of_noise_add_up_to_deviation_1():
    assert unit([(3, 0.0), (4, 2.0)]) == {4: 1.0}
    assert unit([(3, 1.0), (4, 0.5), (4, 0.5)]) == {3: pytest.approx(math.sqrt(0.5)), 4: pytest.approx(math.sqrt(0.5))}
    assert blend({3: 1.0}, {4: 1.0}, 0) == {3: 1.0} and blend({3: 1.0}, {4: 1.0}, 1) == {4: 1.0}
    assert blend({3: 1.0}, {3: 1.0}, 0.5) == {3: 1.0}


def test_a_redrawn_level_leaves_the_noise_of_others(explorer, G):
    found = explorer.recipe({"a": {"seeds": 3}, "noise": ["own", 9, *["own"] * 6]}).noise
    expected = [seed_noise(9 if i == 1 else 3, G)[i] for i in range(8)]
    assert all(map(torch.equal, found, expected))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mix": [0.5]}, "mix of 1 numbers: this network takes 8"),
        ({"noise": ["own"]}, "noise of 1 numbers: this network takes 8"),
        ({"cutoff": 9}, "this network has 8 styles"),
        ({"a": {"seeds": 1, "class": 0}}, "this network has no classes"),
        ({"a": {"upload": "abc"}}, "upload it again"),
        ({"a": {"seeds": 1, "steps": [{"source": {"seeds": 1}, "t": [0, 1]}]}}, "crossing of 2 numbers"),
        ({"a": {"seeds": 1, "steps": [{"seed": 1, "t": 0.1}] * 64}}, "65 sources and steps"),
        ({"directions": [{"name": "smile", "strength": 1, "layers": [0, 1]}]}, "this explorer has closed-1"),
        ({"directions": [{"name": "closed-1", "strength": 1, "layers": [3, 1]}]}, "must be within 0 to 7"),
        ({"directions": [{"name": "closed-1", "strength": 1, "layers": [0, 8]}]}, "must be within 0 to 7"),
        ({"directions": [{"name": "closed-1", "strength": 1, "layers": [0, 1]}] * 2}, "given twice"),
    ],
)
def test_a_state_of_another_network_is_refused_in_words(explorer, fields, words):
    with pytest.raises(InputError, match="state") as refused:
        explorer.picture({"a": {"seeds": 1}} | fields)
    assert words in str(refused.value)


def test_what_is_remembered_is_bounded_in_bytes():
    kept, found = Remembered(10, len), []
    for key in ("aaaa", "bbbb", "aaaa", "cccc", "aaaa", "bbbb"):
        kept.get(key, lambda key=key: found.append(key) or key)
    assert found == ["aaaa", "bbbb", "cccc", "bbbb"] and kept.bytes <= 10


def test_an_explorer_without_a_network_of_ours_is_refused():
    with pytest.raises(InputError, match="must be a network"):
        Explorer("portraits")


def test_the_recipe_of_a_state_makes_its_picture(explorer, G):
    state = {"a": PAD, "b": {"seeds": 5}, "mix": [0.5] * 8}
    found = explorer.recipe(state)
    assert isinstance(found, Recipe) and np.array_equal(found.pictures(G)[0], explorer.picture(state))
