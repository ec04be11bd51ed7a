"""Contact sheets and the command `directions`."""

import numpy as np
import pytest

from stylegan.editing.directions import closed_form
from stylegan.editing.sheets import direction_sheet, save_directions
from stylegan.errors import InputError
from stylegan.figures.sheet import tile
from stylegan.sampling.controls import Controls
from stylegan.sampling.direction import find_direction
from stylegan.sampling.sampler import sample


def contains(sheet, picture):
    sheet, part = np.asarray(sheet), np.asarray(tile(picture))
    places = np.argwhere((sheet[: -len(part) + 1] == part[0, 0]).all(axis=-1))
    return any(np.array_equal(sheet[y : y + len(part), x : x + part.shape[1]], part) for y, x in places)


def test_the_middle_of_the_sheet_is_the_picture_that_sample_makes_of_the_seed(G):
    sheet = direction_sheet(G, closed_form(G, 2), seeds=[5, 7], strengths=[0.0], controls=Controls(psi=0.7))
    for picture in next(sample(G, [5, 7], truncation_psi=0.7, truncation_cutoff=8)):
        assert contains(sheet, picture)


def test_a_sheet_has_a_row_for_each_direction_and_seed_and_a_column_for_each_strength(G):
    found, strengths = closed_form(G, 2), [-1.0, 0.0, 1.0]
    sheet = direction_sheet(G, found, seeds=[0, 1], strengths=strengths)
    assert sheet.height - direction_sheet(G, found, seeds=[0], strengths=strengths).height >= 2 * 128
    assert sheet.width - direction_sheet(G, found, seeds=[0, 1], strengths=[0.0]).width >= 2 * 128


def test_the_command_writes_a_file_and_a_sheet_of_each_direction_and_one_of_all(G, tmp_path):
    saved = save_directions(G, tmp_path, count=1, seeds="0")
    names = {path.name for path in saved.paths}
    assert names == {"closed-1.safetensors", "closed-1.png", "component-1.safetensors", "component-1.png", "all.png"}
    assert {path.name for path in tmp_path.glob("[!.]*")} == names
    assert find_direction("component-1", tmp_path, G).kind == "component"
    assert "of the variance of W" in saved.note


def test_marked_pictures_become_one_named_direction(G, tmp_path):
    (tmp_path / "marks.csv").write_text("1,yes\n2,no\n")
    saved = save_directions(G, tmp_path / "out", name="glasses", yes="3,5-6", no=[4, 8], marks=tmp_path / "marks.csv")
    assert {path.name for path in saved.paths} == {"glasses.safetensors", "glasses.png"}
    assert "glasses: " in saved.note
    assert find_direction("glasses", tmp_path / "out", G).kind == "boundary"


def test_a_missing_projection_among_the_marks_is_named_before_anything_is_written(G, tmp_path):
    with pytest.raises(InputError, match=r"face.safetensors"):
        save_directions(G, tmp_path / "out", name="glasses", yes="0,face.safetensors", no="2-3")
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(G, tmp_path):
    (tmp_path / "glasses.png").touch()
    with pytest.raises(InputError, match=r"glasses.png exist"):
        save_directions(G, tmp_path, name="glasses", yes="0-1", no="2-3")


def test_marks_without_a_name_are_refused(G, tmp_path):
    with pytest.raises(InputError, match="Give the direction a name, such as glasses"):
        save_directions(G, tmp_path, yes="0-1", no="2-3")
