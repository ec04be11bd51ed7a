"""Directions: ways to move in W that change one thing, on one network or on yours.

    python examples/directions.py [NETWORK] [OUT]

NETWORK is a file or a run folder; without it, a tiny network with random weights stands in. OUT: a new folder.
"""

import sys
from pathlib import Path

import torch

import stylegan


def main(network: str | None = None, out: str = "directions") -> None:
    """Find directions in three ways, write a sheet of each, and move one picture along two of them."""
    G = stylegan.load(network) if network else stylegan.tiny_network()
    controls, folder = stylegan.Controls(psi=0.7), Path(out)

    # From the weights alone, and from the spread of W: closed-1 ..., component-1 ..., and all.png.
    stylegan.save_directions(G, folder, count=3, seeds="0-1", controls=controls)

    # From marked pictures: here a program marks the redder half of 40; you would look at them.
    pictures = stylegan.recipe(G, range(40), controls).pictures(G).mean(axis=(2, 3))  # (40, channels)
    order = pictures[:, 0].argsort().tolist()
    saved = stylegan.save_directions(
        G, folder, name="red", yes=order[20:], no=order[:20], seeds="0-1", controls=controls
    )
    print(saved.note)

    # In any command: --direction red=+2 component-1=-1, in standard deviations of W; here by the files' paths.
    steps = (f"{folder}/red.safetensors=+2", f"{folder}/component-1.safetensors=-1")
    moved = stylegan.recipe(G, [5], controls.but(direction=steps))
    stylegan.save_png(stylegan.image_grid(moved.pictures(G), columns=1), folder / "moved.png")

    # By hand: the same.
    start = stylegan.recipe(G, [5], controls)
    red, component = stylegan.find_direction("red", folder, G), stylegan.find_direction("component-1", folder, G)
    assert torch.allclose(stylegan.apply(stylegan.apply(start.ws, red, 2.0), component, -1.0), moved.ws, atol=1e-5)


if __name__ == "__main__":
    main(*sys.argv[1:])
