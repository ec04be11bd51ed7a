"""The inputs of a training step, and a comparison of two steps."""

import torch

from stylegan.training.batch import Inputs
from stylegan.training.randomness import draw

NOISE = "G.synthesis.blocks.0.layers.0.bias"  # its gradient is only noise, because the norm after it removes its effect


def inputs_for(state, reals, generator, *, c=None, mixing=1.0):
    """Inputs of a step on these pictures; everything else is drawn."""
    N = len(reals)
    latents = draw(state.G, c, N, style_mixing_prob=mixing, generator=generator)
    augment_u = torch.rand(N, state.augmentation.numbers, generator=generator)
    return Inputs(reals, c, latents, torch.rand(N, 1, 1, 1, generator=generator), augment_u)


def assert_same(ours, theirs, tolerance):
    """The same tensors, each to `tolerance` of its largest number."""
    assert ours.keys() == theirs.keys()
    wrong = {n: (ours[n] - t).abs().max().item() / max(t.abs().max().item(), 1e-300) for n, t in theirs.items()}
    assert {n: error for n, error in wrong.items() if not error <= tolerance} == {}
