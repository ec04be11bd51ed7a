"""A network from and for other programs: import, export, push."""

from pathlib import Path

import tyro

from stylegan.cli.console import Network, console, network_path


def import_(pkl: tyro.conf.Positional[Path], network: tyro.conf.Positional[Path]) -> None:
    """Read the authors' 2019 pickles, StyleGAN's and Progressive GAN's, without running anything in them.

    Args:
        pkl: The authors' file.
        network: The .safetensors file to write.
    """
    from stylegan.interop.official import import_official

    networks = import_official(pkl, network)
    console.print(f"{network}: {networks.G_ema.img_resolution} px, license {networks.metadata['license']}")


def export(network: Network, out: tyro.conf.Positional[Path], cutoff: int | None = 8) -> None:
    """Write ONNX (.onnx, extra `onnx`) or torch.export (.pt2), checked against torch before it is called done.

    Args:
        network: A network's file, a run folder, or hf://USER/NAME.
        out: The file to write.
        cutoff: How many styles truncation moves; psi stays an input. None: all.
    """
    from stylegan.interop.onnx import export

    error = export(network_path(network), out, truncation_cutoff=cutoff)
    console.print(f"{out}: equal to torch's pictures to {error:.1e} of their range")


def push(network: Network, repo: tyro.conf.Positional[str], private: bool = False) -> None:
    """Push a network with a model card to the Hugging Face hub (extra `hub`); load it as hf://USER/NAME.

    Args:
        network: A network's file or a run folder.
        repo: USER/NAME.
        private: Make the repository private.
    """
    from stylegan.interop.push import push

    console.print(push(network_path(network), repo, private=private))
