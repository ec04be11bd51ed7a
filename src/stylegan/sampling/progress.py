"""A progress bar for long operations."""

from collections.abc import Iterable, Iterator, Sized
from typing import Protocol, TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T", covariant=True)


class SizedIterable(Sized, Iterable[T], Protocol[T]):
    """Anything with a length that can be iterated over."""


def progress(items: SizedIterable[T], description: str) -> Iterator[T]:
    """Iterate over items with a bar on stderr if it is a terminal and there is more than one item."""
    console = Console(stderr=True)
    disable = len(items) < 2 or not console.is_terminal
    return iter(track(items, description, console=console, transient=True, disable=disable))
