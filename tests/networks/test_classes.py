"""Classes have numbers and, where a network's file has them, names."""

import warnings

import pytest

from stylegan import checkpoint
from stylegan.checkpoint import Networks
from stylegan.errors import InputError, StyleganWarning
from stylegan.networks.classes import class_index, class_name, describe_classes
from stylegan.networks.generator import Generator

from conftest import TINY


@pytest.fixture
def pets():
    G = Generator(TINY.but(c_dim=3))
    G.class_names = ("cat", "dog", "3")
    return G


def test_a_class_is_found_by_its_number_and_by_its_name(pets):
    assert [class_index(pets, wanted) for wanted in (1, "1", "dog")] == [1, 1, 1]


def test_a_text_is_a_name_first(pets):
    assert class_index(pets, "3") == 2


def test_a_number_that_is_also_the_name_of_another_class_is_said():
    G = Generator(TINY.but(c_dim=3))
    G.class_names = ("1", "2", "cat")
    with pytest.warns(StyleganWarning, match=r"class '1' is the name of class 0; for class 1 \(2\) give its name"):
        assert class_index(G, "1") == 0
    with pytest.warns(
        StyleganWarning, match=r"class 1 is the number of class 1 \(2\); the class called '1' is number 0"
    ):
        assert class_index(G, 1) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [class_index(G, wanted) for wanted in (0, "0", "cat")] == [0, 0, 2]


@pytest.mark.parametrize("wanted", ["cats", 3, -1, "-1", "", True, "9" * 5000])
def test_a_class_that_is_not_there_is_refused_with_the_classes_there_are(pets, wanted):
    with pytest.raises(InputError, match=r"class .{1,80}: must be 0 \(cat\), 1 \(dog\), 2 \(3\)$"):
        class_index(pets, wanted)


def test_a_number_has_at_most_nine_digits(pets):
    assert class_index(pets, "000000001") == 1
    with pytest.raises(InputError, match=r"class '0000000001': must be"):
        class_index(pets, "0000000001")


def test_without_names_the_numbers_are_told():
    with pytest.raises(InputError, match="class 'cat': must be 0 to 4"):
        class_index(Generator(TINY.but(c_dim=5)), "cat")


def test_a_network_without_classes_says_so():
    with pytest.raises(InputError, match="class 'cat': this network has no classes"):
        class_index(Generator(TINY), "cat")


def test_of_a_thousand_classes_some_are_named():
    G = Generator(TINY.but(c_dim=1000))
    G.class_names = tuple(f"n{i}" for i in range(1000))
    assert describe_classes(G).endswith("19 (n19) ... 999 (n999)")


def test_a_hostile_name_is_shown_escaped():
    G = Generator(TINY.but(c_dim=1))
    G.class_names = ("\x1b[2J",)
    assert class_name(G, 0) == r"0 (\x1b[2J)"


def test_names_stay_in_the_file_of_the_network(tmp_path, pets):
    checkpoint.save(tmp_path / "a.safetensors", pets)
    assert checkpoint.load(tmp_path / "a.safetensors").class_names == ("cat", "dog", "3")
    checkpoint.save(tmp_path / "b.safetensors", checkpoint.load_networks(tmp_path / "a.safetensors"))
    assert checkpoint.load(tmp_path / "b.safetensors").class_names == ("cat", "dog", "3")


def test_names_given_as_metadata_are_those_of_the_network(tmp_path):
    networks = Networks(Generator(TINY.but(c_dim=2)), metadata={"class_names": ["a", "b"]})
    checkpoint.save(tmp_path / "a.safetensors", networks)
    assert checkpoint.load(tmp_path / "a.safetensors").class_names == ("a", "b")


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", 2], "ab", {"a": 1, "b": 2}, ["a", ""]])
def test_names_that_are_not_one_for_each_class_are_refused(tmp_path, names):
    with pytest.raises(InputError, match=r"class_names .*: must be (2 different|a list of) names"):
        checkpoint.save(tmp_path / "a.safetensors", Generator(TINY.but(c_dim=2)), {"class_names": names})
