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
    "data.dataset": ["ImageDataset"],
    "data.fit": ["fit"],
    "data.prepare": ["prepare"],
    "sampling.sample": ["sample"],
    "sampling.controls": ["Controls"],
    "sampling.recipe": ["recipe"],
    "sampling.save": ["save_samples"],
    "figures.save": ["save_figure", "save_mix"],
    "sampling.shards": ["pngs", "save_shard"],
    "figures.video": ["save_video"],
    "training.train": ["resume", "train"],
    "training.objectives": ["Objectives"],
    "training.augment": ["Augmentation"],
    "training.cost.dry_run": ["dry_run"],
    "interop.onnx": ["export"],
    "interop.hub": ["push"],
    "editing.directions": ["boundary", "closed_form", "principal_components"],
    "editing.sheets": ["save_directions"],
    "editing.projection": ["project"],
    "editing.save_projections": ["save_projections"],
    "experiments.demo": ["demo"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME_OF, "losses"])


def __getattr__(name: str) -> Any:
    if name == "losses":  # a module of public functions: losses.r1 ...
        return import_module("stylegan.training.losses")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'stylegan' has no attribute {name!r}")
    return getattr(import_module(f"stylegan.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
