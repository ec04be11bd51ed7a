"""Where pictures come from: a folder or a zip, listed by name and read one file at a time, never extracted."""

import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from stylegan.errors import InputError

SYSTEM_FILES = {
    "__MACOSX",
    "Thumbs.db",
    "desktop.ini",
}  # of macOS and Windows; names with a leading dot are skipped too


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its path inside the source, and the top-level folder it lies in (None: at the top)."""

    name: str
    top: str | None
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True, slots=True)
class Listing:
    """All files, sorted by name, and the folders that could not be listed with the reason."""

    entries: list[Entry]
    unreadable: list[tuple[str, str]]


@contextmanager
def open_source(src: Path) -> Iterator[Listing]:
    """List the folder or zip `src`; its entries can be opened, by any thread, until the block ends."""
    if src.is_dir():
        source = _list_folder(src)
        _refuse_empty(src, source)
        yield source
    elif src.exists():
        try:
            archive = zipfile.ZipFile(src)
        except (zipfile.BadZipFile, OSError) as error:
            raise InputError(f"{src} is neither a folder nor a zip that can be read ({error})") from error
        with archive:
            source = _list_zip(archive)
            _refuse_empty(src, source)
            yield source
    else:
        raise InputError(f"{src} does not exist: give a folder, a zip or portraits:COUNT")


def _list_folder(folder: Path) -> Listing:
    """Every file below `folder`. Links are followed, but into no folder twice: a link may lead back up."""
    entries: list[Entry] = []
    unreadable: list[tuple[str, str]] = []
    seen: set[tuple[int, int]] = set()

    def note(error: OSError) -> None:
        unreadable.append((Path(error.filename).relative_to(folder).as_posix(), f"unreadable folder: {error.strerror}"))

    for root, folders, files in os.walk(folder, onerror=note, followlinks=True):
        where, info = Path(root), Path(root).stat()
        if (info.st_dev, info.st_ino) in seen:
            unreadable.append((where.relative_to(folder).as_posix(), "a link to a folder that is read already"))
            folders.clear()
            continue
        seen.add((info.st_dev, info.st_ino))
        folders[:] = sorted(name for name in folders if not _skipped(name))
        for name in files:
            if not _skipped(name):
                parts = (where / name).relative_to(folder).parts
                entries.append(Entry("/".join(parts), _top(parts), partial(_open_file, where / name)))
    return Listing(sorted(entries, key=lambda entry: entry.name), unreadable)


def _list_zip(archive: zipfile.ZipFile) -> Listing:
    """Every file in the archive. A folder that holds everything is what was zipped: it counts as the source itself."""
    infos = [i for i in archive.infolist() if not i.is_dir() and not any(map(_skipped, _parts(i)))]
    first = {_parts(info)[0] for info in infos if len(_parts(info)) > 1}
    wrapped = len(first) == 1 and all(len(_parts(info)) > 1 for info in infos)
    entries = [Entry(info.filename, _top(_parts(info)[wrapped:]), partial(archive.open, info)) for info in infos]
    return Listing(sorted(entries, key=lambda entry: entry.name), [])


def _parts(info: zipfile.ZipInfo) -> tuple[str, ...]:
    """The path of a file in an archive. Some archivers begin it with "./" or "../", which names no folder."""
    return tuple(part for part in info.filename.split("/") if part not in ("", ".", ".."))


def _refuse_empty(src: Path, source: Listing) -> None:
    if not source.entries and not source.unreadable:
        raise InputError(f"{src} holds no files: give a folder or a zip with pictures, or portraits:COUNT")


def _skipped(name: str) -> bool:
    return name.startswith(".") or name in SYSTEM_FILES


def _top(parts: tuple[str, ...]) -> str | None:
    return parts[0] if len(parts) > 1 else None


def _open_file(path: Path) -> IO[bytes]:
    if not path.exists() and path.is_symlink():
        raise FileNotFoundError(f"a broken link to {path.readlink()}")
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("not a regular file")  # opening a named pipe would wait for ever
    return path.open("rb")
