"""Files and folders that appear whole or not at all, even if the process that writes them is killed."""

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
    """The path that somebody typed. ~ and ~NAME become home folders, as in a shell.

    (A shell does not expand ~ in `--out=~/run`, and Python never does.) Path("") cannot be told from Path("."), so give
    text. Raises InputError for "", for a NUL character, for a name too long for the file system, for ~NAME if there is
    no such user, and for anything that is not a path.
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(text := os.fspath(path), str):
        raise InputError(f"{printable(repr(path), 80)} is not a path: give a text or a pathlib.Path")
    if not text.strip():
        raise InputError(f"the path is {text!r}: give a name, or . for the current folder")
    if "\0" in text:
        raise InputError(f"{printable(text)} is not a path: it contains a NUL character")
    found = Path(os.path.expanduser(text))  # noqa: PTH111  Path.expanduser raises for ~backup if there is no such user
    first = found.parts[0] if found.parts else ""
    if not _is_there(found, text) and first.startswith("~") and len(found.parts) > 1 and not os.path.lexists(first):
        nobody = printable(first[1:], 60)
        raise InputError(f"{printable(text)}: there is no user {nobody}; for a name with ~, type ./{printable(text)}")
    return found


def need_file(path: Path) -> None:
    """Raise InputError unless there is a file of this name."""
    if path.is_dir():
        raise InputError(f"{printable(path)} is a folder: give a file")
    if not path.is_file():
        raise InputError(f"{printable(path)}: no such file")


def refuse_special(path: Path) -> None:
    """Raise InputError for a device or a pipe, because reading it may never end."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f"{printable(path)} is a device or a pipe: give a file")


def _is_there(path: Path, text: str) -> bool:
    """Does the path exist? Raises InputError for a name that no file can have."""
    try:
        os.lstat(path)
    except UnicodeEncodeError as e:
        raise InputError(f"{printable(text)} is not a path: it contains characters that no name can have") from e
    except OSError as e:
        if e.errno == errno.ENAMETOOLONG:
            raise InputError(f"{printable(text)}: a name of {len(text):,} characters is too long") from e
        return False
    return True


@contextmanager
def whole_file(path: Path | str, *, exist_ok: bool = True) -> Iterator[Path]:
    """Yield the path of a temporary file. After the block, it is flushed to disk and replaces `path`.

    If the block raises, `path` stays as it was, and the temporary file is removed. So is one that a killed process left
    behind. With exist_ok False, `path` is never replaced: raises InputError if it exists, both before the block and, if
    another process has made it meanwhile, after it; and if another process is making it now.
    """
    path = user_path(path)
    if not exist_ok and os.path.lexists(path):
        raise InputError(f"{printable(path)} exists already: choose another name, or delete it first")
    with _own_folder(path, None if exist_ok else "choose another name") as folder, _named(path, folder):
        partial = folder / path.name
        yield partial
        partial.chmod(0o666 & ~_umask())  # because some writers make files that only their owner may read
        with partial.open("rb+") as f:
            os.fsync(f.fileno())
        if exist_ok:
            partial.replace(path)
        else:
            _take_new_name(partial, path)
        sync_folder(path.parent)


@contextmanager
def whole_folder(path: Path, *, last: str, remedy: str) -> Iterator[Path]:
    """Yield the path of a hidden folder. After the block, it is flushed to disk and renamed to `path`.

    It is removed instead if the block raises or does not write the file `last` in it. What killed processes left of
    `path` is removed first. Raises InputError, with `remedy`, if `path` cannot be made or another process is making it.
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
            partial.rename(path)  # while the lock is held; otherwise the next process might remove the finished folder
            sync_folder(path.parent)


@contextmanager
def _named(path: Path, folder: Path) -> Iterator[None]:
    """Make errors of the system, such as that of a full disk, name `path` instead of the hidden folder or nothing."""
    try:
        yield
    except BrokenPipeError:  # the reader of what is printed has ended
        raise
    except OSError as e:
        name = os.fsdecode(e.filename) if isinstance(e.filename, str | bytes) else ""
        if name and not name.startswith(str(folder)):
            raise
        if e.errno is None:
            raise OSError(f"{path}: {e}") from e
        raise OSError(e.errno, e.strerror, str(path)) from e


def remove_partial_files(folder: Path, names: Sequence[str]) -> None:
    """Remove partial files of `names` (patterns) that killed processes left in `folder`. Running ones keep theirs.

    An older stylegan left plain files with such names and had no locks. They are removed too, so the caller must hold
    the folder's own lock.
    """
    for name in names:
        for partial in folder.glob(f".{name}.partial-*"):
            if not partial.is_dir():
                partial.unlink(missing_ok=True)
            elif (lock := _locked(partial)) is not None:
                _remove(partial, lock)


def write_text(path: Path | str, text: str) -> None:
    """Write a text file (UTF-8), whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a loss of power, if the system offers a way (POSIX)."""
    if os.name != "posix":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _own_folder(path: Path, remedy: str | None, *, parents: bool = False) -> Iterator[Path]:
    """An empty hidden folder beside `path`, locked for this process, and removed after the block.

    remedy: what to do if another process has such a folder, for the InputError; None takes another folder instead.
    parents: whether to make the parent folders of `path`.
    A lock ends with its process. Process numbers would not do, because they can be the same in every container.
    """
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        if remedy is not None:
            _remove_partial_folders(path, remedy)
        folder, lock = _first_free(path, remedy)
    except OSError as e:
        if e.errno == errno.ENAMETOOLONG:  # the hidden folder's name is longer than the file's
            raise InputError(f"{printable(path)}: the name is too long") from e
        if remedy is None or e.errno == errno.ENOSPC:  # another name would not help if the disk is full
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
            for left in folder.iterdir():  # what a killed process left
                if left.name != LOCK:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
            return folder, lock
        if remedy is not None:
            raise InputError(_busy(path, remedy))
    raise AssertionError


def _locked(folder: Path) -> FileLock | None:
    """The lock of a hidden folder, acquired; None if a running process holds it, or has just removed the folder."""
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
    if os.name == "nt":  # Windows cannot remove an open file, so try again once the lock is released
        shutil.rmtree(folder, ignore_errors=True)


def _remove_partial_folders(path: Path, remedy: str) -> None:
    """Remove what killed processes left of `path`. Raises InputError if a running one is writing it."""
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
            os.link(partial, path)  # unlike a rename, this fails if the name is taken
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
