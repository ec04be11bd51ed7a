"""Directions to edit along, and projections of real pictures: directions, project."""

from typing import Annotated, Literal

import tyro

from stylegan.cli.console import Device, Flags, Network, beside, network_path, open_network, report


def directions(
    network: Network,
    *,
    controls: Flags,
    out: str | None = None,
    count: int = 10,
    levels: str = "all",
    name: str | None = None,
    yes: tuple[str, ...] = (),
    no: tuple[str, ...] = (),
    marks: str | None = None,
    seeds: tuple[str, ...] = ("0-3",),
    device: Device = "auto",
) -> None:
    """Find directions to edit along: closed-form and principal ones in W, or a boundary learned from labelled pictures.

    Args:
        network: A network's file or a run folder.
        out: Folder for the directions and their sheets. Default: beside the network, where `sample` finds them.
        controls: How the pictures on the sheets are made.
        count: Number of directions of each kind.
        levels: The styles that a direction moves.
        name: Learn a boundary with this name from --yes and --no, or from --marks.
        yes: Pictures that show the attribute: seeds such as 3,7,12, or files of projections or styles.
        no: Pictures that do not show it.
        marks: A CSV file with lines such as SEED,yes or FILE,no, instead of --yes and --no.
        seeds: The pictures on the sheets.
    """
    from stylegan.editing.sheets import save_directions
    from stylegan.sampling.direction import directions_folder

    folder = directions_folder(network_path(network)) if out is None else out
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
    pictures: tyro.conf.Positional[tuple[str, ...]],
    *,
    out: str,
    space: Literal["w", "w+"] = "w+",
    steps: int = 500,
    seed: int = 0,
    video: bool = True,
    class_index: Annotated[str | None, tyro.conf.arg(name="class", metavar="CLASS")] = None,
    device: Device = "auto",
) -> None:
    """Find the styles of real pictures, to use instead of seeds in `sample` and `mix` (extra `perceptual`).

    Args:
        network: A network's file, a run folder, or hf://USER/NAME.
        pictures: Picture files; other sizes are resized, with a note.
        out: Folder for NAME.safetensors, NAME.png (both pictures) and the film. Files that were made with the same
            settings are kept.
        space: w: one style for all layers; w+: one for each layer, which comes closer but is harder to edit.
        steps: Number of optimization steps.
        seed: Seed of the noise that is added during the search.
        video: Also write the film.
        class_index: The class, by name or number, for a network that has classes.
    """
    from stylegan.editing.save_projections import save_projections

    G = open_network(network, device)
    report(
        save_projections(G, pictures, out, space=space, steps=steps, seed=seed, video=video, class_index=class_index)
    )
