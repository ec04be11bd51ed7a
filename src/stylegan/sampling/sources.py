"""Where pictures come from, in words: seeds, and files of styles, as in "0-3,face.safetensors,mine.npy". No torch."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from stylegan.errors import InputError, printable
from stylegan.files import user_path
from stylegan.sampling.numbers import is_whole
from stylegan.sampling.seeds import describe_seeds, no_seed, parse_seeds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIX = ".safetensors"  # of a projection
ARRAY_SUFFIXES = (".npy", ".npz")  # of styles as NumPy keeps them
LABEL_LENGTH = 16  # of a file's name on a sheet, where a column has room for about 18 letters


@runtime_checkable
class Array(Protocol):
    """An array of NumPy's or a tensor of torch's."""

    shape: Any
    dtype: Any

    def tolist(self) -> Any: ...


@dataclass(frozen=True)
class Style:
    """One style of the user's own: w (w_dim,) or ws (num_ws, w_dim), float32. of: the file or array that it is from."""

    name: str
    of: object
    index: int
    values: "NDArray[np.float32]" = field(compare=False, repr=False)


Source = int | Path | Style
"""A seed, the file of a projection, or a style of the user's own."""

Sources = int | str | Path | Style | Array | Sequence[int | str | Path | Style]
"""Sources in words ("0-3,face.safetensors"), a seed, a file, a list of these, or styles: w (N, w_dim) or
ws (N, num_ws, w_dim) as an array or tensor."""


def parse_sources(sources: Sources) -> list[Source]:
    """The sources of "0-3,face.safetensors,7", in the given order.

    A name in words is a file if it ends in .safetensors (a projection), .npy or .npz (styles: N of them are N
    sources). A comma may belong to a file's name. Raises InputError for anything else; projections are not read yet.
    """
    if isinstance(sources, Style):
        return [sources]
    if isinstance(sources, Path):
        return _file(sources)
    if isinstance(sources, str):
        if re.fullmatch(r"[\d\s,.-]*", sources):  # seeds alone
            return [*parse_seeds(sources)]
        return [source for part in _parts(sources) for source in _part(part, sources)]
    if isinstance(sources, Array) and len(sources.shape) > 1:
        from stylegan.sampling.styles import styles_of

        return [*styles_of(sources, "styles")]
    if isinstance(sources, range) or is_whole(sources):
        return [*parse_seeds(sources)]  # type: ignore[arg-type]
    if isinstance(sources, bytes | dict | set) or not isinstance(sources, Iterable):
        raise no_seed(sources, _OR_FILES)
    return _of_list(list(sources))


def _of_list(parts: list[Any]) -> list[Source]:
    if not any(isinstance(part, str | Path | Style | range) for part in parts):
        return [*parse_seeds(parts)]
    mixed = (parse_sources(p if isinstance(p, str | Path | Style | range) else [p]) for p in parts)
    return [source for each in mixed for source in each]


def seeds_among(sources: Sequence[Source]) -> list[int]:
    """The sources that are seeds."""
    return [source for source in sources if isinstance(source, int)]


def files_among(sources: Sequence[Source]) -> list[Path]:
    """The sources that are projections."""
    return [source for source in sources if isinstance(source, Path)]


def styles_among(sources: Sequence[Source]) -> list[Style]:
    """The sources that are styles of the user's own."""
    return [source for source in sources if isinstance(source, Style)]


def label(source: Source) -> str:
    """The label of a picture: "seed 3", or the file's name without its suffix, shortened."""
    if isinstance(source, int):
        return f"seed {source}"
    name = printable(picture_name(source))
    return name if len(name) <= LABEL_LENGTH else f"{name[: LABEL_LENGTH - 1]}…"


def picture_name(source: Source) -> str:
    """The name of a source's picture, without suffix: seed0003, or the name of its file."""
    if isinstance(source, int):
        return f"seed{source:04d}"
    return source.name.removesuffix(SUFFIX) if isinstance(source, Path) else source.name


def describe_sources(sources: Sequence[Source]) -> str:
    """In words: "seeds 0-15,20, and face, group projected"."""
    seeds, files, styles = seeds_among(sources), files_among(sources), styles_among(sources)
    words = [f"seeds {describe_seeds(seeds)}"] if seeds else []
    words += [f"{names(files)} projected"] if files else []
    words += [f"{names(styles)} as given"] if styles else []
    return ", and ".join(words)


def names(sources: Sequence[Path | Style]) -> str:
    """The names of the first files without their suffix: "face, group" or "a, b, c and 17 more"."""
    stems = [printable(picture_name(source), 60) for source in dict.fromkeys(sources)]
    return ", ".join(stems[:3]) + (f" and {len(stems) - 3} more" if len(stems) > 3 else "")


def is_file_name(text: str) -> bool:
    """Does the text end like a file of styles?"""
    return text.endswith((SUFFIX, *ARRAY_SUFFIXES))


_OR_FILES = f", or projections by their files such as face{SUFFIX}, or styles such as mine.npy"


def _parts(text: str) -> Iterator[str]:
    """The parts between commas; those that are an existing file's name only together stay together."""
    pieces = text.split(",")
    while pieces:
        count = 1
        if not re.fullmatch(r"[\d\s-]+", pieces[0]) and not _exists(pieces[0]):
            longer = range(2, len(pieces) + 1)
            ends = (n for n in longer if is_file_name(pieces[n - 1].rstrip()) and _exists(",".join(pieces[:n])))
            count = next(ends, 1)
        yield ",".join(pieces[:count])
        pieces = pieces[count:]


def _exists(name: str) -> bool:
    name = name.strip()
    return is_file_name(name) and os.path.isfile(os.path.expanduser(name))  # noqa: PTH111,PTH113  no error for any text


def _part(part: str, sources: str) -> list[Source]:
    text = part.strip()
    path = Path(text)
    if is_file_name(text) or path.suffix.strip(".0123456789") or len(path.parts) > 1:  # perhaps of another kind
        return _file(user_path(text))
    if re.search("[^\\W\\d_]", part):
        raise InputError(
            f"sources {printable(sources, 80)!r}: {printable(text, 80)!r} is not a seed; "
            f"give numbers and ranges such as 0-15,20{_OR_FILES}"
        )
    return [*parse_seeds(part)]


def _file(path: Path) -> list[Source]:
    """The projection of a file, or the styles in it. The path is made absolute: os.chdir changes nothing later."""
    path = user_path(path).absolute()
    if path.suffix in ARRAY_SUFFIXES:
        from stylegan.sampling.styles import read_styles

        return [*read_styles(path)]
    if path.suffix != SUFFIX:
        raise InputError(
            f"source {printable(path)}: must be a seed, or the {SUFFIX} file of a projection, or styles (.npy, .npz); "
            f"`stylegan project NETWORK {printable(path.name)}` makes one of a picture"
        )
    return [path]
