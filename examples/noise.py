"""Noise: what changes when nothing changes but chance (Section 3.2, Figures 4 and 5).

    python examples/noise.py [NETWORK] [OUT]

NETWORK is a file or a run folder; without it, a tiny network with random weights stands in. OUT: a new folder.
"""

import sys
from pathlib import Path

import stylegan


def main(network: str | None = None, out: str = "noise") -> None:
    """Write one seed under several noises, Figures 4 and 5, and a film in which only the noise moves."""
    G = stylegan.load(network) if network else stylegan.tiny_network()
    folder = Path(out)
    choices = {
        "own": stylegan.Controls(),  # of the seed itself
        "seed-7": stylegan.Controls(noise_seed=7),
        "stored": stylegan.Controls(noise="const"),
        "none": stylegan.Controls(noise="none"),
        "only-8-px": stylegan.Controls(noise_layers="8px"),
    }
    for name, controls in choices.items():
        saved = stylegan.save_samples(G, "3", folder / name, controls=controls)
        print(f"{saved.paths[0]}: {saved.note}")
    stylegan.save_figure(G, "noise", folder / "figure-4.png", seeds="3")
    stylegan.save_figure(G, "noise-layers", folder / "figure-5.png", seeds="3")
    print(stylegan.save_video(G, folder / "noise.webp", kind="noise", seeds="3", frames=20, fps=20).note)


if __name__ == "__main__":
    main(*sys.argv[1:])
