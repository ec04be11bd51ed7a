"""The networks that come with the package, each with its card (NAME.md): `stylegan.load("portraits")`.

`tools/box.py` puts them here, with their checksums.
"""

import hashlib
from functools import cache
from pathlib import Path

from stylegan.errors import DamagedError

BOX = Path(__file__).parent
SUMS = BOX / "SHA256SUMS"  # as of sha256sum


@cache
def names() -> tuple[str, ...]:
    """The networks in the box."""
    return tuple(_sums())


def boxed(name: str) -> Path:
    """The file of the network of this name. Raises DamagedError where it is not the one that was packed."""
    path = BOX / f"{name}.safetensors"
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != _sums()[name]:
        raise DamagedError(f"{path} is not the network that came with stylegan: install the package again")
    return path


def _sums() -> dict[str, str]:
    """Name -> SHA-256."""
    lines = [line.split() for line in SUMS.read_text(encoding="utf-8").splitlines()]
    return {file.removesuffix(".safetensors"): digest for digest, file in lines}
