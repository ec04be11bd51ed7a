"""Writes and reads the files of networks. `stylegan.tensors` defines their format."""

import math
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from stylegan.config import Config, NetworkConfig
from stylegan.errors import InputError, StyleganWarning, printable
from stylegan.files import user_path
from stylegan.networks.classes import check_class_names
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator, check_lod
from stylegan.tensors import TensorFile, check_fields, read_tensors as read_tensors, write_tensors as write_tensors


@dataclass
class Networks:
    """What a network's file holds. G_ema makes the pictures; G and D, if present, are for further training.

    metadata: plain JSON data such as cur_nimg, license, source, levels, class_names (one name for each class, in the
    order of the labels; in memory they are G_ema.class_names).
    config: that of the training run that they come from, if known.
    """

    G_ema: Generator
    G: Generator | None = None
    D: Discriminator | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    config: Config | None = None

    def modules(self) -> dict[str, nn.Module]:
        """The networks that are present, by name."""
        named = {"G_ema": self.G_ema, "G": self.G, "D": self.D}
        return {name: network for name, network in named.items() if network is not None}

    def config_json(self) -> dict[str, Any]:
        """The configuration as plain data for a file: that of the training run, or of the networks if it is unknown."""
        return (self.config or self.G_ema.config).to_json()

    def tensors(self) -> dict[str, Tensor]:
        """All tensors of the networks, by names such as "G_ema.mapping.layers.0.weight"."""
        modules = self.modules().items()
        return {f"{name}.{key}": t for name, network in modules for key, t in network.state_dict().items()}


def save(
    path: Path | str, networks: Generator | Networks, metadata: dict[str, Any] | None = None, *, half: bool = False
) -> None:
    """Write G_ema, or all of `networks`, as one file, whole or not at all. Its JSON has config, growth (lod), metadata.

    half: write in half precision, which halves the file. It is read back in float32. Raises InputError for class names
    that do not fit, and OSError if the file cannot be written.
    """
    if isinstance(networks, Generator):
        networks = Networks(networks)
    G_ema = networks.G_ema
    known: dict[str, Any] = {"levels": G_ema.levels} if G_ema.levels else {}
    known |= {"class_names": list(G_ema.class_names)} if G_ema.class_names else {}
    metadata = networks.metadata | known | (metadata or {})
    check_class_names(metadata.get("class_names"), G_ema.c_dim)
    header = {
        "config": networks.config_json(),
        "lod": G_ema.lod,
        "networks": list(networks.modules()),
        "metadata": metadata,
    }
    tensors = {name: t.half() if half else t for name, t in networks.tensors().items()}
    write_tensors(path, tensors, kind="network", header=header)


def load(network: Path | str) -> Generator:
    """G_ema of a network's file, or of the newest good snapshot of a run folder: in eval mode, float32, on the CPU.

    Raises InputError for a file that is missing, truncated, of another kind, with missing or extra tensors, or with
    numbers in G_ema that are not finite. Does not read the numbers of G and D, or change torch's global random state.
    """
    return _load(user_path(network), only_G_ema=True).G_ema


def load_networks(network: Path | str) -> Networks:
    """Everything in a network's file, or in the newest good snapshot of a run folder. Raises InputError like `load`."""
    return _load(user_path(network), only_G_ema=False)


def _load(path: Path, *, only_G_ema: bool) -> Networks:
    problems = []
    for file in snapshots(path) if path.is_dir() else [path]:
        try:
            networks = _load_file(file, only_G_ema=only_G_ema)
        except InputError as e:
            if file == path:
                raise
            problems.append(str(e))
            continue
        if problems:
            say = f"{path}: took the older {file.name}, because its newest snapshot cannot be used: "
            warnings.warn(say + "\n".join(problems), StyleganWarning, stacklevel=4)
        return networks
    raise InputError("\n".join([f"{path} holds no good snapshot (snapshot-*.safetensors)", *problems]))


def snapshot_path(run: Path, cur_nimg: int) -> Path:
    """The file of the networks after `cur_nimg` images."""
    return run / f"snapshot-{cur_nimg:09d}.safetensors"


def snapshots(run: Path) -> Iterator[Path]:
    """The snapshots in a run folder, the newest first."""
    found = {int(m[1]): p for p in run.iterdir() if (m := re.fullmatch(r"snapshot-(\d+)\.safetensors", p.name))}
    return (found[cur_nimg] for cur_nimg in sorted(found, reverse=True))


def _load_file(path: Path, *, only_G_ema: bool) -> Networks:
    file = TensorFile(path, kind="network")
    header = file.header
    check_fields(header, {"config": dict, "lod": float, "networks": list, "metadata": dict}, path)
    try:
        _check_names(header["networks"])
        config, lod = _read_config(header["config"]), header["lod"]
        check_lod(lod, config)
        class_names = check_class_names(header["metadata"].get("class_names"), config.c_dim)
    except ValueError as e:
        raise InputError(f"{path}: {e}") from e
    levels = check_levels(header["metadata"].get("levels"), config, path)
    held = sum(t.numel() for t in file.tensors.values())
    try:
        with Unfilled(4 * held + 2**20):  # generous: check_tensors names what does not fit, tensor by tensor
            networks = _build(config, header)
    except TooLargeError as e:
        raise InputError(f"{path}: its configuration describes larger networks than its {held:,} numbers") from e
    check_tensors(file.tensors, networks.tensors(), path, half=True)
    if only_G_ema:
        networks.G = networks.D = None
    file.check(networks.tensors())
    for name, network in networks.modules().items():
        network.load_state_dict({key: file.tensors[f"{name}.{key}"] for key in network.state_dict()})
        network.eval().requires_grad_(False)
    check_finite(networks.tensors(), path)
    networks.G_ema.levels = levels
    networks.G_ema.class_names = class_names
    return networks


class TooLargeError(Exception):
    """A network has more numbers than `Unfilled` allows."""


class Unfilled(TorchFunctionMode):
    """Networks that are made within this context draw no random weights. Their memory is left for those of a file.

    They may have `most` numbers in all; more raise TooLargeError, so that wrong sizes in a damaged file take no memory.
    (The device "meta" would tell the sizes too, but the first draw there imports torch's compilers, which takes a
    second.)
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.left = most

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in (torch.randn, torch.zeros, torch.ones):
            self.left -= math.prod(args)
            if self.left < 0:
                raise TooLargeError
        return (torch.empty if func is torch.randn else func)(*args, **(kwargs or {}))


def _check_names(names: list[Any]) -> None:
    if "G_ema" not in names or any(name not in ("G_ema", "G", "D") for name in names):
        raise InputError(f"it holds the networks {printable(names, 100)}: must be G_ema, with or without G and D")


def _read_config(data: dict[str, Any]) -> NetworkConfig:
    """A Config, or a NetworkConfig if the data have no field of a training run."""
    return (NetworkConfig if data.keys() <= NetworkConfig().to_json().keys() else Config).from_json(data)


def _build(config: NetworkConfig, header: dict[str, Any]) -> Networks:
    """New networks of the kinds that the header names."""
    names, lod = header["networks"], header["lod"]
    return Networks(
        Generator(config, lod),
        Generator(config, lod) if "G" in names else None,
        Discriminator(config, lod) if "D" in names else None,
        header["metadata"],
        config if isinstance(config, Config) else None,
    )


def check_levels(levels: Any, config: NetworkConfig, path: Path) -> dict[str, list[int]] | None:
    """The measured levels in a file's metadata, checked: name -> [first, last] style. Raises InputError."""
    fine = levels is None or (
        isinstance(levels, dict)
        and all(
            isinstance(v, list) and [type(i) for i in v] == [int, int] and 0 <= v[0] <= v[1] < config.num_ws
            for v in levels.values()
        )
    )
    if not fine:
        shown = printable(levels, 100)
        raise InputError(f"{path}: levels {shown} must be names with [first, last] styles, 0 to {config.num_ws - 1}")
    return levels


def check_tensors(tensors: dict[str, Tensor], expected: dict[str, Tensor], path: Path, *, half: bool = False) -> None:
    """Raise InputError that names every tensor that is missing, extra, or of another shape or type.

    half: whether tensors in half precision are accepted too.
    """
    problems = [f"  {name} is missing" for name in expected.keys() - tensors.keys()]
    problems += [f"  {printable(name)} is not part of this network" for name in tensors.keys() - expected.keys()]
    for name in expected.keys() & tensors.keys():
        given, wanted = tensors[name], expected[name]
        fine = given.dtype == wanted.dtype or (half and given.dtype == torch.float16)
        if given.shape != wanted.shape or not fine:
            problems.append(
                f"  {name} is {tuple(given.shape)} {given.dtype}: must be {tuple(wanted.shape)} {wanted.dtype}"
            )
    if problems:
        raise InputError("\n".join([f"{path} does not fit its configuration:", *sorted(problems)]))


def check_finite(tensors: dict[str, Tensor], path: Path) -> None:
    """Raise InputError that names the tensors with a NaN or an infinity."""
    extremes = {name: torch.stack(t.aminmax()) for name, t in tensors.items()}  # both are NaN if any number is
    broken = sorted(name for name, pair in extremes.items() if not pair.isfinite().all())
    if broken:
        more = f" and {len(broken) - 5} more" if len(broken) > 5 else ""
        raise InputError(
            f"{path} holds numbers that are not finite, in {', '.join(broken[:5])}{more}: "
            "its training diverged, or the file is damaged; take an earlier snapshot"
        )
