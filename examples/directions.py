"""Directions: ways to move in W that change one thing, on one network or on yours.

    python examples/directions.py [NETWORK] [OUT]

NETWORK is a file or a run folder; without it, a tiny network with random weights stands in. OUT: a new folder.
"""

import sys
from pathlib import Path

import torch

import stylegan.checkpoint
from stylegan.config import CONFIG_F
from stylegan.data.dataset import image_grid, save_png
from stylegan.editing.sheets import save_directions
from stylegan.networks.generator import Generator
from stylegan.sampling.controls import Controls
from stylegan.sampling.direction import apply, find_direction
from stylegan.sampling.sampler import recipe


def tiny_network() -> Generator:
    """32 px, untrained: it shows how, not what."""
    torch.manual_seed(0)
    config = CONFIG_F.but(img_resolution=32, channel_base=256, channel_max=16, z_dim=16, w_dim=16, mapping_dim=16)
    return Generator(config).eval().requires_grad_(False)


def main(network: str | None = None, out: str = "directions") -> None:
    """Find directions in three ways, write a sheet of each, and move one picture along two of them."""
    G = stylegan.checkpoint.load(network) if network else tiny_network()
    controls, folder = Controls(psi=0.7), Path(out)

    # From the weights alone, and from the spread of W: closed-1 ..., component-1 ..., and all.png.
    save_directions(G, folder, count=3, seeds="0-1", controls=controls)

    # From marked pictures: here a program marks the redder half of 40; you would look at them.
    pictures = recipe(G, range(40), controls).pictures(G).mean(axis=(2, 3))  # (40, channels)
    order = pictures[:, 0].argsort().tolist()
    saved = save_directions(G, folder, name="red", yes=order[20:], no=order[:20], seeds="0-1", controls=controls)
    print(saved.note)

    # In any command: --direction red=+2 component-1=-1, in standard deviations of W; here by the files' paths.
    steps = (f"{folder}/red.safetensors=+2", f"{folder}/component-1.safetensors=-1")
    moved = recipe(G, [5], controls.but(direction=steps))
    save_png(image_grid(moved.pictures(G), columns=1), folder / "moved.png")

    # By hand: the same.
    start = recipe(G, [5], controls)
    red, component = find_direction("red", folder, G), find_direction("component-1", folder, G)
    assert torch.allclose(apply(apply(start.ws, red, 2.0), component, -1.0), moved.ws, atol=1e-5)


if __name__ == "__main__":
    main(*sys.argv[1:])
