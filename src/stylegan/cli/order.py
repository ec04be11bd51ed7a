"""The order of a command's words: `sample --seeds 0-3 NETWORK` means the same as `sample NETWORK --seeds 0-3`."""

import inspect
import typing
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from itertools import takewhile
from typing import Any

import tyro

from stylegan.errors import InputError

POSITIONAL = tyro.conf.Positional[str].__metadata__[0]  # type: ignore[attr-defined]  # an Annotated, for mypy a str


def in_order(command: Callable[..., Any], argv: list[str]) -> list[str]:
    """The words after a command's name, reordered so that those without a flag come first.

    An option with several values takes all words up to the next flag. If a word without a flag is missing, such as
    NETWORK, and an option has taken several words, its last word is the missing one. Raises InputError if several
    options could have taken it.
    """
    if "--" in argv or {"--help", "-h"} & set(argv):
        return argv
    kinds = dict(_kinds(command))
    wanted = sum(kind == "word" for kind in kinds.values())
    bare, groups = _read(argv, {name: kind for name, kind in kinds.items() if kind != "word"})
    missing = wanted - len(bare)
    if missing <= 0 or any(kind == "words" for kind in kinds.values()):
        return argv
    taken = [group for group in groups if len(group) > missing]
    if len(taken) > 1:
        names = " ".join(name.upper() for name, kind in kinds.items() if kind == "word")
        raise InputError(f"it is not clear which word is {names}: give it first, before the options")
    if not taken:
        return argv
    first = sorted([*bare, *taken[0][-missing:]])
    return [argv[i] for i in first] + [word for i, word in enumerate(argv) if i not in first]


def _kinds(command: Callable[..., Any]) -> Iterator[tuple[str, str]]:
    """Each argument of a command, with its kind: "word" or "words" without a flag; "switch", "many" or "one" value."""
    hints = typing.get_type_hints(command, include_extras=True)
    for name in inspect.signature(command).parameters:
        yield from _kind(name, hints[name])


def _kind(name: str, hint: Any) -> Iterator[tuple[str, str]]:
    marks = getattr(hint, "__metadata__", ())
    bare = hint.__origin__ if marks else hint
    if is_dataclass(bare):
        inner = typing.get_type_hints(bare, include_extras=True)
        for each in fields(bare):
            yield from _kind(each.name, inner[each.name])
        return
    name = next((mark.name for mark in marks if getattr(mark, "name", None)), name)
    is_many = any(typing.get_origin(kind) is tuple for kind in (bare, *typing.get_args(bare)))
    if POSITIONAL in marks:
        yield name, "words" if is_many else "word"
    else:
        yield f"--{name.replace('_', '-')}", "switch" if bare is bool else "many" if is_many else "one"


def _read(argv: list[str], options: dict[str, str]) -> tuple[list[int], list[list[int]]]:
    """The positions of the words without a flag, and those of the words of each option with several values."""
    bare: list[int] = []
    groups: list[list[int]] = []
    i = 0
    while i < len(argv):
        flag, is_joined, _ = argv[i].partition("=")
        kind = options.get(flag.replace("_", "-"), "switch") if _is_flag(argv[i]) else "bare"
        i += 1
        if kind == "bare":
            bare.append(i - 1)
        elif kind == "many" and not is_joined:
            groups.append([*takewhile(lambda at: not _is_flag(argv[at]), range(i, len(argv)))])
            i += len(groups[-1])
        elif kind == "one" and not is_joined:
            i += 1
    return bare, groups


def _is_flag(word: str) -> bool:
    return word.startswith("-") and not word[1:2].isdigit() and word != "-"
