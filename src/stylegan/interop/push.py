"""Networks to the Hugging Face hub. The extra `hub` is asked for when the function is called."""

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
    """Put a network into the repository USER/NAME of the hub, made if need be; return the address of the commit.

    license: of the weights, e.g. cc-by-4.0, in place of what the file says: it is on you to know. training: also G and
    D, for training on. A card that stands there already is kept, as somebody may have edited it, unless a license is
    given: then the card is written anew. Raises InputError.
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
