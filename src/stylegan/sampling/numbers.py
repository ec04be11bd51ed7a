"""Numbers that somebody gives: of any numeric type, and checked before they are used. No torch."""

import math
import operator
from typing import Any, SupportsFloat, cast

from stylegan.errors import InputError, printable


def is_whole(value: object) -> bool:
    """Is `value` a whole number of any type (Python's, NumPy's, torch's)? A bool is not."""
    try:
        operator.index(cast(Any, value))
    except (TypeError, ValueError):  # ValueError: of an array with several numbers
        return False
    return not isinstance(value, bool)


def whole_number(value: object, name: str, *, least: int = 0, most: int | None = None, words: str = "") -> int:
    """`value` as an int. Raises InputError for another type and outside [least, most]; words: what else is allowed."""
    if is_whole(value):
        number = operator.index(cast(Any, value))
        if number >= least and (most is None or number <= most):
            return number
    allowed = f"at least {least}" if most is None else f"{least} to {most}"
    raise InputError(f"{name} {printable(value, 80)}: must be {allowed}, a whole number{words}")


def finite_number(value: object) -> float | None:
    """`value`, a number of any type or a text, as a finite float; None for anything else."""
    if isinstance(value, bool | bytes):
        return None
    try:
        number = float(cast(SupportsFloat, value))
    except (TypeError, ValueError, OverflowError, RuntimeError):  # RuntimeError: torch's, of several numbers
        return None
    return number if math.isfinite(number) else None
