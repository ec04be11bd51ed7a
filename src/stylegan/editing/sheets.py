"""Contact sheets of directions, and the command that finds and writes them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

from stylegan.editing.boundary import read_marks
from stylegan.editing.directions import boundary, closed_form, marked, principal_components
from stylegan.errors import InputError
from stylegan.figures.sheet import Sheet, refuse_large, tile
from stylegan.files import user_path
from stylegan.networks.generator import Generator
from stylegan.networks.levels import Levels, describe_levels
from stylegan.sampling.controls import Controls
from stylegan.sampling.direction import Direction, apply
from stylegan.sampling.latents import labels_of
from stylegan.sampling.made import Made, digest_of
from stylegan.sampling.numbers import whole_number
from stylegan.sampling.progress import progress
from stylegan.sampling.recipe import Recipe
from stylegan.sampling.sampler import DEFAULT, Sampler
from stylegan.sampling.save import Saved, made_of, make_folder, save_new
from stylegan.sampling.sources import SUFFIX, Source, Sources, label, parse_sources

STRENGTHS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)


def save_directions(
    G: Generator,
    out: Path | str,
    *,
    count: int = 10,
    levels: Levels = "all",
    name: str | None = None,
    yes: Sources = (),
    no: Sources = (),
    marks: Path | str | None = None,
    seeds: Sources = "0-3",
    controls: Controls = DEFAULT,
) -> Saved:
    """Find directions; for each, write NAME.safetensors and the contact sheet NAME.png into the folder `out`.

    With a name: the boundary between the pictures marked yes and no, seeds or projections, also in the CSV file `marks`
    as rows `seed,yes`. Without: `count` in closed form and `count` principal components, and all.png with all of them.
    What is there already and was made in the same way is kept.
    seeds: the pictures of the contact sheets, projections too. `directions_folder` is where `sample --direction` looks.
    """
    count, sampler, shown = whole_number(count, "count", least=1), Sampler(G, controls), parse_sources(seeds)
    sampler.check(shown)
    marked_yes, marked_no = read_marks(marks) if marks is not None else ([], [])
    marked_yes, marked_no = marked_yes + marked(yes), marked_no + marked(no)
    if name is None and (marked_yes or marked_no):
        raise InputError("pictures are marked yes and no, but for what? Give the direction a name, such as glasses")
    if name is None:
        found = closed_form(G, count, levels=levels) + principal_components(G, count, levels=levels)
    else:
        c = labels_of(G, controls.class_index, 1)
        found = [boundary(G, name, yes=marked_yes, no=marked_no, c=c, levels=levels)]
    return _save(sampler, found, user_path(out), shown)


def direction_sheet(
    G: Generator,
    found: Sequence[Direction],
    *,
    seeds: Sources = (0,),
    strengths: Sequence[float] = STRENGTHS,
    controls: Controls = DEFAULT,
) -> Image.Image:
    """One row per direction and seed, one column per strength; strength 0 is the picture that `sample` makes."""
    return _sheet(Sampler(G, controls), found, parse_sources(seeds), strengths)


def _sheet(
    sampler: Sampler, found: Sequence[Direction], sources: Sequence[Source], strengths: Sequence[float]
) -> Image.Image:
    G, rows, labels = sampler.G, [], []
    refuse_large(len(found) * len(sources) * len(strengths))
    start = sampler.recipe(sources)
    for direction in found:
        for i, source in enumerate(sources):
            moved = torch.cat([apply(start[i].ws, direction, strength) for strength in strengths])
            rows.append([tile(image) for image in Recipe(moved, start[i].noise).pictures(G)])
            labels.append(f"{direction.name}\n{label(source)}" if len(found) > 1 else label(source).replace(" ", "\n"))
    what = "Directions" if len(found) > 1 else f"{found[0].name} ({found[0].kind})"
    where = [describe_levels(indices, G) for indices in dict.fromkeys(direction.layers for direction in found)]
    return Sheet(
        rows,
        title=f"{what}, in standard deviations of W",
        caption="; ".join([*where, sampler.describe(sources)]),
        columns=[f"{strength:+g}" if strength else "0" for strength in strengths],
        row_labels=labels,
    ).draw()


def _save(sampler: Sampler, found: list[Direction], out: Path, sources: list[Source]) -> Saved:
    files = [out / f"{direction.name}{SUFFIX}" for direction in found]
    sheets = [path.with_suffix(".png") for path in files]
    overview = [out / "all.png"] if len(found) > 1 else []
    each, same = [_made_of(direction) for direction in found], [sampler.made_of(), list(map(made_of, sources))]
    how = {path: digest_of(one) for path, one in zip(files, each, strict=True)}
    how |= {path: digest_of([*same, one]) for path, one in zip(sheets, each, strict=True)}
    refuse_large(len(sources) * len(STRENGTHS))
    made = Made(out, how | {path: digest_of([*same, each]) for path in overview})
    make_folder(out)
    todo = list(zip(found, files, sheets, strict=True))
    for direction, file, sheet in progress(todo, "directions"):
        if file not in made.there:
            with made.new(file) as partial:
                direction.save(partial)
        if sheet not in made.there:
            save_new(_sheet(sampler, [direction], sources, STRENGTHS), sheet, made)
    for path in overview:
        if path not in made.there:
            save_new(_sheet(sampler, found, sources[:1], STRENGTHS), path, made)
    note = "; ".join([*(f"{direction.name}: {_quality(direction)}" for direction in found), *made.said()])
    return Saved([*files, *sheets, *overview], note)


def _made_of(direction: Direction) -> list[object]:
    """A direction as JSON data."""
    vector = direction.vector.cpu().numpy().tobytes()
    return [direction.name, direction.kind, direction.network, direction.layers, hashlib.sha256(vector).hexdigest()]


def _quality(direction: Direction) -> str:
    """The score in words."""
    words = {
        "component": "{:.0%} of the variance of W",
        "closed-form": "{:.0%} of what w does to the styles",
        "own": "a vector of your own",
        "boundary": "{:.0%} of the marked pictures on the right side when held out (chance is 50%)",
    }
    return words[direction.kind].format(direction.score)
