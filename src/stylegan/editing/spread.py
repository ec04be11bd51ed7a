"""Where a network's w lie: their mean and covariance, the scale of everything that moves in W."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from stylegan.errors import InputError
from stylegan.networks.generator import Generator
from stylegan.sampling.truncation import SAMPLES, draw_w


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
    w = draw_w(G, samples, c=c, seed=seed).double().cpu()
    centred = w - w.mean(dim=0)
    return Spread(w.mean(dim=0), centred.T @ centred / samples)


def fingerprint(G: Generator) -> str:
    """16 hex digits that tell networks apart by what w means to them: the weights of the mapping and of the styles."""
    sha = hashlib.sha256()
    for name, tensor in sorted(G.state_dict().items()):
        if name.startswith("mapping.") or ".affine." in name:
            sha.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()[:16]


def check_network(network: str, G: Generator, path: Path | str, *, remedy: str) -> None:
    """Raise InputError where the file at `path` was made for another network than G."""
    if network != fingerprint(G):
        raise InputError(f"{path} was made for another network, or at another time of its training: {remedy}")
