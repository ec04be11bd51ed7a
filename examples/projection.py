"""Projection: a picture from a file into W+, and then mixed and moved as if it were a seed.

    python examples/projection.py [NETWORK] [PICTURE] [OUT]        (pip install 'stylegan[perceptual]')

NETWORK is a file or a run folder; without it, a tiny network with random weights stands in, and projects a picture
that it made itself. OUT: a new folder.
"""

import sys
from pathlib import Path

import torch

import stylegan.checkpoint
from stylegan.config import CONFIG_F
from stylegan.data.images import image_grid, save_png
from stylegan.editing.directions import apply, principal_components
from stylegan.editing.projection import Projection
from stylegan.editing.save_projections import save_projections
from stylegan.networks.generator import Generator
from stylegan.networks.levels import style_indices
from stylegan.sampling.controls import Controls
from stylegan.sampling.recipe import Recipe, recipe


def tiny_network() -> Generator:
    """32 px, untrained: it shows how, not what."""
    torch.manual_seed(0)
    config = CONFIG_F.but(img_resolution=32, channel_base=256, channel_max=16, z_dim=16, w_dim=16, mapping_dim=16)
    return Generator(config).eval().requires_grad_(False)


def main(network: str | None = None, picture: str | None = None, out: str = "projection") -> None:
    """Project a picture; then give it the fine styles of a seed, and move it along a direction."""
    G = stylegan.checkpoint.load(network) if network else tiny_network()
    folder = Path(out)
    folder.mkdir(parents=True)
    path = Path(picture) if picture else folder / "target.png"
    if picture is None:
        save_png(image_grid(recipe(G, [3], Controls(psi=1)).pictures(G), columns=1), path)

    # Writes found/NAME.safetensors, NAME.png (target and projection), and the way there as a film.
    steps = 500 if network else 20
    print(save_projections(G, [path], folder / "found", space="w+", steps=steps).note)

    # From here on it is a recipe as that of any seed.
    found = Projection.load(folder / "found" / f"{path.stem}.safetensors", G).recipe
    mixed = found.with_layers_of(recipe(G, [7], Controls()), style_indices("middle", G))
    moved = Recipe(apply(found.ws, principal_components(G, 1)[0], 2.0), found.noise)
    for name, each in [("mixed", mixed), ("moved", moved)]:
        save_png(image_grid(each.pictures(G), columns=1), folder / f"{name}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
