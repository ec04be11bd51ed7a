"""What the commands share: a network and its controls as they are typed, and what is said, on stderr."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from stylegan.sampling.controls import Controls

if TYPE_CHECKING:
    from stylegan.networks.generator import Generator
    from stylegan.sampling.save import Saved

console = Console(stderr=True, highlight=False, soft_wrap=True)

Network = Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NETWORK")]
Flags = Annotated[Controls, tyro.conf.arg(name="")]
Device = Annotated[str, tyro.conf.arg(metavar="DEVICE", help="auto (the best), cpu, cuda, cuda:1, or mps.")]


def network_path(network: str) -> Path:
    """The file or run folder of a network; hf:// is fetched first."""
    if network.startswith("hf://"):
        from stylegan.interop.push import download

        return download(network)
    return Path(network)


def open_network(network: str, device: str = "auto") -> "Generator":
    """G_ema of the network that the user named, on the best device or on the one that was asked for."""
    from stylegan.checkpoint import load
    from stylegan.training.train import best_device

    return load(network_path(network)).to(best_device() if device == "auto" else device)


def beside(network: str, controls: Controls) -> Controls:
    """The controls, with directions looked up by name beside the network that the user named."""
    if not controls.direction:
        return controls
    from stylegan.sampling.direction import directions_folder

    return controls.but(directions_from=directions_folder(network_path(network)))


def report(saved: "Saved") -> None:
    """Say how the pictures were made, and where they are."""
    console.print(saved.note, markup=False)
    for path in saved.paths if len(saved.paths) <= 8 else [*saved.paths[:3], "...", saved.paths[-1]]:
        console.print(str(path), markup=False)
