"""The boundary itself, and the CSV file of marks."""

from pathlib import Path

import pytest
import torch

from stylegan.editing.boundary import linear_boundary, read_marks
from stylegan.errors import InputError


def planted(count, dim, seed=0):
    generator = torch.Generator().manual_seed(seed)
    points, normal = torch.randn(count, dim, generator=generator), torch.randn(dim, generator=generator)
    return points, points @ normal > 0, (normal / normal.norm()).double()


def test_many_points_give_the_planted_normal():
    points, marks, normal = planted(500, 16)
    found, score = linear_boundary(points, marks)
    assert found @ normal > 0.97
    assert score > 0.9


def test_the_normal_has_length_one_and_points_towards_yes():
    points, marks, _ = planted(40, 16)
    found, _ = linear_boundary(points, marks)
    assert found.norm() == pytest.approx(1)
    assert (points[marks].double() @ found).mean() > (points[~marks].double() @ found).mean()


def test_swapping_yes_and_no_turns_the_direction_round():
    points, marks, _ = planted(40, 16)
    assert torch.allclose(linear_boundary(points, marks)[0], -linear_boundary(points, ~marks)[0], atol=1e-4)


def test_forty_points_in_512_dimensions_are_separated_and_the_score_does_not_boast():
    points, marks, normal = planted(40, 512)
    found, score = linear_boundary(points, marks)
    along = points.double() @ found
    assert along[marks].min() > along[~marks].max()  # with more dimensions than points, any marks can be separated
    assert found @ normal > 0.15  # by chance 0.04
    assert score < 0.9


def test_neither_place_nor_scale_of_the_points_matters():
    points, marks, _ = planted(40, 16)
    found, score = linear_boundary(points, marks)
    moved, moved_score = linear_boundary(1000 * points + 50, marks)
    assert torch.allclose(found, moved, atol=1e-3)
    assert score == moved_score


def test_few_points_marked_yes_weigh_as_much_as_many_marked_no():
    points, _, normal = planted(400, 8)
    marks = points.double() @ normal > 1.5
    assert 10 < marks.sum() < 60
    assert linear_boundary(points, marks)[1] > 0.9


def test_marks_are_read_in_any_spelling_and_the_row_of_names_is_skipped(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_text("seed,glasses\n3,yes\n4, No\n\n5,1\n6,0\n7,TRUE\n8,false\n")
    assert read_marks(path) == ([3, 5, 7], [4, 6, 8])


def test_projections_may_be_marked_and_keep_the_case_of_their_names(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_text('picture,glasses\nout/Ann.safetensors,YES\n"a, b.safetensors",no\n7,no\n')
    here = Path.cwd()
    assert read_marks(path) == ([here / "out/Ann.safetensors"], [here / "a, b.safetensors", 7])


def test_every_bad_row_is_named(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_text("3,yes\n4,maybe\n5\n-6,no\nface.png,yes\n")
    words = "line 2: '4,maybe': must be SEED,yes.*line 3: '5'.*line 4: '-6,no'.*line 5: 'face.png,yes'"
    with pytest.raises(InputError, match=f"(?s){words}"):
        read_marks(path)


@pytest.mark.parametrize("first", ["1,maybe", "1;yes", "face.safetensors,perhaps", "1"])
def test_a_bad_first_row_is_no_row_of_names(tmp_path, first):
    path = tmp_path / "marks.csv"
    path.write_text(f"{first}\n3,yes\n4,no\n")
    with pytest.raises(InputError, match=f"line 1: '{first}': must be SEED,yes"):
        read_marks(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none.csv cannot be read as CSV"):
        read_marks(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match=r"b.csv cannot be read as CSV"):
        read_marks(tmp_path / "b.csv")
