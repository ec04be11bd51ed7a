"""Networks to the Hugging Face hub and from it. The extra `hub` is asked for when a function is called."""

import re
from dataclasses import replace
from pathlib import Path

from stylegan.checkpoint import Networks, load_networks
from stylegan.errors import InputError

ADDRESS = re.compile(r"hf://(?P<repo_id>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")


def push(
    network: Path | str | Networks,
    repo_id: str,
    *,
    license: str | None = None,
    private: bool = False,
    training: bool = False,
) -> str:
    """Put a network into the repository USER/NAME of the hub, made if need be; return the address of the commit.

    license: of the weights, e.g. cc-by-4.0; the file's own, where it states one, cannot be changed. training: also G
    and D, for training on. A card that stands there already is kept, as somebody may have edited it. Raises InputError.
    """
    from stylegan.interop import hub

    networks = network if isinstance(network, Networks) else load_networks(network)
    networks = networks if training else replace(networks, G=None, D=None)
    if license is not None:
        own = networks.metadata.get("license")
        if own is not None and hub.license_id(own) != hub.license_id(license):
            raise InputError(f"license {license}: this network's file says {own}, which a copy cannot change")
        networks = replace(networks, metadata={**networks.metadata, "license": own or license})
    try:
        keep = hub.CARD if hub.HfApi().file_exists(repo_id, hub.CARD) else None
        return hub.HubNetworks(networks).push_to_hub(repo_id, private=private, ignore_patterns=keep)
    except (OSError, hub.HFValidationError) as e:
        raise InputError(f"could not push to {repo_id} (USER/NAME; `hf auth login` once): {e}") from e


def download(address: str) -> Path:
    """The network's file of hf://USER/NAME or hf://USER/NAME@REVISION, kept in the hub's cache until it changes there.

    Raises InputError for an address of another form, and for what is not there or cannot be reached.
    """
    match = ADDRESS.fullmatch(address)
    if match is None:
        raise InputError(f"{address}: must be hf://USER/NAME or hf://USER/NAME@REVISION")
    from stylegan.interop import hub

    try:
        return Path(hub.hf_hub_download(match["repo_id"], hub.NETWORK, revision=match["revision"]))
    except (OSError, hub.HFValidationError) as e:
        raise InputError(f"{address}: no {hub.NETWORK} could be had (private: `hf auth login` once): {e}") from e
