"""The words of a command in any order that can be understood."""

import pytest

from stylegan.cli import COMMANDS
from stylegan.cli.order import in_order
from stylegan.errors import InputError


@pytest.mark.parametrize(
    ("command", "typed", "ordered"),
    [
        ("sample", "--seeds 0-3 NET --out d", "NET --seeds 0-3 --out d"),
        ("sample", "--out d --seeds 0-3 7 a.npy NET", "NET --out d --seeds 0-3 7 a.npy"),
        ("sample", "--grid --psi -0.5 --seeds 0-3 NET", "NET --grid --psi -0.5 --seeds 0-3"),
        ("sample", "--seeds 0 --direction age=+1 NET --out d", "NET --seeds 0 --direction age=+1 --out d"),
        ("sample", "--class cat --seeds 0 NET", "NET --class cat --seeds 0"),
        ("figure", "noise --seeds 0-3 NET --out f.png", "noise NET --seeds 0-3 --out f.png"),
        ("figure", "--seeds 0-3 noise NET --out f.png", "noise NET --seeds 0-3 --out f.png"),
        ("sample", "NET --seeds 0 1 --out d", "NET --seeds 0 1 --out d"),
        ("sample", "--seeds=0-3 NET --out d", "--seeds=0-3 NET --out d"),
        ("sample", "--seeds 0-3 --out d", "--seeds 0-3 --out d"),  # NETWORK is missing: the parser says so
        ("sample", "--seeds 0 NET --help", "--seeds 0 NET --help"),
        ("project", "NET a.png --out d", "NET a.png --out d"),
        ("export", "NET G.onnx --cutoff None", "NET G.onnx --cutoff None"),
    ],
)
def test_words_without_a_flag_come_first_wherever_they_were_typed(command, typed, ordered):
    assert in_order(COMMANDS[command], typed.split()) == ordered.split()


def test_a_word_that_could_belong_to_two_options_is_refused():
    with pytest.raises(InputError, match=r"it is not clear which word is NETWORK: give it first, before the options"):
        in_order(COMMANDS["mix"], ["--rows", "0", "1", "--cols", "2", "NET", "--out", "m.png"])


def test_a_network_after_the_seeds_is_the_network(stylegan, tmp_path):
    code, said = stylegan("sample", "--seeds", "0-1", "portraits", "--out", tmp_path / "out", "--device", "cpu")
    assert (code, (tmp_path / "out" / "seed0001.png").exists()) == (0, True), said
