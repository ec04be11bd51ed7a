"""Types, ranges and JSON of the fields of a configuration.

The dataclass of a configuration is the only table of its fields: name, type, default, range and, below each field, a
docstring that the command's help shows too.
"""

import dataclasses
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast, get_args, get_type_hints

T = TypeVar("T")
V = TypeVar("V")


@dataclass(frozen=True)
class Range:
    """The values that a field may have, as a test and in words. In a table by resolution, it applies to each value."""

    holds: Callable[[Any], bool]
    words: str


@dataclass(frozen=True)
class Choice:
    """The values of a field that must be one of `names`. Names that are added later count too."""

    names: Collection[str]
    also: str = ""  # for the message: how to get others

    def holds(self, value: Any) -> bool:
        return value in self.names

    @property
    def words(self) -> str:
        return f"one of {', '.join(self.names)}{self.also}"


def setting(default: T, allowed: Range | Choice, *, later: bool = False) -> T:
    """A dataclass field restricted to `allowed`. Fields without a restriction need no `setting`.

    later: whether the field is newer than format 1 of the files. Files then contain it only if it is not the default.
    """
    return cast(T, field(default=default, metadata={"allowed": allowed, "later": later}))


def is_resolution(n: int) -> bool:
    """Is n a power of two, and at least 4?"""
    return n >= 4 and n & (n - 1) == 0


ANY = Range(lambda value: True, "anything of its type")
RESOLUTION = Range(is_resolution, "a power of two from 4 up")
POSITIVE = Range(lambda n: n > 0, "above 0")
NOT_NEGATIVE = Range(lambda n: n >= 0, "0 or above")


@dataclass(frozen=True, eq=False, repr=False)
class ByResolution(Mapping[int, V]):
    """Values by resolution: an immutable and hashable dict, equal to a dict with the same items."""

    pairs: tuple[tuple[int, V], ...]

    def __getitem__(self, resolution: int) -> V:
        return dict(self.pairs)[resolution]

    def __iter__(self) -> Iterator[int]:
        return (resolution for resolution, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __hash__(self) -> int:
        return hash(frozenset(self.pairs))

    def __repr__(self) -> str:
        return repr(dict(self.pairs))


def by_resolution(values: Mapping[int, V]) -> ByResolution[V]:
    """An immutable copy of a dict."""
    return ByResolution(tuple(values.items()))


def freeze(config: Any) -> None:
    """Replace every mapping in a frozen dataclass by an immutable one. Its __post_init__ calls this."""
    for name, value in vars(config).items():
        if isinstance(value, Mapping):
            object.__setattr__(config, name, by_resolution(value))


def problems(config: Any) -> list[str]:
    """A line for each field of a dataclass with a wrong type or out of range: its value, and what is allowed."""
    kinds, found = get_type_hints(type(config)), []
    for each in dataclasses.fields(config):
        value, kind, allowed = getattr(config, each.name), kinds[each.name], each.metadata.get("allowed")
        values = value.values() if isinstance(value, Mapping) else [value]
        if not _is_of(value, kind):
            found.append(
                f"{each.name} {value!r}: must be {allowed.words if isinstance(allowed, Choice) else _in_words(kind)}"
            )
        elif allowed is not None and not all(v is None or allowed.holds(v) for v in values):
            found.append(f"{each.name} {value!r}: must be {allowed.words}{', or None' * _may_be_none(kind)}")
    return found


def to_json(config: Any) -> dict[str, Any]:
    """A dataclass as plain data for a JSON file."""
    values = {
        each.name: value
        for each in dataclasses.fields(config)
        if (value := getattr(config, each.name)) != each.default or not each.metadata.get("later")
    }
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}


def from_json(data: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of to_json. Resolutions, which JSON turns into strings, become numbers again."""
    return {name: _with_int_keys(value) for name, value in data.items()}


def _with_int_keys(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {int(key) if str(key).isdecimal() else key: item for key, item in value.items()}


def _in_words(kind: Any) -> str:
    """The values of a type, in words."""
    if choices := [c for c in get_args(kind) if isinstance(c, str)]:
        return f"one of {', '.join(choices)}"
    plain = {float: "a finite number", int: "a whole number", bool: "True or False", str: "a text"}
    if kind in plain:
        return plain[kind]
    if _may_be_none(kind):
        return f"{_in_words(get_args(kind)[0])} or None"
    item = _in_words(get_args(kind)[1])
    return f"resolution:value pairs, resolutions powers of two from 4 up, each value {item}"


def _may_be_none(kind: Any) -> bool:
    return type(None) in get_args(kind)


def _is_of(value: Any, kind: Any) -> bool:
    """Is `value` of the annotated type? A whole number counts as a float too; a bool never counts as a number."""
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is bool or kind is str:
        return isinstance(value, kind)
    if kind in (int | None, float | None):
        return value is None or _is_of(value, get_args(kind)[0])
    if kind in (Mapping[int, int], Mapping[int, float]):
        item = get_args(kind)[1]
        return isinstance(value, Mapping) and all(
            _is_of(k, int) and is_resolution(k) and _is_of(v, item) for k, v in value.items()
        )
    return value in get_args(kind)
