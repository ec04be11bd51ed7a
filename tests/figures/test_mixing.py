"""Style mixing (Section 3.1, Figure 3)."""

import numpy as np
import pytest
from torch.testing import assert_close

from stylegan.errors import InputError
from stylegan.figures.mixing import compose, composed, mixing_grid
from stylegan.networks.levels import style_indices
from stylegan.sampling.controls import Controls
from stylegan.sampling.sampler import Sampler, recipe

CONTROLS = Controls(psi=0.8)


def mixed(G, levels, controls=CONTROLS):
    a, b = recipe(G, [1], controls), recipe(G, [2], controls)
    return a.with_layers_of(b, style_indices(levels, G)).pictures(G)


def picture(G, seed, controls=CONTROLS):
    return recipe(G, [seed], controls).pictures(G)


@pytest.mark.parametrize("noise", ["random", "const", "none"])
def test_copying_no_layer_changes_nothing_and_copying_all_gives_b(G, noise):
    controls = Controls(noise=noise)
    assert np.array_equal(mixed(G, "none", controls), picture(G, 1, controls))
    assert np.array_equal(mixed(G, "all", controls), picture(G, 2, controls))


def test_each_level_gives_a_picture_of_its_own(G):
    coarse, middle = mixed(G, "coarse"), mixed(G, "middle")
    others = [picture(G, 1), picture(G, 2), middle]
    assert all(np.abs(coarse.astype(int) - other).max() > 5 for other in others)


def test_the_sheet_shows_the_sources_as_they_are_sampled(G, count_of):
    sheet = mixing_grid(G, "1", "2", levels=["all"], controls=CONTROLS)
    assert count_of(picture(G, 1)[0], sheet) == 1
    assert count_of(picture(G, 2)[0], sheet) == 2  # source B above, and A with all styles of B


def test_sources_may_be_any_number_and_a_later_one_wins(G):
    parsed, made = composed(Sampler(G, CONTROLS), ["1", "2=coarse,4", "3=4-7"])
    each = [recipe(G, [seed], CONTROLS).ws[0] for seed in (1, 2, 3)]
    assert parsed == [(1, ""), (2, "coarse,4"), (3, "4-7")]
    assert_close(made.ws[0, :4], each[1][:4])
    assert_close(made.ws[0, 4:], each[2][4:])
    assert compose(G, ["1", "2=coarse", "3=4-7"]).mode == "RGB"


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        (["1"], "at least once"),
        (["1=coarse", "2=fine"], "source '1=coarse': must be a seed or a projection's file"),
        (["1", "2"], "source '2': must be SOURCE=LEVELS"),
        (["1", "2=fine"], "'fine' names no layer"),
        (["x", "2=4"], "source 'x'"),
    ],
)
def test_sources_that_cannot_be_are_refused(G, sources, words):
    with pytest.raises(InputError, match=words):
        compose(G, sources)


def test_mixing_needs_styles(traditional):
    with pytest.raises(InputError, match="no styles"):
        mixing_grid(traditional, "0", "1")
