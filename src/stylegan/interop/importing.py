"""Converts network files of other programs to files of this package."""

import hashlib
from dataclasses import replace
from pathlib import Path

from stylegan.checkpoint import Networks, save
from stylegan.errors import InputError, printable
from stylegan.files import need_file, user_path
from stylegan.foreign import what_it_is
from stylegan.interop.layouts import LAYOUTS
from stylegan.interop.license import UNKNOWN_LICENSE, checked_license
from stylegan.interop.official import import_official
from stylegan.interop.others import PERSISTENT, other_by_globals
from stylegan.interop.ports import read_port
from stylegan.interop.tensor_files import is_safetensors, read_safetensors

PYTORCH = "a PyTorch file"  # how the answer of `what_it_is` begins


def import_network(
    file: Path | str, network: Path | str, *, license: str | None = None, resolution: int | None = None
) -> Networks:
    """Convert another program's network file to a file of this package. Nothing in `file` is executed.

    Reads the authors' pickles, and the PyTorch files of genforce, huangzh13, lernapparat and rosinality
    (docs/weights.md). license: the licence of the weights, if you know it; None claims nothing. resolution: of the
    pictures, in pixels, if the file does not state it (rosinality's). For PyTorch files, "made" in the metadata lists
    what the file lacked and what was used instead. Returns the networks.
    Raises InputError if `file` is missing, damaged or of another kind, which is named if it is known, and if `network`
    exists or its folder does not.
    """
    file, network = user_path(file), user_path(network)
    need_file(file)
    found = what_it_is(file) or "not known here"
    if is_safetensors(file):
        if "stylegan" in read_safetensors(file)[1]:
            raise InputError(f"{file} is already a file of this package: use it as it is")
    elif not found.startswith(PYTORCH):
        if resolution is not None and found.startswith("a pickle"):
            raise InputError(f"resolution {resolution}: the authors' files state theirs; leave it out")
        return _official(file, network, license)
    if network.exists():
        raise InputError(f"{network} exists already: give another name, or delete it first")
    if not network.parent.is_dir():
        raise InputError(f"{network}: there is no folder {network.parent}; make it first")
    license = f"{UNKNOWN_LICENSE}, unless you trained it" if license is None else checked_license(license)
    port = read_port(file, resolution=resolution)
    metadata = {"license": license, "source": _source(file, LAYOUTS[port.layout].maker), "made": port.said}
    networks = replace(port.networks, metadata=metadata)
    save(network, networks)
    return networks


def _official(file: Path, network: Path, license: str | None) -> Networks:
    try:
        return import_official(file, network, license=license)
    except InputError as e:
        if PERSISTENT in str(e):
            raise InputError(f"{file} cannot be imported: {other_by_globals({PERSISTENT})}") from e
        raise


def _source(file: Path, maker: str) -> str:
    with file.open("rb") as f:
        digest = hashlib.file_digest(f, "sha256").hexdigest()
    return f"{printable(file.name)} of {maker}, sha256 {digest}"
