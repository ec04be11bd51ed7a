"""What is done to w between the mapping and the synthesis network."""

from collections.abc import Sequence

import torch
from torch import Tensor


def broadcast(w: Tensor, num_ws: int) -> Tensor:
    """The same w for every layer: (N, w_dim) -> (N, num_ws, w_dim)."""
    return w[:, None].repeat(1, num_ws, 1)


def mix(ws1: Tensor, ws2: Tensor, crossover: int | Tensor) -> Tensor:
    """Styles of ws1 before `crossover` and of ws2 from there on (Section 3.1). Both (N, num_ws, w_dim)."""
    return torch.where(torch.arange(ws1.shape[1], device=ws1.device)[:, None] < crossover, ws1, ws2)


def copy_styles(ws_a: Tensor, ws_b: Tensor, indices: Sequence[int]) -> Tensor:
    """A with the styles `indices` of B (Figure 3). No index gives A, all give B. Both (N or 1, num_ws, w_dim)."""
    copied = torch.zeros(ws_a.shape[1], 1, dtype=torch.bool, device=ws_a.device)
    copied[list(indices)] = True
    return torch.where(copied, ws_b, ws_a)


def truncate(ws: Tensor, w_avg: Tensor, psi: float | Sequence[float], cutoff: int | None = None) -> Tensor:
    """Pull the first `cutoff` styles towards w_avg (Appendix B): w_avg + psi (w - w_avg).

    ws: (N, num_ws, w_dim); w_avg: (w_dim,), or centres (K, w_dim), to the nearest of which each w is pulled. psi 1
    changes nothing, 0 gives the average image, below 0 its opposite; a sequence has one psi for each style. cutoff
    counts styles, two per resolution; None, or more than there are, means all. Returns a new tensor.
    Raises ValueError for a psi or cutoff that is none of these.
    """
    num_ws = ws.shape[1]
    if ws.dtype != w_avg.dtype or ws.device != w_avg.device:  # the mapping network under autocast; w from elsewhere
        ws = ws.to(w_avg)
    if w_avg.ndim == 2:
        w_avg = nearest(ws, w_avg)
    try:
        psis = torch.as_tensor(psi, dtype=ws.dtype, device=ws.device)
    except (TypeError, ValueError, RuntimeError) as e:
        raise ValueError(f"psi {psi!r}: must be a number, or {num_ws}, one for each style") from e
    if not torch.compiler.is_compiling() and not psis.isfinite().all():  # an exported file takes its psi later
        raise ValueError(f"psi {psi!r}: must be a finite number")
    if psis.ndim and psis.shape != (num_ws,):
        raise ValueError(f"psi of {len(psis)} numbers: must be one number, or {num_ws}, one for each style")
    if cutoff is not None:
        if not isinstance(cutoff, int) or isinstance(cutoff, bool) or cutoff < 0:
            raise ValueError(f"cutoff {cutoff!r}: must be a whole number from 0 up, or None for all styles")
        psis = torch.where(torch.arange(num_ws, device=ws.device) < cutoff, psis, 1.0)
    return torch.lerp(w_avg.expand_as(ws), ws, psis.expand(num_ws)[:, None])  # exact where psi is 0 or 1


def nearest(ws: Tensor, centers: Tensor) -> Tensor:
    """The centre nearest to each w: (N, num_ws, w_dim), centers (K, w_dim) -> (N, num_ws, w_dim)."""
    return centers[torch.cdist(ws.flatten(0, 1), centers).argmin(dim=1)].view_as(ws)


def update_w_avg(w_avg: Tensor, w: Tensor, beta: float = 0.995) -> None:
    """Move w_avg (w_dim,), in place, towards the mean of the batch w (N, w_dim)."""
    w_avg.lerp_(w.detach().mean(dim=0).to(w_avg.dtype), 1 - beta)
