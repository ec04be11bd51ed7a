"""Sources in words: seeds and the files of projections."""

import subprocess
import sys
from pathlib import Path

import pytest

from stylegan.errors import InputError
from stylegan.sampling.sources import describe_sources, label, parse_sources

FACE = Path("face.safetensors")


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ("0-2,face.safetensors, 7", [0, 1, 2, FACE, 7]),
        ("some/where/a b.safetensors", [Path("some/where/a b.safetensors")]),
        ("3.safetensors,3", [Path("3.safetensors"), 3]),
        (FACE, [FACE]),
        ([5, "0-1", FACE, "face.safetensors"], [5, 0, 1, FACE, FACE]),
        (range(2), [0, 1]),
        ([Path("with,comma.safetensors")], [Path("with,comma.safetensors")]),
    ],
)
def test_seeds_and_files_stand_in_one_text_in_any_order(sources, expected):
    absolute = [source.absolute() if isinstance(source, Path) else source for source in expected]
    assert parse_sources(sources) == absolute  # os.chdir changes nothing later


@pytest.mark.parametrize("text", ["face", "0-3,face", "0x10", "3,x-y"])
def test_a_word_that_is_neither_is_refused_with_both_choices(text):
    with pytest.raises(
        InputError, match=r"is not a seed; give numbers .* or projections by their files such as face.saf"
    ):
        parse_sources(text)


@pytest.mark.parametrize("sources", ["1.5", "-3", "", "1,", "face.safetensors,", "face.safetensors,1.5"])
def test_numbers_that_are_no_seeds_are_refused_by_name(sources):
    with pytest.raises(InputError, match="is not a seed; give numbers and ranges"):
        parse_sources(sources)


@pytest.mark.parametrize("sources", ["0,me.png", "pictures/me", Path("me.jpg"), [0, Path("me.png")]])
def test_a_picture_is_refused_with_the_command_that_projects_it(sources):
    with pytest.raises(
        InputError, match=r"me.*: must be a seed, or the .safetensors file .*stylegan project NETWORK me"
    ):
        parse_sources(sources)


def test_seeds_that_numpy_has_not_and_too_many_are_refused_also_beside_files():
    with pytest.raises(InputError, match="must be 0 to 4294967295"):
        parse_sources("face.safetensors,4294967296")
    with pytest.raises(InputError, match="give 1 to 1,000,000"):
        parse_sources([])


def test_labels_are_short_and_words_name_the_first_files():
    assert [label(source) for source in (3, FACE)] == ["seed 3", "face"]
    assert label(Path("x" * 30 + ".safetensors")) == "x" * 15 + "…"
    assert describe_sources([0, 1, 2, 5]) == "seeds 0-2,5"
    assert describe_sources([0, 1, FACE, 5]) == "seeds 0-1,5, and face projected"
    assert describe_sources([Path(f"{i}.safetensors") for i in range(5)]) == "0, 1, 2 and 2 more projected"


def test_reading_sources_needs_no_torch():
    code = "import sys, stylegan.sampling.sources, stylegan.sampling.controls; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
