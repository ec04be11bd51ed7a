"""A progress bar for what takes a while."""

from collections.abc import Iterable, Iterator, Sized
from typing import Protocol, TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T", covariant=True)


class SizedIterable(Sized, Iterable[T], Protocol[T]):
    """What has a length and can be gone through."""


def progress(items: SizedIterable[T], description: str) -> Iterator[T]:
    """Go through items with a bar on stderr, where stderr is a terminal and there is more than one."""
    console = Console(stderr=True)
    disable = len(items) < 2 or not console.is_terminal
    return iter(track(items, description, console=console, transient=True, disable=disable))
