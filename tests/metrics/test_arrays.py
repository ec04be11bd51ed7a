"""Arrays that every metric refuses, with messages that say what is allowed."""

from functools import partial

import numpy as np
import pytest
import torch

from stylegan.errors import InputError
from stylegan.metrics.disentanglement import dci
from stylegan.metrics.frechet import frechet_distance, frechet_infinity
from stylegan.metrics.kernel import kid
from stylegan.metrics.neighbours import nearest
from stylegan.metrics.precision_recall import density_coverage, precision_recall
from stylegan.metrics.sliced import mind

GENERATOR = torch.Generator()
OF_TWO_SETS = {
    "frechet_distance": frechet_distance,
    "frechet_infinity": partial(frechet_infinity, generator=GENERATOR),
    "kid": partial(kid, subsets=2, subset_size=10, generator=GENERATOR),
    "precision_recall": precision_recall,
    "density_coverage": density_coverage,
    "mind": partial(mind, directions=3, generator=GENERATOR),
    "nearest": partial(nearest, k=2),
}
SETS = torch.randn(2, 30, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("metric", OF_TWO_SETS.values(), ids=OF_TWO_SETS)
class TestOfTwoSets:
    def test_rows_that_are_not_finite_are_refused_and_counted(self, metric):
        a, b = SETS.clone()
        b[3, 1], b[3, 2], b[7, 0] = float("nan"), float("nan"), float("inf")
        with pytest.raises(InputError, match="2 of 30 rows hold NaN or infinity"):
            metric(a, b)

    def test_features_of_two_widths_are_refused(self, metric):
        with pytest.raises(InputError, match=r"features are 4 in .* and 3 in .*: both must come from the same"):
            metric(SETS[0], SETS[1, :, :3])

    def test_an_array_without_a_row_for_each_picture_is_refused(self, metric):
        with pytest.raises(InputError, match=r"of shape \(120,\): must be \(N, F\)"):
            metric(SETS[0].reshape(-1), SETS[1])

    def test_numpy_and_torch_in_single_precision_give_the_same_and_are_not_changed(self, metric):
        GENERATOR.manual_seed(0)
        ours = metric(*SETS)
        before = SETS.clone()
        GENERATOR.manual_seed(0)
        theirs = metric(*(x.numpy() for x in SETS))
        for a, b in zip(*(x if isinstance(x, tuple) else (x,) for x in (ours, theirs)), strict=True):
            assert np.array_equal(a, b)
        assert torch.equal(SETS, before)


@pytest.mark.parametrize(
    ("metric", "too_few"),
    [("frechet_distance", 1), ("kid", 1), ("mind", 1), ("precision_recall", 3), ("density_coverage", 5)],
)
def test_too_few_pictures_are_refused_and_the_needed_number_is_named(metric, too_few):
    with pytest.raises(InputError, match=f"has {too_few} rows: must have {too_few + 1} or more"):
        OF_TWO_SETS[metric](SETS[0], SETS[1, :too_few])


def test_all_problems_of_both_sets_are_named_at_once():
    with pytest.raises(InputError, match=r"(?s)real has 1 rows.*fake: 1 of 30 rows"):
        precision_recall(SETS[0, :1], torch.where(torch.arange(30)[:, None] == 2, torch.nan, SETS[1]))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: kid(*SETS, subsets=5, subset_size=31, generator=GENERATOR), "of 2 to 30 pictures"),
        (lambda: kid(*SETS, subsets=0, subset_size=5, generator=GENERATOR), "must be 1 or more"),
        (lambda: mind(*SETS, directions=0, generator=GENERATOR), "0 directions: must be 1 or more"),
        (lambda: frechet_infinity(SETS[0], SETS[1, :19], generator=GENERATOR), "must be 20 pictures or more"),
        (lambda: nearest(*SETS, 31), "k = 31 neighbours: must be 1 to 30"),
        (lambda: precision_recall(*SETS, k=0), "k = 0 neighbours: must be 1 or more"),
        (lambda: dci(SETS[0], SETS[1, :20]), "codes of 30 pictures and factors of 20"),
        (lambda: dci(SETS[0], SETS[1, :, :1]), "2 coordinates and 2 factors or more"),
        (lambda: dci(SETS[0], torch.ones(30, 3)), r"factor \[0, 1, 2\]: must vary"),
    ],
)
def test_an_impossible_number_is_refused_and_the_possible_ones_are_named(call, text):
    with pytest.raises(InputError, match=text):
        call()
