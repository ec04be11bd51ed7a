"""What the commands share: parsing a network and its controls, and printing messages on stderr."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from stylegan.errors import printable
from stylegan.sampling.controls import Controls

if TYPE_CHECKING:
    from stylegan.networks.generator import Generator
    from stylegan.sampling.save import Saved


class Speaker(Console):
    """rich's console. If the reader of its output has ended, `main` decides how the command ends."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would exit with code 1 here


console = Speaker(stderr=True, highlight=False, soft_wrap=True, emoji=False)

Network = Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NETWORK")]
Flags = Annotated[Controls, tyro.conf.arg(name="")]
Device = Annotated[str, tyro.conf.arg(metavar="DEVICE", help="auto (the best), cpu, cuda, cuda:1, or mps.")]


def open_network(network: str, device: str = "auto") -> "Generator":
    """G_ema of the network that the user named, on the best device or on the one that was asked for."""
    from stylegan.opening import load

    return load(network, device)


def network_path(network: str) -> Path:
    """The file or run folder of the network that the user named, downloaded first if it is on the hub."""
    from stylegan.opening import find_network

    return find_network(network)


def say(text: object) -> None:
    """Print a message on stderr. Line breaks are kept; other control characters, as in file names, are escaped."""
    console.print("\n".join(printable(line, None) for line in str(text).split("\n")), markup=False)


def beside(network: str, controls: Controls) -> Controls:
    """The controls, in which the name of a direction is looked up beside the network that the user named."""
    if not controls.direction:
        return controls
    from stylegan.sampling.direction import directions_folder

    return controls.but(directions_from=directions_folder(network_path(network)))


def report(saved: "Saved") -> None:
    """Print how the pictures were made and where they are."""
    say(saved.note)
    for path in saved.paths if len(saved.paths) <= 8 else [*saved.paths[:3], "...", saved.paths[-1]]:
        say(path)
