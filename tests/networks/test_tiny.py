"""The network to try things with: always the same, with noise, and without a trace in the random state."""

import torch

from stylegan.networks.tiny import tiny_network


def test_it_is_always_the_same_and_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    first, second = tiny_network().state_dict(), tiny_network().state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_noise_shows_in_its_pictures_and_its_mean_style_is_not_zero():
    G = tiny_network()
    z = torch.zeros(1, G.z_dim) + 1
    assert not torch.allclose(G(z, noise_mode="none"), G(z, noise_mode="const"), atol=1e-3)
    assert G.w_avg.abs().mean() > 1e-3
