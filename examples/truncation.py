"""Truncation: variety against quality (Appendix B, Figure 8).

    python examples/truncation.py [NETWORK] [OUT]

NETWORK is a file or a run folder; without it, a tiny network with random weights stands in. OUT: a new folder.
"""

import sys
from pathlib import Path

import stylegan


def main(network: str | None = None, out: str = "truncation") -> None:
    """Write the same seeds under several truncations, and Figure 8."""
    G = stylegan.load(network) if network else stylegan.tiny_network()
    folder = Path(out)
    choices = {
        "none": stylegan.Controls(psi=1),
        "authors": stylegan.Controls(psi=0.7, cutoff=8),  # the styles of 4 to 32 px
        "by-level": stylegan.Controls(psi="coarse=0.5,middle=0.8", cutoff=None),  # other levels stay at 1
        "opposite": stylegan.Controls(psi=-1, cutoff=None),
        # Each w towards the nearest of 8 clusters:
        "eight-modes": stylegan.Controls(psi=0.5, cutoff=None, towards="centers:8"),
    }
    for name, controls in choices.items():
        saved = stylegan.save_samples(G, "0-7", folder / name, controls=controls, images=False, grid=True)
        print(f"{saved.paths[0]}: {saved.note}")
    stylegan.save_figure(G, "truncation", folder / "figure-8.png", seeds="0-2")
    stylegan.save_figure(G, "mean-image", folder / "mean.png", seeds="0-31")


if __name__ == "__main__":
    main(*sys.argv[1:])
