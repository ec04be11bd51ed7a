"""The comparison of Z with W: which numbers are compared, and with which standard error."""

import pytest

from stylegan.experiments.entanglement import both_spaces, charts, comparisons

TITLES = ["fd5k (net)", "ls_z2k (net)", "ls_w2k (net)", "completeness of z", "completeness of w", "ppl_zend9 (net)"]


def test_numbers_that_are_measured_in_both_spaces_are_paired():
    assert both_spaces(TITLES) == {
        "ls_2k (net)": ("ls_z2k (net)", "ls_w2k (net)"),
        "completeness": ("completeness of z", "completeness of w"),
    }


def test_the_figure_has_w_below_z_for_each_row():
    numbers = {"depth 0": [{"a of z": 1.0, "a of w": 2.0}, {"a of z": 3.0, "a of w": 4.0}]}
    assert charts(numbers) == {"a": {"depth 0, Z": [1.0, 3.0], "depth 0, W": [2.0, 4.0]}}


def test_the_spaces_are_compared_within_each_network_so_that_differences_between_networks_cancel():
    """By hand: differences 0.99 and 1.01, their standard error 0.01, and Student's t of one degree of freedom 12.7."""
    numbers = {"depth 8": [{"a of z": 10.0, "a of w": 10.99}, {"a of z": 90.0, "a of w": 91.01}]}
    assert comparisons(numbers) == ["a, depth 8, from Z to W: +1 +- 0.13, a difference"]
    numbers["depth 8"].append({"a of z": 5.0, "a of w": 2.0})
    assert "no sure difference" in comparisons(numbers)[0]


@pytest.mark.parametrize("each", [[], [{"a of z": 1.0, "a of w": 2.0}]])
def test_one_network_cannot_tell_a_difference_from_chance(each):
    assert comparisons({"depth 8": each}) == ["one seed: no difference can be told from chance"]
