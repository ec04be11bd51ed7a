"""A network opened by what a person calls it. Every command and every function comes through here."""

import re
import sys
from pathlib import Path

import torch

from stylegan import box, checkpoint
from stylegan.checkpoint import Networks
from stylegan.device import find_device
from stylegan.errors import InputError, printable
from stylegan.files import user_path
from stylegan.networks.generator import Generator

ADDRESS = re.compile(r"hf://(?P<repo_id>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
HUB_FILE = "model.safetensors"  # as the hub's own libraries call it


def load(network: Path | str, device: torch.device | str | None = None) -> Generator:
    """G_ema of a network: eval mode, float32, its gradients off.

    network: a file, a run folder (its newest good snapshot), a folder with the hub's model.safetensors, the name of a
    network in the box ("portraits"), or hf://USER/NAME, perhaps with @REVISION. A file or run of that name comes first.
    device: cpu, cuda, cuda:1, mps, or auto for the best that there is; None is the CPU. (The commands say auto.)
    Raises InputError for a network that is missing, truncated, damaged, of another kind, with missing or extra tensors,
    or with numbers in G_ema that are not finite; of G and D it reads no number. Warns (StyleganWarning) where it takes
    an older snapshot. Leaves torch's global random state as it was.
    """
    found = find_device("cpu" if device is None else device)  # before the file is read
    return checkpoint.load(find_network(network)).to(found)


def load_networks(network: Path | str) -> Networks:
    """Everything that a network's file holds, on the CPU. network and errors: as of `load`."""
    return checkpoint.load_networks(find_network(network))


def find_network(network: Path | str) -> Path:
    """The file or run folder that a network's name stands for; what lies on the hub is fetched first."""
    if isinstance(network, str) and network.startswith("hf:"):
        return download(network)
    path = user_path(network)
    if path.is_file() or (path.is_dir() and next(checkpoint.snapshots(path), None)):
        return path
    if (path / HUB_FILE).is_file():
        return path / HUB_FILE
    if str(network) in box.names():  # also beside a data set of that name
        return box.boxed(str(network))
    if not path.exists() and re.fullmatch(r"[\w-]+", str(network)):
        there = ", ".join(box.names())
        raise InputError(f"{printable(network)}: no such file or run folder, and no network in the box ({there})")
    return path


def download(address: str) -> Path:
    """The network's file of hf://USER/NAME or hf://USER/NAME@REVISION, kept in the hub's cache until it changes there.

    Raises InputError for an address of another form, and for what is not there or cannot be reached.
    """
    match = ADDRESS.fullmatch(address)
    if match is None:
        raise InputError(f"{printable(address)}: must be hf://USER/NAME or hf://USER/NAME@REVISION")
    try:
        import huggingface_hub
    except ImportError as e:
        raise InputError(HOW_TO_INSTALL) from e
    try:
        return Path(huggingface_hub.hf_hub_download(match["repo_id"], HUB_FILE, revision=match["revision"]))
    except hub_errors() as e:
        raise InputError(
            f"{address}: no {HUB_FILE} could be had (private: `hf auth login` once): {printable(e)}"
        ) from e


HOW_TO_INSTALL = "for the Hugging Face hub, huggingface_hub must be installed: pip install 'stylegan[hub]'"


def hub_errors() -> tuple[type[Exception], ...]:
    """What huggingface_hub raises where a name is wrong, something is not there, or the hub cannot be reached.

    It speaks through httpx since 1.0, and through httpx2 later; before, the errors were OSErrors.
    """
    from huggingface_hub import get_session
    from huggingface_hub.errors import HFValidationError

    through = {each.__module__.partition(".")[0] for each in type(get_session()).__mro__} | {"httpx"}
    modules = [module for name in through if (module := sys.modules.get(name))]
    found = [getattr(module, name, None) for module in modules for name in ("HTTPError", "InvalidURL")]
    return (OSError, HFValidationError, *(error for error in found if error is not None))


def checked_repo(repo_id: str) -> str:
    """The repository USER/NAME that somebody typed. Raises InputError for anything else."""
    if not isinstance(repo_id, str) or not re.fullmatch(r"[\w.-]+/[\w.-]+", repo_id):
        raise InputError(f"{printable(repr(repo_id), 100)}: must be USER/NAME, of letters, digits, dashes and dots")
    return repo_id
