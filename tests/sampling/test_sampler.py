"""One road from seeds to pictures: what a seed means, truncation, noise, classes."""

import numpy as np
import pytest
import torch

from stylegan.errors import InputError
from stylegan.sampling.controls import Controls
from stylegan.sampling.describe import describe_controls
from stylegan.sampling.latents import seed_z
from stylegan.sampling.noise import stack_noise
from stylegan.sampling.sampler import Sampler, recipe, sample

SEEDS = [0, 1, 2, 3, 4]


def all_of(batches):
    return np.concatenate(list(batches))


def pictures(G, seeds=(0, 1), **controls):
    return recipe(G, list(seeds), Controls(**controls)).pictures(G)


def differ(a, b):
    """The greatest difference in levels; above 1 it is no rounding."""
    return int(np.abs(a.astype(int) - b).max())


def test_the_z_of_a_seed_is_that_of_numpy():
    assert np.allclose(seed_z(7, 16).numpy(), np.random.RandomState(7).randn(1, 16))


def test_a_seed_is_the_same_picture_whatever_the_batch_and_the_neighbours(G):
    together = all_of(sample(G, SEEDS, batch=5))
    alone = all_of(sample(G, [3], batch=1))
    assert together.shape == (5, 3, 32, 32)
    assert differ(together[3:4], alone) <= 1
    assert differ(together, all_of(sample(G, SEEDS, batch=2))) <= 1


def test_sampling_agrees_with_the_generators_own_forward(G):
    z = torch.cat([seed_z(seed, 16) for seed in SEEDS])
    images = G(z, truncation_psi=0.6, truncation_cutoff=4, noise=stack_noise(SEEDS, G))
    expected = (images * 127.5 + 128).clamp(0, 255).to(torch.uint8).numpy()
    assert differ(all_of(sample(G, SEEDS, truncation_psi=0.6, truncation_cutoff=4)), expected) <= 1


def test_psi_zero_gives_one_picture(G):
    made = pictures(G, range(4), psi=0, noise="const")
    assert differ(made, made[:1]) == 0


def test_psi_zero_with_each_its_own_noise_differs_by_the_noise_alone(G):
    ws = recipe(G, [0, 1], Controls(psi=0)).ws
    assert torch.equal(ws[0], ws[1])


@pytest.mark.parametrize("psi", [1, 1.5, -1])
def test_other_psi_keep_the_pictures_apart(G, psi):
    made = pictures(G, psi=psi, noise="const")
    assert differ(made[0], made[1]) > 20


def test_psi_in_words_is_psi_in_numbers(G):
    expected = recipe(G, [0], Controls(psi=[0.5] * 4 + [1.0] * 4, cutoff=None)).ws
    assert torch.equal(recipe(G, [0], Controls(psi="coarse=0.5,middle=1", cutoff=None)).ws, expected)
    assert torch.equal(recipe(G, [0], Controls(psi="0.5", cutoff=4)).ws, expected)
    assert torch.equal(recipe(G, [0], Controls(psi=".5,.5,.5,.5,1,1,1,1")).ws, expected)


@pytest.mark.parametrize("psi", ["abc", "nan", float("inf"), "0.5,1", "coarse=x", "", None, True])
def test_a_psi_that_is_no_number_is_refused(G, psi):
    with pytest.raises(InputError, match=r"psi .*one for each of the 8 styles"):
        pictures(G, psi=psi)


def test_a_psi_for_levels_that_do_not_exist_is_refused(G):
    with pytest.raises(InputError, match="'fine' names no layer"):
        pictures(G, psi="fine=0.5")


def test_a_cutoff_above_num_ws_is_all_of_them_and_below_zero_is_refused(G):
    assert differ(pictures(G, cutoff=99), pictures(G, cutoff=None)) == 0
    with pytest.raises(InputError, match="cutoff -1"):
        pictures(G, cutoff=-1)


def test_a_noise_seed_gives_all_pictures_the_noise_of_that_seed(G):
    noise = Sampler(G, Controls(noise_seed=7)).noise([0, 1])
    assert all(torch.equal(a, b) for a, b in zip(noise, stack_noise([7], G), strict=True))
    assert differ(pictures(G, noise_seed=0)[0], pictures(G)[0]) <= 1  # seed 0's own
    assert differ(pictures(G, noise_seed=7)[0], pictures(G)[0]) > 2


def test_the_stored_noise_no_noise_and_random_noise_are_three_pictures(G):
    const, none, random = (pictures(G, [0], noise=noise) for noise in ("const", "none", "random"))
    assert min(differ(const, none), differ(none, random), differ(const, random)) > 2


def test_noise_can_be_on_in_some_layers_only(G):
    own = Sampler(G).noise([0, 1])
    some = Sampler(G, Controls(noise_layers="4-5,32px")).noise([0, 1])
    assert [bool(m.any()) for m in some] == [False, False, False, False, True, True, True, True]
    assert torch.equal(some[4], own[4])
    assert differ(pictures(G, noise_layers="none"), pictures(G, noise="none")) == 0
    assert differ(pictures(G, noise_layers="all"), pictures(G)) == 0


def test_noise_that_cannot_be_is_refused(G, traditional):
    with pytest.raises(InputError, match="noise seed 3 with noise const"):
        pictures(G, noise="const", noise_seed=3)
    with pytest.raises(InputError, match="noise 'loud': must be random, const or none"):
        pictures(G, noise="loud")
    with pytest.raises(InputError, match="no noise inputs"):
        pictures(traditional, noise_seed=3)
    with pytest.raises(InputError, match="names no layer"):
        pictures(G, noise_layers="fine")
    with pytest.raises(InputError, match="must be 0 to"):
        pictures(G, noise_seed=-1)


def test_classes_are_separate_pictures_of_one_seed(labelled):
    assert differ(pictures(labelled, [0], class_index=0), pictures(labelled, [0], class_index=2)) > 2


def test_a_class_that_is_missing_unwanted_or_too_great_is_refused(G, labelled):
    with pytest.raises(InputError, match="has 3 classes: say which with --class, 0 to 2"):
        pictures(labelled)
    with pytest.raises(InputError, match="class 3: must be 0 to 2"):
        pictures(labelled, class_index=3)
    with pytest.raises(InputError, match="class 0 was given, and this network has no classes"):
        pictures(G, class_index=0)


def test_the_traditional_generator_is_sampled_and_truncated_like_any_other(traditional):
    made = pictures(traditional, psi=0)
    assert differ(made[0], made[1]) == 0


def test_the_controls_are_said_in_words(G, make):
    assert describe_controls(G, Controls()) == "psi 0.7 on all styles, noise of each seed"
    assert describe_controls(make(img_resolution=64), Controls(noise="const")) == (
        "psi 0.7 on styles 0-7 of 0-9 (4-32 px), stored noise"
    )
    assert describe_controls(G, Controls(psi=1, noise_seed=3, noise_layers="coarse")) == (
        "psi 1, no truncation, noise of seed 3 on coarse: layers 0-3 (4-8 px), the paper's levels"
    )
