"""A configuration and a data set must have the same sizes. No torch: the command line asks here before it starts."""

from stylegan.config import Config
from stylegan.data.dataset import ImageDataset
from stylegan.errors import InputError, printable


def fit(config: Config, dataset: ImageDataset, *, cond: bool = False) -> Config:
    """`config` with the resolution and channels of the data set, and with `cond` its classes."""
    if cond and not dataset.c_dim:
        why = f" ({printable(dataset.manifest['classes'])})" if "classes" in dataset.manifest else ""
        raise InputError(
            f"{printable(dataset.path)} has no classes{why}: prepare a folder of class folders, or use --classes FILE; "
            "or train without --cond"
        )
    return config.but(
        img_resolution=dataset.img_resolution,
        img_channels=dataset.img_channels,
        c_dim=dataset.c_dim if cond else 0,
        initial_resolution=min(config.initial_resolution, dataset.img_resolution),
    )


def misfits(config: Config, dataset: ImageDataset) -> list[str]:
    """What of the configuration contradicts the data set, a line each."""
    pairs = [("img_resolution", dataset.img_resolution), ("img_channels", dataset.img_channels)]
    if config.c_dim:
        pairs.append(("c_dim", dataset.c_dim))
    return [
        f"{name} {getattr(config, name)}: the data set {dataset.path} has {value}"
        for name, value in pairs
        if getattr(config, name) != value
    ]
