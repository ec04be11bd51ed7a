"""Sources of pictures: a folder or a zip, listed by name and read file by file without extraction."""

import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import IO

from stylegan.errors import InputError, printable
from stylegan.files import refuse_special

# Of macOS, Windows, Synology, Linux and programmers' tools; names with a leading dot are skipped too.
SYSTEM_FILES = {
    *("__MACOSX", "Thumbs.db", "desktop.ini", "$RECYCLE.BIN", "System Volume Information", "@eaDir", "lost+found"),
    *("__pycache__", "node_modules"),
}
OURS = {  # two files that identify a folder of ours -> what it is, and what to do instead
    ("config.json", "stats.jsonl"): ("a run folder of `stylegan train`", "give the folder of the pictures themselves"),
    ("manifest.json", "4x4.npy"): ("a data set already", "train on it"),
}
METHODS = {0: "stored", 8: "deflate", 12: "bzip2", 14: "lzma", 93: "zstandard"}  # of zips; Python reads most of them


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its path inside the source, as parts, and how to open it."""

    parts: tuple[str, ...]
    open: Callable[[], IO[bytes]]

    @property
    def name(self) -> str:
        """The parts, with slashes between them: the same for a folder and a zip of it."""
        return "/".join(self.parts)


@dataclass(frozen=True, slots=True)
class Listing:
    """All files, sorted by name, and the folders that were not listed with the reason."""

    entries: list[Entry]
    unreadable: list[tuple[str, str]]


@contextmanager
def open_source(src: Path) -> Iterator[Listing]:
    """List the folder or zip `src`; its entries can be opened, by any thread, until the block ends."""
    shown = printable(src)
    if src.is_dir():
        yield _without_ours(src, _list_folder(src))
    elif src.exists():
        refuse_special(src)
        try:
            archive = zipfile.ZipFile(src)
        except Exception as error:  # zipfile raises anything for a damaged one: struct.error, NotImplementedError ...
            why = printable(error) or type(error).__name__
            raise InputError(f"{shown} is neither a folder nor a zip that can be read ({why})") from error
        with archive:
            yield _without_ours(src, _list_zip(archive))
    else:
        raise InputError(f"{shown} does not exist: give a folder, a zip or portraits:COUNT")


def path_parts(name: str) -> tuple[str, ...]:
    """A name in a zip or in a list of labels, as parts. Windows writes backslashes; "./" and "../" name no folder."""
    return tuple(part for part in re.split(r"[/\\]", name) if part not in ("", ".", ".."))


def common_folder(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The folder that contains all of these files, e.g. the only folder in a zip."""
    first, last = min(paths, default=()), max(paths, default=())  # what these two share, all between them share
    return tuple(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first[:-1], last[:-1], strict=False)))


def _list_folder(folder: Path) -> Listing:
    """Every file below `folder`. Links are followed, but no folder is entered twice: a link may lead back up."""
    entries: list[Entry] = []
    unreadable: list[tuple[str, str]] = []
    seen: set[tuple[int, int]] = set()

    def note(error: OSError) -> None:
        unreadable.append((Path(error.filename).relative_to(folder).as_posix(), f"unreadable folder: {error.strerror}"))

    for root, folders, files in os.walk(folder, onerror=note, followlinks=True):
        where, info = Path(root), Path(root).stat()
        if (info.st_dev, info.st_ino) in seen:
            unreadable.append((where.relative_to(folder).as_posix(), "a link to a folder that was read already"))
            folders.clear()
            continue
        seen.add((info.st_dev, info.st_ino))
        folders[:] = sorted(name for name in folders if not _skipped(name))
        for name in files:
            if not _skipped(name):
                entries.append(Entry((where / name).relative_to(folder).parts, partial(_open_file, where / name)))
    return Listing(entries, unreadable)


def _list_zip(archive: zipfile.ZipFile) -> Listing:
    entries = []
    for info in archive.infolist():
        parts = path_parts(info.filename)
        if parts and not info.filename.endswith(("/", "\\")) and not any(map(_skipped, parts)):
            entries.append(Entry(parts, partial(_open_member, archive, info)))
    return Listing(entries, [])


def _without_ours(src: Path, source: Listing) -> Listing:
    """Sorted, without what this program wrote itself. Raises InputError if nothing is left or all of `src` is ours."""
    folders: dict[tuple[str, ...], set[str]] = {}
    for entry in source.entries:
        folders.setdefault(entry.parts[:-1], set()).add(entry.parts[-1])
    ours = {
        folder: words for folder, names in folders.items() for pair, words in OURS.items() if names.issuperset(pair)
    }
    if () in ours:
        what, instead = ours[()]
        raise InputError(f"{printable(src)} is {what}: {instead}")

    def own(parts: tuple[str, ...]) -> bool:
        return any(parts[:depth] in ours for depth in range(1, len(parts)))

    entries = [entry for entry in source.entries if not own(entry.parts)] if ours else source.entries
    left_out = [("/".join(folder), f"{what}: not read") for folder, (what, _) in ours.items()]
    if not entries and not source.unreadable:
        raise InputError(f"{printable(src)} holds no files: give a folder or a zip with pictures, or portraits:COUNT")
    return Listing(sorted(entries, key=lambda entry: entry.name), [*source.unreadable, *left_out])


def _skipped(name: str) -> bool:
    return name.startswith(".") or name in SYSTEM_FILES


def _open_file(path: Path) -> IO[bytes]:
    if not path.exists() and path.is_symlink():
        raise FileNotFoundError(f"a broken link to {path.readlink()}")
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("not a regular file")  # opening a named pipe would block
    return path.open("rb")


def _open_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    if info.flag_bits & 1:
        raise OSError("encrypted: unpack the zip with its password, and prepare the folder")
    try:
        return archive.open(info)
    except NotImplementedError as error:
        method = METHODS.get(info.compress_type, f"method {info.compress_type}")
        raise OSError(f"packed in a way ({method}) that Python cannot read: zip it again, or unpack it") from error
