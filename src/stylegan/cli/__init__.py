"""The command `stylegan`: parse, call one function, print. torch is imported by the commands that need it.

Commands that belong together share a file. Such a file imports the console, and no other.
"""

import sys
from collections.abc import Callable

import tyro

from stylegan import __version__
from stylegan.cli.console import console
from stylegan.cli.editing import directions, project
from stylegan.cli.interop import export, import_, push
from stylegan.cli.metrics import metrics
from stylegan.cli.probe import probe
from stylegan.cli.sampling import figure, mix, sample, video
from stylegan.cli.training import demo, prepare, train, train_help
from stylegan.errors import InputError

COMMANDS: dict[str, Callable[..., int | None]] = {
    "demo": demo,
    "prepare": prepare,
    "train": train_help,
    "sample": sample,
    "mix": mix,
    "figure": figure,
    "video": video,
    "directions": directions,
    "project": project,
    "metrics": metrics,
    "probe": probe,
    "import": import_,
    "export": export,
    "push": push,
}
"""In the order of the help. `train` is only shown: its flags depend on one another, so it reads them itself."""

app = tyro.extras.SubcommandApp()
for name, command in COMMANDS.items():
    app.command(name=name)(command)


DESCRIPTION = "A style-based generator for your own pictures (arXiv 1812.04948). --version says which this is."


def main() -> None:
    """Run the command line; exit 0 done, 2 the user's input, 1 anything else that is no bug."""
    argv = sys.argv[1:]
    if argv == ["--version"]:
        print(f"stylegan {__version__}")
        sys.exit(0)
    try:
        if argv[:1] == ["train"]:
            code = train(argv[1:])
        else:
            code = app.cli(prog="stylegan", description=DESCRIPTION, args=argv)
    except InputError as e:
        console.print(f"stylegan: {e}", markup=False)
        sys.exit(2)
    except BrokenPipeError:  # whoever reads has read enough
        sys.exit(0)
    except (OSError, RuntimeError) as e:  # a full disk, a loss that is not finite
        console.print(f"stylegan: {type(e).__name__}: {e}", markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("stopped")
        sys.exit(1)
    sys.exit(code or 0)
