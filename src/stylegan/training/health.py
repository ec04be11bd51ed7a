"""Signs that a training goes wrong, measured at every tick, and what to do about them in plain words."""

import numpy as np
import torch
from numpy.typing import NDArray

from stylegan.config import Config
from stylegan.data.images import ImageDataset
from stylegan.data.pixels import to_float
from stylegan.sampling.sample import seed_z, stack_noise
from stylegan.training.schedule import Phase
from stylegan.training.state import TrainingState

SAMPLES = 32


class Health:
    """Compares G_ema's pictures and D's verdicts with real pictures, some of which D has never seen (`held_out`)."""

    def __init__(self, dataset: ImageDataset, held_out: NDArray[np.int64], config: Config) -> None:
        self.dataset = dataset
        self.held_out = held_out[:64]
        seen = np.setdiff1d(np.arange(len(dataset)), held_out)
        self.seen = np.random.RandomState(config.seed).choice(seen, min(64, len(seen)), replace=False)

    @torch.no_grad()
    def measure(self, state: TrainingState, phase: Phase) -> dict[str, float]:
        """diversity: how far G_ema's pictures lie apart, real ones being 1; D_seen, D_held_out: mean logits of each."""
        fakes = self._fakes(state)
        seen = self._reals(self.seen, phase, state)
        stats = {"diversity": mean_distance(fakes) / max(mean_distance(seen[:SAMPLES]), 1e-6)}
        if len(self.held_out):
            D = state.D
            stats["D_seen"] = D(seen, self._c(self.seen, state)).mean().item()
            held_out = self._reals(self.held_out, phase, state)
            stats["D_held_out"] = D(held_out, self._c(self.held_out, state)).mean().item()
            stats["D_generated"] = D(fakes, self._c(self.seen[: len(fakes)], state)).mean().item()
        return stats

    def warnings(self, stats: dict[str, float]) -> list[str]:
        """What is going wrong, in words that say what to do; empty while all is well."""
        found = []
        if stats["D_real_sign"] > 0.97 and stats["D_fake_sign"] < -0.97:
            found.append(
                f"warning: D wins: it tells {(1 + stats['D_real_sign']) / 2:.0%} of the real pictures and "
                f"{(1 - stats['D_fake_sign']) / 2:.0%} of the generated ones. If the sheets stop improving, start "
                "again with a larger --r1-gamma or more pictures."
            )
        if stats["diversity"] < 0.35:
            found.append(
                f"warning: diversity collapses: generated pictures lie {stats['diversity']:.2f} times as far apart as "
                "real ones. Look at the newest sheet; if all look alike, start again with a larger --r1-gamma or a "
                "smaller --lrate."
            )
        if "D_held_out" in stats and _memorised(stats) > 0.5:
            found.append(
                f"warning: D memorises: on pictures it has never seen it falls {_memorised(stats):.0%} of the way from "
                "real to generated. More pictures help most; else stop early or use a larger --r1-gamma."
            )
        return found

    def _fakes(self, state: TrainingState) -> torch.Tensor:
        G, n = state.G_ema, min(SAMPLES, len(self.seen))
        z = torch.cat([seed_z(seed, G.z_dim) for seed in range(n)]).to(state.device)
        noise = [m.to(state.device) for m in stack_noise(range(n), G)] if G.config.noise else None
        return G(z, self._c(self.seen[:n], state), noise=noise)

    def _reals(self, indices: NDArray[np.int64], phase: Phase, state: TrainingState) -> torch.Tensor:
        return to_float(torch.from_numpy(self.dataset.batch(phase.resolution, indices)).to(state.device))

    def _c(self, indices: NDArray[np.int64], state: TrainingState) -> torch.Tensor | None:
        return torch.from_numpy(self.dataset.labels(indices)).to(state.device) if state.config.c_dim else None


def _memorised(stats: dict[str, float]) -> float:
    """How far the held-out pictures' mean logit has fallen from that of seen (0) to that of generated pictures (1)."""
    span = stats["D_seen"] - stats["D_generated"]
    return (stats["D_seen"] - stats["D_held_out"]) / span if span > 1 else 0.0


def mean_distance(images: torch.Tensor) -> float:
    """Mean Euclidean distance of every two of the pictures (N, C, H, H)."""
    return torch.pdist(images.flatten(1)).mean().item() if len(images) > 1 else 0.0
