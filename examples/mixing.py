"""Style mixing: the coarse styles of one picture, the rest of another (Section 3.1, Figure 3).

    python examples/mixing.py [NETWORK] [OUT]

NETWORK is a file or a run folder; without it, a tiny network with random weights stands in. OUT: a new folder.
"""

import sys
from pathlib import Path

import torch

import stylegan.checkpoint
from stylegan.config import CONFIG_F
from stylegan.data.dataset import image_grid, save_png
from stylegan.figures.mixing import compose, mixing_grid
from stylegan.networks.generator import Generator
from stylegan.networks.levels import named_levels, style_indices
from stylegan.sampling.controls import Controls
from stylegan.sampling.sampler import recipe


def tiny_network() -> Generator:
    """32 px, untrained: it shows how, not what."""
    torch.manual_seed(0)
    config = CONFIG_F.but(img_resolution=32, channel_base=256, channel_max=16, z_dim=16, w_dim=16, mapping_dim=16)
    return Generator(config).eval().requires_grad_(False)


def main(network: str | None = None, out: str = "mixing") -> None:
    """Write single mixtures, the sheet of Figure 3, and a picture of three sources."""
    G = stylegan.checkpoint.load(network) if network else tiny_network()
    folder = Path(out)
    folder.mkdir(parents=True)
    controls = Controls(psi=0.7)

    # One mixture by hand. With no layer copied it is A, with all of them B.
    a, b = recipe(G, [0], controls), recipe(G, [1], controls)
    for levels in ["none", *named_levels(G), "all"]:
        mixed = a.with_layers_of(b, style_indices(levels, G))
        save_png(image_grid(mixed.pictures(G), columns=1), folder / f"{levels}.png")

    # Every A with every B, level by level.
    save_png(mixing_grid(G, "0-2", "100-104", controls=controls), folder / "figure-3.png")

    # Three sources in one picture: seed 0, the 4 px styles of seed 4, the last two styles of seed 7.
    last = f"{G.num_ws - 2}-{G.num_ws - 1}"
    save_png(compose(G, ["0", "4=4px", f"7={last}"], controls=controls), folder / "three-sources.png")
    print(f"{folder}: {len(list(folder.iterdir()))} pictures")


if __name__ == "__main__":
    main(*sys.argv[1:])
