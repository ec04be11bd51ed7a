"""Laws of the generator: what it is a function of, what it refuses, how it grows."""

import pytest
import torch

from stylegan.config import CONFIG_A, CONFIG_D, CONFIG_F
from stylegan.networks.fast import when
from stylegan.networks.generator import LAYERS, ConstantInput, Generator, LatentInput, Layer, TraditionalLayer
from stylegan.networks.layers import AdaIN, EqualizedLinear, noisy_leaky_relu, upsample
from stylegan.networks.styles import mix

import golden

SMALL = {"img_resolution": 32, "channel_base": 256, "channel_max": 16, "z_dim": 16, "w_dim": 16, "mapping_dim": 16}
CONFIG = CONFIG_F.but(**SMALL)
LABELLED = CONFIG.but(c_dim=3)
TRADITIONAL = CONFIG_A.but(**SMALL)


def generator(config=CONFIG, **how):
    """A G in which nothing is 0: noise strengths, biases, w_avg are random."""
    torch.manual_seed(0)
    G = Generator(config, **how).requires_grad_(False)
    for name, tensor in G.state_dict().items():
        if name.endswith(("bias", "noise_strength", "w_avg")):
            tensor.normal_()
    return G


@pytest.fixture(scope="module")
def G():
    return generator()


@pytest.fixture(scope="module")
def z():
    return torch.randn(3, 16, generator=torch.Generator().manual_seed(1))


def close(a, b):
    return golden.relative_error(a, b) < 1e-5  # rounding: a batch may be summed in another order


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


# Truncation


def test_psi_zero_gives_every_z_the_same_picture(G, z):
    a, b, c = G(z, truncation_psi=0.0, noise_mode="const")
    assert close(a, b)
    assert close(b, c)


def test_psi_zero_is_the_picture_of_w_avg(G, z):
    ws = G.broadcast(G.w_avg[None])
    assert close(G(z[:1], truncation_psi=0.0, noise_mode="none"), G.synthesis(ws, noise_mode="none"))


def test_psi_one_changes_nothing(G, z):
    ws = G.broadcast(G.mapping(z))
    assert torch.equal(G(z, truncation_psi=1.0, noise_mode="none"), G.synthesis(ws, noise_mode="none"))


def test_no_cutoff_and_a_cutoff_above_all_truncate_all_styles(G, z):
    how = {"truncation_psi": 0.5, "noise_mode": "none"}
    assert torch.equal(G(z, **how), G(z, truncation_cutoff=G.num_ws, **how))
    assert torch.equal(G(z, **how), G(z, truncation_cutoff=100, **how))


def test_cutoff_zero_truncates_nothing(G, z):
    how = {"noise_mode": "none"}
    assert torch.equal(G(z, truncation_psi=0.5, truncation_cutoff=0, **how), G(z, **how))


# Noise


def test_without_noise_and_with_stored_noise_a_picture_is_a_function_of_z(G, z):
    for noise_mode in ("none", "const"):
        assert torch.equal(G(z, noise_mode=noise_mode), G(z, noise_mode=noise_mode))


def test_random_noise_is_the_one_of_the_given_generator(G, z):
    assert torch.equal(G(z, generator=rng(5)), G(z, generator=rng(5)))
    assert not torch.equal(G(z, generator=rng(5)), G(z, generator=rng(6)))


def test_a_given_generator_leaves_the_global_random_state_alone(G, z):
    before = torch.get_rng_state()
    G(z, generator=rng())
    G(z, noise_mode="const")
    G(z, noise_mode="none")
    assert torch.equal(torch.get_rng_state(), before)


def test_random_noise_differs_between_the_pictures_of_a_batch(G, z):
    a, b = G(z[:1].expand(2, -1), generator=rng())
    assert not close(a, b)


def test_the_stored_maps_given_as_noise_are_the_stored_noise(G, z):
    maps = [layer.noise_const for block in G.synthesis.blocks for layer in block.layers]
    assert torch.equal(G(z, noise=maps), G(z, noise_mode="const"))
    assert close(G(z, noise=[m.expand(3, -1, -1, -1) for m in maps]), G(z, noise_mode="const"))


def test_noise_of_zeros_is_no_noise(G, z):
    maps = [torch.zeros(1, 1, H, H) for H in (4, 4, 8, 8, 16, 16, 32, 32)]
    assert torch.equal(G(z, noise=maps), G(z, noise_mode="none"))


def test_at_its_start_a_network_takes_no_heed_of_noise(z):
    G = Generator(CONFIG).requires_grad_(False)
    assert torch.equal(G(z, noise_mode="random"), G(z, noise_mode="none"))


def test_a_network_without_noise_inputs_is_a_function_of_z(z):
    G = generator(CONFIG_D.but(**SMALL))
    assert not any("noise" in name for name in G.state_dict())
    assert torch.equal(G(z), G(z, noise_mode="none"))


# Batches


@pytest.mark.parametrize("config", [CONFIG, TRADITIONAL], ids=["style-based", "traditional"])
def test_a_picture_does_not_depend_on_its_neighbours(config, z):
    G = generator(config)
    together = G(z, noise_mode="const")
    assert all(close(together[i : i + 1], G(z[i : i + 1], noise_mode="const")) for i in range(3))


def test_a_call_changes_neither_its_arguments_nor_the_network(G, z):
    z_before, state = z.clone(), {name: t.clone() for name, t in G.state_dict().items()}
    G(z, truncation_psi=0.5)
    G.train()(z)
    G.eval()
    assert torch.equal(z, z_before)
    assert all(torch.equal(state[name], t) for name, t in G.state_dict().items())


def test_training_mode_changes_nothing(G, z):
    a = G.train()(z, noise_mode="const", truncation_psi=0.7)
    assert torch.equal(a, G.eval()(z, noise_mode="const", truncation_psi=0.7))


# Styles


def test_styles_are_two_a_resolution_and_one_without_styles(G):
    assert G.num_ws == 2 * 4
    assert generator(TRADITIONAL).num_ws == 1
    assert CONFIG_F.num_ws == 18  # Section 2: 18 layers at 1024


def test_fine_styles_do_not_reach_the_coarse_layers(G, z):
    a, b = (G.broadcast(G.mapping(z[i : i + 1])) for i in (0, 1))
    mixed = mix(a, b, 4)
    how = {"noise_mode": "none", "lod": 2}  # 8x8: the first 4 styles
    assert torch.equal(G.synthesis(mixed, **how), G.synthesis(a, **how))
    assert not close(G.synthesis(mixed, noise_mode="none"), G.synthesis(a, noise_mode="none"))


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_the_mapping_has_its_own_width_between_z_and_w(z, layers):
    mapping = generator(CONFIG.but(mapping_layers=layers, mapping_dim=24, w_dim=12)).mapping
    assert mapping(z).shape == (3, 12)
    widths = [CONFIG.z_dim, *[24] * (layers - 1), 12]
    assert [tuple(layer.weight.shape) for layer in mapping.layers] == list(zip(widths[1:], widths[:-1], strict=True))


def test_the_mapping_takes_no_heed_of_the_length_of_z(G, z):
    assert golden.relative_error(G.mapping(3 * z), G.mapping(z)) < 1e-4


def test_styles_are_normalised_away_before_the_next(G, z):
    """AdaIN: only a layer's style decides its scale, not what came in (Section 2)."""
    layer = G.synthesis.blocks[1].layers[1].norm
    x, w = torch.randn(3, 16, 8, 8), G.mapping(z)
    assert golden.relative_error(layer(5 * x + 2, w), layer(x, w)) < 1e-4


# Growth


def test_a_picture_has_the_resolution_grown_to(G, z):
    for lod, H in [(0, 32), (0.5, 32), (1, 16), (1.9, 16), (2, 8), (3, 4)]:
        assert G(z, lod=lod).shape == (3, 3, H, H)


def test_without_lod_the_growth_reached_counts(z):
    G = generator(lod=1.5)
    assert (G.lod, G.resolution) == (1.5, 16)
    assert torch.equal(G(z, noise_mode="const"), G(z, noise_mode="const", lod=1.5))
    G.lod = 0.0
    assert G.resolution == 32
    assert torch.equal(G(z, noise_mode="const"), G(z, noise_mode="const", lod=0))


@pytest.mark.parametrize("lod", [1, 2, 3])
def test_fading_in_begins_at_the_smaller_picture(G, z, lod):
    """Just below an integer, the picture is that of the smaller resolution, its pixels doubled."""
    how = {"noise_mode": "const"}
    assert golden.relative_error(G(z, lod=lod - 1e-6, **how), upsample(G(z, lod=lod, **how))) < 1e-4


@pytest.mark.parametrize("lod", [0, 1, 2])
def test_fading_in_ends_at_the_larger_picture(G, z, lod):
    how = {"noise_mode": "const"}
    assert golden.relative_error(G(z, lod=lod + 1e-6, **how), G(z, lod=lod, **how)) < 1e-4


def test_halfway_is_the_mean_of_both(G, z):
    how = {"noise_mode": "const"}
    both = (G(z, lod=1, **how) + upsample(G(z, lod=2, **how))) / 2
    assert close(G(z, lod=1.5, **how), both)


def test_what_is_not_grown_costs_and_learns_nothing(z):
    G = generator().requires_grad_()
    G(z, lod=2, noise_mode="none").sum().backward()
    assert all(p.grad is None for block in G.synthesis.blocks[2:] for p in block.parameters())
    assert G.synthesis.blocks[1].torgb.bias.grad is not None


# Inputs of Table 1


def test_the_style_based_generator_starts_from_one_constant(G, z):
    first = G.synthesis.blocks[0].layers[0].op
    assert isinstance(first, ConstantInput)
    assert first.const.shape == (1, 16, 4, 4)
    a, b = first(G.mapping(z[:2]))
    assert torch.equal(a, b)


def test_the_traditional_generator_starts_from_the_latent():
    G = generator(TRADITIONAL)
    assert isinstance(G.synthesis.blocks[0].layers[0].op, LatentInput)
    assert all(isinstance(layer, TraditionalLayer) for block in G.synthesis.blocks for layer in block.layers)
    assert len(G.mapping.layers) == 0


def test_every_layer_has_a_style_of_its_own(G):
    norms = [layer.norm for block in G.synthesis.blocks for layer in block.layers]
    assert len(norms) == G.num_ws
    assert all(isinstance(norm, AdaIN) for norm in norms)
    assert all(isinstance(layer, EqualizedLinear) and layer.lrmul == 0.01 for layer in G.mapping.layers)


@pytest.mark.parametrize("img_channels", [1, 4])
def test_pictures_may_be_gray_or_have_alpha(z, img_channels):
    assert generator(CONFIG.but(img_channels=img_channels))(z).shape == (3, img_channels, 32, 32)


@pytest.mark.parametrize("img_resolution", [4, 8])
def test_the_smallest_networks_work(z, img_resolution):
    G = generator(CONFIG.but(img_resolution=img_resolution, initial_resolution=4))
    assert G(z).shape == (3, 3, img_resolution, img_resolution)


# Classes


def test_the_class_changes_the_picture(z):
    G = generator(LABELLED)
    a, b = (G(z[:1], torch.eye(3)[i : i + 1], noise_mode="none") for i in (0, 1))
    assert not close(a, b)


def test_labels_are_asked_for_where_there_are_classes(z):
    with pytest.raises(
        ValueError, match=r"c is missing: this network has 3 classes and needs labels of shape \(N, 3\)"
    ):
        generator(LABELLED)(z)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (3,)])
def test_labels_of_a_wrong_shape_are_refused(z, shape):
    with pytest.raises(ValueError, match=r"c of shape .*: must be \(3, 3\)"):
        generator(LABELLED)(z, torch.zeros(shape))


def test_labels_are_refused_where_there_are_no_classes(G, z):
    with pytest.raises(ValueError, match=r"must be \(3, 0\), or None"):
        G(z, torch.zeros(3, 2))
    assert torch.equal(G(z, torch.zeros(3, 0), noise_mode="none"), G(z, noise_mode="none"))


# What is refused


@pytest.mark.parametrize("shape", [(3, 15), (16,), (3, 16, 1)])
def test_z_of_a_wrong_shape_is_refused(G, shape):
    with pytest.raises(ValueError, match=r"z of shape .*: must be \(N, 16\)"):
        G(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(3, 7, 16), (3, 8, 15), (3, 16)])
def test_styles_of_a_wrong_shape_are_refused(G, shape):
    with pytest.raises(ValueError, match=r"ws of shape .*: must be \(N, 8, 16\)"):
        G.synthesis(torch.zeros(shape))


@pytest.mark.parametrize("lod", [-0.1, 3.1, float("nan")])
def test_a_growth_out_of_range_is_refused(G, z, lod):
    with pytest.raises(ValueError, match=rf"lod {lod}: must be 0 \(full size, 32 px\) to 3 \(4 px\)"):
        G(z, lod=lod)


def test_an_unknown_noise_mode_is_refused(G, z):
    with pytest.raises(ValueError, match="noise_mode 'loud': must be one of random, const, none"):
        G(z, noise_mode="loud")


def test_noise_maps_that_do_not_fit_are_refused_all_at_once(G, z):
    maps = [torch.zeros(1, 1, H, H) for H in (4, 5, 8, 8, 16, 16, 32, 32)]
    maps[7] = torch.zeros(2, 1, 32, 32)
    with pytest.raises(ValueError, match=r"noise map 1 of shape .*\(3 or 1, 1, 4, 4\)\nnoise map 7 of shape"):
        G(z, noise=maps)


def test_too_few_noise_maps_are_refused_and_those_of_later_growth_ignored(G, z):
    maps = [torch.zeros(1, 1, H, H) for H in (4, 4, 8, 8)]
    with pytest.raises(ValueError, match="noise of 4 maps: must be 8, one a layer"):
        G(z, noise=maps)
    assert torch.equal(G(z, noise=maps, lod=2), G(z, noise_mode="none", lod=2))


def test_noise_is_refused_where_there_are_no_inputs_for_it(z):
    with pytest.raises(ValueError, match="noise was given, and this network has no noise inputs"):
        generator(CONFIG_D.but(**SMALL))(z, noise=[])


class ResidualLayer(Layer):
    """A layer of somebody's own, which reads what its convolution gives twice."""

    def __init__(self, config, op, channels, resolution):
        super().__init__(config, op, channels, resolution)
        self.norm = AdaIN(channels, config.w_dim)

    def forward(self, x, w, noise):
        y = self.op(x)
        return self.norm(y + noisy_leaky_relu(y, self.bias, noise, self.noise_strength), w)


def test_a_layer_that_reads_its_features_twice_gives_the_same_picture_with_and_without_gradients(z, monkeypatch):
    monkeypatch.setattr(when, "LARGE_BYTES", 0)
    monkeypatch.setitem(LAYERS, "adain", ResidualLayer)
    G = generator().requires_grad_(True)
    recorded = G(z, noise_mode="none")
    with torch.no_grad():
        assert close(G(z, noise_mode="none"), recorded)
