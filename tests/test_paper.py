"""The paper's claims that hold by construction, each as a sentence. Those that need a trained network are measured
in docs/results.md, not asserted here."""

import pytest
import torch

from stylegan.config import CONFIG_F, TABLE_1
from stylegan.networks.generator import Generator
from stylegan.networks.styles import mix, truncate
from stylegan.sampling.latents import seed_z

from conftest import TINY


@pytest.fixture
def G():
    """A tiny generator whose noise strengths are not zero, as after training."""
    torch.manual_seed(0)
    network = Generator(TINY).eval().requires_grad_(False)
    for block in network.synthesis.blocks:
        for layer in block.layers:
            layer.noise_strength.normal_()
    return network


def ws_of(G, *seeds):
    return G.broadcast(G.mapping(torch.cat([seed_z(seed, G.z_dim) for seed in seeds])))


def features(G, ws, block, **noise):
    """What leaves a block of the synthesis network."""
    seen = []
    hook = G.synthesis.blocks[block].register_forward_hook(lambda module, args, output: seen.append(output))
    G.synthesis(ws, **({"noise_mode": "none"} | noise))
    hook.remove()
    return seen[0]


def test_the_picture_is_controlled_by_the_styles_alone_the_input_is_a_constant(G):
    """Section 2: we omit the input layer altogether and start from a learned constant."""
    same_w = ws_of(G, 1).expand(2, -1, -1)
    a, b = G.synthesis(same_w, noise_mode="none")
    assert torch.equal(a, b)


def test_each_style_controls_only_one_layer_before_the_next_normalization(G):
    """Section 3.1: styles are overridden by the next AdaIN, so each controls only one convolution."""
    block = G.synthesis.blocks[1]
    x, w = torch.randn(2, 8, 8, 8), torch.randn(2, 8)
    scale, shift = torch.rand(1, 8, 1, 1) + 0.5, torch.randn(1, 8, 1, 1)
    norm = block.layers[0].norm
    torch.testing.assert_close(norm(x * scale + shift, w), norm(x, w), atol=1e-4, rtol=1e-4)


def test_mixing_at_a_crossover_keeps_the_coarse_layers_of_the_first_latent(G):
    """Section 3.1: w1 applies before the crossover point, w2 after it."""
    ws1, ws2 = ws_of(G, 1), ws_of(G, 2)
    mixed = mix(ws1, ws2, 2)
    assert torch.equal(features(G, mixed, 0), features(G, ws1, 0))
    assert not torch.allclose(features(G, mixed, 1), features(G, ws1, 1))


def test_noise_of_fine_layers_leaves_the_coarse_features_alone(G):
    """Section 3.2: fine noise brings out fine detail; the composition is untouched."""
    ws = ws_of(G, 1)
    maps = [torch.zeros(1, 1, H, H) for H in (4, 4, 8, 8, 16, 16)]
    fine = [*maps[:4], *(torch.randn_like(m) for m in maps[4:])]
    assert torch.equal(features(G, ws, 1, noise=maps), features(G, ws, 1, noise=fine))
    assert not torch.allclose(features(G, ws, 2, noise=maps), features(G, ws, 2, noise=fine))


def test_noise_is_independent_for_each_pixel_and_layer(G):
    """Section 3.2: a fresh set of noise is available for every layer."""
    maps = G.synthesis.noise_maps(3, "random", None, torch.Generator().manual_seed(0), 0.0)
    assert [m.shape for m in maps] == [(3, 1, H, H) for H in (4, 4, 8, 8, 16, 16)]
    assert not torch.equal(maps[4], maps[5])


def test_truncation_is_towards_the_mean_of_w_and_on_low_resolutions_only_where_asked(G):
    """Appendix B: w' = w_avg + psi (w - w_avg), selectively for 4x4 to 32x32 in Figure 8."""
    ws, w_avg = ws_of(G, 1, 2), torch.randn(8)
    half = truncate(ws, w_avg, 0.5, cutoff=4)
    torch.testing.assert_close(half[:, :4], (ws[:, :4] + w_avg) / 2)
    assert torch.equal(half[:, 4:], ws[:, 4:])


def test_w_need_not_follow_the_density_of_z(G):
    """Section 2, 4: z is normalised, so it lies on a sphere; w has no distribution that is fixed beforehand."""
    z = torch.randn(512, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(G.mapping(z), G.mapping(3 * z))
    without = Generator(TINY.but(mapping_layers=0))  # w is the normalised z
    torch.testing.assert_close(without.mapping(z).square().mean(dim=1), torch.ones(512))
    lengths = G.mapping(z).norm(dim=1)
    assert lengths.std() > lengths.mean() / 10


def test_a_network_at_1024_has_18_layers_with_two_styles_a_resolution():
    """Figure 1: 18 layers, two for each resolution from 4x4 to 1024x1024."""
    assert CONFIG_F.num_ws == 18


def test_from_c_on_there_is_a_style_for_each_layer_and_none_in_a_and_b():
    assert {name: config.num_ws for name, config in TABLE_1.items()} == {"A": 1, "B": 1} | dict.fromkeys("CDEF", 18)
