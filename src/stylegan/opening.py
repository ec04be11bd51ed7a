"""Opens a network by the name that a person gives. Every command and every function comes through here."""

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
    """G_ema of a network: in eval mode, float32, without gradients.

    network: a file, a run folder (its newest good snapshot), a folder with the hub's model.safetensors, the name of a
    network in the box ("portraits"), or hf://USER/NAME or hf://USER/NAME@REVISION. A file or run folder with the name
    of a network in the box comes first.
    device: cpu, cuda, cuda:1, mps, or auto for the best one; None is the CPU. (The commands use auto.)
    Raises InputError for a network that is missing, truncated, damaged, of another kind, with missing or extra tensors,
    or with numbers in G_ema that are not finite. Warns (StyleganWarning) if it takes an older snapshot. Does not read
    the numbers of G and D, or change torch's global random state.
    """
    found = find_device("cpu" if device is None else device)  # before the file is read
    return checkpoint.load(find_network(network)).to(found)


def load_networks(network: Path | str) -> Networks:
    """Everything that a network's file holds, on the CPU. network and errors: as in `load`."""
    return checkpoint.load_networks(find_network(network))


def find_network(network: Path | str) -> Path:
    """The file or run folder that a network's name stands for. A network on the hub is downloaded first.

    Raises InputError for a name that is neither a path nor in the box, and like `download`.
    """
    if isinstance(network, str) and network.startswith("hf:"):
        return download(network)
    path = user_path(network)
    if path.is_file() or (path.is_dir() and next(checkpoint.snapshots(path), None)):
        return path
    if (path / HUB_FILE).is_file():
        return path / HUB_FILE
    if str(network) in box.names():  # even if there is a folder of that name, such as a data set
        return box.boxed(str(network))
    if not path.exists() and re.fullmatch(r"[\w-]+", str(network)):
        there = ", ".join(box.names())
        raise InputError(f"{printable(network)}: no such file, run folder or network in the box ({there})")
    return path


def download(address: str) -> Path:
    """The network's file at hf://USER/NAME or hf://USER/NAME@REVISION, cached until it changes on the hub.

    Raises InputError for an address of another form, and if the file does not exist or cannot be reached.
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
            f"{address}: no {HUB_FILE} could be downloaded (if private, run `hf auth login` once): {printable(e)}"
        ) from e


HOW_TO_INSTALL = "for the Hugging Face hub, huggingface_hub must be installed: pip install 'stylegan[hub]'"


def hub_errors() -> tuple[type[Exception], ...]:
    """What huggingface_hub raises if a name is wrong, something does not exist, or the hub cannot be reached.

    It uses httpx from version 1.0 on, and later httpx2. Before, the errors were OSErrors.
    """
    from huggingface_hub import get_session
    from huggingface_hub.errors import HFValidationError

    through = {each.__module__.partition(".")[0] for each in type(get_session()).__mro__} | {"httpx"}
    modules = [module for name in through if (module := sys.modules.get(name))]
    found = [getattr(module, name, None) for module in modules for name in ("HTTPError", "InvalidURL")]
    return (OSError, HFValidationError, *(error for error in found if error is not None))


def checked_repo(repo_id: str) -> str:
    """The repository that somebody typed, if it has the form USER/NAME. Raises InputError for anything else."""
    if not isinstance(repo_id, str) or not re.fullmatch(r"[\w.-]+/[\w.-]+", repo_id):
        raise InputError(f"{printable(repr(repo_id), 100)}: must be USER/NAME, of letters, digits, -, . and _")
    return repo_id
