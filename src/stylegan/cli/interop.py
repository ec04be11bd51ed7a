"""Exchanging networks with other programs: import, inspect, export, push, verify."""

import tyro

from stylegan.cli.console import Network, network_path, say
from stylegan.files import user_path


def import_(
    file: tyro.conf.Positional[str],
    network: tyro.conf.Positional[str],
    license: str | None = None,
    resolution: int | None = None,
) -> None:
    """Convert a StyleGAN 1 network that another program saved, without running anything in its file.

    Args:
        file: A pickle saved by the authors' code for StyleGAN or Progressive GAN, or a .pth, .pt, .model or
            .safetensors file of genforce, huangzh13, lernapparat or rosinality.
        network: The .safetensors file to write.
        license: License of the weights, such as cc-by-4.0, if you know it. The file does not say.
        resolution: Resolution of the pictures, if the file does not say (rosinality).
    """
    from stylegan.interop.importing import import_network

    networks = import_network(user_path(file), user_path(network), license=license, resolution=resolution)
    for line in networks.metadata.get("made", ()):
        say(line)
    say(f"{network}: {networks.G_ema.img_resolution} px, license {networks.metadata['license']}")


def inspect(file: tyro.conf.Positional[str]) -> None:
    """List what a PyTorch file, a pickle or a safetensors file holds, without running any of it.

    Args:
        file: A .pth, .pt, .model, .pkl or .safetensors file.
    """
    from stylegan.interop.inspecting import inspect

    for line in inspect(user_path(file)):
        print(line)


def export(network: Network, out: tyro.conf.Positional[str], cutoff: int | None = 8) -> None:
    """Export to ONNX (.onnx, extra `onnx`) or torch.export (.pt2), and check the file against torch.

    Args:
        network: A network's file, a run folder, or hf://USER/NAME.
        out: The file to write.
        cutoff: How many styles are truncated (None: all). psi remains an input of the exported network.
    """
    from stylegan.interop.onnx import export

    error = export(network_path(network), user_path(out), truncation_cutoff=cutoff)
    say(f"{out}: equal to torch's pictures to {error:.1e} of their range")


def push(network: Network, repo: tyro.conf.Positional[str], private: bool = False, license: str | None = None) -> None:
    """Push a network with a model card to the Hugging Face hub (extra `hub`). It can then be loaded as hf://USER/NAME.

    Args:
        network: A network's file or a run folder.
        repo: USER/NAME.
        private: Make the repository private.
        license: License of the weights, such as cc-by-4.0, instead of the one in the file. The card is written again.
    """
    from stylegan.interop.push import push

    say(push(network_path(network), repo, private=private, license=license))


def verify(path: tyro.conf.Positional[str]) -> int:
    """Read every byte of a data set, run, network or folder of shards, and report damage. Exit code 2 if there is any.

    Args:
        path: A data set, a run folder, a folder of shards, or one file: a network, state, direction or projection.
    """
    from stylegan.verifying import verify

    checks = verify(path)
    for check in checks:
        say(check)
    return 0 if all(check.is_good for check in checks) else 2
