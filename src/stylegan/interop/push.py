"""Pushes networks to the Hugging Face hub. The extra `hub` is needed only when the function is called."""

from dataclasses import replace
from pathlib import Path

from stylegan.checkpoint import Networks
from stylegan.errors import InputError, printable
from stylegan.interop.license import checked_license
from stylegan.opening import checked_repo, hub_errors, load_networks


def push(
    network: Path | str | Networks,
    repo_id: str,
    *,
    license: str | None = None,
    private: bool = False,
    training: bool = False,
) -> str:
    """Push a network to the hub's repository USER/NAME, created if needed; return the address of the commit.

    license: the licence of the weights, e.g. cc-by-4.0, instead of what the file says; you answer for it. training:
    push G and D too, so that training can continue. A card that is already there is kept, because somebody may have
    edited it. If a license is given, it is rewritten. Raises InputError for a bad repo_id, network or license, and if
    the push fails.
    """
    from stylegan.interop import hub

    checked_repo(repo_id)
    networks = network if isinstance(network, Networks) else load_networks(network)
    networks = networks if training else replace(networks, G=None, D=None)
    if license is not None:
        networks = replace(networks, metadata={**networks.metadata, "license": checked_license(license)})
    try:
        keep = hub.CARD if license is None and hub.HfApi().file_exists(repo_id, hub.CARD) else None
        return hub.HubNetworks(networks).push_to_hub(repo_id, private=private, ignore_patterns=keep)
    except hub_errors() as e:
        raise InputError(
            f"could not push to {printable(repo_id, 100)} (USER/NAME; `hf auth login` once): {printable(e)}"
        ) from e
