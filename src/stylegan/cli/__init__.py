"""The command `stylegan`: parse, call one function, print. torch is imported by the commands that need it.

Related commands share a file, which imports no other file of this folder but the console.
"""

import os
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import tyro

from stylegan import __version__
from stylegan.cli.console import say
from stylegan.cli.editing import directions, project
from stylegan.cli.explorer import explore
from stylegan.cli.interop import export, import_, inspect, push, verify
from stylegan.cli.metrics import metrics
from stylegan.cli.order import in_order
from stylegan.cli.probe import probe
from stylegan.cli.sampling import figure, mix, sample, video
from stylegan.cli.tables import table1, table2, table4
from stylegan.cli.training import demo, prepare, train, train_help
from stylegan.errors import FailedError, InputError, StyleganWarning

COMMANDS: dict[str, Callable[..., int | None]] = {
    "demo": demo,
    "prepare": prepare,
    "train": train_help,
    "sample": sample,
    "mix": mix,
    "figure": figure,
    "video": video,
    "explore": explore,
    "directions": directions,
    "project": project,
    "metrics": metrics,
    "probe": probe,
    "table1": table1,
    "table2": table2,
    "table4": table4,
    "import": import_,
    "inspect": inspect,
    "export": export,
    "push": push,
    "verify": verify,
}
"""In the order of the help. `train` is only listed: its flags depend on one another, so it parses them itself."""

app = tyro.extras.SubcommandApp()
for name, command in COMMANDS.items():
    app.command(name=name)(command)


DESCRIPTION = "A style-based generator for your own pictures (arXiv 1812.04948). --version says which this is."


def main() -> None:
    """Run the command line. Exit code 0: done; 2: wrong input; 1: any other failure that is not a bug.

    A bug of ours keeps its traceback, and Python's exit code 1.
    """
    warnings.showwarning = _show_warning(warnings.showwarning)
    try:
        code = _exit_code(sys.argv[1:])
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()  # while a closed pipe can still be caught
    except BrokenPipeError:  # the reader has read enough
        code = 0
        _hear_no_more()
    sys.exit(code)


def _exit_code(argv: list[str]) -> int:
    if argv == ["--version"]:
        print(f"stylegan {__version__}")
        return 0
    try:
        if argv[:1] == ["train"]:
            return train(argv[1:])
        if argv and argv[0] in COMMANDS:
            argv = [argv[0], *in_order(COMMANDS[argv[0]], argv[1:])]
        return app.cli(prog="stylegan", description=DESCRIPTION, args=argv) or 0
    except InputError as e:
        say(f"stylegan: {e}")
        return 2
    except BrokenPipeError:
        raise
    except (OSError, FailedError) as e:
        say_last(f"stylegan: {e}")
        return 1
    except (MemoryError, RuntimeError) as e:
        if not _is_out_of_memory(e):
            raise
        say_last(
            "stylegan: out of memory; what was finished is kept. Other programs use it too: end them, or ask for less"
        )
        return 1
    except KeyboardInterrupt:
        say_last("stopped")
        return 1


def _is_out_of_memory(e: BaseException) -> bool:
    """torch's error on a GPU, its RuntimeError on a CPU, or Python's own."""
    return isinstance(e, MemoryError) or type(e).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(e)


def say_last(text: str) -> None:
    """Print a message if possible: stderr may go to the disk that is full."""
    with suppress(OSError):
        say(text)


def _show_warning(others: Callable[..., None]) -> Callable[..., None]:
    """Show our own warnings in one line, without the place in the code; leave all others to `others`."""

    def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
        if issubclass(category, StyleganWarning):
            say(f"stylegan: {message}")
        else:
            others(message, category, *place)

    return show


def _hear_no_more() -> None:
    """Discard what is still unwritten: Python would write it at exit, and complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or replaced by something without a number
            os.dup2(nowhere, stream.fileno())
