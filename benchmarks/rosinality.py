"""A known port beside ours: the same work by a clone of github.com/rosinality/style-based-gan-pytorch (MIT licence).

For model.py of its commit d4c0438, which must be importable (`speed.py --rosinality CLONE`). G is the paper's, one
noise map a resolution. D is wider: the first convolution of a block has the channels of the next resolution already, so
that at 64x64 it takes 1.5 times the products of the paper's. A step is that of its train.py with `--loss r1 --mixing`,
with one rate for all weights: the loss on real pictures has a backward pass of its own before R1's.
"""

import random
from collections.abc import Callable

import torch
import torch.nn.functional as F
from job import Job
from torch import Tensor

Z_DIM = 512
Work = Callable[[], object]


def generation(job: Job, way: str, device: torch.device) -> Work:
    """Latents to pictures, with new noise every time."""
    from model import StyledGenerator  # type: ignore[import-not-found]

    G, step = StyledGenerator(Z_DIM).eval().to(device), doublings(job)
    return torch.no_grad()(lambda: G(torch.randn(job.N, Z_DIM, device=device), step=step, alpha=1))


def training(job: Job, way: str, device: torch.device) -> Work:
    """A step of D with R1, of G and of the average, on random pictures, with mixed styles."""
    from model import Discriminator, StyledGenerator  # type: ignore[import-not-found]

    G, G_ema, D = (network.to(device) for network in (StyledGenerator(Z_DIM), StyledGenerator(Z_DIM), Discriminator()))
    G_opt, D_opt = (torch.optim.Adam(network.parameters(), lr=1e-3, betas=(0.0, 0.99)) for network in (G, D))
    grown, H = {"step": doublings(job), "alpha": 1}, job.resolution

    def generate() -> Tensor:
        z = [torch.randn(job.N, Z_DIM, device=device) for _ in range(1 + (random.random() < 0.9))]
        return G(z, **grown)

    def work() -> None:
        G.requires_grad_(False)
        D.requires_grad_(True)
        D.zero_grad()
        reals = (torch.rand(job.N, 3, H, H, device=device) * 2 - 1).requires_grad_()
        logits = D(reals, **grown)
        F.softplus(-logits).mean().backward(retain_graph=True)
        (gradient,) = torch.autograd.grad(logits.sum(), reals, create_graph=True)
        (10 / 2 * gradient.square().sum(dim=(1, 2, 3)).mean()).backward()
        F.softplus(D(generate(), **grown)).mean().backward()
        D_opt.step()

        G.requires_grad_(True)
        D.requires_grad_(False)
        G.zero_grad()
        F.softplus(-D(generate(), **grown)).mean().backward()
        G_opt.step()
        with torch.no_grad():
            for average, p in zip(G_ema.parameters(), G.parameters(), strict=True):
                average.lerp_(p, 0.001)

    return work


def doublings(job: Job) -> int:
    """How often its networks have doubled 4x4 pixels."""
    return job.resolution.bit_length() - 3


WORKS = {"generate": generation, "train": training}
