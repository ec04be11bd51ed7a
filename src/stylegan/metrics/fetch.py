"""Downloads a file, and keeps it only if its checksum is right."""

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
    """Download `url` to `path`, which may exist, if the file has this SHA-256 (64 hex digits).

    If the address cannot be reached or holds another file, nothing is written, and InputError is raised. Its message
    ends with `otherwise`, which says what to do instead.
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
    """Write what is at `url` to `path`; return its SHA-256, 64 hex digits."""
    found = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=PATIENCE_SEC) as source, path.open("wb") as target:
        while piece := source.read(PIECE):
            found.update(piece)
            target.write(piece)
    return found.hexdigest()


def cache_folder() -> Path:
    """The folder for files that can be downloaded again: `stylegan` in XDG_CACHE_HOME or in ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stylegan"
