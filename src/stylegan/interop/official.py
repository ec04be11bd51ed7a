"""Reads the authors' networks, pickles of StyleGAN (2019) and Progressive GAN (2018), without executing them."""

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stylegan.checkpoint import Networks, check_finite, save
from stylegan.config import NetworkConfig
from stylegan.errors import InputError, printable, refuse
from stylegan.files import need_file, user_path
from stylegan.foreign import what_it_is
from stylegan.interop.arguments import config_of, settle
from stylegan.interop.license import UNKNOWN_LICENSE, checked_license
from stylegan.interop.pickles import Malformed, read_pickle
from stylegan.interop.state import OfficialNetwork, official_networks
from stylegan.interop.variables import authors_shape, discriminator_names, generator_names, is_turned, to_ours
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator

LICENSE = f"{UNKNOWN_LICENSE}, unless you trained it; the authors' own files are CC BY-NC 4.0"
LODS = {"lod", "G_synthesis/lod"}  # variables of theirs without a tensor here; of the two, "lod" counts


def import_official(pkl: Path | str, network: Path | str, *, license: str | None = None) -> Networks:
    """Convert an official pickle to a file of this package, whose metadata states the licence and the source.

    license: the licence of the weights, e.g. cc-by-4.0, if you know it. None claims nothing; the file then states
    `LICENSE`. Returns the networks. Raises InputError as `read_official` does, and if `network` exists or its folder
    does not.
    """
    pkl, network = user_path(pkl), user_path(network)
    if network.exists():
        raise InputError(f"{network} exists already: give another name, or delete it first")
    if not network.parent.is_dir():
        raise InputError(f"{network}: there is no folder {network.parent}; make it first")
    license = LICENSE if license is None else checked_license(license)
    data = _read(pkl)
    networks = _networks(data, pkl)
    networks.metadata = {
        "license": license,
        "source": f"{printable(pkl.name)}, sha256 {hashlib.sha256(data).hexdigest()}",
    }
    save(network, networks)
    return networks


def read_official(path: Path | str) -> tuple[Generator, Discriminator, Generator]:
    """(G, D, G_ema) of an official pickle, grown as far as its lod says: in eval mode, float32, on the CPU.

    Nothing in the file is executed. Raises InputError that names everything unknown, missing or unsupported.
    """
    path = user_path(path)
    read = _networks(_read(path), path)
    assert read.G is not None and read.D is not None
    return read.G, read.D, read.G_ema


def _read(path: Path) -> bytes:
    need_file(path)
    if (found := what_it_is(path)) and not found.startswith("a pickle"):
        raise InputError(f"{path} is not one of the authors' pickles but {found}")
    return path.read_bytes()


def _networks(data: bytes, path: Path) -> Networks:
    try:
        networks = official_networks(read_pickle(data))
        config = config_of([(part.function, part.arguments) for n in networks for part in (n, *n.components)])
        # Every shape is compared before anything is allocated: sizes in a hostile file cost nothing.
        refuse([problem for n in networks for problem in _problems(n, config)])
        if sum(array.nbytes for n in networks for array in n.variables.values()) > len(data):
            raise InputError("its variables share their bytes: those of the authors' files never do")
        G, D, Gs = networks
        found = Networks(_generator(Gs, config), _generator(G, config), _discriminator(D, config), config=config)
    except (InputError, Malformed) as e:
        raise InputError(f"{path} cannot be imported:\n{e}") from e
    except (ValueError, TypeError, ArithmeticError, RecursionError) as e:  # the file decides which error occurs
        raise InputError(f"{path} cannot be imported: damaged, or not one of the authors' files: {printable(e)}") from e
    check_finite(found.tensors(), path)
    return found


def _generator(network: OfficialNetwork, config: NetworkConfig) -> Generator:
    G = Generator(config, _lod(network)).eval().requires_grad_(False)
    G.load_state_dict(G.state_dict() | _tensors(network, config))  # w_avg stays 0 if the file has none
    return G


def _discriminator(network: OfficialNetwork, config: NetworkConfig) -> Discriminator:
    D = Discriminator(config, _lod(network)).eval().requires_grad_(False)
    D.load_state_dict(_tensors(network, config))
    return D


def _names(network: OfficialNetwork, config: NetworkConfig) -> dict[str, str]:
    if network.function.startswith("D"):
        return discriminator_names(config)
    return generator_names(config, progressive=network.function == "G_paper")


def _tensors(network: OfficialNetwork, config: NetworkConfig) -> dict[str, Tensor]:
    fused = _argument(network, "fused_scale")
    return {
        ours: to_ours(theirs, network.variables[theirs].numpy(), turned=is_turned(theirs, fused))
        for ours, theirs in _names(network, config).items()
    }


def _lod(network: OfficialNetwork) -> float:
    return 0.0 if _argument(network, "structure") == "fixed" else float(network.variables["lod"].numpy())


def _argument(network: OfficialNetwork, name: str) -> Any:
    """The value of an argument, given or default, of the network or of the component that takes it."""
    settled = [settle(part.function, part.arguments, []) for part in (network, *network.components)]
    return next(arguments[name] for arguments in settled if name in arguments)


def _problems(network: OfficialNetwork, config: NetworkConfig) -> list[str]:
    """A line for each variable of a network that is missing, unknown or of the wrong shape."""
    with torch.device("meta"):
        ours = (Discriminator if network.function.startswith("D") else Generator)(config).state_dict()
    names = _names(network, config)
    shapes = {theirs: authors_shape(theirs, ours[name].shape) for name, theirs in names.items()} | {"lod": ()}
    problems = [f"{network.name}: {name} is missing" for name in shapes.keys() - network.variables.keys()]
    for name, array in network.variables.items():
        if name not in shapes and name not in LODS:
            problems.append(f"{network.name}: {name[:100]!r} is not part of this network")
        elif name in shapes and array.shape != shapes[name]:
            problems.append(f"{network.name}: {name} is {array.shape}: must be {shapes[name]}")
    if not problems and not 0 <= _lod(network) <= config.max_lod:
        problems.append(f"{network.name}: lod {_lod(network)}: must be 0 to {config.max_lod:g}")
    return sorted(problems)
