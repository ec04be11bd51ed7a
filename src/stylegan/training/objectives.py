"""The objectives of D and G: (G, D, batch) -> the loss of every picture, and statistics.

An objective says what is computed, in the terms of the paper. `step` decides how (micro-batches, processes, precision,
compiled programs, optimizers).
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from stylegan.config import Config
from stylegan.training import losses
from stylegan.training.randomness import Latents

Stats = dict[str, Tensor]
MakePictures = Callable[[Latents], Tensor]
Judge = Callable[[Tensor, Tensor | None], Tensor]


@dataclass(frozen=True)
class Batch:
    """What an objective is given besides the networks.

    reals: (N, C, H, H) in [-1, 1]. c: their labels (N, c_dim), or None without classes.
    latents: what G turns into N pictures. latents.c: the labels of these; in D's step, the same as c.
    u: random numbers (N, 1, 1, 1), uniform in [0, 1).
    augment: transforms pictures (N, C, H, H) before D sees them.
    lod: how many times the resolution has yet to double; 0 is full size.
    gamma: the weight of a gradient penalty on the reals, which then require a gradient; None in steps without one.
    """

    reals: Tensor
    c: Tensor | None
    latents: Latents
    u: Tensor
    augment: Callable[[Tensor], Tensor]
    lod: int
    gamma: float | None


Objective = Callable[[MakePictures, Judge, Batch], tuple[Tensor, Stats]]
"""(G, D, batch) -> loss (N, 1), statistics. G(latents) gives pictures (N, C, H, H); D(pictures, c) gives logits (N, 1).

In D's step, G's pictures carry no gradient. In G's step, D's weights do not learn.
"""


def d_logistic(G: MakePictures, D: Judge, batch: Batch) -> tuple[Tensor, Stats]:
    """Non-saturating logistic loss of D, plus R1 in the steps that have a penalty (Appendix C).

    R1 takes the gradient with respect to the pictures before augmentation.
    """
    augment, fakes = batch.augment, G(batch.latents)
    real_logits = D(augment(batch.reals), batch.c)
    fake_logits = D(augment(fakes), batch.latents.c)
    loss = losses.d_logistic(real_logits, fake_logits)
    if batch.gamma is not None:
        loss = loss + losses.r1(real_logits, batch.reals, gamma=batch.gamma, lod=batch.lod)
    return loss, verdicts(real_logits, fake_logits)


def g_logistic(G: MakePictures, D: Judge, batch: Batch) -> tuple[Tensor, Stats]:
    """Non-saturating logistic loss of G (Appendix C)."""
    return losses.g_logistic(D(batch.augment(G(batch.latents)), batch.latents.c)), {}


def d_wgan_gp(G: MakePictures, D: Judge, batch: Batch) -> tuple[Tensor, Stats]:
    """Wasserstein loss of D, with a gradient penalty between real and generated pictures (Table 1, configuration A)."""
    augment, fakes = batch.augment, G(batch.latents)
    real_logits = D(augment(batch.reals), batch.c)
    fake_logits = D(augment(fakes), batch.latents.c)
    between = losses.interpolate(batch.reals, fakes, batch.u)
    between_logits = D(augment(between), batch.c)
    loss = losses.d_wgan_gp(real_logits, fake_logits, between_logits, between, lod=batch.lod)
    return loss, verdicts(real_logits, fake_logits)


def g_wgan(G: MakePictures, D: Judge, batch: Batch) -> tuple[Tensor, Stats]:
    """Wasserstein loss of G (Table 1, configuration A)."""
    return losses.g_wgan(D(batch.augment(G(batch.latents)), batch.latents.c)), {}


def verdicts(real_logits: Tensor, fake_logits: Tensor) -> Stats:
    """The statistics of D that a training run records and its warnings use: means of the logits and of their signs."""
    return {
        "D_real": real_logits.mean(),
        "D_fake": fake_logits.mean(),
        "D_real_sign": real_logits.sign().mean(),
        "D_fake_sign": fake_logits.sign().mean(),
    }


@dataclass(frozen=True)
class Objectives:
    """A loss: the objective of D and the objective of G.

    name: recorded in the run folder. lazy: whether D's objective has a penalty with the weight `batch.gamma` on the
    gradient at the reals, in every r1_interval-th step of D; if not, the reals never require a gradient. signs: whether
    D's logits are positive for what D takes for real, which adaptive augmentation relies on.
    """

    name: str
    D: Objective
    G: Objective
    lazy: bool = True
    signs: bool = True

    def misfits(self, config: Config, adaptive: str = "") -> list[str]:
        """The fields of the configuration that contradict this loss, one line each.

        adaptive: the name of an adaptive augmentation of your own.
        """
        found, adaptive = [], adaptive or ("ada" if config.augment == "ada" else "")
        if not (self.lazy or config.r1_interval == 1):
            found.append(f"r1_interval {config.r1_interval}: must be 1 with loss {self.name}, which has no R1")
        if adaptive and not self.signs:
            needs = "needs a loss whose logits tell real pictures by their sign"
            found.append(f"augment {adaptive}: {needs}, not {self.name}")
        return found

    def ignored(self, config: Config) -> list[str]:
        """The fields that this loss would ignore, one line each. Older runs that have them can still be resumed."""
        if self.lazy or config.r1_gamma is None:
            return []
        return [f"r1_gamma {config.r1_gamma:g}: must not be given with loss {self.name}, which has no R1"]


LOSSES = {
    "logistic": Objectives("logistic", d_logistic, g_logistic),
    "wgan_gp": Objectives("wgan_gp", d_wgan_gp, g_wgan, lazy=False, signs=False),
}
"""The values of `loss` in a configuration."""
