"""Mean and covariance of a network's w, the scale of all movements in W."""

from dataclasses import dataclass

from torch import Tensor

from stylegan.networks.generator import Generator
from stylegan.sampling.latents import draw_w
from stylegan.sampling.truncation import SAMPLES


@dataclass(frozen=True)
class Spread:
    """Mean (w_dim,) and covariance (w_dim, w_dim) of W: float64 on the CPU."""

    mean: Tensor
    covariance: Tensor

    def deviation(self, vector: Tensor) -> float:
        """Standard deviation of W along a direction, a vector of any length."""
        unit = vector.double() / vector.double().norm()
        return (unit @ self.covariance @ unit).clamp(min=0).sqrt().item()


def spread(G: Generator, *, samples: int = SAMPLES, seed: int = 0, c: Tensor | None = None) -> Spread:
    """The spread of `samples` random w. c: (1, c_dim) for one class; without, classes are drawn evenly."""
    w = draw_w(G, samples, c=c, seed=seed).cpu().double()
    centred = w - w.mean(dim=0)
    return Spread(w.mean(dim=0), centred.T @ centred / samples)
