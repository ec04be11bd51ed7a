"""Networks that others trained, written as files of ours."""

import hashlib
from dataclasses import replace
from pathlib import Path

from stylegan.checkpoint import Networks, save
from stylegan.errors import InputError, printable
from stylegan.files import user_path
from stylegan.foreign import what_it_is
from stylegan.interop.layouts import LAYOUTS
from stylegan.interop.license import UNKNOWN_LICENSE, checked_license
from stylegan.interop.official import import_official
from stylegan.interop.others import PERSISTENT, other_by_globals
from stylegan.interop.ports import read_port
from stylegan.interop.tensor_files import is_safetensors, read_safetensors

PYTORCH = "a PyTorch file"  # how `what_it_is` begins


def import_network(
    file: Path | str, network: Path | str, *, license: str | None = None, resolution: int | None = None
) -> Networks:
    """Write the networks of another program's file as a file of ours: the authors' pickles, and PyTorch's files of
    genforce, huangzh13, lernapparat and rosinality (docs/weights.md). Nothing in it is executed.

    license: of the weights, where you know it; None claims nothing. resolution: of the pictures, where the file does
    not tell (rosinality's). Metadata "made" says what the file lacks and how it was made. Raises InputError for a file
    that is damaged or of another network, by its name; and for a `network` that exists.
    """
    file, network = user_path(file), user_path(network)
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    found = what_it_is(file) or "not known here"
    if is_safetensors(file):
        if "stylegan" in read_safetensors(file)[1]:
            raise InputError(f"{file} is a file of this package already: use it as it is")
    elif not found.startswith(PYTORCH):
        if resolution is not None and found.startswith("a pickle"):
            raise InputError(f"resolution {resolution}: the authors' files tell theirs; leave it out")
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
