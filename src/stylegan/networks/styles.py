"""What is done to w between the mapping and the synthesis network."""

import torch
from torch import Tensor


def broadcast(w: Tensor, num_ws: int) -> Tensor:
    """The same w for every layer: (N, w_dim) -> (N, num_ws, w_dim)."""
    return w[:, None].repeat(1, num_ws, 1)


def mix(ws1: Tensor, ws2: Tensor, crossover: int) -> Tensor:
    """Styles of ws1 before `crossover` and of ws2 from there on (Section 3.1). Both (N, num_ws, w_dim)."""
    return torch.cat([ws1[:, :crossover], ws2[:, crossover:]], dim=1)


def truncate(ws: Tensor, w_avg: Tensor, psi: float, cutoff: int | None = None) -> Tensor:
    """Pull the first `cutoff` styles towards w_avg (Appendix B): w_avg + psi (w - w_avg).

    ws: (N, num_ws, w_dim); w_avg: (w_dim,). psi 1 changes nothing, 0 gives the average image.
    cutoff counts styles, two per resolution; None, or more than there are, means all. Returns a new tensor.
    """
    return torch.cat([w_avg + psi * (ws[:, :cutoff] - w_avg), ws[:, ws.shape[1] if cutoff is None else cutoff :]], dim=1)


def update_w_avg(w_avg: Tensor, w: Tensor, beta: float = 0.995) -> None:
    """Move w_avg (w_dim,), in place, towards the mean of the batch w (N, w_dim)."""
    w_avg.lerp_(w.detach().mean(dim=0).to(w_avg.dtype), 1 - beta)
