"""Projection: a picture from a file into W+, and then mixed and moved as if it were a seed.

    python examples/projection.py [NETWORK] [PICTURE] [OUT]        (pip install 'stylegan[perceptual]')

NETWORK is a file or a run folder; without it, a tiny network with random weights stands in, and projects a picture
that it made itself. OUT: a new folder.
"""

import sys
from pathlib import Path

import stylegan


def main(network: str | None = None, picture: str | None = None, out: str = "projection") -> None:
    """Project a picture; then give it the fine styles of a seed, and move it along a direction."""
    G = stylegan.load(network) if network else stylegan.tiny_network()
    folder = Path(out)
    folder.mkdir(parents=True)
    path = Path(picture) if picture else folder / "target.png"
    if picture is None:
        drawn = stylegan.recipe(G, [3], stylegan.Controls(psi=1)).pictures(G)
        stylegan.save_png(stylegan.image_grid(drawn, columns=1), path)

    # Writes found/NAME.safetensors, NAME.png (target and projection), and the way there as a film.
    steps = 500 if network else 20
    print(stylegan.save_projections(G, [path], folder / "found", space="w+", steps=steps).note)

    # From here on its file stands for a seed: to mix, to move, in figures and films.
    found = folder / "found" / f"{path.stem}.safetensors"
    face, other = (stylegan.recipe(G, source, stylegan.Controls()) for source in (found, [7]))
    mixed = face.with_layers_of(other, stylegan.style_indices("middle", G))
    stylegan.save_png(stylegan.image_grid(mixed.pictures(G), columns=1), folder / "mixed.png")
    stylegan.save_mix(G, folder / "levels.png", a=found, b="7-9")
    component = stylegan.principal_components(G, 1)[0]
    component.save(folder / "component-1.safetensors")
    moved = stylegan.recipe(G, found, stylegan.Controls(direction=(f"{folder}/component-1.safetensors=+2",)))
    stylegan.save_png(stylegan.image_grid(moved.pictures(G), columns=1), folder / "moved.png")
    print(stylegan.save_samples(G, [found, 7], folder / "side-by-side", grid=True, images=False).note)


if __name__ == "__main__":
    main(*sys.argv[1:])
