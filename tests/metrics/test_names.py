"""The names of metrics."""

import pytest

from stylegan.errors import InputError
from stylegan.metrics.names import DEFAULT_COUNTS, Metric, parse_metrics


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("fid50k", "fid", 50_000),
        ("fid", "fid", 50_000),
        ("fd5k", "fd", 5_000),
        ("fd2048", "fd", 2_048),
        ("mind", "mind", 5_000),
        ("kid300", "kid", 300),
        ("ppl_wend", "ppl_wend", 100_000),
        ("ppl_zfull1k", "ppl_zfull", 1_000),
        ("ls_w", "ls_w", 200_000),
        ("fdinf50k", "fdinf", 50_000),
    ],
)
def test_a_name_is_a_kind_and_a_number_of_pictures_or_the_authors_number(name, kind, count):
    assert parse_metrics(name) == [Metric(name, kind, count)]


def test_names_are_joined_by_commas_and_keep_their_order():
    assert [metric.name for metric in parse_metrics("kid5k, fd5k,pr5k")] == ["kid5k", "fd5k", "pr5k"]


@pytest.mark.parametrize("name", ["fid50x", "is50k", "fd-5k", "FD5k", "fd5kk", "5k", "ppl", "fd٣k"])
def test_an_unknown_metric_is_refused_and_the_known_ones_are_listed(name):
    with pytest.raises(InputError, match=r"^unknown metric '[^']+'; there are fid .*ls_w"):
        parse_metrics(name)


def test_all_unknown_metrics_are_named_at_once():
    with pytest.raises(InputError, match="'is50k', 'x'"):
        parse_metrics("fd5k,is50k,x")


def test_without_a_name_the_known_metrics_are_listed():
    with pytest.raises(InputError, match="no metric is named; there are fid"):
        parse_metrics(" ")


def test_every_kind_is_described():
    with pytest.raises(InputError) as error:
        parse_metrics("?")
    words = str(error.value).replace(",", " ").split()
    assert set(DEFAULT_COUNTS) <= set(words)


@pytest.mark.parametrize("name", ["fid2k", "fd100"])
def test_a_frechet_distance_of_few_pictures_is_refused_and_kid_and_mind_are_offered(name):
    count = {"fid2k": 2000, "fd100": 100}[name]
    with pytest.raises(InputError, match=f"{name}: .*fewer than 2,048 .*kid{count} or mind{count}"):
        parse_metrics(name)


def test_the_line_over_1_over_n_needs_ten_times_as_many_pictures():
    assert parse_metrics("fdinf20480")
    with pytest.raises(InputError, match="fdinf5k: must be 20,480"):
        parse_metrics("fdinf5k")


@pytest.mark.parametrize("name", ["kid0", "kid1", "kid1001k"])
def test_numbers_must_be_two_to_a_million(name):
    with pytest.raises(InputError, match="must be 2 to 1,000,000"):
        parse_metrics(name)
