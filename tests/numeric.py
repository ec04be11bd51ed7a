"""Numbers and networks in double precision, and how far apart two results are."""

import torch
from torch import Tensor

ROUNDING = 1e-11  # double precision rounds to 1e-16; networks and transforms make it 1e-14, a wrong term makes it 1


def numbers(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Random numbers that depend only on the shape."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64).to(dtype)


def relative_error(found: Tensor, expected: Tensor) -> float:
    """|found - expected| / |expected|, over all numbers together."""
    assert found.shape == expected.shape
    return ((found.double() - expected).norm() / expected.norm()).item()


def joined(tensors) -> Tensor:
    """All numbers of all tensors that are not None."""
    return torch.cat([t.flatten() for t in tensors if t is not None])


def derivatives(op, *given: Tensor) -> list[Tensor]:
    """Value, first derivatives and second derivatives, all pulled back by fixed random numbers."""
    given = [t.clone().requires_grad_() for t in given]
    y = op(*given)
    first = torch.autograd.grad(y, given, numbers(*y.shape), create_graph=True)
    second = torch.autograd.grad(first, given, [numbers(*t.shape) for t in first], allow_unused=True)
    return [y.detach(), *(t.detach() for t in first), *second]


def drawn(kind, config):
    """A network in double precision with random biases, strengths of noise and constant input.

    Biases of a constant that is the same everywhere would have a gradient of 0: the norm takes them away.
    """
    torch.manual_seed(0)
    network = kind(config).double()
    for name, p in network.named_parameters():
        if name.endswith(("bias", "noise_strength", ".const")):
            torch.nn.init.normal_(p, std=0.2)
    return network
