"""One road from seeds to pictures: what a seed means, truncation, noise, classes, and what is prepared only once."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import stylegan
from stylegan.editing.sheets import save_directions
from stylegan.errors import InputError
from stylegan.figures.paper import figure
from stylegan.figures.video import save_video
from stylegan.sampling import direction, projected, sampler as sampler_module, truncation
from stylegan.sampling.controls import Controls
from stylegan.sampling.latents import seed_z
from stylegan.sampling.noise import stack_noise
from stylegan.sampling.sampler import Sampler, recipe, sample
from stylegan.sampling.save import save_samples
from stylegan.sampling.shards import pngs, save_shard

SEEDS = [0, 1, 2, 3, 4]
CENTERS = Controls(towards="centers:3")


def all_of(batches):
    return np.concatenate(list(batches))


def pictures(G, seeds=(0, 1), **controls):
    return recipe(G, list(seeds), Controls(**controls)).pictures(G)


def differ(a, b):
    """The greatest difference in levels; above 1 it is not rounding."""
    return int(np.abs(a.astype(int) - b).max())


def test_the_z_of_a_seed_is_that_of_numpy():
    assert np.allclose(seed_z(7, 16).numpy(), np.random.RandomState(7).randn(1, 16))


def test_a_seed_is_the_same_picture_whatever_the_batch_and_the_neighbours(G):
    together = all_of(sample(G, SEEDS, batch=5))
    alone = all_of(sample(G, [3], batch=1))
    assert together.shape == (5, 3, 32, 32)
    assert differ(together[3:4], alone) <= 1
    assert differ(together, all_of(sample(G, SEEDS, batch=2))) <= 1


@pytest.mark.parametrize("noise_seed", [None, 5])  # maps of each picture, or one for all
def test_each_batch_of_a_recipe_has_the_noise_of_its_own_pictures(G, noise_seed):
    made = recipe(G, SEEDS, Controls(noise_seed=noise_seed))
    assert differ(all_of(made.batches(G, 2)), all_of(made.batches(G, 5))) <= 1


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
    with pytest.raises(InputError, match=r"has 3 classes: say which as class_index \(--class\): 0 to 2"):
        pictures(labelled)
    with pytest.raises(InputError, match="class 3: must be 0 to 2"):
        pictures(labelled, class_index=3)
    with pytest.raises(InputError, match="class 0 was given, and this network has no classes"):
        pictures(G, class_index=0)


def test_the_traditional_generator_is_sampled_and_truncated_like_any_other(traditional):
    made = pictures(traditional, psi=0)
    assert differ(made[0], made[1]) == 0


def test_the_controls_are_said_in_words(G, make):
    assert Sampler(G, Controls()).describe() == "psi 0.7 on all styles, noise of each seed"
    assert Sampler(make(img_resolution=64), Controls(noise="const")).describe() == (
        "psi 0.7 on styles 0-7 of 0-9 (4-32 px), stored noise"
    )
    assert Sampler(G, Controls(psi=1, noise_seed=3, noise_layers="coarse")).describe() == (
        "psi 1, no truncation, noise of seed 3 on coarse: layers 0-3 (4-8 px), the paper's levels"
    )


@pytest.mark.parametrize(
    ("towards", "words"),
    [
        ("mean", "psi 0.7 on all styles"),
        ("mean:2000", "psi 0.7 on all styles towards the mean of 2,000 samples"),
        ("centers:3", "psi 0.7 on all styles towards the nearest of 3 cluster centres"),
    ],
)
def test_the_target_of_truncation_is_said_in_words(G, towards, words):
    assert Sampler(G, Controls(towards=towards, noise="none")).describe() == f"{words}, no noise"


def test_a_center_of_your_own_is_said_and_never_left_aside_for_another_target(G):
    mean, centers = torch.zeros(16), torch.zeros(2, 16)
    assert "all styles towards a mean of your own," in Sampler(G, center=mean).describe()
    assert "towards the nearest of 2 given centres," in Sampler(G, center=centers).describe()
    with pytest.raises(InputError, match="towards 'centers:3' and a center of your own: give one of them"):
        Sampler(G, CENTERS, center=mean)
    with pytest.raises(InputError, match="towards 'mean': this sampler has a center of its own"):
        Sampler(G, center=mean).but(towards="mean")
    assert torch.equal(Sampler(G, center=mean).but(psi=0).ws([3]), torch.zeros(1, G.num_ws, 16))


@pytest.mark.parametrize("towards", ["mean:200", "centers:3"])
def test_labels_of_ones_own_are_pulled_to_a_target_of_all_classes_evenly(labelled, towards):
    sampler = Sampler(labelled, Controls(psi=0, towards=towards))
    ws = sampler.recipe([0, 1], c=torch.eye(3)[[0, 2]]).ws
    targets = truncation.find_center(labelled, towards).view(-1, 16)
    assert all(any(torch.equal(w, target) for target in targets) for w in ws[:, 0])
    with pytest.raises(InputError, match="this network has 3 classes: say which"):
        sampler.recipe([0])


# Prepared once


def calls_of(monkeypatch, module, name):
    """A list that gets an item at each call of the module's function from now on."""
    calls, function = [], getattr(module, name)
    monkeypatch.setattr(module, name, lambda *args, **how: calls.append(args) or function(*args, **how))
    return calls


def test_clusters_of_w_are_sought_once_for_however_many_pictures(G, tmp_path, monkeypatch):
    calls = calls_of(monkeypatch, truncation, "cluster_centers")
    save_samples(G, "0-40", tmp_path / "files", controls=CENTERS)
    save_shard(G, "0-40", tmp_path / "shards", shard="0/1", controls=CENTERS)
    save_directions(G, tmp_path / "directions", count=2, seeds="0", controls=CENTERS)
    figure(G, "mean-image", seeds="0-40", controls=CENTERS)
    assert len(calls) == 4


def test_a_slider_that_leaves_the_clusters_alone_does_not_seek_them_again(G, monkeypatch):
    calls = calls_of(monkeypatch, truncation, "cluster_centers")
    sampler = Sampler(G, CENTERS)
    for changes in ({}, {"psi": 0.2}, {"noise": "const"}, {"noise_seed": 3}):
        assert torch.equal(sampler.but(**changes).ws([3]), recipe(G, [3], CENTERS.but(**changes)).ws)
    assert len(calls) == 1 + 4  # each `recipe` is a sampler of its own
    assert not torch.equal(sampler.but(towards="mean").ws([3]), sampler.ws([3]))
    assert not torch.equal(sampler.but(towards="centers:2").ws([3]), sampler.ws([3]))


def test_clusters_of_one_class_do_not_serve_another(labelled):
    sampler = Sampler(labelled, CENTERS.but(class_index=0))
    one, two = sampler.center, sampler.but(class_index=1).center
    assert not torch.equal(one, two)
    assert torch.equal(two, Sampler(labelled, CENTERS.but(class_index=1)).center)


def test_the_network_is_hashed_once_for_all_directions_and_projections(G, turn, face, monkeypatch):
    calls = calls_of(monkeypatch, sampler_module, "fingerprint")
    calls_of_files = calls_of(monkeypatch, direction, "fingerprint"), calls_of(monkeypatch, projected, "fingerprint")
    sampler = Sampler(G, turn("age=+2", "pose=1"))
    for _ in range(3):
        sampler.recipe([3, face])
        sampler.but(direction=("age=-1",)).recipe([face])
    assert (len(calls), calls_of_files) == (1, ([], []))


def test_a_sampler_made_after_the_weights_changed_knows_that_its_directions_are_of_another_network(make, turn):
    G = make()
    Sampler(G, turn("age=1"))
    G.mapping.layers[0].weight.data[0, 0] += 1e-3  # unseen by torch's counter of changes
    with pytest.raises(InputError, match="was made for another network, or for another stage of its training"):
        Sampler(G, turn("age=1"))


# Sources and styles


def test_styles_come_out_as_they_are_told_whatever_the_controls(G, turn):
    sampler = Sampler(G, turn("age=+2", psi=0.3, noise="const"))
    ws = sampler.ws([3, 5])
    assert np.array_equal(all_of(sampler.pictures(ws)), sampler.recipe([3, 5]).pictures(G))
    assert torch.equal(sampler.recipe(ws[:, 0]).ws, ws[:, :1].expand(-1, 8, -1))


def test_styles_have_the_noise_of_seed_0_or_that_which_the_controls_say(G):
    maps = [Sampler(G, Controls(noise_seed=seed)).recipe(torch.zeros(2, 16)).noise for seed in (None, 4)]
    for found, seed in zip(maps, (0, 4), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(found, stack_noise([seed], G), strict=True))
    assert Sampler(G, Controls(noise="none")).recipe(torch.zeros(1, 16)).noise is None


def test_styles_and_noise_can_be_had_apart(G, face):
    sampler = Sampler(G, Controls(psi=0.5, noise_layers="coarse"))
    whole = sampler.recipe([3, face])
    assert torch.equal(sampler.ws([3, face]), whole.ws)
    assert all(torch.equal(a, b) for a, b in zip(sampler.noise([3, face]), whole.noise, strict=True))


@pytest.mark.parametrize("shape", [(2, 8), (2, 7, 16), (16,), (1, 2, 8, 16)])
def test_styles_of_another_shape_are_refused(G, shape):
    with pytest.raises(InputError, match=r"styles of shape .*: must be w \(N, 16\) or ws \(N, 8, 16\)"):
        Sampler(G).recipe(torch.zeros(shape))


def test_labels_are_one_for_each_source_and_files_need_none(labelled, tmp_path, write_projection):
    write_projection(labelled, tmp_path / "a.safetensors")
    sources = [0, tmp_path / "a.safetensors", 0]
    made = Sampler(labelled).recipe(sources, c=torch.eye(3))
    for i, k in ((0, 0), (2, 2)):
        assert_close(made.ws[i : i + 1], recipe(labelled, [0], Controls(class_index=k)).ws)
    with pytest.raises(InputError, match=r"c of shape \(2, 3\): must be \(3, 3\), one label for each source"):
        Sampler(labelled).recipe(sources, c=torch.eye(3)[:2])


def test_labels_stay_with_their_seeds_in_every_batch(labelled):
    c = torch.eye(3)[torch.tensor([0, 1, 2, 0, 1])]
    made = all_of(sample(labelled, [7] * 5, c=c, batch=2))
    assert differ(made[:2], made[3:]) <= 1
    assert min(differ(made[0], made[1]), differ(made[1], made[2])) > 2


# The public function


def test_sample_is_the_sampler_with_the_fields_names(G):
    same = Controls(psi=0.3, cutoff=5, noise="random", noise_seed=9, noise_layers="coarse")
    named = {"truncation_psi": 0.3, "truncation_cutoff": 5, "noise_seed": 9, "noise_layers": [0, 1, 2, 3]}
    assert np.array_equal(all_of(sample(G, "0-3", **named)), all_of(Sampler(G, same).pictures(range(4))))
    const = sample(G, [3], truncation_psi=0.7, truncation_cutoff=8, noise_mode="const")
    assert np.array_equal(all_of(const), pictures(G, [3], noise="const"))
    assert np.array_equal(all_of(sample(G, [3])), pictures(G, [3], psi=1))  # untruncated is the function's default


def test_each_w_can_be_pulled_to_the_nearest_of_centres_of_your_own(G):
    centers = torch.randn(2, 16, generator=torch.manual_seed(0))
    w = Sampler(G, Controls(psi=1)).ws([0, 1, 2])[:, 0]
    expected = centers[torch.cdist(w, centers).argmin(dim=1)]
    assert torch.equal(Sampler(G, Controls(psi=0), center=centers).ws([0, 1, 2])[:, 0], expected)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"seeds": "x"}, "is not a seed"),
        ({"seeds": [-1]}, "must be 0 to 4294967295"),
        ({"batch": 0}, "batch 0: must be at least 1"),
        ({"batch": -1}, "batch -1: must be at least 1"),
        ({"truncation_psi": float("nan")}, "psi nan"),
        ({"truncation_cutoff": -1}, "cutoff -1"),
        ({"noise_mode": "loud"}, "noise 'loud'"),
        ({"c": torch.eye(2)}, "c of shape"),
    ],
)
def test_sample_refuses_at_the_call_and_not_at_the_first_picture(G, how, words):
    with pytest.raises(InputError, match=words):
        sample(G, **({"seeds": [0]} | how))


def test_a_missing_class_is_refused_at_the_call(labelled):
    with pytest.raises(InputError, match="has 3 classes"):
        sample(labelled, [0])


def test_numbers_of_numpy_are_psi_too(G):
    assert torch.equal(recipe(G, [0], Controls(psi=np.float32(0.5))).ws, recipe(G, [0], Controls(psi=0.5)).ws)


# Memory


@pytest.fixture(scope="module")
def large(make):
    """1024 px, one channel wide at the end."""
    return make(img_resolution=1024, channel_base=1024, channel_max=2, noise=False)


@pytest.mark.parametrize(
    "made",
    [
        lambda G, out: list(sample(G, range(6), batch=16)),
        lambda G, out: list(sample(G, range(6))),
        lambda G, out: save_samples(G, "0-5", out),
        lambda G, out: figure(G, "uncurated", seeds="0-5"),
        lambda G, out: save_video(G, out / "a.webp", seeds="0-1", frames=5),
        lambda G, out: pngs(G, [0]),
    ],
    ids=["sample of 16", "sample", "files", "figure", "film", "shard"],
)
def test_at_1024_px_no_more_than_four_pictures_are_computed_at_once(large, tmp_path, monkeypatch, made):
    counts, synthesis = [], large.synthesis.forward

    def small(ws, **how):
        counts.append(len(ws))
        return synthesis(ws[:1], lod=5, **how).expand(len(ws), -1, -1, -1)  # 32 px, for speed

    monkeypatch.setattr(large.synthesis, "forward", small)
    made(large, tmp_path)
    assert max(counts) == 4


def test_a_batch_is_as_many_as_were_asked_for(G):
    assert [len(each) for each in sample(G, range(20))] == [16, 4]
    assert [len(each) for each in sample(G, range(20), batch=8)] == [8, 8, 4]
    assert [len(each) for each in Sampler(G).pictures(torch.zeros(20, 16), batch=9)] == [9, 9, 2]


def test_pictures_are_computed_in_one_place():
    """Who needs gradients or exports a network has roads of their own."""
    own = {"sampling/recipe.py", "editing/projection.py", "interop/onnx.py"}
    package = Path(stylegan.__file__).parent
    rooms = ["sampling", "figures", "editing", "interop", "training/run", "experiments", "cli"]
    files = [path for room in rooms for path in (package / room).rglob("*.py")]
    found = {str(path.relative_to(package)) for path in files if re.search(r"\bsynthesis\(|\bG\(", path.read_text())}
    assert found == own
