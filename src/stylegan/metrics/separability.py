"""Linear separability (Section 4.2): how well hyperplanes in a latent space separate attributes."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from stylegan.errors import InputError
from stylegan.metrics.arrays import Array, as_double, checked
from stylegan.metrics.svm import linear_svm


class Separability(NamedTuple):
    """entropies: in bits, for each attribute. score: 2 to the power of their sum; 1 is perfect separation."""

    score: float
    entropies: list[float]


def separability(codes: Array, logits: Array, *, keep: float = 0.5) -> Separability:
    """How uncertain the attributes remain if a linear support vector machine predicts them from codes z or w (N, dim).

    logits: (N, attributes), above 0 if a classifier says yes; their size is its confidence. True factors minus a
    threshold are possible too. For each attribute, only the share `keep` of the pictures with the most confident
    answers is used (the authors: 100,000 of 200,000). As in the authors' code, the machine is evaluated on the pictures
    that trained it, so there must be many more of them than dimensions. Raises InputError for arrays that do not fit
    together, NaN or infinity, and for a `keep` that is not in (0, 1] or leaves fewer than 2 pictures.
    """
    codes, logits = checked(codes=codes, logits=logits, same_width=False)
    if len(codes) != len(logits):
        raise InputError(f"codes of {len(codes)} pictures and logits of {len(logits)}: must be of the same pictures")
    if not 0 < keep <= 1 or int(keep * len(codes)) < 2:
        raise InputError(f"keep {keep} of {len(codes)} pictures: must be a share up to 1 that leaves 2 or more")
    entropies = [conditional_entropy(_table(codes, logit, keep)) for logit in logits.T]
    return Separability(2 ** sum(entropies), entropies)


def conditional_entropy(table: Array) -> float:
    """H(target | prediction) in bits, from a table [prediction, target] of joint probabilities or of counts.

    The paper takes exp of the sum in nats, which is the same number as 2 to the power of the sum in bits. A cell of 0
    adds nothing. Raises InputError for negative or infinite numbers, NaN, and a table of zeros.
    """
    table = as_double(table)
    if table.ndim != 2 or not table.isfinite().all() or (table < 0).any() or not table.sum() > 0:
        raise InputError("a table of predictions and targets must be 2-dimensional, of numbers from 0 up, not all 0")
    joint = table / table.sum()
    within = joint / joint.sum(dim=1, keepdim=True).clamp(min=torch.finfo(joint.dtype).tiny)  # p(target | prediction)
    return max(-torch.xlogy(joint, within).sum().item() / math.log(2), 0.0)


def _table(codes: Tensor, logit: Tensor, keep: float) -> Tensor:
    """Counts (2, 2): rows are what the machine says (no, yes), columns what the classifier says (no, yes)."""
    surest = logit.abs().argsort(descending=True, stable=True)[: int(keep * len(logit))]
    X, target = codes[surest], logit[surest] > 0
    w = linear_svm(X, target)
    said = X @ w[:-1] + w[-1] > 0
    return torch.bincount(2 * said.long() + target.long(), minlength=4).reshape(2, 2)
