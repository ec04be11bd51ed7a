"""G_ema: the moving average of G's weights. It generates all pictures that are shown."""

import torch

from stylegan.networks.generator import Generator


def ema_beta(batch: int, ema_kimg: float) -> float:
    """The weight of the average's old value in a step of `batch` images. It halves in `ema_kimg` thousand images."""
    return 0.5 ** (batch / (1000 * ema_kimg))


@torch.no_grad()
def update_ema(G_ema: Generator, G: Generator, beta: float) -> None:
    """Move the parameters of G_ema towards those of G, in place. Buffers (w_avg, stored noise) and lod are copied."""
    torch._foreach_lerp_(list(G_ema.parameters()), list(G.parameters()), 1 - beta)
    torch._foreach_copy_(list(G_ema.buffers()), list(G.buffers()))
    G_ema.lod = G.lod
