"""A configuration fitted to its training run. Torch is imported only for `init`, so that the command starts quickly."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylegan.config import BATCHES, CONFIG_F, OF_THE_DATA, Config
from stylegan.data.dataset import ImageDataset
from stylegan.errors import InputError, printable

if TYPE_CHECKING:
    from stylegan.checkpoint import Networks


def fitted(
    data: Path | str | ImageDataset,
    kimg: float | None = None,
    gpus: int | None = None,
    *,
    config: Config = CONFIG_F,
    cond: bool = False,
    init: Path | str | None = None,
) -> Config:
    """`config` with everything that the data set, the GPUs, the network to start from and the budget decide.

    data: sets img_resolution, img_channels and, with `cond`, c_dim; initial_resolution becomes no larger than
    img_resolution. For fewer than FEW_PICTURES pictures, augment becomes diffaug if it is none, and if
    initial_resolution is 8 or more.
    gpus: 1, 2, 4 or 8 sets the authors' batch and batch_at, if `config` has those of another number of GPUs. A batch
    of your own stays, and so does any batch if gpus is None or another number.
    init: sets the widths and the kind of the networks, and initial_resolution to the resolution that they have grown
    to. If they have no styles, style_mixing_prob becomes 0.
    kimg: sets total_kimg and scales the whole schedule to it (`Config.for_budget`). None keeps the schedule.

    All other fields stay as they are; change them afterwards, with `but`. Raises InputError if `cond` is given without
    classes, if gpus is no whole number, and for what `ImageDataset`, `load_networks` and Config refuse.
    """
    dataset = data if isinstance(data, ImageDataset) else ImageDataset(data)
    if cond and not dataset.c_dim:
        why = f" ({printable(dataset.manifest['classes'])})" if "classes" in dataset.manifest else ""
        raise InputError(
            f"{printable(dataset.path)} has no classes{why}: prepare a folder of class folders, or with a file of "
            "classes; or train without cond"
        )
    if gpus is not None and type(gpus) is not int:
        raise InputError(f"gpus {printable(gpus, 60)}: must be a whole number, or None")
    if gpus is not None and gpus in BATCHES and (config.batch, config.batch_at) in BATCHES.values():
        config = config.for_gpus(gpus)
    config = config.but(
        img_resolution=dataset.img_resolution,
        img_channels=dataset.img_channels,
        c_dim=dataset.c_dim if cond else 0,
        initial_resolution=min(config.initial_resolution, dataset.img_resolution),
    )
    if init is not None:
        from stylegan.opening import load_networks  # and with it torch, which takes a second

        networks = load_networks(init)
        config = config.continuing(networks.G_ema.config, grown_to(networks))
    if len(dataset) < FEW_PICTURES and config.augment == "none" and config.initial_resolution >= 8:
        config = config.but(augment="diffaug")
    return config if kimg is None else config.for_budget(kimg)


def given_way(config: Config, given: Mapping[str, Any]) -> Config:
    """`config` with the fields that a person gave. The automatic augmentation is dropped if they exclude it.

    If they set augment ada, ada_kimg is scaled to the budget of `config`, as in `fitted`.
    """
    first, suited = given.get("initial_resolution"), dict[str, Any]()
    if config.augment == "diffaug" and isinstance(first, int) and first < 8:
        suited["augment"] = "none"
    if given.get("augment") == "ada":
        suited["ada_kimg"] = config.but(augment="ada").for_budget(config.total_kimg).ada_kimg
    return config.but(**suited | dict(given))


FEW_PICTURES = 5000
"""With fewer pictures, D learns them by heart unless they are augmented (docs/training.md)."""


def grown_to(networks: "Networks") -> int:
    """The resolution that networks have grown to.

    The first, untrained snapshot of an older run says "full size"; there, the configuration tells.
    """
    if networks.metadata.get("cur_nimg") == 0 and networks.config is not None:
        return networks.config.initial_resolution
    return networks.G_ema.resolution


def misfits(config: Config, dataset: ImageDataset) -> list[str]:
    """The fields that contradict the data set, one line each. A configuration need not use the classes."""
    return [
        f"{name} {getattr(config, name)}: the data set {dataset.path} has {getattr(dataset, name)}"
        for name in OF_THE_DATA
        if getattr(config, name) != getattr(dataset, name) and (name != "c_dim" or config.c_dim)
    ]
