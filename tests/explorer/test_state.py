"""What a state may be, and what is said of one that it may not be."""

import base64
import json

import pytest

from stylegan.errors import InputError
from stylegan.explorer.state import link_of, read_state

STATE = {
    "a": {"seeds": [1, 2, 3, 4], "x": 0.25, "y": 1, "steps": [{"seed": 5, "t": 0.5}]},
    "b": {"seeds": 7, "steps": [{"source": {"seeds": 8}, "t": [0.5]}]},
    "psi": 0.5,
    "cutoff": None,
    "noise": ["own", 3, "none", "const"],
    "directions": [{"name": "age", "strength": -2, "layers": [0, 3]}],
}


def test_a_state_is_a_mapping_its_json_or_the_text_of_a_link():
    state = read_state(STATE)
    assert state.a.corners == [1, 2, 3, 4] and state.b.corners == [7] * 4
    assert read_state(json.dumps(STATE)) == read_state(link_of(STATE)) == read_state(f"#{link_of(STATE)}") == state
    assert read_state(state) is state


def test_a_link_is_the_json_in_base64url_without_padding():
    text = link_of({"a": {"seeds": 3}})
    assert text == "eyJhIjp7InNlZWRzIjozfX0"
    assert json.loads(base64.urlsafe_b64decode(text + "=")) == {"a": {"seeds": 3}}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "a: Field required"),
        ({"a": {"seeds": -1}}, "greater than or equal to 0"),
        ({"a": {"seeds": 2**32}}, "less than or equal to 4294967295"),
        ({"a": {"seeds": "3"}}, "valid integer"),
        ({"a": {"seeds": True}}, "valid integer"),
        ({"a": {"seeds": [1, 2, 3]}}, "at least 4 items"),
        ({"a": {"seeds": 1, "x": 1.01}}, "less than or equal to 1"),
        ({"a": {"seeds": 1, "x": float("nan")}}, "finite number"),
        ({"a": {"seeds": 1}, "psi": 2.5}, "less than or equal to 2"),
        ({"a": {"seeds": 1}, "psi": "0.5"}, "valid number"),
        ({"a": {"seeds": 1}, "mix": [2]}, "mix.0"),
        ({"a": {"seeds": 1}, "noise": ["loud"]}, "'own', 'const' or 'none'"),
        ({"a": {"seeds": 1}, "cutoff": -1}, "cutoff"),
        ({"a": {"seeds": 1}, "color": 1}, "color: Extra inputs are not permitted"),
        ({"a": {"upload": "../../etc/passwd"}}, "pattern"),
        ({"a": {"seeds": 1}, "directions": [{"name": "x", "strength": 21, "layers": [0, 1]}]}, "20"),
        ([], "valid dictionary"),
        (3, "valid dictionary"),
        (None, "valid dictionary"),
        ("", "text of a link"),
        ("no state", "text of a link"),
        ("[" * 100_000, "text of a link"),
        ("x" * 200_000, "at most 65,536"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_anything_else_is_refused_in_words(wrong, words):
    with pytest.raises(InputError, match="state") as refused:
        read_state(wrong)
    assert words in str(refused.value) and len(str(refused.value)) < 2000
