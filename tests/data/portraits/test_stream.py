"""Drawing many portraits by several processes."""

import numpy as np
import pytest

from stylegan.data.portraits import stream
from stylegan.errors import FailedError

portraits = pytest.importorskip("stylegan.data.portraits.portraits")


@pytest.mark.parametrize("half", [False, True])
def test_the_helpers_draw_what_one_process_draws_in_the_same_order(half, monkeypatch):
    monkeypatch.setattr(stream, "WORTHWHILE", 1)
    for index, (pixels, factors) in enumerate(stream.portraits(5, 16, seed=3, half=half)):
        expected, expected_factors = portraits.portrait(index, 16, seed=3, half=half)
        assert np.array_equal(pixels, expected)
        assert factors == expected_factors
    assert index == 4


def test_stopping_early_ends_the_helpers(monkeypatch):
    monkeypatch.setattr(stream, "WORTHWHILE", 1)
    helpers = []
    popen = stream.subprocess.Popen
    monkeypatch.setattr(stream.subprocess, "Popen", lambda *a, **k: helpers.append(popen(*a, **k)) or helpers[-1])
    drawn = stream.portraits(10_000, 16, seed=0)
    next(drawn)
    drawn.close()
    assert helpers
    assert all(helper.returncode is not None for helper in helpers)


def test_a_helper_that_fails_is_an_error_and_not_a_short_data_set(monkeypatch, capfd):
    monkeypatch.setattr(stream, "WORTHWHILE", 1)
    with pytest.raises(FailedError, match=r"the process that draws portrait 0 stopped"):
        next(stream.portraits(5, -1, seed=0))
