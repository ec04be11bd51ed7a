"""Make the pictures of README.md with the network in the box: python tools/readme_pictures.py [FOLDER]

FOLDER is docs/images by default. Existing files of these names are replaced. The seeds are in order, not picked.
"""

import sys
from pathlib import Path

import numpy as np

import stylegan

IMAGES = Path(__file__).parents[1] / "docs" / "images"
CONTROLS = stylegan.Controls(psi=0.7)
ENLARGED = 2  # each pixel becomes 2x2


def main(folder: Path = IMAGES) -> None:
    """Write readme-portraits.png (seeds 0 to 31), readme-mixing.png and readme-noise.png."""
    G = stylegan.load("portraits")
    sheet = np.concatenate(list(stylegan.sample(G, range(32), truncation_psi=CONTROLS.psi)))
    for name, image in {
        "portraits": stylegan.image_grid(sheet.repeat(ENLARGED, 2).repeat(ENLARGED, 3), columns=8),
        "mixing": stylegan.mixing_grid(G, range(3), range(3, 8), controls=CONTROLS),
        "noise": stylegan.figure(G, "noise", seeds=range(2), controls=CONTROLS),
    }.items():
        stylegan.save_png(image, folder / f"readme-{name}.png")
        print(folder / f"readme-{name}.png", *image.size)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
