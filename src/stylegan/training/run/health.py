"""Signs that a training run is going wrong, measured at every tick, and advice in plain words.

Here D judges pictures without augmentation. Its logits on held-out pictures are compared with its logits on pictures
that it has learned from, not with the losses.
"""

import math
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from stylegan.config import GROUP_SIZE, Config
from stylegan.data.dataset import ImageDataset
from stylegan.networks.fade import fraction
from stylegan.sampling.controls import Controls
from stylegan.sampling.recipe import synthesize
from stylegan.sampling.sampler import Sampler
from stylegan.training.batch import labels, process_reals
from stylegan.training.schedule import Phase
from stylegan.training.state import TrainingState

SAMPLES = 32
SILENT_TICKS = 3
SILENT_LOGITS = 0.08  # the smallest difference of mean logits on reals and fakes that counts: docs/decisions.md
ALIKE = 0.9  # above this diversity, D never counts as silent
GUESSING = 2 * math.log(2)  # the loss of a D whose logits are all 0
CHUNK = 16  # the most pictures in one pass: 64 of 1024x1024 would not fit in memory beside a training run


class Health:
    """Compares G_ema's pictures with real ones, and D's logits on pictures it has seen and has not (`held_out`)."""

    def __init__(self, dataset: ImageDataset, held_out: NDArray[np.int64], config: Config) -> None:
        self.dataset = dataset
        self.held_out = held_out[: whole_groups(min(64, len(held_out)))]
        seen = np.setdiff1d(np.arange(len(dataset)), held_out)
        count = whole_groups(min(64, len(seen)))
        self.seen = np.random.RandomState(config.seed).choice(seen, count, replace=False)
        self._said: set[str] = set()
        self._silent: tuple[int, int] = (0, 0)  # resolution, and at how many ticks in a row D was silent there

    @torch.no_grad()
    def measure(self, state: TrainingState, phase: Phase) -> dict[str, float]:
        """Statistics for stats.jsonl.

        diversity: the mean distance between G_ema's pictures, divided by that between real ones; left out if there is
        only one picture. D_seen, D_held_out, D_generated: mean logits; left out if no picture is held out.
        """
        stats, shown = {}, self.seen[:SAMPLES]
        size = whole_groups(min(phase.batch, CHUNK))
        fakes = torch.cat([self._fakes(i, state) for i in parts(len(shown), size)])
        if len(shown) > 1:
            reals = self._reals(shown, phase)
            stats["diversity"] = mean_distance(fakes) / max(mean_distance(reals), 1e-6)
        if len(self.held_out):
            for name, indices in (("D_seen", self.seen), ("D_held_out", self.held_out)):
                split = (indices[i] for i in parts(len(indices), size))
                stats[name] = mean_logit(self._D(self._reals(chunk, phase), chunk, state) for chunk in split)
            stats["D_generated"] = mean_logit(self._D(fakes[i], shown[i], state) for i in parts(len(shown), size))
        return stats

    def new_warnings(self, stats: dict[str, float]) -> list[str]:
        """The warnings that did not hold at the last tick, so that each is given once until it clears and comes back.

        stats: a line of stats.jsonl.
        """
        found = self.warnings(stats) | self._silence(stats)
        new = [words for trouble, words in found.items() if trouble not in self._said]
        self._said = set(found)
        return new

    def warnings(self, stats: dict[str, float]) -> dict[str, str]:
        """The name of each problem -> a warning that says what to do. Empty while all is well."""
        found = {}
        if stats.get("D_real_sign", 0.0) > 0.97 and stats.get("D_fake_sign", 0.0) < -0.97:
            found["D wins"] = (
                f"warning: D wins: it recognises {(1 + stats['D_real_sign']) / 2:.0%} of the real pictures and "
                f"{(1 - stats['D_fake_sign']) / 2:.0%} of the generated ones. If the sheets stop improving, start "
                "over with a larger r1_gamma or more pictures."
            )
        if stats.get("diversity", 1.0) < 0.35:
            found["diversity"] = (
                f"warning: diversity collapses: generated pictures are {stats['diversity']:.2f} times as far apart as "
                "real ones. Look at the newest sheet; if all pictures look alike, start over with a larger r1_gamma or "
                "a lower lrate."
            )
        if "D_held_out" in stats and _memorised(stats) > 0.5:
            found["D memorises"] = (
                f"warning: D memorises: its mean logit for pictures it has never seen lies {_memorised(stats):.0%} of "
                "the way from real to generated pictures. More pictures help most; otherwise use augment diffaug or "
                "ada, a larger r1_gamma, or fewer kimg."
            )
        return found

    def _silence(self, stats: dict[str, float]) -> dict[str, str]:
        """A warning if D has not told real from generated for SILENT_TICKS ticks of one resolution without a fade."""
        before, ticks = self._silent
        resolution = int(stats.get("resolution", 0))
        silent = not fraction(stats.get("lod", 0.0)) and is_silent(stats)
        self._silent = (resolution, (ticks if before == resolution else 0) + 1 if silent else 0)
        if self._silent[1] < SILENT_TICKS:
            return {}
        return {
            "D is silent": (
                f"warning: D no longer tells real from generated pictures: its mean logits are {stats['D_real']:+.2f} "
                f"and {stats['D_fake']:+.2f}, and its loss is that of guessing. G learns nothing more from it, and its "
                "pictures stay alike. Start over with a lower lrate (a quarter of this one)."
            )
        }

    def _fakes(self, part: slice, state: TrainingState) -> torch.Tensor:
        """Pictures for a part of the seeds 0 to 31, on the CPU."""
        G, seeds = state.G_ema, range(len(self.seen))[part]
        made = Sampler(G, Controls(psi=1)).recipe(seeds, c=labels(self.dataset, self.seen[part], state))
        return torch.cat([images.cpu() for images in synthesize(G, made)])

    def _reals(self, indices: NDArray[np.int64], phase: Phase) -> torch.Tensor:
        """Real pictures on the CPU, faded like those that D learns from, but not mirrored."""
        images = torch.from_numpy(self.dataset.batch(phase.resolution, indices))
        return process_reals(images, torch.zeros(len(images), dtype=torch.bool), phase.lod)

    def _D(self, images: torch.Tensor, indices: NDArray[np.int64], state: TrainingState) -> torch.Tensor:
        logits: torch.Tensor = state.D(images.to(state.device), labels(self.dataset, indices, state))
        return logits


def is_silent(stats: dict[str, float]) -> bool:
    """Are D's mean logits nearly equal, its logistic loss that of guessing, and the generated pictures too similar?

    While the pictures vary, G still learns from small differences.
    """
    if stats.get("diversity", 0.0) > ALIKE:
        return False
    if not {"D_real", "D_fake", "D_loss"} <= stats.keys():
        return False
    return abs(stats["D_real"] - stats["D_fake"]) < SILENT_LOGITS and abs(stats["D_loss"] - GUESSING) < 0.05


def whole_groups(count: int) -> int:
    """The largest number up to `count` that the minibatch deviation accepts: 1, 2, 3 or a multiple of 4."""
    return count // GROUP_SIZE * GROUP_SIZE or count


def parts(count: int, size: int) -> Iterator[slice]:
    """Slices of `size` that cover 0 to `count`."""
    return (slice(i, min(i + size, count)) for i in range(0, count, size))


def mean_logit(logits: Iterable[torch.Tensor]) -> float:
    """The mean over the pictures of all parts."""
    return torch.cat(list(logits)).mean().item()


def _memorised(stats: dict[str, float]) -> float:
    """Where the mean logit of held-out pictures lies between that of seen (0) and of generated pictures (1)."""
    span = stats["D_seen"] - stats["D_generated"]
    return (stats["D_seen"] - stats["D_held_out"]) / span if span > 1 else 0.0


def mean_distance(images: torch.Tensor) -> float:
    """The mean Euclidean distance of all pairs of pictures (N, C, H, H); 0 for a single picture."""
    return torch.pdist(images.flatten(1)).mean().item() if len(images) > 1 else 0.0
