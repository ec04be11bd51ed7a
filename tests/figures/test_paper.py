"""The figures of the paper for networks of any size, kind and number of channels."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from stylegan.errors import InputError
from stylegan.figures.noise import coarse_and_fine, liveliest, noise, realized
from stylegan.figures.paper import FIGURES, figure, levels, mean_image, quantile, truncation
from stylegan.networks.styles import copy_styles
from stylegan.sampling.controls import Controls
from stylegan.sampling.noise import stack_noise
from stylegan.sampling.recipe import Recipe, synthesize
from stylegan.sampling.sampler import Sampler, recipe

QUICK = {
    "uncurated": {"seeds": "0-4"},
    "mixing": {"seeds": "0-2", "seeds_b": "5-6"},
    "noise": {"seeds": "0", "realizations": 4},
    "noise-layers": {"seeds": "0"},
    "truncation": {"seeds": "0-1"},
    "mean-image": {"seeds": "0-3", "count": 10},
    "levels": {"seeds": "0", "seeds_b": "1"},
}


@pytest.fixture(scope="module")
def networks(make):
    """32, 64 and 256 px; gray; with transparency; smallest; with classes; not yet grown."""
    young = make()
    young.lod = 1.5
    return {
        "32": make(channel_max=4),
        "64": make(img_resolution=64, channel_max=4),
        "256": make(img_resolution=256, channel_max=2),
        "gray": make(img_channels=1),
        "rgba": make(img_channels=4),
        "4": make(img_resolution=4, initial_resolution=4),
        "young": young,
    }


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("network", ["32", "64", "256", "gray", "rgba", "4", "young"])
def test_every_figure_is_drawn_for_every_network(networks, network, name):
    sheet = FIGURES[name](networks[network], **QUICK[name])
    assert sheet.mode == "RGB"
    assert min(sheet.size) >= 128
    assert np.asarray(sheet).std() > 10


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_shows_one_class_of_a_network_with_classes(labelled, name):
    a, b = (FIGURES[name](labelled, **QUICK[name], controls=Controls(class_index=k)) for k in (0, 1))
    assert not np.array_equal(a, b)


@pytest.mark.parametrize("name", ["uncurated", "mixing", "truncation", "levels"])
def test_a_seed_is_in_every_figure_the_picture_that_sample_makes(G, count_of, name):
    seeds_b = {"seeds_b": "1"} if name in ("mixing", "levels") else {}
    controls = Controls(psi=1)  # the first column of Figure 8
    assert count_of(recipe(G, [0], controls).pictures(G)[0], figure(G, name, seeds="0", controls=controls, **seeds_b))


def test_the_column_psi_zero_of_figure_eight_is_one_picture(G, count_of):
    sheet = truncation(G, seeds="0-2", controls=Controls(noise="const"))
    average = recipe(G, [0], Controls(psi=0, cutoff=None, noise="const")).pictures(G)[0]
    assert count_of(average, sheet) == 3


def test_noise_realizations_differ_and_their_deviation_is_greatest_where_the_detail_is_taken(G):
    _, deviation = realized(G, recipe(G, [0], Controls()).ws, 6, batch=4)
    left, top, size = liveliest(deviation)
    assert deviation.mean() > 0.5
    assert deviation[top : top + size, left : left + size].mean() >= deviation.mean()


def test_the_deviation_over_realizations_is_that_of_all_pictures_held_at_once(G):
    ws = recipe(G, [0], Controls()).ws
    maps = stack_noise(range(25), G)
    images = torch.cat(list(synthesize(G, Recipe(ws.expand(25, -1, -1), maps))))
    pictures = ((images.clamp(-1, 1) + 1) * 127.5).numpy().astype(np.float64)
    first, deviation = realized(G, ws, 25)
    assert_allclose(first, pictures[:4], atol=1e-3)  # other batches round otherwise
    assert_allclose(deviation, pictures.std(axis=0).mean(axis=0), atol=1e-3)


@pytest.mark.parametrize("q", [0, 0.3, 0.98, 1])
def test_the_white_of_the_figure_of_levels_is_the_quantile_of_all_changes(q):
    random = np.random.RandomState(0)
    changes = [random.randint(0, 256, size=(2, 3, 7, 7)).astype(np.uint8) for _ in range(3)]
    assert quantile(changes, q) == pytest.approx(np.quantile(np.stack(changes).astype(float), q))


def test_figure_five_parts_the_layers_at_64_px_as_the_paper_and_always_in_two(make):
    assert coarse_and_fine(make(img_resolution=64)) == (list(range(8)), [8, 9])
    assert coarse_and_fine(make()) == ([0, 1, 2, 3], [4, 5, 6, 7])
    assert coarse_and_fine(make(img_resolution=8)) == ([0, 1], [2, 3])


def test_measured_levels_are_the_blocks_of_the_figures(make):
    G = make()
    G.levels = {"pose": [0, 2], "colour": [3, 7]}
    assert figure(G, "mixing", seeds="0-1", seeds_b="2").mode == "RGB"
    assert figure(G, "levels", seeds="0", seeds_b="2").mode == "RGB"


def test_the_figure_of_levels_swaps_one_style_and_keeps_the_noise(G, count_of):
    a, b = recipe(G, [0], Controls()), recipe(G, [1], Controls())
    swapped = Recipe(copy_styles(a.ws, b.ws, [5]), a.noise).pictures(G)[0]
    assert count_of(swapped, levels(G, seeds="0", seeds_b="1")) == 1


def test_the_mean_picture_shows_cluster_centres_on_request(G):
    plain = mean_image(G, seeds="0-3", count=10)
    assert mean_image(G, seeds="0-3", count=10, controls=Controls(towards="centers:3")).width > plain.width


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mixing", "this network has no styles"),
        ("levels", "this network has no styles"),
        ("noise", "this network has no noise inputs"),
        ("noise-layers", "this network has no noise inputs"),
    ],
)
def test_the_traditional_generator_has_no_figures_of_styles_and_noise(traditional, name, words):
    with pytest.raises(InputError, match=words):
        figure(traditional, name)


@pytest.mark.parametrize("name", ["uncurated", "truncation", "mean-image"])
def test_the_traditional_generator_has_the_other_figures(traditional, name):
    assert FIGURES[name](traditional, **QUICK[name]).mode == "RGB"


def test_what_a_figure_cannot_show_is_refused(G):
    with pytest.raises(InputError, match="figure 'cats': must be one of uncurated, mixing, noise"):
        figure(G, "cats")
    with pytest.raises(InputError, match="figure noise has no sources B"):
        figure(G, "noise", seeds_b="3")
    with pytest.raises(InputError, match="2 seeds and 1 seeds_b"):
        levels(G, seeds="0-1", seeds_b="5")
    with pytest.raises(InputError, match="figure noise with noise none"):
        noise(G, controls=Controls(noise="none"))


@pytest.mark.parametrize("name", ["uncurated", "mixing", "noise-layers", "truncation", "mean-image", "levels"])
def test_no_figure_holds_the_noise_of_more_than_16_sources(G, name, monkeypatch):
    held, plain = [], Sampler.recipe

    def counting(self, sources, **options):
        made = plain(self, sources, **options)
        held.append(max(map(len, made.noise)))
        return made

    monkeypatch.setattr(Sampler, "recipe", counting)
    both = {"seeds_b": "50-69"} if name in ("mixing", "levels") else {}
    FIGURES[name](G, seeds="0-19", **both)
    assert max(held) <= 16


def test_the_first_pictures_of_a_long_figure_are_those_of_a_short_one(G):
    sheets = [np.asarray(truncation(G, seeds=seeds)) for seeds in ("0-3", "0-16")]
    rows = sheets[0].shape[0] // 2
    assert np.array_equal(sheets[0][60:rows, 80:], sheets[1][60:rows, 80:])
