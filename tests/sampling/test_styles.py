"""Styles of one's own, from arrays and files, in place of seeds; and vectors of others as directions."""

import os

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stylegan.errors import InputError
from stylegan.figures.loops import loop
from stylegan.figures.mixing import compose, mixing_grid
from stylegan.figures.paper import FIGURES, figure
from stylegan.figures.video import save_video
from stylegan.sampling.controls import Controls
from stylegan.sampling.direction import Direction, find_direction
from stylegan.sampling.sampler import Sampler, recipe, sample
from stylegan.sampling.save import save_samples
from stylegan.sampling.sources import parse_sources

W = np.random.RandomState(0).randn(3, 16) / 2  # float64


@pytest.fixture
def mine(tmp_path):
    """A file of three w."""
    np.save(tmp_path / "mine.npy", W)
    return tmp_path / "mine.npy"


def test_a_file_of_w_stands_for_as_many_seeds_and_is_not_truncated(G, mine, tmp_path):
    made = recipe(G, f"5,{mine}", Controls(psi=0))
    assert_close(made.ws[1:], torch.from_numpy(W).float()[:, None].expand(-1, 8, -1))
    saved = save_samples(G, f"5,{mine}", tmp_path / "out", controls=Controls(psi=0))
    assert [path.name for path in saved.paths] == ["seed0005.png", *(f"mine-000{i}.png" for i in range(3))]
    assert (
        "mine-0000, mine-0001, mine-0002 as given, not truncated, noise of each seed, of seed 0 for styles"
        in saved.note
    )


@pytest.mark.parametrize("given", [W, W.astype(np.float32), torch.from_numpy(W), torch.from_numpy(W).half()])
def test_arrays_and_tensors_of_any_type_are_styles_in_every_function(G, given):
    pictures = np.concatenate(list(sample(G, given)))
    assert pictures.shape == (3, 3, 32, 32)
    assert figure(G, "uncurated", seeds=given).mode == "RGB"
    assert mixing_grid(G, given, "1").mode == "RGB"
    assert len(parse_sources(given)) == 3


def test_what_sample_saves_as_styles_gives_the_same_pictures_as_its_seeds(G, tmp_path):
    how = {"controls": Controls(psi=0.6, noise="const")}
    first = save_samples(G, "0-4", tmp_path / "a", images=True, save_w=True, **how)
    ws = np.load(tmp_path / "a" / "ws.npz", allow_pickle=False)
    assert ws["ws"].shape == (5, 8, 16)
    assert list(ws["names"]) == [f"seed000{i}" for i in range(5)]
    second = save_samples(G, tmp_path / "a" / "ws.npz", tmp_path / "b", **how)
    assert [path.read_bytes() for path in first.paths[:5]] == [path.read_bytes() for path in second.paths]


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_takes_files_of_styles(G, mine, name):
    seeds_b = {"seeds_b": mine} if name in ("mixing", "levels") else {}
    assert figure(G, name, seeds=mine, **seeds_b).mode == "RGB"


def test_films_and_compositions_take_files_of_styles(G, mine, tmp_path):
    at = loop(Sampler(G, Controls()), "smooth", parse_sources(mine), levels="all")
    assert_close(at(0.0).ws[0, 0], torch.from_numpy(W[0]).float())
    assert "noise of seed 0" in save_video(G, tmp_path / "a.webp", seeds=mine, frames=2).note
    with pytest.raises(InputError, match=r"goes through Z, and files have no z \(mine-0000, mine-0001, mine-0002\)"):
        save_video(G, tmp_path / "z.webp", kind="z", seeds=mine)
    np.save(tmp_path / "one.npy", W[:1])
    assert compose(G, ["1", f"{tmp_path}/one.npy=coarse"]).mode == "RGB"
    with pytest.raises(InputError, match="holds 3 styles: one source is one style"):
        compose(G, ["1", f"{mine}=coarse"])


def test_files_of_styles_are_moved_along_directions(G, mine, turn):
    change = recipe(G, mine, turn("age=+2")).ws - recipe(G, mine, Controls()).ws
    assert_close(change[:, 2], (2 * find_direction("age", turn().directions_from, G).vector).expand(3, -1))
    assert not change[:, 5].any()


BAD = {
    "shape.npy": (np.zeros((2, 7)), r"styles of shape \(1, 7\): must be w \(N, 16\) or ws \(N, 8, 16\)"),
    "flat.npy": (np.zeros(16), r"flat.npy: styles of shape \(16,\)"),
    "nan.npy": (np.full((1, 16), np.nan), "nan.npy holds numbers that are not finite"),
    "huge.npy": (np.full((1, 16), 1e300), "huge.npy holds numbers that are not finite"),
    "text.npy": (np.array([["a"]]), "text.npy holds <U1: styles are real numbers"),
    "complex.npy": (np.zeros((1, 16), complex), "styles are real numbers"),
    "none.npy": (np.zeros((0, 16)), "none.npy holds 0 styles"),
    "object.npy": (np.array([[{}]], dtype=object), "object.npy cannot be read as a NumPy array"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_holds_no_styles_of_this_network_is_named(G, tmp_path, name):
    array, words = BAD[name]
    np.save(tmp_path / name, array, allow_pickle=True)
    with pytest.raises(InputError, match=words):
        save_samples(G, tmp_path / name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_truncation_of_a_file_is_told_and_none_gets_through(G, mine, tmp_path):
    np.savez(tmp_path / "mine.npz", ws=W)
    for path in (mine, tmp_path / "mine.npz"):
        data = path.read_bytes()
        for size in range(0, len(data), 7):
            path.write_bytes(data[:size])
            with pytest.raises(InputError, match=r"mine.np. cannot be read as a NumPy array"):
                parse_sources(path)


def test_a_header_that_claims_much_costs_nothing(tmp_path):
    with (tmp_path / "a.npy").open("wb") as f:
        np.lib.format.write_array_header_1_0(f, {"descr": "<f4", "fortran_order": False, "shape": (2**40, 16)})
    with pytest.raises(InputError, match="cannot be read as a NumPy array"):
        parse_sources(tmp_path / "a.npy")


def test_of_several_arrays_the_one_called_ws_or_w_is_taken(tmp_path):
    np.savez(tmp_path / "a.npz", names=np.array(["x"]), w=W)
    assert len(parse_sources(tmp_path / "a.npz")) == 3
    np.savez(tmp_path / "b.npz", a=W, b=W)
    with pytest.raises(InputError, match="holds the arrays a, b: call the styles ws or w"):
        parse_sources(tmp_path / "b.npz")


# Names in words


def test_a_comma_may_belong_to_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a,b.safetensors", "c.safetensors"):
        (tmp_path / name).touch()
    np.save(tmp_path / "x,1,2.npy", W[:1])
    *found, styles, seed = parse_sources("0-1,a,b.safetensors,c.safetensors,x,1,2.npy,7")
    assert found == [0, 1, tmp_path / "a,b.safetensors", tmp_path / "c.safetensors"]
    assert (styles.name, seed) == ("x,1,2", 7)


def test_files_stay_the_same_files_wherever_the_process_goes(G, face, mine, tmp_path, monkeypatch, write_direction):
    monkeypatch.chdir(tmp_path)
    write_direction(G, tmp_path / "age.safetensors")
    here = os.path.relpath(face)
    controls = Controls(direction=("age.safetensors=+2",))
    pictures = sample(G, [here, "mine.npy"], batch=1)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(list(pictures)) == 4
    assert Sampler(G, controls).moves[0][0].name == "age"


# Vectors and objects as directions


def test_a_vector_of_another_program_is_a_direction_one_deviation_long(G, tmp_path):
    vector = np.random.RandomState(1).randn(1, 16)
    for name, scale in (("age.npy", 1), ("long.npy", 1000)):
        np.save(tmp_path / name, vector * scale)
    one, long = (recipe(G, [3], Controls(direction=(f"{tmp_path}/{name}=+2",))).ws for name in ("age.npy", "long.npy"))
    assert_close(one, long)
    change = (one - recipe(G, [3], Controls()).ws)[0, 0]
    w = Sampler(G, Controls(psi=1)).ws(range(2000))[:, 0] @ (change / change.norm())
    assert change.norm().item() == pytest.approx(2 * w.std().item(), rel=0.1)
    assert "direction age +2" in Sampler(G, Controls(direction=(f"{tmp_path}/age.npy=+2",))).describe()


@pytest.mark.parametrize("array", [np.zeros(16), np.ones(15), np.ones((2, 16)), np.full(16, np.inf)])
def test_a_vector_that_is_no_direction_of_this_network_is_refused(G, tmp_path, array):
    np.save(tmp_path / "v.npy", array)
    with pytest.raises(InputError, match=r"v.npy holds"):
        Sampler(G, Controls(direction=(f"{tmp_path}/v.npy=1",)))


def test_a_direction_may_be_given_as_an_object(G, turn, make):
    age = find_direction("age", turn().directions_from, G)
    controls = Controls(direction=[(age, np.float32(2))])
    assert torch.equal(recipe(G, [3], controls).ws, recipe(G, [3], turn("age=+2")).ws)
    assert "direction age +2" in Sampler(G, controls).describe()
    with pytest.raises(InputError, match="age was made for another network"):
        Sampler(make(w_dim=8), controls)
    for wrong in (age, [age], (age, 2.0), [(age, "2")], [(age, float("nan"))], 5):
        with pytest.raises(InputError, match="direction"):
            Sampler(G, Controls(direction=wrong))


def test_an_object_of_another_kind_is_no_direction(G):
    with pytest.raises(InputError, match="must be a Direction and a finite number"):
        Sampler(G, Controls(direction=[("age", 2.0)]))
    assert Direction.__doc__
