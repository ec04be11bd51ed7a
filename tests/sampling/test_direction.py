"""Steps along directions: their names, what they change in which commands, and that files know their network."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from stylegan.errors import InputError
from stylegan.figures.loops import loop
from stylegan.figures.mixing import mixing_grid
from stylegan.figures.paper import FIGURES, figure, mean_image
from stylegan.sampling.controls import Controls
from stylegan.sampling.direction import directions_folder, find_direction, move, parse_direction
from stylegan.sampling.latents import seed_ws
from stylegan.sampling.noise import stored_noise
from stylegan.sampling.recipe import Recipe
from stylegan.sampling.sampler import Sampler, recipe
from stylegan.sampling.save import save_samples


def ws(G, sources, *direction, **how):
    return recipe(G, sources, Controls(direction=direction, **how)).ws


def age(G, turn):
    return find_direction("age", turn().directions_from, G)


# What a step is


def test_strength_zero_changes_no_pixel(G, turn, face):
    plain, moved = (recipe(G, [3, face], turn(*steps)).pictures(G) for steps in ((), ("age=0", "pose=-0")))
    assert np.array_equal(plain, moved)


def test_a_step_and_the_step_back_give_the_original_styles(G, turn, face):
    assert torch.equal(recipe(G, [3, face], turn("age=+2", "age=-2")).ws, ws(G, [3, face]))
    there = move(seed_ws(G, [3]), [(age(G, turn), 2.0)])
    assert_close(move(there, [(age(G, turn), -2.0)]), seed_ws(G, [3]))


def test_a_step_comes_after_truncation_in_its_layers_alone_for_seeds_and_projections(G, turn, face):
    change = recipe(G, [3, face], turn("age=+2", psi=0.3)).ws - ws(G, [3, face], psi=0.3)
    assert_close(change[:, 2:4], (2 * age(G, turn).vector).expand(2, 2, -1))
    assert not change[:, [0, 1, 4, 5, 6, 7]].any()


def test_steps_in_several_directions_come_in_any_order(G, turn):
    orders = [("age=2", "pose=-1"), ("pose=-1", "age=2"), ("age=1", "pose=-1", "age=1")]
    first, *others = [recipe(G, [3], turn(*steps)).ws for steps in orders]
    for other in others:
        assert_close(other, first)


# In every command


def test_the_command_writes_the_moved_picture_and_says_so(G, turn, tmp_path):
    saved = save_samples(G, "3", tmp_path / "out", controls=turn("age=+2", "pose=-.5"))
    moved = recipe(G, [3], turn("age=+2", "pose=-.5")).pictures(G)[0]
    assert np.array_equal(np.asarray(Image.open(saved.paths[0])), moved.transpose(1, 2, 0))
    assert not np.array_equal(moved, recipe(G, [3], Controls()).pictures(G)[0])
    assert saved.note == "psi 0.7 on all styles, directions age +2, pose -0.5, noise of each seed"


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_moved(G, turn, name, tmp_path, write_direction):
    how = {"seeds": "0-1", **({"seeds_b": "2-3"} if name in ("mixing", "levels") else {})}
    one = figure(G, name, **how, controls=turn("age=+2"))
    write_direction(G, tmp_path / "net-directions" / "age.safetensors", seed=2)  # the words stay the same
    assert not np.array_equal(one, figure(G, name, **how, controls=turn("age=+2")))


def test_the_mean_of_w_is_moved_as_the_mean_of_pictures_is(G, turn, count_of):
    ws = move(G.broadcast(G.w_avg[None]), [(age(G, turn), 2.0)])
    expected = Recipe(ws, stored_noise(G)).pictures(G)[0]
    sheet = np.asarray(mean_image(G, seeds="0", count=10, controls=turn("age=+2")))
    halves = [sheet[y::2, x::2] for y in (0, 1) for x in (0, 1)]  # its pictures are 256 px
    assert any(count_of(expected, half) for half in halves)


@pytest.mark.parametrize("name", ["uncurated", "truncation", "mixing"])
def test_a_moved_seed_is_in_every_figure_the_picture_that_sample_makes(G, turn, count_of, name):
    controls = turn("age=+2", psi=1)
    how = {"seeds": "0", **({"seeds_b": "1"} if name == "mixing" else {})}
    assert count_of(recipe(G, [0], controls).pictures(G)[0], figure(G, name, controls=controls, **how)) == 1


def test_all_styles_of_a_moved_b_give_the_moved_b(G, turn, count_of):
    controls = turn("age=+2")
    sheet = mixing_grid(G, "1", "2", levels=["all"], controls=controls)
    assert count_of(recipe(G, [2], controls).pictures(G)[0], sheet) == 2


@pytest.mark.parametrize("kind", ["z", "w", "smooth", "mix", "noise"])
def test_a_film_starts_with_the_moved_picture(G, turn, kind):
    at = loop(Sampler(G, turn("age=+2")), kind, [1] if kind == "noise" else [1, 2], levels="all")
    assert_close(at(0.0).ws, recipe(G, [1], turn("age=+2")).ws)
    assert not torch.allclose(at(0.0).ws, recipe(G, [1], Controls()).ws, atol=0.1)


# Names and files


@pytest.mark.parametrize(
    ("text", "expected"), [("glasses=+2.0", ("glasses", 2)), ("a.b-1=-.5", ("a.b-1", -0.5)), ("d/x=y=3", ("d/x=y", 3))]
)
def test_name_and_strength_are_read(text, expected):
    assert parse_direction(text) == expected


@pytest.mark.parametrize("text", ["glasses", "glasses=", "=2", "glasses=much", "glasses=nan", ""])
def test_anything_else_is_refused_with_an_example(G, text):
    with pytest.raises(InputError, match=r"must be NAME=STRENGTH, such as glasses=\+2.0"):
        parse_direction(text)
    with pytest.raises(InputError, match="must be NAME=STRENGTH"):
        ws(G, [0], text)


def test_one_text_in_place_of_a_tuple_is_refused_and_not_spelled_out():
    with pytest.raises(InputError, match=r"direction 'age=\+2': .* \('age=\+2',\)"):
        Controls(direction="age=+2")


def test_a_direction_may_be_the_path_of_its_file_and_is_called_by_its_name(G, tmp_path, write_direction):
    write_direction(G, tmp_path / "a=b" / "smile.safetensors")
    text = f"{tmp_path}/a=b/smile.safetensors=-1.5"
    assert not torch.equal(ws(G, [0], text), ws(G, [0]))
    assert "direction smile -1.5" in Sampler(G, Controls(direction=(text,))).describe()


def test_names_that_are_no_directions_are_refused_all_at_once_with_those_there_are(G, turn):
    with pytest.raises(InputError, match=r"(?s)'smile'.*directions has age, pose: make some.*'hat'.* has age, pose"):
        Sampler(G, turn("smile=1", "age=1", "hat=1"))


def test_a_network_without_directions_is_told_how_to_make_some(G, tmp_path):
    with pytest.raises(InputError, match=r"there are none in .*other-directions: .* `stylegan directions NETWORK`"):
        ws(G, [0], "age=1", directions_from=tmp_path / "other-directions")


def test_a_name_without_a_folder_is_refused_with_both_ways_out(G):
    with pytest.raises(
        InputError, match=r"'age': no folder to look in was given.*directions_from=.*out/age.safetensors=\+2"
    ):
        ws(G, [0], "age=2")


def test_a_folder_of_directions_stays_the_same_folder_wherever_the_process_goes(G, turn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    controls = turn("age=+2").but(directions_from="net-directions")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert torch.equal(recipe(G, [3], controls).ws, recipe(G, [3], turn("age=+2")).ws)


def test_a_direction_of_another_network_is_refused_before_anything_is_written(turn, make, tmp_path):
    other = make(img_resolution=64)
    text = f"{tmp_path}/net-directions/age.safetensors=1"
    with pytest.raises(
        InputError, match=r"age.safetensors was made for another network.*`stylegan directions NETWORK`"
    ):
        save_samples(other, "0", tmp_path / "out", controls=Controls(direction=(text,)))
    assert not (tmp_path / "out").exists()


def test_a_file_of_another_kind_is_no_direction(G, face):
    with pytest.raises(InputError, match=r"face.safetensors holds projection, not a stylegan direction"):
        ws(G, [0], f"{face}=1")


def test_a_damaged_direction_is_refused(G, tmp_path, write_direction):
    write_direction(G, tmp_path / "age.safetensors", layers=(7, 8))
    with pytest.raises(InputError, match="its vector or layers are not those of this network; the file is damaged"):
        ws(G, [0], f"{tmp_path}/age.safetensors=1")


@pytest.mark.parametrize("name", ["", "../up", "a b", ".hidden", "a/b"])
def test_a_name_that_could_be_no_file_is_refused(G, tmp_path, write_direction, name):
    direction = write_direction(G, tmp_path / "age.safetensors")
    with pytest.raises(InputError, match="must be letters, digits"):
        dataclasses.replace(direction, name=name)


def test_directions_lie_in_the_run_folder_or_beside_the_file(tmp_path):
    assert directions_folder(tmp_path) == tmp_path / "directions"
    assert directions_folder(tmp_path / "net.safetensors") == tmp_path / "net-directions"
