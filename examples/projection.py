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
from stylegan.data.dataset import image_grid, save_png
from stylegan.editing.directions import principal_components
from stylegan.editing.save_projections import save_projections
from stylegan.figures.mixing import mixing_grid
from stylegan.networks.generator import Generator
from stylegan.networks.levels import style_indices
from stylegan.sampling.controls import Controls
from stylegan.sampling.sampler import recipe
from stylegan.sampling.save import save_samples


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

    # From here on its file stands for a seed: to mix, to move, in figures and films.
    found = folder / "found" / f"{path.stem}.safetensors"
    mixed = recipe(G, found, Controls()).with_layers_of(recipe(G, [7], Controls()), style_indices("middle", G))
    save_png(image_grid(mixed.pictures(G), columns=1), folder / "mixed.png")
    save_png(mixing_grid(G, found, "7-9"), folder / "levels.png")
    component = principal_components(G, 1)[0]
    component.save(folder / "component-1.safetensors")
    moved = recipe(G, found, Controls(direction=(f"{folder}/component-1.safetensors=+2",)))
    save_png(image_grid(moved.pictures(G), columns=1), folder / "moved.png")
    print(save_samples(G, [found, 7], folder / "side-by-side", grid=True, images=False).note)


if __name__ == "__main__":
    main(*sys.argv[1:])
