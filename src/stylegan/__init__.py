"""StyleGAN: a style-based generator for anyone's pictures (Karras, Laine, Aila, arXiv 1812.04948).

The public names; each is imported when it is first used, so that `import stylegan` is light.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "config": ["Config", "TABLE_1", "CONFIG_A", "CONFIG_B", "CONFIG_C", "CONFIG_D", "CONFIG_E", "CONFIG_F"],
    "errors": ["InputError"],
    "networks.generator": ["Generator"],
    "networks.discriminator": ["Discriminator"],
    "networks.styles": ["mix", "truncate"],
    "checkpoint": ["Networks", "load", "load_networks", "save"],
    "interop.official": ["import_official", "read_official"],
    "data.images": ["ImageDataset"],
    "data.fit": ["fit"],
    "data.prepare": ["prepare"],
    "sampling.sample": ["sample"],
    "sampling.controls": ["Controls"],
    "sampling.recipe": ["recipe"],
    "sampling.save": ["save_figure", "save_mix", "save_samples"],
    "sampling.video": ["save_video"],
    "training.train": ["resume", "train"],
    "training.dry_run": ["dry_run"],
    "training": ["losses"],
    "experiments.demo": ["demo"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'stylegan' has no attribute {name!r}")
    home = import_module(f"stylegan.{_HOME_OF[name]}")
    return import_module(f"stylegan.{_HOME_OF[name]}.{name}") if name == "losses" else getattr(home, name)


def __dir__() -> list[str]:
    return __all__
