"""Files and folders that appear whole or not at all, whatever kills the process that writes them."""

import errno
import glob
import itertools
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from stylegan.errors import InputError, printable

LOCK = "lock"


def user_path(path: Path | str) -> Path:
    """The path that somebody typed: ~ and ~NAME are home folders, as a shell has them.

    A shell leaves ~ alone in `--out=~/run`, and Python everywhere. Path("") cannot be told from Path("."): give text.
    Raises InputError for "", NUL, a name too long for the file system, ~NAME of nobody, and what is no path.
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(text := os.fspath(path), str):
        raise InputError(f"{printable(repr(path), 80)} is no path: give a text or a pathlib.Path")
    if not text.strip():
        raise InputError(f"the path is {text!r}: give a name, or . for the current folder")
    if "\0" in text:
        raise InputError(f"{printable(text)} is no path: it holds a NUL character")
    found = Path(os.path.expanduser(text))  # noqa: PTH111  Path.expanduser raises for ~backup, a name of nobody
    first = found.parts[0] if found.parts else ""
    if not _is_there(found, text) and first.startswith("~") and len(found.parts) > 1 and not os.path.lexists(first):
        nobody = printable(first[1:], 60)
        raise InputError(f"{printable(text)}: there is no user {nobody}; ./{printable(text)} is a name that begins so")
    return found


def refuse_special(path: Path) -> None:
    """Raise InputError for a device or pipe, which could be read for ever."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f"{printable(path)} is a device or a pipe: give a file")


def _is_there(path: Path, text: str) -> bool:
    """Raise InputError for a name that no file can have."""
    try:
        os.lstat(path)
    except UnicodeEncodeError as e:
        raise InputError(f"{printable(text)} is no path: it holds characters that no name can have") from e
    except OSError as e:
        if e.errno == errno.ENAMETOOLONG:
            raise InputError(f"{printable(text)}: a name of {len(text):,} characters is too long") from e
        return False
    return True


@contextmanager
def whole_file(path: Path | str, *, exist_ok: bool = True) -> Iterator[Path]:
    """Give the path of a temporary file; after the block it is flushed to disk and takes `path`'s place.

    A block that raises leaves `path` as it was, and no temporary file; what a killed process left of it is removed.
    exist_ok False: never replace. InputError where `path` exists, before the block and, had another process made it
    meanwhile, after it; and where another process is making it.
    """
    path = user_path(path)
    if not exist_ok and os.path.lexists(path):
        raise InputError(f"{printable(path)} exists already: choose another name, or delete it first")
    with _own_folder(path, None if exist_ok else "choose another name") as folder, _named(path, folder):
        partial = folder / path.name
        yield partial
        partial.chmod(0o666 & ~_umask())  # some writers make files that only their owner may read
        with partial.open("rb+") as f:
            os.fsync(f.fileno())
        if exist_ok:
            partial.replace(path)
        else:
            _take_new_name(partial, path)
        sync_folder(path.parent)


@contextmanager
def whole_folder(path: Path, *, last: str, remedy: str) -> Iterator[Path]:
    """Give a hidden folder; after the block it is flushed to disk and becomes `path`.

    It becomes nothing if the block raises, or does not write its file `last`. What killed processes left of `path` is
    removed first. Raises InputError, with `remedy`, where `path` cannot be made or another process is making it.
    """
    shown = printable(path)
    with _own_folder(path, remedy, parents=True) as folder, _named(path, folder):
        partial = folder / path.name
        partial.mkdir()
        yield partial
        if (partial / last).exists():
            _sync_files(partial)
            if os.path.lexists(path):  # rename would replace an empty folder
                raise InputError(f"{shown} exists by now: another process made it; {remedy}")
            partial.rename(path)  # while the lock is held: else the next process would clear up what is finished
            sync_folder(path.parent)


@contextmanager
def _named(path: Path, folder: Path) -> Iterator[None]:
    """Errors of the system, such as a full disk's, name `path`, and not the hidden folder or nothing at all."""
    try:
        yield
    except BrokenPipeError:  # a reader of what is printed has gone
        raise
    except OSError as e:
        name = os.fsdecode(e.filename) if isinstance(e.filename, str | bytes) else ""
        if name and not name.startswith(str(folder)):
            raise
        if e.errno is None:
            raise OSError(f"{path}: {e}") from e
        raise OSError(e.errno, e.strerror, str(path)) from e


def remove_partial_files(folder: Path, names: Sequence[str]) -> None:
    """Remove what killed processes left in `folder` of files of these `names` (patterns); living ones keep theirs.

    A plain file with such a name is what an older stylegan left, which had no locks: the caller's lock tells there.
    """
    for name in names:
        for partial in folder.glob(f".{name}.partial-*"):
            if not partial.is_dir():
                partial.unlink(missing_ok=True)
            elif (lock := _locked(partial)) is not None:
                _remove(partial, lock)


def write_text(path: Path | str, text: str) -> None:
    """Write a whole text file (UTF-8)."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a loss of power, where the system has a way to (POSIX)."""
    if os.name != "posix":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _own_folder(path: Path, remedy: str | None, *, parents: bool = False) -> Iterator[Path]:
    """An empty hidden folder beside `path`, locked: this process's alone, and removed after the block.

    remedy: what to do instead where another process has one, which InputError tells; None: take another one.
    parents: make the folders that `path` lies in.
    A lock dies with its process; its number would not tell: in a container every process has the same.
    """
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        if remedy is not None:
            _remove_partial_folders(path, remedy)
        folder, lock = _first_free(path, remedy)
    except OSError as e:
        if e.errno == errno.ENAMETOOLONG:  # of the hidden folder, if not of the file
            raise InputError(f"{printable(path)}: the name is too long") from e
        if remedy is None or e.errno == errno.ENOSPC:  # a full disk is no fault of the name
            raise OSError(e.errno, e.strerror, str(path)) from e
        raise InputError(f"{printable(path)} cannot be made: {e.strerror}; {remedy}") from e
    try:
        yield folder
    finally:
        _remove(folder, lock)


def _first_free(path: Path, remedy: str | None) -> tuple[Path, FileLock]:
    for number in itertools.count():
        folder = path.with_name(f".{path.name}.partial-{number}")
        try:
            folder.mkdir(exist_ok=True)
        except FileExistsError:  # a file of somebody else's
            continue
        if (lock := _locked(folder)) is not None:
            for left in folder.iterdir():  # by a killed process
                if left.name != LOCK:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
            return folder, lock
        if remedy is not None:
            raise InputError(_busy(path, remedy))
    raise AssertionError


def _locked(folder: Path) -> FileLock | None:
    """The lock of a hidden folder, taken; None where a living process has it, or has removed the folder just now."""
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return None
    except OSError:
        if folder.exists():
            raise
        return None
    if not (folder / LOCK).exists():  # its owner was just removing it
        lock.release()
        return None
    return lock


def _remove(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.release()
    if os.name == "nt":  # where nothing that is open can be removed
        shutil.rmtree(folder, ignore_errors=True)


def _remove_partial_folders(path: Path, remedy: str) -> None:
    """Remove what dead processes left of `path`."""
    for folder in path.parent.glob(f".{glob.escape(path.name)}.partial-*"):
        if not folder.is_dir():
            continue
        if (lock := _locked(folder)) is not None:
            _remove(folder, lock)
        elif folder.exists():
            raise InputError(_busy(path, remedy))


def _busy(path: Path, remedy: str) -> str:
    return f"another process is writing {printable(path)} at this moment: wait for it, or {remedy}"


def _take_new_name(partial: Path, path: Path) -> None:
    """Rename a file, but never over another one."""
    try:
        try:
            os.link(partial, path)  # fails where the name is taken, as a rename does not
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            partial.replace(path)
    except FileExistsError as e:
        raise InputError(
            f"{printable(path)} exists by now: another process made it; choose another name, or delete it first"
        ) from e


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_files(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb+") as f:
            os.fsync(f.fileno())
    sync_folder(folder)
