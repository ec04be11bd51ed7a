"""The Python functions check what they are given as the commands do: at the call, and in words of ours."""

import os
import re

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import stylegan
from stylegan.checkpoint import read_tensors, write_tensors
from stylegan.errors import InputError
from stylegan.networks.levels import named_levels
from stylegan.sampling.controls import Controls
from stylegan.sampling.recipe import Recipe
from stylegan.sampling.sampler import Sampler, recipe, sample
from stylegan.sampling.seeds import parse_seeds

from stand_in import MPS, stand_in

SAME = ["3,5", [3, 5], (3, 5), np.array([3, 5]), np.array([3, 5], np.uint8), torch.tensor([3, 5]), range(3, 7, 2)]
SAME += [["3", 5], [np.int64(3), "5"], [torch.tensor(3), np.uint32(5)]]
NO_SEEDS = [
    None,
    1.5,
    [1.5],
    [1.0],
    True,
    [True],
    "x",
    [None],
    {3: 5},
    {3, 5},
    b"3",
    [[3]],
    "",
    np.array([0.5]),
    -1,
    [-1],
]
NO_SEEDS += [2**32, "4294967296", [], range(0), np.array([], int), [3j], object(), "9" * 5000, [10**400]]


@pytest.mark.parametrize("seeds", SAME, ids=repr)
def test_seeds_are_the_same_however_they_are_given(G, seeds):
    assert torch.equal(recipe(G, seeds, Controls()).ws, recipe(G, "3,5", Controls()).ws)
    assert torch.equal(Sampler(G).ws(seeds), Sampler(G).ws([3, 5]))


@pytest.mark.parametrize("seed", [3, np.int64(3), np.uint8(3), torch.tensor(3), "3", np.array(3), [3]], ids=repr)
def test_one_seed_needs_no_list(G, seed):
    assert parse_seeds(seed) == [3]
    assert len(next(sample(G, seed))) == 1


@pytest.mark.parametrize("seeds", NO_SEEDS, ids=lambda seeds: repr(seeds)[:20])
def test_what_is_no_seed_is_refused_at_the_call_in_one_short_message(G, tmp_path, seeds):
    calls = [
        lambda: sample(G, seeds),
        lambda: stylegan.recipe(G, seeds, Controls()),
        lambda: stylegan.save_samples(G, seeds, tmp_path / "out"),
        lambda: stylegan.figure(G, "truncation", seeds=seeds) if seeds is not None else sample(G, None),
        lambda: stylegan.mixing_grid(G, seeds, "0"),
        lambda: stylegan.save_video(G, tmp_path / "a.webp", seeds=seeds) if seeds is not None else sample(G, None),
        lambda: stylegan.pngs(G, seeds),
        lambda: stylegan.save_shard(G, seeds, tmp_path / "shards", shard="0/1"),
    ]
    for call in calls:
        with pytest.raises(InputError) as refused:
            call()
        assert len(str(refused.value)) < 1500
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "psi", [0.5, np.float32(0.5), np.float16(0.5), np.float64(0.5), torch.tensor(0.5), np.array(0.5)]
)
def test_psi_is_a_number_of_any_type_or_a_list_of_them(G, psi):
    expected = recipe(G, [0], Controls(psi=0.5)).ws
    for given in (psi, [psi] * 8, (psi,)):
        assert torch.equal(recipe(G, [0], Controls(psi=given)).ws, expected)
    assert np.array_equal(next(sample(G, [0], truncation_psi=psi)), next(sample(G, [0], truncation_psi=0.5)))


def test_lists_of_psi_may_be_arrays_and_whole_numbers_of_any_type(G):
    expected = recipe(G, [0], Controls(psi=[0.5] * 8, cutoff=4, noise_seed=3, noise_layers=[0, 1])).ws
    for array in (np.full(8, 0.5, np.float32), torch.full((8,), 0.5)):
        assert torch.equal(recipe(G, [0], Controls(psi=array, cutoff=np.int64(4))).ws, expected)
    made = Sampler(G, Controls(noise_seed=np.uint8(3), noise_layers=np.array([0, 1]))).noise([0])
    expected_noise = Sampler(G, Controls(noise_seed=3, noise_layers=[0, 1])).noise([0])
    assert all(torch.equal(a, b) for a, b in zip(made, expected_noise, strict=True))


WRONG = {
    "psi": [float("nan"), "x", [0.5, "y"] * 4, {}, 1j, True, b"1", np.full(3, 0.5), "0.5,coarse=1"],
    "cutoff": [-1, 1.5, "8", True, [8]],
    "towards": [5, None, "median", "mean:0", "centers:" + "9" * 500],
    "noise": ["loud", None, 5, True],
    "noise_seed": [-1, 1.5, True, 2**32, "x"],
    "noise_layers": [5, [0.5], {"coarse"}, "fine", [99], b"1", [None]],
    "class_index": [0, "cat", 1.5, True],
    "direction": ["age=1", 5, ["age"], [("age", 1)], [None], ["age=nan"]],
}


@pytest.mark.parametrize(("name", "value"), [(k, v) for k, vs in WRONG.items() for v in vs])
def test_controls_that_cannot_be_are_refused_at_the_call(G, tmp_path, name, value):
    for use in (
        lambda: Sampler(G, Controls(**{name: value})),
        lambda: stylegan.save_samples(G, [0], tmp_path / "out", controls=Controls(**{name: value})),
        lambda: stylegan.figure(G, "uncurated", seeds=[0], controls=Controls(**{name: value})),
    ):
        with pytest.raises(InputError):
            use()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("batch", [0, -1, 1.5, "2", True, [2]])
def test_a_batch_that_is_no_number_of_pictures_is_refused_at_the_call(G, batch):
    with pytest.raises(InputError, match=r"batch .*: must be at least 1"):
        sample(G, [1, 2], batch=batch)


@pytest.mark.parametrize("towards", [torch.zeros(7), torch.zeros(2, 2, 16), torch.full((16,), torch.nan), np.zeros(3)])
def test_a_centre_of_another_shape_is_refused_at_the_call(G, towards):
    with pytest.raises(InputError, match="towards of shape"):
        sample(G, [0], towards=towards)


def test_a_centre_of_numpys_in_double_is_one(G):
    center = np.random.RandomState(0).randn(16)
    expected = next(sample(G, [0], towards=torch.from_numpy(center).float(), truncation_psi=0.5))
    assert np.array_equal(next(sample(G, [0], towards=center, truncation_psi=0.5)), expected)


def test_labels_of_any_type_are_cast_and_others_are_refused(labelled):
    expected = next(sample(labelled, [0, 1], c=torch.eye(3)[:2]))
    for c in (
        np.eye(3)[:2],
        torch.eye(3, dtype=torch.int64)[:2],
        np.eye(3, dtype=np.uint8)[:2],
        np.eye(3)[:2].tolist(),
    ):
        assert np.array_equal(next(sample(labelled, [0, 1], c=c)), expected)
    wrong = torch.eye(3), torch.full((2, 3), torch.nan), torch.tensor([0, 1]), torch.ones(2, 3), torch.zeros(2, 3)
    for c in wrong:
        with pytest.raises(InputError, match="c "):
            sample(labelled, [0, 1], c=c)


def test_labels_may_be_parts_of_classes_and_a_wrong_row_is_named(labelled):
    halves = next(sample(labelled, [0, 1], c=torch.tensor([[0.5, 0.5, 0.0]] * 2)))
    assert not np.array_equal(halves, next(sample(labelled, [0, 1], c=torch.eye(3)[[0, 0]])))
    with pytest.raises(InputError, match=r"c \[0, 2, 0\] in row 1: must be one-hot"):
        sample(labelled, [0, 1], c=torch.tensor([[1, 0, 0], [0, 2, 0]]))


@pytest.mark.parametrize("G", ["net.safetensors", None, 5], ids=repr)
def test_what_is_no_network_is_refused_by_every_function(G, tmp_path):
    calls = [
        lambda: sample(G, [0]),
        lambda: stylegan.recipe(G, [0], Controls()),
        lambda: stylegan.closed_form(G),
        lambda: stylegan.principal_components(G),
        lambda: stylegan.boundary(G, "a", yes="0-1", no="2-3"),
        lambda: stylegan.project(G, np.zeros((1, 3, 8, 8), np.uint8)),
        lambda: stylegan.save_projections(G, [tmp_path / "a.png"], tmp_path / "out"),
        lambda: stylegan.save_samples(G, [0], tmp_path / "out"),
        lambda: stylegan.figure(G, "truncation"),
        lambda: stylegan.save_video(G, tmp_path / "a.webp"),
    ]
    for call in calls:
        with pytest.raises(InputError, match=r"must be a network, such as stylegan.load\(PATH\) returns"):
            call()


def test_controls_are_controls(G):
    with pytest.raises(InputError, match=r"must be stylegan.Controls"):
        Sampler(G, {"psi": 1})


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64, torch.bfloat16])
def test_networks_of_other_precision_are_sampled_as_they_are(make, dtype):
    G = make().to(dtype)
    pictures = next(sample(G, [0, 1], truncation_psi=0.5))
    expected = next(sample(make(), [0, 1], truncation_psi=0.5))
    assert np.abs(pictures.astype(int) - expected).mean() < (3 if dtype != torch.float64 else 0.1)


# Pictures to project


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 1, 32, 32), np.uint8),
        np.zeros((1, 4, 32, 32), np.uint8),
        np.zeros((3, 32, 32), np.uint8),
        np.zeros((1, 3, 16, 16), np.uint8),
        np.zeros((1, 32, 32, 3), np.uint8),
        np.zeros((1, 3, 32, 32), np.float32),
        np.zeros((0, 3, 32, 32), np.uint8),
    ],
    ids=lambda images: f"{images.shape} {images.dtype}",
)
def test_pictures_that_the_network_does_not_make_are_not_projected(G, images):
    with pytest.raises(InputError, match=r"this network makes uint8 \(N, 3, 32, 32\); save_projections"):
        stylegan.project(G, images, steps=1, perceptual=lambda x: [x])


# Classes by name


@pytest.fixture
def pets(make):
    G = make(c_dim=3)
    G.class_names = ("cats", "dogs", "0")
    return G


@pytest.mark.parametrize(("wanted", "number"), [("cats", 0), ("dogs", 1), ("0", 2), ("1", 1), (0, 0), (np.int64(2), 2)])
def test_a_class_is_given_by_name_or_number(pets, wanted, number):
    expected = recipe(pets, [3], Controls(class_index=number)).ws
    assert torch.equal(recipe(pets, [3], Controls(class_index=wanted)).ws, expected)


def test_errors_and_words_name_the_classes(pets, tmp_path, write_projection):
    with pytest.raises(InputError, match=r"class 'horses': must be 0 \(cats\), 1 \(dogs\), 2 \(0\)"):
        Sampler(pets, Controls(class_index="horses"))
    with pytest.raises(InputError, match=r"say which as class_index \(--class\): 0 \(cats\), 1 \(dogs\)"):
        recipe(pets, [3], Controls())
    write_projection(pets, tmp_path / "a.safetensors")
    controls = Controls(class_index="dogs")
    assert Sampler(pets, controls).describe([3]).endswith("class 1 (dogs)")
    words = Sampler(pets, controls).describe([tmp_path / "a.safetensors"])
    assert words.endswith("class 1 (dogs) changes nothing: only seeds have classes")


# Advice


@pytest.mark.parametrize("size", [4, 8, 32, 64])
def test_what_messages_advise_is_accepted(make, size):
    G = make(img_resolution=size, initial_resolution=4)
    with pytest.raises(InputError) as refused:
        Sampler(G, Controls(psi="x"))
    levels = re.search(r"by levels such as (\S+)", str(refused.value))[1]
    assert set(re.findall(r"(\w+)=", levels)) <= named_levels(G).keys()
    for advice in (levels, "0.7"):
        Sampler(G, Controls(psi=advice))
    for wrong in (["0"], ["x", "1=coarse"], ["0", "1"]):
        with pytest.raises(InputError) as refused:
            stylegan.compose(G, wrong)
        stylegan.compose(G, re.search(r"e\.g\. (.*)", str(refused.value))[1].split())
    with pytest.raises(InputError) as refused:
        Sampler(G, Controls(noise_layers="x"))
    groups = re.search(r"give names \((.*?)\), layers \((.*?)\), resolutions \((.*?)\)", str(refused.value))
    for advice in [*re.findall(r"(\w+) =", groups[1]), groups[2], groups[3], "all", "none"]:
        Sampler(G, Controls(noise_layers=advice))
    with pytest.raises(InputError) as refused:
        parse_seeds("x")
    parse_seeds(re.search(r"such as ([\d,-]+)", str(refused.value))[1])


def test_a_network_without_styles_is_advised_no_levels(traditional):
    with pytest.raises(InputError, match=r"psi 'x': 'x' is not a finite number; give one such as 0.7$"):
        Sampler(traditional, Controls(psi="x"))


# Headers of files


HEADERS = {
    "direction": {
        "name": [5, None, "../up", [], "a b"],
        "layers": [None, 5, "23", [], [1.5], [True], [99], [-1], [None]],
        "method": [None, 5, "magic", []],
        "score": [None, "x", float("nan"), [], 10**400, True],
        "network": [None, 5, []],
    },
    "projection": {
        "distances": [None, 5, "x", [], [None], ["x"], [float("inf")], [0.1, 0.2], {}],
        "start_distances": [None, 5, [], [None], [0.1, 0.2]],
        "space": [None, 5, "z", []],
        "network": [None, 5, {}],
    },
}
CASES = [(kind, key, value) for kind, keys in HEADERS.items() for key, values in keys.items() for value in values]


def use(G, kind, path):
    recipe(G, [0] if kind == "direction" else path, Controls(direction=(f"{path}=1",) if kind == "direction" else ()))


@pytest.fixture
def files(G, tmp_path, write_direction, write_projection):
    write_direction(G, tmp_path / "direction.safetensors")
    write_projection(G, tmp_path / "projection.safetensors")
    return tmp_path


@pytest.mark.parametrize(("kind", "key", "value"), CASES)
def test_a_header_with_a_field_of_another_type_is_damaged(G, files, kind, key, value):
    path = files / f"{kind}.safetensors"
    tensors, header = read_tensors(path, kind=kind)
    write_tensors(path, tensors, kind=kind, header=header | {key: value})
    with pytest.raises(InputError, match=rf"{kind}\.safetensors"):
        use(G, kind, path)


@pytest.mark.parametrize("kind", HEADERS)
@pytest.mark.parametrize("change", [lambda t: t * torch.nan, lambda t: t.to(torch.int32), lambda t: t[..., :-1]])
def test_tensors_that_are_not_finite_or_of_another_type_or_shape_are_damaged(G, files, kind, change):
    path = files / f"{kind}.safetensors"
    tensors, header = read_tensors(path, kind=kind)
    for name in tensors:
        write_tensors(path, tensors | {name: change(tensors[name]).contiguous()}, kind=kind, header=header)
        with pytest.raises(InputError, match="damaged"):
            use(G, kind, path)


def test_a_hostile_name_is_shown_on_one_line_and_is_bounded(G, files):
    path = files / "direction.safetensors"
    tensors, header = read_tensors(path, kind="direction")
    write_tensors(path, tensors, kind="direction", header=header | {"name": "\x1b[2J\n" + "x" * 10_000})
    with pytest.raises(InputError) as refused:
        use(G, "direction", path)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 600


# Devices


def test_every_kind_of_picture_is_made_on_the_network_s_device(make, tmp_path):
    expected = recipe(make(img_resolution=16), [1, 2], Controls(psi=0.5)).pictures(make(img_resolution=16))
    np.save(tmp_path / "mine.npy", np.random.RandomState(0).randn(2, 16))
    np.save(tmp_path / "age.npy", np.random.RandomState(1).randn(16))
    with stand_in():
        G = make(img_resolution=16).to(MPS)
        mine, how = tmp_path / "mine.npy", {"controls": Controls(direction=(f"{tmp_path}/age.npy=1",))}
        assert_close(
            torch.from_numpy(recipe(G, [1, 2], Controls(psi=0.5)).pictures(G)).float(),
            torch.from_numpy(expected).float(),
            atol=1,
            rtol=0,
        )
        list(sample(G, torch.zeros(2, 16), towards=np.zeros(16)))
        stylegan.save_samples(G, f"0-2,{mine}", tmp_path / "out", grid=True, save_w=True, **how)
        for name in ("uncurated", "mixing", "noise", "noise-layers", "truncation", "mean-image", "levels"):
            stylegan.save_figure(G, name, tmp_path / f"{name}.png", **how)
        for kind in ("z", "w", "smooth", "mix", "noise"):
            seeds = {} if kind in ("z", "noise") else {"seeds": f"1,{mine}"}
            stylegan.save_video(G, tmp_path / f"{kind}.webp", kind=kind, frames=2, **seeds, **how)
        stylegan.save_directions(G, tmp_path / "directions", count=1, **how)
        stylegan.save_png(stylegan.image_grid(recipe(G, [3], Controls()).pictures(G), 1), tmp_path / "a.png")
        saved = stylegan.save_projections(G, tmp_path / "a.png", tmp_path / "p", steps=2, perceptual=lambda x: [x])
        assert stylegan.save_samples(G, saved.paths[0], tmp_path / "out").paths[0].exists()


def test_sheets_that_no_file_can_hold_are_refused_before_a_picture_is_made(G, tmp_path, monkeypatch):
    monkeypatch.setattr(Recipe, "batches", lambda *args: pytest.fail("a picture was made"))
    calls = [
        lambda out: stylegan.save_mix(G, out / "m.png", a="0-999", b="0-999"),
        lambda out: stylegan.save_figure(G, "uncurated", out / "f.png", seeds="0-99999"),
        lambda out: stylegan.save_directions(G, out, count=1, seeds="0-9999"),
    ]
    for call in calls:
        with pytest.raises(InputError, match=r"a sheet of [\d,]+ pictures: 10,000 fit on one; give fewer seeds"):
            call(tmp_path)
    monkeypatch.setattr("stylegan.sampling.save.MOST_GRID_PIXELS", 4 * 32 * 32)
    with pytest.raises(InputError, match="a grid of 5 pictures of 32 px: 4 fit on one; give fewer seeds"):
        stylegan.save_samples(G, "0-4", tmp_path / "out", grid=True)


@pytest.mark.parametrize("make_special", [lambda path: os.mkfifo(path), lambda path: path.symlink_to("/dev/zero")])
def test_a_device_or_pipe_is_refused_and_not_read_for_ever(G, tmp_path, make_special):
    path = tmp_path / "special"
    make_special(path)
    calls = [
        lambda: stylegan.load(path),
        lambda: stylegan.prepare(path, tmp_path / "data"),
        lambda: stylegan.prepare("portraits:2", path),
        lambda: stylegan.prepare(tmp_path, tmp_path / "data", classes=path),
        lambda: stylegan.save_directions(G, tmp_path / "d", name="x", marks=path),
        lambda: stylegan.save_projections(G, [path], tmp_path / "p"),
        lambda: stylegan.sample(G, str(path) + ".npy"),
    ]
    for call in calls:
        with pytest.raises(InputError) as refused:
            call()
        assert "special" in str(refused.value)
    assert not any(check.is_good for check in stylegan.verify(path))


ODD = [5, 2.5, b"x", {}, object(), ["a"], (1, 2)]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_arguments_of_another_type_are_refused_in_words(G, labelled, portraits, tmp_path, odd):
    calls = [
        lambda: stylegan.save_mix(odd, tmp_path / "m.png", a="0", b="1"),
        lambda: stylegan.save_probe(odd, tmp_path / "p", pairs=8),
        lambda: sample(labelled, [0, 1], c=odd),
        lambda: sample(G, [0], towards=odd),
        lambda: stylegan.boundary(labelled, "x", yes="0-1", no="2-3", c=odd),
        lambda: stylegan.prepare(tmp_path, tmp_path / "d", resolution=odd),
        lambda: stylegan.train(portraits.path, tmp_path / "run", config=odd),
        lambda: stylegan.train(portraits.path, tmp_path / "run", objectives=odd),
        lambda: stylegan.load(odd),
        lambda: stylegan.save_samples(G, "0", odd),
    ]
    calls += [lambda: stylegan.fitted(portraits, odd)] if not isinstance(odd, int | float) else []
    calls += [lambda: stylegan.fitted(portraits, gpus=odd)] if not isinstance(odd, int) else []
    for call in calls:
        with pytest.raises(InputError):
            call()
