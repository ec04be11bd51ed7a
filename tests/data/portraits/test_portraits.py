"""The built-in portraits: deterministic, alike at every resolution, and ruled by the factors that are written down."""

import random

import numpy as np
import pytest
import torch
from PIL import Image

from stylegan.data.portraits.portraits import FACTORS, draw, factors_of, portrait
from stylegan.errors import InputError

# Someone on whom every factor shows: hair, open eyes, an open mouth.
SOMEONE = {f.name: 0.5 * (f.low + f.high) for f in FACTORS} | {"hair_style": 2.0, "glasses": 0.0, "eyes_open": 1.0}
NAMES = [f.name for f in FACTORS]


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How far two pictures differ, pixel by pixel: the largest of the three channels."""
    return np.abs(a.astype(int) - b.astype(int)).max(axis=2)


def changed(resolution: int = 64, **factors: float) -> np.ndarray:
    before, after = (draw(f, resolution, detail_seed=1) for f in (SOMEONE, SOMEONE | factors))
    return difference(before, after)


def test_the_same_index_and_seed_give_the_same_bytes():
    assert np.array_equal(portrait(3, 32, seed=5)[0], portrait(3, 32, seed=5)[0])


@pytest.mark.parametrize("other", [{"index": 4, "seed": 5}, {"index": 3, "seed": 6}])
def test_another_index_or_seed_gives_another_person(other):
    assert factors_of(other["index"], seed=other["seed"])[0] != factors_of(3, seed=5)[0]


@pytest.mark.parametrize("resolution", [4, 8, 32, 100, 256])
def test_a_picture_has_the_resolution_asked_for(resolution):
    image, _ = portrait(0, resolution)
    assert (image.shape, image.dtype) == ((resolution, resolution, 3), np.uint8)


def test_a_portrait_is_what_draw_makes_of_its_factors():
    factors, detail_seed = factors_of(7)
    image, written = portrait(7, 48)
    assert written == factors
    assert np.array_equal(image, draw(factors, 48, detail_seed=detail_seed))


@pytest.mark.parametrize("index", range(4))
def test_a_portrait_at_64_reduced_to_32_is_close_to_the_one_at_32(index):
    large, small = (portrait(index, r)[0] for r in (64, 32))
    reduced = np.asarray(Image.fromarray(large).reduce(2))
    # Edges are the only difference, and both average them: 1 of 255 is what the finer grid of the larger one changes.
    assert difference(reduced, small).mean() < 1


def test_half_as_large_is_the_same_person_from_twice_the_distance():
    factors, detail_seed = factors_of(7)
    near = draw(factors, 128, detail_seed=detail_seed)
    far = draw(factors, 256, detail_seed=detail_seed, half=True)
    face = slice(40, 110), slice(40, 88)
    # The lower edge and the middle stay where they are. Edges, single hairs most, are averaged on another grid.
    assert difference(near[face], far[128:, 64:192][face]).mean() < 2
    assert difference(near[face], far[128:, 66:194][face]).mean() > 5
    assert np.ptp(far[:100], axis=(0, 1)).max() < 60  # above the head there is only background


@pytest.mark.parametrize("name", NAMES)
def test_every_factor_shows_at_32_pixels(name):
    factor = next(f for f in FACTORS if f.name == name)
    low, high = (draw(SOMEONE | {name: v}, 32, detail_seed=1) for v in (factor.low, factor.high))
    assert difference(low, high).max() >= 16  # of 255: a step that the eye sees at once


@pytest.mark.parametrize("name", [f.name for f in FACTORS if not f.category])
def test_a_small_change_of_a_factor_is_a_small_change_of_the_picture(name):
    assert changed(**{name: SOMEONE[name] - 0.01}).mean() < 2


def test_opening_the_eyes_changes_the_eyes_only():
    rows, columns = np.nonzero(changed(128, eyes_open=0.0))
    # The eyes lie at a middle height of 64/120 from the top, and reach 11 units above and 8 below, 31 to each side.
    assert rows.min() >= 51 * 128 / 120 and rows.max() <= 75 * 128 / 120
    assert columns.min() >= 26 * 128 / 120 and columns.max() <= 94 * 128 / 120


def test_the_colour_of_the_eyes_does_not_show_when_they_are_closed():
    closed = [SOMEONE | {"eyes_open": 0.0, "eye_colour": c} for c in (0.0, 1.0)]
    assert np.array_equal(*(draw(f, 64, detail_seed=1) for f in closed))


def test_a_turned_head_is_not_a_moved_picture():
    left, right = (draw(SOMEONE | {"yaw": y, "hair_style": 0.0}, 64, detail_seed=1) for y in (-1.0, 1.0))
    behind = slice(0, 8)  # the rows above the bald head
    assert difference(left[behind], right[behind]).max() == 0
    assert difference(left, right).mean() > 5


@pytest.mark.parametrize("style", range(7))
def test_random_detail_changes_few_pixels_and_little(style):
    factors = SOMEONE | {"hair_style": float(style)}
    pictures = [draw(factors, 128, detail_seed=s) for s in range(8)]
    differences = np.stack([difference(pictures[0], p) for p in pictures[1:]])
    assert differences.any()
    assert (differences > 10).mean() < 0.05
    assert differences.mean() < 1.6  # of 255, over seven pairs


def test_random_detail_does_not_depend_on_the_hair():
    """Freckles and wrinkles stay where they are when only the hair changes."""
    rows = slice(70, 118)  # from below the eyes to the mouth, at 128
    columns = slice(45, 83)
    bald, short = (draw(SOMEONE | {"hair_style": h, "fringe": 0.0}, 128, detail_seed=2) for h in (0.0, 2.0))
    assert difference(bald[rows, columns], short[rows, columns]).max() == 0


def test_factors_are_independent_and_fill_their_ranges():
    table = np.array([list(factors_of(i)[0].values()) for i in range(2000)])
    low, high = np.array([(f.low, f.high) for f in FACTORS]).T
    assert np.all((table >= low) & (table <= high))
    assert np.all(np.ptp(table, axis=0) > 0.95 * (high - low))
    # 2,000 independent pairs correlate within 5 / sqrt(2000).
    assert np.abs(np.corrcoef(table.T) - np.eye(len(FACTORS))).max() < 0.11


def test_drawing_leaves_the_global_random_state_alone():
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    portrait(0, 32)
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before


def test_draw_leaves_its_factors_alone():
    factors = dict(SOMEONE)
    draw(factors, 16, detail_seed=0)
    assert factors == SOMEONE


def test_wrong_factors_are_refused_all_at_once():
    wrong = {name: v for name, v in SOMEONE.items() if name != "yaw"} | {"hair_style": 2.5, "smile": 3.0, "beard": 1.0}
    with pytest.raises(InputError) as error:
        draw(wrong, 32, detail_seed=0)
    assert str(error.value).splitlines() == [
        "factor yaw is missing",
        "factor hair_style is 2.5: it must be a whole number from 0 to 6: 0 bald, 1 buzz cut, 2 short, 3 bob, 4 long, "
        "5 curly, 6 bun",
        "factor smile is 3.0: it must be a number from -1 to 1: corners of the mouth down (-1) or up (1)",
        f"factor beard is unknown: use {', '.join(NAMES)}",
    ]
