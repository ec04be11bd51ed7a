"""Files and folders that appear whole or not at all, whatever kills the process that writes them."""

import errno
import glob
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from stylegan.errors import InputError

LOCK = "lock"


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Give the path of a temporary file beside `path`; after the block it is flushed to disk and takes `path`'s place.

    A block that raises leaves `path` as it was, and no temporary file.
    """
    path = Path(path)
    partial = _partial(path)
    try:
        yield partial
        partial.chmod(0o666 & ~_umask())  # some writers make files that only their owner may read
        with partial.open("rb+") as f:
            os.fsync(f.fileno())
        partial.replace(path)
        sync_folder(path.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(path: Path, *, last: str, remedy: str) -> Iterator[Path]:
    """Give a hidden folder beside `path`; after the block it is flushed to disk and becomes `path`.

    It becomes nothing if the block raises, or does not write its file `last`. What killed processes left of `path` is
    removed first. Raises InputError, with `remedy`, where `path` cannot be made or another process is making it.
    """
    partial = _partial(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_partial_folders(path, remedy)
        partial.mkdir()
    except OSError as e:
        if e.errno == errno.ENOSPC:  # a full disk is no fault of the name
            raise
        raise InputError(f"{path} cannot be made: {e.strerror}; {remedy}") from e
    lock = FileLock(partial / LOCK)
    try:
        lock.acquire()
        yield partial
        if (partial / last).exists():
            _sync_files(partial)  # seconds, if there are many bytes: still locked
            lock.release()
            (partial / LOCK).unlink(missing_ok=True)
            if os.path.lexists(path):  # rename would replace an empty folder
                raise InputError(f"{path} exists by now: another process made it; {remedy}")
            partial.rename(path)
            sync_folder(path.parent)
    finally:
        lock.release()
        shutil.rmtree(partial, ignore_errors=True)


def remove_partial_files(folder: Path, names: Sequence[str]) -> None:
    """Remove what killed processes left in `folder` of files that `whole_file` was writing; names: as patterns.

    The caller holds a lock, so that no living process writes files of these names: the number in a partial file's name
    comes again in every container and on every machine, and does not tell.
    """
    for name in names:
        for partial in folder.glob(f".{name}.partial-*"):
            partial.unlink(missing_ok=True)


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


def _partial(path: Path) -> Path:
    """Where this process writes `path` until it is whole."""
    return path.with_name(f".{path.name}.partial-{os.getpid()}")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_files(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb+") as f:
            os.fsync(f.fileno())
    sync_folder(folder)


def _remove_partial_folders(path: Path, remedy: str) -> None:
    """Remove what dead processes left of `path`: their locks tell, as a container gives every process one number."""
    for folder in path.parent.glob(f".{glob.escape(path.name)}.partial-*"):
        try:
            with FileLock(folder / LOCK, timeout=0):
                pass
        except Timeout as e:
            raise InputError(f"another process is writing {path} at this moment: wait for it, or {remedy}") from e
        shutil.rmtree(folder)
