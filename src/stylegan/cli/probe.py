"""The command that measures which layer controls what: probe."""

from stylegan.cli.console import Device, Network, network_path, open_network, report
from stylegan.errors import InputError


def probe(
    network: Network,
    *,
    out: str,
    pairs: int = 256,
    factors: str | None = None,
    write: bool = False,
    device: Device = "auto",
) -> None:
    """Measure which layers are coarse, middle and fine, how sharply they divide, and what each layer changes.

    Args:
        network: A network's file, a run folder, or hf://USER/NAME.
        out: Folder for levels.html, the page to read, and levels.json.
        pairs: Number of pairs of pictures between which styles are swapped.
        factors: A data set of similar pictures with known factors (portraits:COUNT) or classes, to measure those too.
        write: Write the levels into the network's file. Every command then uses them for coarse, middle and fine.
    """
    from stylegan.probing.save import save_probe

    path = network_path(network)
    if write and network.startswith("hf:"):
        raise InputError(f"--write: {network} belongs to the hub: copy {path}, and probe the copy")
    report(save_probe(open_network(network, device), out, pairs=pairs, factors=factors, network=path, write=write))
