"""What pictures are made of: the styles and the noise that seeds, projections and controls give."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylegan.errors import InputError, refuse
from stylegan.networks.generator import Generator
from stylegan.networks.levels import describe_levels
from stylegan.networks.styles import copy_styles
from stylegan.sampling.controls import Controls
from stylegan.sampling.direction import describe_directions, find_moves, move
from stylegan.sampling.projected import projected
from stylegan.sampling.sample import noise_of, render, seed_noise, styles_of, truncated
from stylegan.sampling.sources import Source, Sources, files_among, names, parse_sources, seeds_among
from stylegan.sampling.truncation import describe_truncation, parse_psi, parse_towards


@dataclass(frozen=True)
class Recipe:
    """All that N pictures are made of: styles ws (N, num_ws, w_dim), truncated and moved, noise (N or 1, 1, H, H)."""

    ws: Tensor
    noise: list[Tensor] | None

    def __len__(self) -> int:
        return len(self.ws)

    def __getitem__(self, i: int) -> "Recipe":
        """The recipe of the i-th picture alone."""
        noise = None if self.noise is None else [m if len(m) == 1 else m[i : i + 1] for m in self.noise]
        return Recipe(self.ws[i : i + 1], noise)

    def with_layers_of(self, other: "Recipe", indices: Sequence[int]) -> "Recipe":
        """This with the styles of `other` in the layers `indices`, and the noise of `other` there too.

        So no layer gives this picture and all layers give the other, to the last freckle. Lengths are equal, or 1.
        """
        noise = None
        if self.noise is not None and other.noise is not None:
            noise = [b if i in indices else a for i, (a, b) in enumerate(zip(self.noise, other.noise, strict=True))]
        return Recipe(copy_styles(self.ws, other.ws, indices), noise)

    def pictures(self, G: Generator) -> NDArray[np.uint8]:
        """uint8 (N, C, H, H)."""
        return np.concatenate(list(render(G, self.ws, self.noise)))


def recipe(G: Generator, sources: Sources, controls: Controls) -> Recipe:
    """What the pictures of seeds and projections are made of.

    The styles of a projection are not truncated, its noise stands for a seed's own; directions come last, for all.
    """
    found = parse_sources(sources)
    seeds, files = seeds_among(found), read_files(G, found)
    rows: dict[Path, Tensor] = {path: ws.to(G.w_avg.device) for path, (ws, _) in files.items()}
    of_seeds = iter(())
    if seeds:
        ws = truncate_as(G, styles_of(G, seeds, c=labels_of(G, controls.class_index, len(seeds))), controls)
        of_seeds = iter(ws.split(1))
    ws = torch.cat([rows[source] if isinstance(source, Path) else next(of_seeds) for source in found])
    own = None
    if files and G.config.noise:
        each = [files[source][1] if isinstance(source, Path) else seed_noise(source, G) for source in found]
        own = [torch.cat(maps) for maps in zip(*each, strict=True)]
    return Recipe(move(ws, find_moves(controls.direction, G)), controlled_noise(G, seeds, controls, own))


def read_files(G: Generator, sources: Sequence[Source]) -> dict[Path, tuple[Tensor, list[Tensor]]]:
    """Styles and noise of the projections among the sources. Raises InputError for all the bad files at once."""
    files, problems = {}, []
    for path in dict.fromkeys(files_among(sources)):
        try:
            files[path] = projected(path, G)
        except InputError as e:
            problems.append(str(e))
    refuse(problems)
    return files


def check_sources(G: Generator, sources: Sequence[Source], controls: Controls) -> None:
    """Raise InputError where `recipe` would, for all the bad files at once: before the first of many pictures."""
    for start in range(0, len(sources), 16):  # a projection at 1024 px holds 15 MB
        read_files(G, sources[start : start + 16])
    find_moves(controls.direction, G)


def truncate_as(G: Generator, ws: Tensor, controls: Controls) -> Tensor:
    """Styles truncated as the controls say."""
    return truncated(G, ws, parse_psi(controls.psi, G), check_cutoff(controls.cutoff), towards_of(G, controls))


def towards_of(G: Generator, controls: Controls) -> Tensor | None:
    """What the controls truncate to, for `truncated`; None for the training's w_avg."""
    return parse_towards(controls.towards, G, labels_of(G, controls.class_index, 1))


def controlled_noise(
    G: Generator, seeds: Sequence[int], controls: Controls, own: Sequence[Tensor] | None = None
) -> list[Tensor] | None:
    """The noise maps of seeds as the controls say, (N or 1, 1, H, H) for each layer; None for no noise.

    own: maps (N, 1, H, H) in place of the seeds' own.
    """
    mode, layers = controls.noise, controls.noise_layers
    return noise_of(G, seeds, mode=mode, noise_seed=controls.noise_seed, layers=layers, own=own)


def labels_of(G: Generator, class_index: int | None, N: int) -> Tensor | None:
    """The one-hot labels (N, c_dim) of a class; None for a network without classes. Raises InputError for a misfit."""
    if not G.c_dim:
        if class_index is not None:
            raise InputError(f"class {class_index} was given, and this network has no classes")
        return None
    if class_index is None:
        raise InputError(f"this network has {G.c_dim} classes: say which with --class, 0 to {G.c_dim - 1}")
    if not 0 <= class_index < G.c_dim:
        raise InputError(f"class {class_index}: must be 0 to {G.c_dim - 1}")
    return torch.eye(G.c_dim)[class_index].repeat(N, 1)


def check_cutoff(cutoff: int | None) -> int | None:
    """The cutoff. Raises InputError for one below 0."""
    if cutoff is not None and cutoff < 0:
        raise InputError(f"cutoff {cutoff}: must be 0 (no style is truncated) or above")
    return cutoff


def describe_controls(G: Generator, controls: Controls, sources: Sequence[Source] = ()) -> str:
    """In words: "psi 0.7 on all styles, noise of each seed"; with projections, what does not apply to them."""
    return ", ".join([*describe_styles(G, controls, sources), *describe_noise(G, controls, sources)])


def describe_styles(G: Generator, controls: Controls, sources: Sequence[Source] = ()) -> list[str]:
    """In words: "psi 0.7 on all styles", "face as projected, not truncated", "direction glasses +2"."""
    files = files_among(sources)
    truncation = describe_truncation(G, controls.psi, check_cutoff(controls.cutoff), controls.towards)
    words = [] if files and not seeds_among(sources) else [truncation]
    words += [f"{names(files)} as projected, not truncated"] if files else []
    return words + describe_directions(controls.direction)


def describe_noise(
    G: Generator, controls: Controls, sources: Sequence[Source] = (), own: str | None = None
) -> list[str]:
    """In words: "noise of each seed", and the class. own: words for the noise of the sources' own."""
    words = []
    if G.config.noise:
        kinds = ["projection"] if files_among(sources) else []
        kinds = ["seed", *kinds] if seeds_among(sources) or not kinds else kinds
        each = own or f"noise of each {' and '.join(kinds)}"
        random = each if controls.noise_seed is None else f"noise of seed {controls.noise_seed}"
        words += [{"random": random, "const": "stored noise", "none": "no noise"}[controls.noise]]
        if controls.noise_layers is not None:
            words[-1] += f" on {describe_levels(controls.noise_layers, G)}"
    return words + ([f"class {controls.class_index}"] if controls.class_index is not None else [])
