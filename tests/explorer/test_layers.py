"""Only layers that changed are computed again, and the picture is the same to the bit."""

import numpy as np
import pytest
import torch

from stylegan.explorer.layers import Layers
from stylegan.sampling.controls import Controls
from stylegan.sampling.sampler import Sampler


@pytest.fixture(params=["styles", "classes", "traditional", "grown half", "large"])
def network(request, make, G, labelled, traditional):
    if request.param == "grown half":
        G = make()
        G.lod = 0.5
        return G
    if request.param == "large":  # layers that overwrite their input
        return make(img_resolution=512, channel_base=8192, channel_max=16)
    return {"styles": G, "classes": labelled, "traditional": traditional}[request.param]


def test_pictures_are_those_of_the_whole_network_whatever_came_before(network):
    sampler, layers = Sampler(network, Controls(class_index=0 if network.c_dim else None)), Layers(network)
    a, b = sampler.recipe([1]), sampler.recipe([2])
    each = [a, *(a.with_layers_of(b, [i]) for i in reversed(range(network.num_ws))), b, a, a]
    for recipe in each:
        assert np.array_equal(layers.picture(recipe), recipe.pictures(network)[0])


@pytest.mark.parametrize("changed", range(8))
def test_layers_below_the_first_change_are_kept(G, changed):
    sampler, layers = Sampler(G), Layers(G)
    a, b = sampler.recipe([1]), sampler.recipe([2])
    layers.picture(a)
    assert layers.computed == 8
    layers.picture(a.with_layers_of(b, [changed]))
    assert layers.computed == 8 - changed


def test_another_noise_alone_counts_as_a_change_of_its_layer(G):
    sampler, layers = Sampler(G), Layers(G)
    a = sampler.recipe([1])
    layers.picture(a)
    maps = [*a.noise[:5], torch.zeros_like(a.noise[5]), *a.noise[6:]]
    layers.picture(type(a)(a.ws, maps))
    assert layers.computed == 3


def test_the_same_again_computes_nothing(G):
    layers, recipe = Layers(G), Sampler(G).recipe([1])
    first = layers.picture(recipe)
    assert np.array_equal(layers.picture(recipe), first) and layers.computed == 0


def test_what_is_kept_is_the_output_of_every_layer(G):
    layers = Layers(G)
    layers.picture(Sampler(G).recipe([1]))
    sizes = [kept.x.shape[1] * kept.x.shape[2] ** 2 * 4 for kept in layers.kept]
    assert len(sizes) == 8 and layers.bytes == sum(sizes)
