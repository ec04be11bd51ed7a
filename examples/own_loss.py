"""A loss of your own: least squares (LSGAN) with R1 takes the place of the logistic loss.

    python examples/own_loss.py [OUT]

Prepares drawn portraits, trains a tiny network for some seconds, and makes pictures. OUT: a new folder.
"""

import sys
from pathlib import Path

import stylegan


def d_objective(G, D, batch):
    """D gives 1 to real pictures and 0 to generated ones."""
    real = D(batch.augment(batch.reals), batch.c)
    fake = D(batch.augment(G(batch.latents)), batch.latents.c)
    loss = (real - 1).square() + fake.square()
    if batch.gamma is not None:
        loss = loss + stylegan.losses.r1(real, batch.reals, gamma=batch.gamma, lod=batch.lod)
    return loss, {"D_real": real.mean(), "D_fake": fake.mean()}


def g_objective(G, D, batch):
    """G wants a 1."""
    return (D(batch.augment(G(batch.latents)), batch.latents.c) - 1).square(), {}


def main(out: str = "own_loss") -> None:
    """A run of 100 images; `stylegan.resume` would need the same `objectives`."""
    data, run, objectives = Path(out, "data"), Path(out, "run"), stylegan.Objectives("lsgan", d_objective, g_objective)
    stylegan.prepare("portraits:64", data, resolution=16)
    config = stylegan.CONFIG_F.but(img_resolution=16, channel_max=16, mapping_dim=32, batch=4, batch_at={})
    G = stylegan.train(data, run, config=config.for_budget(0.1), objectives=objectives)
    stylegan.save_samples(G, range(8), Path(out, "pictures"), grid=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
