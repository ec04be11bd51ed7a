"""Linear separability (Section 4.2): how well hyperplanes in a latent space separate attributes."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from stylegan.errors import InputError
from stylegan.metrics.arrays import Array, as_double, checked
from stylegan.metrics.svm import linear_svm


class Separability(NamedTuple):
    """score: 2 to the sum of the entropies, 1 for perfect separation; entropies: bits for each attribute."""

    score: float
    entropies: list[float]


def separability(codes: Array, logits: Array, *, keep: float = 0.5) -> Separability:
    """How uncertain the attributes remain after a linear support vector machine has seen the codes z or w (N, dim).

    logits: (N, attributes), above 0 where a classifier says yes, its size how confident it is; or true factors minus
    their threshold. For each attribute, only the share `keep` of the pictures with the most confident answers is used
    (the authors: 100,000 of 200,000). The machine is evaluated on its training pictures, as in the authors' code,
    so there must be many more of them than dimensions.
    """
    codes, logits = checked(codes=codes, logits=logits, same_width=False)
    if len(codes) != len(logits):
        raise InputError(f"codes of {len(codes)} pictures and logits of {len(logits)}: must be of the same pictures")
    if not 0 < keep <= 1 or int(keep * len(codes)) < 2:
        raise InputError(f"keep {keep} of {len(codes)} pictures: must be a share up to 1 that leaves 2 or more")
    entropies = [conditional_entropy(_table(codes, logit, keep)) for logit in logits.T]
    return Separability(2 ** sum(entropies), entropies)


def conditional_entropy(table: Array) -> float:
    """H(target | prediction) in bits, of a table of joint probabilities, or of counts, [prediction, target].

    The paper takes exp of the sum in nats: the same number as 2 to the sum in bits. An impossible cell adds nothing.
    """
    table = as_double(table)
    if table.ndim != 2 or not table.isfinite().all() or (table < 0).any() or not table.sum() > 0:
        raise InputError("a table of predictions and targets must be 2-dimensional, of numbers from 0 up, not all 0")
    joint = table / table.sum()
    within = joint / joint.sum(dim=1, keepdim=True).clamp(min=torch.finfo(joint.dtype).tiny)  # p(target | prediction)
    return max(-torch.xlogy(joint, within).sum().item() / math.log(2), 0.0)


def _table(codes: Tensor, logit: Tensor, keep: float) -> Tensor:
    """How often the machine says no, yes (rows) where the classifier says no, yes (columns): (2, 2)."""
    surest = logit.abs().argsort(descending=True, stable=True)[: int(keep * len(logit))]
    X, target = codes[surest], logit[surest] > 0
    w = linear_svm(X, target)
    said = X @ w[:-1] + w[-1] > 0
    return torch.bincount(2 * said.long() + target.long(), minlength=4).reshape(2, 2)
