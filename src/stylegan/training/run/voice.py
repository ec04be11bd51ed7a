"""Messages of a training run on stderr. A run continues even if its terminal, pipe or log is gone."""

import sys
from contextlib import suppress
from typing import TextIO, cast

from rich.console import Console

from stylegan.errors import encodable


class Deaf:
    """stderr as a file that never fails: messages that cannot be written are dropped, and the run goes on.

    Examples: a pipe whose reader has gone (`| head`), a closed terminal, a log on a full disk.
    """

    encoding = "utf-8"

    def write(self, text: str) -> int:
        """Write the text if possible. Returns its length."""
        with suppress(OSError, ValueError):  # ValueError: it is closed
            sys.stderr.write(encodable(text, sys.stderr.encoding))
        return len(text)

    def flush(self) -> None:
        """Flush if possible."""
        with suppress(OSError, ValueError):  # ValueError: it is closed
            sys.stderr.flush()

    def isatty(self) -> bool:
        """Is it a terminal?"""
        try:
            return sys.stderr.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        """stderr's file descriptor, for which rich asks to find the width of a terminal."""
        return sys.stderr.fileno()


def voice() -> Console:
    """A console on stderr that never fails."""
    return Console(file=cast(TextIO, Deaf()), highlight=False, soft_wrap=True, markup=False, emoji=False)
