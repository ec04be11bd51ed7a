"""How pictures are made, in words: "psi 0.7 on all styles, direction glasses +2, noise of each seed"."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stylegan.errors import printable
from stylegan.networks.classes import class_name
from stylegan.networks.generator import Generator
from stylegan.networks.levels import describe_levels, pixels, runs
from stylegan.sampling.controls import Controls
from stylegan.sampling.direction import name_and_strength
from stylegan.sampling.latents import check_class
from stylegan.sampling.sources import Source, files_among, names, seeds_among, styles_among
from stylegan.sampling.truncation import check_cutoff, parse_psi, parse_towards

if TYPE_CHECKING:
    from stylegan.sampling.controls import Steps


def describe_controls(G: Generator, controls: Controls, sources: Sequence[Source] = ()) -> str:
    """In words: "psi 0.7 on all styles, noise of each seed"; with projections, what does not apply to them."""
    return ", ".join([*describe_styles(G, controls, sources), *describe_noise(G, controls, sources)])


def describe_styles(G: Generator, controls: Controls, sources: Sequence[Source] = ()) -> list[str]:
    """In words: "psi 0.7 on all styles", "face as projected, not truncated", "direction glasses +2"."""
    files, styles = files_among(sources), styles_among(sources)
    truncation = describe_truncation(G, controls)
    words = [] if sources and not seeds_among(sources) else [truncation]
    words += [f"{names(files)} as projected, not truncated"] if files else []
    words += [f"{names(styles)} as given, not truncated"] if styles else []
    return words + describe_directions(controls.direction)


def describe_truncation(G: Generator, controls: Controls) -> str:
    """In words: "psi 0.7 on styles 0-7 of 0-17 (4-32 px)"."""
    psi, cutoff = parse_psi(controls.psi, G), check_cutoff(controls.cutoff)
    if psi == 1:
        return "psi 1, no truncation"
    inside = list(range(G.num_ws))[:cutoff]
    words = f"{psi:g}" if isinstance(psi, float) else ", ".join(f"{p:g}" for p in psi[:cutoff])
    where = "all styles" if len(inside) == G.num_ws else f"styles {runs(inside)} of 0-{G.num_ws - 1} ({pixels(inside)})"
    target = " towards the nearest cluster centre" if parse_towards(controls.towards)[0] == "centers" else ""
    return f"psi {words} on {where}{target}" if inside else "no truncation (cutoff 0)"


def describe_directions(given: "Steps") -> list[str]:
    """In words: "direction glasses +2", "directions glasses +2, age -1"; nothing for none."""
    steps = [name_and_strength(step) for step in given]
    words = ", ".join(f"{printable(name, 60)} {strength:+g}" for name, strength in steps)
    return [f"direction{'s' if len(steps) > 1 else ''} {words}"] if steps else []


def describe_noise(
    G: Generator,
    controls: Controls,
    sources: Sequence[Source] = (),
    *,
    own: str | None = None,
    uses_class: bool | None = None,
) -> list[str]:
    """In words: "noise of each seed", and the class. own: how to describe the noise that belongs to the sources.

    uses_class: does the class change the pictures? By default where there are seeds.
    """
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
    number = check_class(G, controls.class_index)
    if number is None:
        return words
    used = bool(seeds or not sources) if uses_class is None else uses_class
    return [*words, f"class {class_name(G, number)}{'' if used else ' changes nothing: only seeds have classes'}"]
