"""Noise: what changes when nothing changes but chance (Section 3.2, Figures 4 and 5).

    python examples/noise.py [NETWORK] [OUT]

NETWORK is a file or a run folder; without it, a tiny network with random weights stands in. OUT: a new folder.
"""

import sys
from pathlib import Path

import torch

import stylegan.checkpoint
from stylegan.config import CONFIG_F
from stylegan.data.dataset import save_png
from stylegan.figures.noise import noise, noise_layers
from stylegan.figures.video import save_video
from stylegan.networks.generator import Generator
from stylegan.sampling.controls import Controls
from stylegan.sampling.save import save_samples


def tiny_network() -> Generator:
    """32 px, untrained, with some noise: it shows how, not what."""
    torch.manual_seed(0)
    config = CONFIG_F.but(img_resolution=32, channel_base=256, channel_max=16, z_dim=16, w_dim=16, mapping_dim=16)
    G = Generator(config).eval().requires_grad_(False)
    for name, strength in G.named_parameters():
        if name.endswith("noise_strength"):
            strength.fill_(0.1)  # training starts at 0 and finds its own
    return G


def main(network: str | None = None, out: str = "noise") -> None:
    """Write one seed under several noises, Figures 4 and 5, and a film in which only the noise moves."""
    G = stylegan.checkpoint.load(network) if network else tiny_network()
    folder = Path(out)
    choices = {
        "own": Controls(),  # of the seed itself
        "seed-7": Controls(noise_seed=7),
        "stored": Controls(noise="const"),
        "none": Controls(noise="none"),
        "only-8-px": Controls(noise_layers="8px"),
    }
    for name, controls in choices.items():
        saved = save_samples(G, "3", folder / name, controls=controls)
        print(f"{saved.paths[0]}: {saved.note}")
    save_png(noise(G, seeds="3", realizations=50), folder / "figure-4.png")
    save_png(noise_layers(G, seeds="3"), folder / "figure-5.png")
    print(save_video(G, folder / "noise.webp", kind="noise", seeds="3", frames=20, fps=20).note)


if __name__ == "__main__":
    main(*sys.argv[1:])
