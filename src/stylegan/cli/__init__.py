"""The command `stylegan`: parse, call one function, print. Only commands that need torch import it.

Related commands share a file, which imports no other file of this folder except the console.
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


DESCRIPTION = "A style-based generator for your own pictures (arXiv 1812.04948). --version prints the version."


def main() -> None:
    """Run the command line. Exit code 0: done; 2: wrong input; 1: any other failure.

    Only a bug of ours shows a traceback.
    """
    warnings.showwarning = _show_warning(warnings.showwarning)
    try:
        code = _exit_code(sys.argv[1:])
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()  # while a closed pipe can still be caught
    except BrokenPipeError:  # the reader of the output, such as `head`, has ended
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
            "stylegan: out of memory; what was finished is kept. End other programs that use memory, or ask for less"
        )
        return 1
    except KeyboardInterrupt:
        say_last("stopped")
        return 1


def _is_out_of_memory(e: BaseException) -> bool:
    """Is it torch's error on a GPU, its RuntimeError on a CPU, or Python's own?"""
    return isinstance(e, MemoryError) or type(e).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(e)


def say_last(text: str) -> None:
    """Print a message if possible; stderr may go to a disk that is full."""
    with suppress(OSError):
        say(text)


def _show_warning(others: Callable[..., None]) -> Callable[..., None]:
    """A function that shows our own warnings without their place in the code, and passes all others to `others`."""

    def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
        if issubclass(category, StyleganWarning):
            say(f"stylegan: {message}")
        else:
            others(message, category, *place)

    return show


def _hear_no_more() -> None:
    """Discard buffered output. Otherwise Python would try to write it at exit, and report an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or replaced by something without a number
            os.dup2(nowhere, stream.fileno())
