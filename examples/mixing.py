"""Style mixing: the coarse styles of one picture, the rest of another (Section 3.1, Figure 3).

    python examples/mixing.py [NETWORK] [OUT]

NETWORK is a file or a run folder; without it, a tiny network with random weights stands in. OUT: a new folder.
"""

import sys
from pathlib import Path

import stylegan


def main(network: str | None = None, out: str = "mixing") -> None:
    """Write single mixtures, the sheet of Figure 3, and a picture of three sources."""
    G = stylegan.load(network) if network else stylegan.tiny_network()
    folder = Path(out)
    folder.mkdir(parents=True)
    controls = stylegan.Controls(psi=0.7)

    # One mixture by hand. With no layer copied it is A, with all of them B.
    a, b = stylegan.recipe(G, [0], controls), stylegan.recipe(G, [1], controls)
    for levels in ["none", *stylegan.named_levels(G), "all"]:
        mixed = a.with_layers_of(b, stylegan.style_indices(levels, G))
        stylegan.save_png(stylegan.image_grid(mixed.pictures(G), columns=1), folder / f"{levels}.png")

    # Every A with every B, level by level.
    stylegan.save_mix(G, folder / "figure-3.png", a="0-2", b="100-104", controls=controls)

    # Three sources in one picture: seed 0, the 4 px styles of seed 4, the last two styles of seed 7.
    last = f"{G.num_ws - 2}-{G.num_ws - 1}"
    stylegan.save_png(stylegan.compose(G, ["0", "4=4px", f"7={last}"], controls=controls), folder / "three-sources.png")
    print(f"{folder}: {len(list(folder.iterdir()))} pictures")


if __name__ == "__main__":
    main(*sys.argv[1:])
