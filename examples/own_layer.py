"""A layer of your own: AdaIN with a learned share of what came in, which AdaIN alone would normalise away.

    python examples/own_layer.py [OUT]

Prepares drawn portraits, trains a tiny network for some seconds, and makes pictures. OUT: a new folder.
"""

import sys
from pathlib import Path

import torch

import stylegan


class Residual(stylegan.Layer):
    """AdaIN(x) + share x, where each channel learns its share, from 0."""

    def __init__(self, config, op, channels, resolution):
        super().__init__(config, op, channels, resolution)
        self.norm = stylegan.layers.AdaIN(channels, config.w_dim)
        self.share = torch.nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x, w, noise):
        x = self.activated(x, noise)  # (N, channels, H, H)
        return self.norm(x, w) + self.share * x


def main(out: str = "own_layer") -> None:
    stylegan.register_layer("residual", Residual, has_styles=True)  # also before `stylegan.load` of such a network
    stylegan.prepare("portraits:64", Path(out, "data"), resolution=16)
    config = stylegan.CONFIG_F.but(norm="residual", img_resolution=16, channel_max=16, mapping_dim=32, batch=4)
    G = stylegan.train(Path(out, "data"), Path(out, "run"), config=config.for_budget(0.1))
    stylegan.save_samples(G, range(8), Path(out, "pictures"), grid=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
