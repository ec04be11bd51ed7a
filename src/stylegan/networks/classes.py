"""The classes of a network, by number and by name."""

import warnings
from typing import Any

import torch
from torch import Tensor

from stylegan.errors import InputError, StyleganWarning, printable
from stylegan.networks.generator import Generator

MOST_DIGITS = 9  # of a class's number
SHOWN = 20  # classes that a message names; a network may have a thousand


def class_index(G: Generator, wanted: int | str) -> int:
    """The number of a class, 0 to c_dim - 1, given by its number or its name ("cat", or "3").

    A text is a name first: where a class is called "3", "3" means that class, and the int 3 the fourth one. Where these
    are two classes, it warns (StyleganWarning), as somebody may have meant the other. Raises InputError naming the
    classes there are.
    """
    if not G.c_dim:
        raise InputError(f"class {_shown(wanted)}: this network has no classes")
    names = G.class_names or ()
    if isinstance(wanted, str) and wanted in names:
        found = names.index(wanted)
        number = _number(wanted)
        if isinstance(number, int) and found != number < G.c_dim:
            other = class_name(G, number)
            _warn(f"class {_shown(wanted)} is the name of class {found}; for class {other} give its name")
        return found
    number = _number(wanted)
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < G.c_dim:
        if str(number) in names and names.index(str(number)) != number:
            called = f"the class called '{number}' is number {names.index(str(number))}"
            _warn(f"class {number} is the number of class {class_name(G, number)}; {called}: give '{number}', a text")
        return number
    raise InputError(f"class {_shown(wanted)}: must be {describe_classes(G)}")


def _number(wanted: int | str) -> int | str:
    """A text of digits as a number, unless it is longer than that of any class."""
    return int(wanted) if isinstance(wanted, str) and wanted.isdecimal() and len(wanted) <= MOST_DIGITS else wanted


def one_hot(classes: Tensor, c_dim: int) -> Tensor:
    """The labels (N, c_dim) of the classes with these numbers (N,), where they are."""
    return torch.eye(c_dim, device=classes.device)[classes]


def class_name(G: Generator, index: int) -> str:
    """For a message: "2 (cat)", or "2" where the network's file has no names."""
    return f"{index} ({printable(G.class_names[index], 60)})" if G.class_names else str(index)


def describe_classes(G: Generator) -> str:
    """The classes to choose from: "0 (cat), 1 (dog)", or "0 to 9" where the network's file has no names."""
    if not G.class_names:
        return f"0 to {G.c_dim - 1}" if G.c_dim > 1 else "0"
    named = [class_name(G, index) for index in range(min(G.c_dim, SHOWN))]
    return ", ".join(named) + (f" ... {class_name(G, G.c_dim - 1)}" if G.c_dim > SHOWN else "")


def check_class_names(names: Any, c_dim: int) -> tuple[str, ...] | None:
    """The names in a file's metadata, one for each class, in the order of the labels; None where there are none.

    Raises InputError for anything but c_dim different texts.
    """
    if names is None:
        return None
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
        raise InputError(f"class_names {printable(names, 100)}: must be a list of names")
    if len(names) != c_dim or len(set(names)) != c_dim:
        raise InputError(f"class_names {printable(names, 100)}: must be {c_dim} different names, one for each class")
    return tuple(names)


def _warn(words: str) -> None:
    warnings.warn(words, StyleganWarning, stacklevel=2)  # one place: said once


def _shown(wanted: object) -> str:
    return repr(printable(wanted, 60)) if isinstance(wanted, str) else printable(wanted, 60)
