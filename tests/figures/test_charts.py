"""Charts of measurements."""

import re
import xml.etree.ElementTree

import pytest

from stylegan.figures.charts import curves_svg, dots_svg


def test_a_curve_goes_from_left_to_right_and_its_lowest_point_is_marked():
    svg = curves_svg({"fd5k (a & b)": {"A": [[(0, 80.0), (1000, 20.0), (2000, 40.0)]]}})
    (line,) = re.findall(r'polyline points="([^"]+)"', svg)
    x, y = zip(*(map(float, point.split(",")) for point in line.split()), strict=True)
    assert list(x) == sorted(x) and x[1] - x[0] == pytest.approx(x[2] - x[1])
    assert y[1] > y[2] > y[0]  # y points down
    assert y[1] - y[0] == pytest.approx(1.5 * (y[2] - y[0]), abs=0.2)
    assert f'cx="{x[1]}" cy="{y[1]}"' in svg
    words = "".join(xml.etree.ElementTree.fromstring(svg).itertext())
    assert "fd5k (a & b)" in words and "2,000 images" in words


def test_a_logarithmic_axis_runs_over_whole_powers_of_ten():
    svg = dots_svg({"ls": {"A": [10.0, 1000.0], "B": [31_622.7766]}}, ["ls"])  # 10^1, 10^3, 10^4.5
    at_10, at_1000, last = (float(x) for x in re.findall(r'circle cx="([\d.]+)"', svg))
    assert (at_1000 - at_10) / (last - at_10) == pytest.approx(2 / 3.5, abs=1e-3)
    assert ">10</text>" in svg and ">100000, logarithmic</text>" in svg


def test_the_dots_of_a_row_lie_as_far_out_as_their_values_and_the_bar_at_their_mean():
    svg = dots_svg({"fd": {"A": [10.0, 30.0], "B": [40.0]}, "kid": {"A": [1.0], "B": [2.0]}})
    dots = [(float(x), float(y)) for x, y in re.findall(r'circle cx="([\d.]+)" cy="([\d.]+)"', svg)]
    bars = [float(x) for x in re.findall(r'path d="M([\d.]+) [\d.]+v18"', svg)]
    (a1, row_a), (a2, also_a), (b, row_b), *_ = dots
    assert row_a == also_a < row_b
    assert a2 - a1 == pytest.approx(2 * (b - a2))
    assert bars[0] == pytest.approx((a1 + a2) / 2) and bars[1] == b
    assert len(dots) == 5
    xml.etree.ElementTree.fromstring(svg)
