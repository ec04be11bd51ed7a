"""What a folder of results holds and how each file was made, so that a job that was stopped can go on.

A hidden file beside the results, `.made`, has a line for each: what it was made of (16 hex digits), the SHA-256 of the
file and its name. A line is written before its file appears, so no file lacks one, whenever the process ends.
"""

import glob
import hashlib
import json
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stylegan.errors import InputError, printable
from stylegan.files import remove_partial_files, whole_file

RECORD = ".made"
MAX_BYTES = 2**30  # of the record


def digest_of(what: object) -> str:
    """16 hex digits for JSON data that says how something is made."""
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:16]


def file_digest(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


class Made:
    """The files of one job in one folder. how: path -> digest of what the file is made of, as `digest_of` gives it.

    Raises InputError, naming all at once, where a file exists that is not the one that the job would make.
    """

    def __init__(self, folder: Path, how: dict[Path, str]) -> None:
        self.folder, self.how = folder, how
        known = _read(folder / RECORD)
        existing = [path for path in how if os.path.lexists(path)]
        self.there = {p for p in existing if p.is_file() and (how[p], file_digest(p), p.name) in known}
        """The files that are there already, made in the same way."""
        refuse_files([path for path in existing if path not in self.there], also=", not made like this")
        self._clear({path.name for path in self.there})

    def _clear(self, names: Collection[str]) -> None:
        """Remove what a job that was killed after it had finished a file left beside it; nobody writes it again."""
        for partial in self.folder.glob(".*.partial-*"):
            name = partial.name[1:].rpartition(".partial-")[0]
            if name in names:
                remove_partial_files(self.folder, [glob.escape(name)])

    @contextmanager
    def new(self, path: Path) -> Iterator[Path]:
        """Give the path of a temporary file, which becomes the new file `path` after the block."""
        with whole_file(path, exist_ok=False) as partial:
            yield partial
            line = f"\n{self.how[path]} {file_digest(partial)} {path.name}\n"  # \n: after a line that was cut
            with (self.folder / RECORD).open("ab") as f:
                f.write(os.fsencode(line))

    def said(self) -> list[str]:
        """In words, how many files were there before; empty if none."""
        count = len(self.there)
        return [f"{count:,} of {len(self.how):,} files were there, made like this, and are kept"] if count else []


def refuse_files(paths: Sequence[Path], *, also: str = "") -> None:
    """Raise InputError naming files that exist, as nothing is overwritten. also: more words about them."""
    more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
    if paths:
        shown = ", ".join(map(printable, paths[:5]))
        exist = "exists" if len(paths) == 1 else "exist"
        raise InputError(f"{shown}{more} {exist}{also}: choose another place, or delete them first")


def recorded(folder: Path) -> dict[str, set[str]]:
    """The names of the files that were made in a folder, each with the SHA-256 that it may have."""
    found: dict[str, set[str]] = {}
    for line in _read(folder / RECORD):
        if len(line) == 3 and len(line[1]) == 64:
            found.setdefault(line[2], set()).add(line[1])
    return found


def _read(record: Path) -> set[tuple[str, ...]]:
    try:
        with record.open("rb") as f:
            lines = os.fsdecode(f.read(MAX_BYTES)).split("\n")
    except OSError:  # none yet
        return set()
    return {tuple(line.split(" ", 2)) for line in lines}
