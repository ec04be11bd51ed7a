"""How pictures are made, in words: "psi 0.7 on all styles, direction glasses +2, noise of each seed"."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stylegan.errors import printable
from stylegan.networks.classes import class_name
from stylegan.networks.levels import describe_levels, pixels, runs
from stylegan.sampling.sources import Source, files_among, names, seeds_among, styles_among

if TYPE_CHECKING:
    from stylegan.sampling.sampler import Sampler


def describe_styles(sampler: "Sampler", sources: Sequence[Source] = ()) -> list[str]:
    """In words: "psi 0.7 on all styles", "face as projected, not truncated", "direction glasses +2"."""
    files, styles = files_among(sources), styles_among(sources)
    words = [] if sources and not seeds_among(sources) else [describe_truncation(sampler)]
    words += [f"{names(files)} as projected, not truncated"] if files else []
    words += [f"{names(styles)} as given, not truncated"] if styles else []
    return words + describe_directions(sampler)


def describe_truncation(sampler: "Sampler") -> str:
    """In words: "psi 0.7 on styles 0-7 of 0-17 (4-32 px) towards the mean of 500 samples"."""
    psi, cutoff, num_ws = sampler.psi, sampler.cutoff, sampler.G.num_ws
    if psi == 1:
        return "psi 1, no truncation"
    inside = list(range(num_ws))[:cutoff]
    if not inside:
        return "no truncation (cutoff 0)"
    words = f"{psi:g}" if isinstance(psi, float) else ", ".join(f"{p:g}" for p in psi[:cutoff])
    where = "all styles" if len(inside) == num_ws else f"styles {runs(inside)} of 0-{num_ws - 1} ({pixels(inside)})"
    return " ".join([f"psi {words} on {where}", *describe_center(sampler)])


def describe_center(sampler: "Sampler") -> list[str]:
    """In words: "towards the nearest of 8 cluster centres"; nothing for the mean of the training run."""
    own, (kind, count) = sampler.own_center, sampler.target
    if own is not None:
        return ["towards a mean of your own" if own.ndim == 1 else f"towards the nearest of {len(own)} given centres"]
    if not count:
        return []
    return [f"towards the {f'mean of {count:,} samples' if kind == 'mean' else f'nearest of {count} cluster centres'}"]


def describe_directions(sampler: "Sampler") -> list[str]:
    """In words: "direction glasses +2", "directions glasses +2, age -1"; nothing for none."""
    words = ", ".join(f"{printable(direction.name, 60)} {strength:+g}" for direction, strength in sampler.moves)
    return [f"direction{'s' if len(sampler.moves) > 1 else ''} {words}"] if words else []


def describe_noise(
    sampler: "Sampler", sources: Sequence[Source] = (), *, own: str | None = None, uses_class: bool | None = None
) -> list[str]:
    """In words: "noise of each seed", and the class. own: how to describe the noise that belongs to the sources.

    uses_class: does the class change the pictures? By default where there are seeds.
    """
    G, controls, number = sampler.G, sampler.controls, sampler.class_number
    words = []
    seeds, files = seeds_among(sources), files_among(sources)
    if G.config.noise:
        kinds = ["projection"] if files else []
        kinds = ["seed", *kinds] if seeds or not sources else kinds
        each = own or f"noise of each {' and '.join(kinds)}"
        if styles_among(sources) and own is None:
            each = f"{each}, of seed 0 for styles" if kinds else "noise of seed 0"
        random = each if controls.noise_seed is None else f"noise of seed {controls.noise_seed}"
        words += [{"random": random, "const": "stored noise", "none": "no noise"}[controls.noise]]
        if controls.noise_layers is not None:
            words[-1] += f" on {describe_levels(controls.noise_layers, G)}"
    if number is None:
        return words
    used = bool(seeds or not sources) if uses_class is None else uses_class
    return [*words, f"class {class_name(G, number)}{'' if used else ' changes nothing: only seeds have classes'}"]
