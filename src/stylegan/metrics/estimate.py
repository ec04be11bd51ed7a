"""The value of a metric and its uncertainty."""

from typing import NamedTuple


class Estimate(NamedTuple):
    """A value and its error, a standard deviation; each metric says of what. NaN if it cannot be estimated."""

    value: float
    error: float
