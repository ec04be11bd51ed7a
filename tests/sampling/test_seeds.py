"""Seeds in words."""

import subprocess
import sys

import pytest
from hypothesis import given, strategies as st

from stylegan.errors import InputError
from stylegan.sampling.seeds import describe_seeds, parse_seeds


def test_both_ends_of_a_range_belong_to_it_and_the_order_stays():
    assert parse_seeds("20, 0-3") == [20, 0, 1, 2, 3]
    assert parse_seeds([5, 3]) == [5, 3]


@given(st.lists(st.integers(0, 50), min_size=1))
def test_seeds_in_words_are_read_back(seeds):
    assert parse_seeds(describe_seeds(seeds)) == seeds


@pytest.mark.parametrize("text", ["", "a", "1,", "-3", "1.5", "1-2-3", "0x10"])
def test_what_is_no_number_is_refused_by_name(text):
    with pytest.raises(InputError, match="is not a seed; give numbers and ranges such as 0-15,20"):
        parse_seeds(text)


def test_a_range_that_ends_before_it_starts_is_refused():
    with pytest.raises(InputError, match="the range 9-3 ends before it starts"):
        parse_seeds("0,9-3")


@pytest.mark.parametrize("seeds", ["4294967296", [-1]])
def test_a_seed_that_numpy_has_not_is_refused(seeds):
    with pytest.raises(InputError, match="must be 0 to 4294967295"):
        parse_seeds(seeds)


@pytest.mark.parametrize("seeds", ["0-4000000000", []])
def test_no_seeds_and_billions_of_seeds_are_refused(seeds):
    with pytest.raises(InputError, match="give 1 to 1,000,000"):
        parse_seeds(seeds)


def test_reading_seeds_needs_no_torch():
    code = "import sys, stylegan.sampling.seeds; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
