"""What can be turned in pictures, and real pictures as styles: directions, project."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from stylegan.cli.console import Device, Flags, Network, beside, network_path, open_network, report


def directions(
    network: Network,
    *,
    controls: Flags,
    out: Path | None = None,
    count: int = 10,
    levels: str = "all",
    name: str | None = None,
    yes: str = "",
    no: str = "",
    marks: Path | None = None,
    seeds: str = "0-3",
    device: Device = "auto",
) -> None:
    """What to turn: closed-form and principal directions of W, or a named boundary learned from marked pictures.

    Args:
        network: A network's file or a run folder.
        out: Folder for the directions and their sheets. Default: beside the network, where `sample` finds them.
        controls: How the pictures on the sheets are made.
        count: Directions of each kind.
        levels: The styles that a direction moves.
        name: Learn a boundary of this name from --yes and --no, or --marks.
        yes: Pictures that have it: seeds, as 3,7,12, or projections' files.
        no: Pictures that have not.
        marks: A CSV of SEED,yes or FILE,no instead.
        seeds: The pictures on the sheets.
    """
    from stylegan.editing.sheets import save_directions
    from stylegan.sampling.direction import directions_folder

    folder = out or directions_folder(network_path(network))
    saved = save_directions(
        open_network(network, device),
        folder,
        count=count,
        levels=levels,
        name=name,
        yes=yes,
        no=no,
        marks=marks,
        seeds=seeds,
        controls=beside(network, controls),
    )
    report(saved)


def project(
    network: Network,
    pictures: tyro.conf.Positional[tuple[Path, ...]],
    *,
    out: Path,
    space: Literal["w", "w+"] = "w+",
    steps: int = 500,
    seed: int = 0,
    video: bool = True,
    class_index: Annotated[int | None, tyro.conf.arg(name="class")] = None,
    device: Device = "auto",
) -> None:
    """Find the styles of real pictures: files that `sample` and `mix` take for seeds (extra `perceptual`).

    Args:
        network: A network's file, a run folder, or hf://USER/NAME.
        pictures: Picture files; other sizes are resized, with a note.
        out: Folder for NAME.safetensors, NAME.png (picture and projection) and the film of the search.
        space: w: one style for all layers; w+: each layer its own, closer and less editable.
        steps: Steps of the search.
        seed: Of the noise that helps the search.
        video: Also write the film.
        class_index: The class, for a network that has classes.
    """
    from stylegan.editing.save_projections import save_projections

    G = open_network(network, device)
    report(
        save_projections(G, pictures, out, space=space, steps=steps, seed=seed, video=video, class_index=class_index)
    )
