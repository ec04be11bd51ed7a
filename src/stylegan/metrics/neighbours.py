"""Finds nearest neighbours among features block by block: all 50,000 x 50,000 distances would take 20 GB."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from stylegan.errors import InputError
from stylegan.metrics.arrays import Array, checked

BLOCK = 2**24  # distances held at once, 128 MB
SAME = 1e-13  # relative to the squared lengths; a smaller squared distance is rounding error


class Neighbours(NamedTuple):
    """distances: (N, k), ascending; indices: (N, k), of the neighbours among the references."""

    distances: Tensor
    indices: Tensor


def nearest(queries: Array, references: Array, k: int) -> Neighbours:
    """The k of the references (M, F) that are nearest to each of the queries (N, F), by Euclidean distance.

    Raises InputError for k outside 1 to M, other shapes, NaN or infinity.
    """
    queries, references = checked(at_least=1, queries=queries, references=references)
    if not 1 <= k <= len(references):
        raise InputError(f"k = {k} neighbours: must be 1 to {len(references)}, the number of references")
    found = [block.topk(k, largest=False) for block in squared_distances(queries, references)]
    return Neighbours(torch.cat([f.values for f in found]).sqrt(), torch.cat([f.indices for f in found]))


def squared_distances(rows: Tensor, columns: Tensor) -> Iterator[Tensor]:
    """Blocks (n, M) of the squared distances of rows (N, F) to columns (M, F), in order, float64. Equal rows give 0."""
    lengths = columns.square().sum(dim=1)  # (M,)
    for part in rows.split(max(1, BLOCK // len(columns))):
        scale = part.square().sum(dim=1)[:, None] + lengths  # (n, M)
        block = torch.addmm(scale, part, columns.T, alpha=-2)
        yield block.masked_fill_(block < SAME * scale, 0)
