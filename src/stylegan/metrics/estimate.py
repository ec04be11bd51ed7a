"""What a metric gives that is computed from parts: a number and how far it may be off."""

from typing import NamedTuple


class Estimate(NamedTuple):
    """A value and its error, a standard deviation; each metric says of what. NaN where one part is all there is."""

    value: float
    error: float
