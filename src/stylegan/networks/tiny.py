"""A network to try things with where no trained one is at hand."""

import torch

from stylegan.config import CONFIG_F
from stylegan.networks.generator import Generator


@torch.no_grad()
def tiny_network() -> Generator:
    """An untrained G at 32 px, with some noise and the mean of its w in w_avg: it shows how, not what.

    The same weights each time; torch's global random state stays as it was.
    """
    config = CONFIG_F.but(img_resolution=32, channel_base=256, channel_max=16, z_dim=16, w_dim=16, mapping_dim=16)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        G = Generator(config).eval().requires_grad_(False)
        G.w_avg.copy_(G.mapping(torch.randn(1000, config.z_dim)).mean(dim=0))
    for name, strength in G.named_parameters():
        if name.endswith("noise_strength"):
            strength.fill_(0.1)  # training starts at 0 and finds its own
    return G
