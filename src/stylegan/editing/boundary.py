"""A linear boundary between points marked yes and no, also with fewer points than dimensions."""

import csv
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan.errors import InputError, printable, refuse
from stylegan.files import refuse_special, user_path
from stylegan.sampling.sources import SUFFIX, Source, is_file_name, parse_sources

WORDS = {"yes": True, "1": True, "true": True, "no": False, "0": False, "false": False}
FOLDS = 10


def linear_boundary(points: Tensor, marks: Tensor) -> tuple[Tensor, float]:
    """The unit normal (dim,) of the boundary, towards yes, and its cross-validated accuracy.

    points: (N, dim); marks: (N,) bool, at least 2 of each. The accuracy is the mean over both marks, from
    boundaries fitted without a tenth of the points at a time. float64, no randomness.
    """
    X = points.cpu().double()
    X = X - X.mean(dim=0)
    X = X / X.square().mean().sqrt()
    place = torch.where(marks, marks.cumsum(0), (~marks).cumsum(0))  # among those of the same mark
    folds = min(FOLDS, int(marks.sum()), int((~marks).sum()))
    right = torch.zeros(len(X), dtype=torch.bool)
    for fold in range(folds):
        left_out = place % folds == fold
        normal, offset = _logistic(X[~left_out], marks[~left_out])
        right[left_out] = (X[left_out] @ normal + offset > 0) == marks[left_out]
    normal, _ = _logistic(X, marks)
    score = (right[marks].double().mean() + right[~marks].double().mean()) / 2
    return normal / normal.norm(), score.item()


def _logistic(X: Tensor, marks: Tensor) -> tuple[Tensor, Tensor]:
    """Normal and offset by ridge-penalized logistic regression with balanced marks.

    With entries of X around 1, penalties from 0.1 to 10 found planted directions equally well, from 20 + 20 points on.
    """
    signs = torch.where(marks, 1.0, -1.0).double()
    weights = torch.where(marks, len(marks) / marks.sum(), len(marks) / (~marks).sum()) / 2
    solution = X.new_zeros(X.shape[1] + 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([solution], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        with torch.enable_grad():
            margins = signs * (X @ solution[:-1] + solution[-1])
            value = (weights * F.softplus(-margins)).sum() + solution[:-1].square().sum()
            value.backward()
        return value

    optimizer.step(loss)
    return solution.detach()[:-1], solution.detach()[-1]


def _names_columns(row: list[str]) -> bool:
    """Is the first row a heading, such as `seed,mark`, and not a mark?"""
    picture, mark = [cell.strip() for cell in row] if len(row) == 2 else ("1", "")
    return mark.lower() not in WORDS and not picture.isdecimal() and not is_file_name(picture)


def read_marks(path: Path | str) -> tuple[list[Source], list[Source]]:
    """The pictures marked yes and those marked no in a CSV file with rows `seed,mark`; a first row of names is skipped.

    The file of a projection or of styles may stand for a seed. mark: yes, 1, true, or no, 0, false. Raises InputError
    naming every row that is something else.
    """
    path = user_path(path)
    shown = printable(path)
    refuse_special(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as f:
            rows = [(i, row) for i, row in enumerate(csv.reader(f), start=1) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise InputError(f"{shown} cannot be read as CSV: {printable(e)}") from e
    marks: dict[bool, list[Source]] = {True: [], False: []}
    problems = []
    for i, row in rows:
        picture, mark = [cell.strip() for cell in row] if len(row) == 2 else ("", "")
        if mark.lower() in WORDS and (picture.isdecimal() or is_file_name(picture)):
            marks[WORDS[mark.lower()]] += parse_sources([picture if picture.isdecimal() else Path(picture)])
        elif i > 1 or not _names_columns(row):
            row_shown = printable(",".join(row), 80)
            problems.append(f"{shown}, line {i}: {row_shown!r}: must be SEED,yes or FILE{SUFFIX},no (or 1 and 0)")
    refuse(problems)
    return marks[True], marks[False]
