"""A file from the web, kept only if it is the one that was meant."""

import hashlib
import os
import urllib.error
import urllib.request
from pathlib import Path

from stylegan.errors import InputError, printable
from stylegan.files import whole_file

PIECE = 2**20  # bytes read at once
PATIENCE_SEC = 30.0  # without a byte


def fetch(url: str, path: Path, *, sha256: str, otherwise: str) -> None:
    """Write the file at `url` to `path`, in place of what is there, if it has this checksum (64 hex digits).

    Raises InputError, which ends with `otherwise`, what to do instead, where it cannot be reached or is another file;
    then nothing is written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        try:
            found = copy(url, partial)
        except (urllib.error.URLError, TimeoutError, ConnectionError) as e:
            raise InputError(f"{url} cannot be reached ({printable(e)}): {otherwise}") from e
        if found != sha256:
            raise InputError(
                f"{url} has the checksum {found[:16]}..., and must have {sha256[:16]}...; it is not kept: {otherwise}"
            )


def copy(url: str, path: Path) -> str:
    """Write what is at `url` to `path`; its SHA-256."""
    found = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=PATIENCE_SEC) as source, path.open("wb") as target:
        while piece := source.read(PIECE):
            found.update(piece)
            target.write(piece)
    return found.hexdigest()


def cache_folder() -> Path:
    """Where files are kept that can be fetched again: XDG_CACHE_HOME, or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stylegan"
