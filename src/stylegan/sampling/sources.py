"""Where pictures come from, in words: seeds, and the files of projections, as in "0-3,face.safetensors,7". No torch."""

import re
from collections.abc import Sequence
from pathlib import Path

from stylegan.errors import InputError
from stylegan.sampling.seeds import describe_seeds, parse_seeds

SUFFIX = ".safetensors"
LABEL_LENGTH = 16  # of a file's name on a sheet, where a column has room for about 18 letters

Source = int | Path
"""A seed, or the file of a projection."""

Sources = str | Path | Sequence[int | str | Path]
"""Sources in words ("0-3,face.safetensors"), a file, or a list of numbers, words and files."""


def parse_sources(sources: Sources) -> list[Source]:
    """The seeds and files of "0-3,face.safetensors,7", in the given order.

    A name in words is a file if it ends in .safetensors. Raises InputError for what is neither this nor a seed.
    """
    if isinstance(sources, Path):
        return [_file(sources)]
    if isinstance(sources, str):
        if re.fullmatch(r"[\d\s,.-]*", sources):  # seeds alone
            return [*parse_seeds(sources)]
        return [source for part in sources.split(",") for source in _part(part, sources)]
    numbers = [part for part in sources if not isinstance(part, str | Path)]
    if len(numbers) == len(sources):
        return [*parse_seeds(numbers)]
    return [each for part in sources for each in parse_sources(part if isinstance(part, str | Path) else [part])]


def seeds_among(sources: Sequence[Source]) -> list[int]:
    """The sources that are seeds."""
    return [source for source in sources if not isinstance(source, Path)]


def files_among(sources: Sequence[Source]) -> list[Path]:
    """The sources that are files."""
    return [source for source in sources if isinstance(source, Path)]


def label(source: Source) -> str:
    """What stands beside a picture: "seed 3", or the file's name without its suffix, shortened."""
    if not isinstance(source, Path):
        return f"seed {source}"
    name = source.name.removesuffix(SUFFIX)
    return name if len(name) <= LABEL_LENGTH else f"{name[: LABEL_LENGTH - 1]}…"


def describe_sources(sources: Sequence[Source]) -> str:
    """In words: "seeds 0-15,20, and face, group projected"."""
    seeds, files = seeds_among(sources), files_among(sources)
    words = [f"seeds {describe_seeds(seeds)}"] if seeds else []
    return ", and ".join([*words, *([f"{names(files)} projected"] if files else [])])


def names(files: Sequence[Path]) -> str:
    """The names of the first files without their suffix: "face, group" or "a, b, c and 17 more"."""
    stems = [path.name.removesuffix(SUFFIX) for path in dict.fromkeys(files)]
    return ", ".join(stems[:3]) + (f" and {len(stems) - 3} more" if len(stems) > 3 else "")


def _part(part: str, sources: str) -> list[Source]:
    path = Path(part.strip())
    if path.suffix.strip(".0123456789") or len(path.parts) > 1:  # a file, perhaps of another kind
        return [_file(path)]
    if re.search("[^\\W\\d_]", part):
        raise InputError(
            f"sources {sources!r}: {part.strip()!r} is no seed; give numbers and ranges such as 0-15,20, "
            f"or projections by their files such as face{SUFFIX}"
        )
    return [*parse_seeds(part)]


def _file(path: Path) -> Path:
    if path.suffix != SUFFIX:
        raise InputError(
            f"source {path}: must be a seed, or the {SUFFIX} file of a projection; "
            f"`stylegan project NETWORK {path.name}` makes one of a picture"
        )
    return path
