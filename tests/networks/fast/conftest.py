"""Which of the fast ways is taken, and what was."""

from collections import Counter
from itertools import product

import pytest

from stylegan.networks.fast import convolution
from stylegan.networks.fast.convolution import Direct
from stylegan.networks.fast.winograd import Winograd


@pytest.fixture(params=["direct", "winograd"])
def method(request, monkeypatch):
    """Both ways, whatever the number of channels and products."""
    monkeypatch.setattr(convolution, "WIDE", 0)
    winograd = request.param == "winograd"
    monkeypatch.setattr(convolution, "_many_products", lambda N, H, W, w: winograd and H % 4 == W % 4 == 0)


@pytest.fixture
def calls(monkeypatch):
    """How often each method computes what: ("Winograd", "forward") -> 3."""
    counter = Counter()

    def counted(cls, name):
        computed = getattr(cls, name)

        def count(*given):
            counter[cls.__name__, name] += 1
            return computed(*given)

        monkeypatch.setattr(cls, name, count)

    for cls, name in product((Direct, Winograd), ("forward", "transposed", "gradient")):
        counted(cls, name)
    return counter
