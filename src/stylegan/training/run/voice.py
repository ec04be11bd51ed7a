"""Messages of a training run on stderr. A run outlives its terminal, pipe and log."""

import sys
from contextlib import suppress
from typing import TextIO, cast

from rich.console import Console

from stylegan.errors import encodable


class Deaf:
    """stderr as a file that never fails: messages that cannot be shown are lost, and the run goes on.

    Examples: a pipe whose reader has gone (`| head`), a closed terminal, a log on a full disk.
    """

    encoding = "utf-8"

    def write(self, text: str) -> int:
        """Write what can be written."""
        with suppress(OSError, ValueError):  # ValueError: it is closed
            sys.stderr.write(encodable(text, sys.stderr.encoding))
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with suppress(OSError, ValueError):  # ValueError: it is closed
            sys.stderr.flush()

    def isatty(self) -> bool:
        """Is it a terminal?"""
        try:
            return sys.stderr.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        """Its number; rich asks how wide a terminal is."""
        return sys.stderr.fileno()


def voice() -> Console:
    """A console on stderr that never fails."""
    return Console(file=cast(TextIO, Deaf()), highlight=False, soft_wrap=True, markup=False, emoji=False)
