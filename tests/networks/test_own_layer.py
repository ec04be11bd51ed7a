"""A kind of layer of one's own: registered in one place, and left out nowhere."""

import pytest
import torch

from stylegan.config import CONFIG_F, NORMS
from stylegan.editing.directions import closed_form
from stylegan.errors import InputError
from stylegan.interop.variables import generator_names
from stylegan.networks.generator import LAYERS, Generator, Layer, register_layer
from stylegan.networks.layers import AdaIN
from stylegan.sampling.fingerprint import fingerprint

SMALL = {"img_resolution": 16, "channel_base": 128, "channel_max": 8, "z_dim": 8, "w_dim": 8, "mapping_dim": 8}


class Residual(Layer):
    """AdaIN, with a share of its input."""

    def __init__(self, config, op, channels, resolution):
        super().__init__(config, op, channels, resolution)
        self.norm = AdaIN(channels, config.w_dim)
        self.share = torch.nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x, w, noise):
        x = self.activated(x, noise)
        return self.norm(x, w) + self.share * x


class Telling(Residual):
    def style_affine(self):
        return self.norm.affine


@pytest.fixture
def register():
    """`register_layer` for this test alone."""
    kept = {**LAYERS}, {**NORMS}
    yield register_layer
    for table, rows in zip((LAYERS, NORMS), kept, strict=True):
        table.clear()
        table.update(rows)


def network(norm):
    torch.manual_seed(0)
    return Generator(CONFIG_F.but(norm=norm, **SMALL)).requires_grad_(False)


def changed(G, name):
    """Is the fingerprint another after a change of this tensor?"""
    before = fingerprint(G)
    G.state_dict()[name].add_(1)
    return fingerprint(G) != before


def test_each_norm_has_its_layer():
    assert LAYERS.keys() == NORMS.keys()


def test_a_norm_of_ones_own_is_refused_until_its_layer_is_registered(register):
    data = CONFIG_F.but(**SMALL).to_json() | {"norm": "residual"}
    with pytest.raises(InputError, match=r"norm 'residual': must be one of pixel, adain; stylegan\.register_layer"):
        type(CONFIG_F).from_json(data)
    register("residual", Residual, has_styles=True)
    config = type(CONFIG_F).from_json(data)
    assert config.has_styles and config.num_ws == 6
    assert {type(layer) for layer in Generator(config).synthesis.layers()} == {Residual}


def test_a_layer_registered_without_styles_has_one_w_at_4x4(register):
    register("residual", Residual, has_styles=False)
    with pytest.raises(InputError, match="const_input True: must be False with norm residual"):
        CONFIG_F.network.but(norm="residual")
    config = CONFIG_F.but(norm="residual", const_input=False, style_mixing_prob=0.0, **SMALL)
    assert config.num_ws == 1
    assert Generator(config)(torch.zeros(2, 8)).shape == (2, 3, 16, 16)


@pytest.mark.parametrize(
    ("name", "layer", "words"),
    [
        ("adain", Residual, "layer 'adain': must be a name such as demod, and not adain or pixel"),
        ("a b", Residual, "layer 'a b': must be a name"),
        ("mine", AdaIN, "layer mine: .*AdaIN.* must be a subclass of stylegan.Layer"),
        ("mine", 3, "layer mine: 3 must be a subclass of stylegan.Layer"),
    ],
)
def test_what_cannot_be_a_kind_of_layer_is_refused(name, layer, words, register):
    with pytest.raises(InputError, match=words):
        register(name, layer, has_styles=True)
    assert LAYERS.keys() == NORMS.keys() == {"adain", "pixel"}


def test_the_fingerprint_of_adain_is_of_the_mapping_and_the_affines_alone():
    G = network("adain")
    assert changed(G, "mapping.layers.0.weight")
    assert changed(G, "synthesis.blocks.1.layers.0.norm.affine.bias")
    assert not changed(G, "synthesis.blocks.1.layers.0.bias")


def test_the_fingerprint_sees_every_weight_of_layers_that_do_not_tell_their_affine(register):
    register("residual", Residual, has_styles=True)
    assert changed(network("residual"), "synthesis.blocks.1.layers.0.share")
    register("residual", Telling, has_styles=True)
    assert not changed(network("residual"), "synthesis.blocks.1.layers.0.share")
    assert changed(network("residual"), "synthesis.blocks.1.layers.0.norm.affine.weight")


def test_directions_in_closed_form_ask_the_layers_for_their_affine(register):
    register("residual", Residual, has_styles=True)
    with pytest.raises(InputError, match=r"layers of norm residual do not name their learned affine: give the class a"):
        closed_form(network("residual"))
    register("residual", Telling, has_styles=True)
    found, expected = closed_form(network("residual"), 1)[0], closed_form(network("adain"), 1)[0]
    assert torch.equal(found.vector, expected.vector)


def test_the_authors_networks_have_no_other_layers(register):
    register("residual", Residual, has_styles=True)
    with pytest.raises(InputError, match="norm residual: the authors' networks have adain or pixel"):
        generator_names(CONFIG_F.but(norm="residual"))
