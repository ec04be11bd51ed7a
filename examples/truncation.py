"""Truncation: variety against quality (Appendix B, Figure 8).

    python examples/truncation.py [NETWORK] [OUT]

NETWORK is a file or a run folder; without it, a tiny network with random weights stands in. OUT: a new folder.
"""

import sys
from pathlib import Path

import torch

import stylegan.checkpoint
from stylegan.config import CONFIG_F
from stylegan.data.dataset import save_png
from stylegan.figures.paper import mean_image, truncation
from stylegan.networks.generator import Generator
from stylegan.sampling.controls import Controls
from stylegan.sampling.save import save_samples
from stylegan.sampling.truncation import estimate_w_avg


def tiny_network() -> Generator:
    """32 px, untrained: it shows how, not what."""
    torch.manual_seed(0)
    config = CONFIG_F.but(img_resolution=32, channel_base=256, channel_max=16, z_dim=16, w_dim=16, mapping_dim=16)
    G = Generator(config).eval().requires_grad_(False)
    G.w_avg.copy_(estimate_w_avg(G, 1000))  # training does this
    return G


def main(network: str | None = None, out: str = "truncation") -> None:
    """Write the same seeds under several truncations, and Figure 8."""
    G = stylegan.checkpoint.load(network) if network else tiny_network()
    folder = Path(out)
    choices = {
        "none": Controls(psi=1),
        "authors": Controls(psi=0.7, cutoff=8),  # the styles of 4 to 32 px
        "by-level": Controls(psi="coarse=0.5,middle=0.8", cutoff=None),  # other levels stay at 1
        "opposite": Controls(psi=-1, cutoff=None),
        "eight-modes": Controls(psi=0.5, cutoff=None, towards="centers:8"),  # each w towards its nearest cluster
    }
    for name, controls in choices.items():
        saved = save_samples(G, "0-7", folder / name, controls=controls, images=False, grid=True)
        print(f"{saved.paths[0]}: {saved.note}")
    save_png(truncation(G, seeds="0-2"), folder / "figure-8.png")
    save_png(mean_image(G, seeds="0-31", count=1000), folder / "mean.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
