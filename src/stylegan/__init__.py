"""StyleGAN: a style-based generator for anyone's pictures (Karras, Laine, Aila, arXiv 1812.04948).

These are the public names. Type checkers and editors read the imports; at run time each name is imported when it is
first used, so that `import stylegan` is fast. An extra (`explorer`, `hub`, `onnx`, `perceptual`, `video`) is only
needed once a function that uses it is called.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.3.0"

if TYPE_CHECKING:
    from stylegan import metrics as metrics
    from stylegan.checkpoint import Networks as Networks, save as save
    from stylegan.config import (
        CONFIG_A as CONFIG_A,
        CONFIG_B as CONFIG_B,
        CONFIG_C as CONFIG_C,
        CONFIG_D as CONFIG_D,
        CONFIG_E as CONFIG_E,
        CONFIG_F as CONFIG_F,
        TABLE_1 as TABLE_1,
        Config as Config,
        NetworkConfig as NetworkConfig,
    )
    from stylegan.data.dataset import ImageDataset as ImageDataset, image_grid as image_grid, save_png as save_png
    from stylegan.data.prepare import prepare as prepare
    from stylegan.editing.directions import (
        boundary as boundary,
        closed_form as closed_form,
        principal_components as principal_components,
    )
    from stylegan.editing.projection import Projection as Projection, project as project
    from stylegan.editing.save_projections import save_projections as save_projections
    from stylegan.editing.sheets import save_directions as save_directions
    from stylegan.errors import (
        DamagedError as DamagedError,
        InputError as InputError,
        StyleganWarning as StyleganWarning,
    )
    from stylegan.experiments.demo import demo as demo
    from stylegan.explorer.explore import explore as explore
    from stylegan.explorer.explorer import Explorer as Explorer
    from stylegan.figures.mixing import compose as compose, mixing_grid as mixing_grid
    from stylegan.figures.paper import figure as figure
    from stylegan.figures.save import save_figure as save_figure, save_mix as save_mix
    from stylegan.figures.video import save_video as save_video
    from stylegan.interop.importing import import_network as import_network
    from stylegan.interop.inspecting import inspect as inspect
    from stylegan.interop.official import import_official as import_official, read_official as read_official
    from stylegan.interop.onnx import export as export
    from stylegan.interop.push import push as push
    from stylegan.networks import layers as layers
    from stylegan.networks.classes import class_index as class_index
    from stylegan.networks.discriminator import Discriminator as Discriminator
    from stylegan.networks.generator import Generator as Generator, Layer as Layer, register_layer as register_layer
    from stylegan.networks.levels import named_levels as named_levels, style_indices as style_indices
    from stylegan.networks.styles import mix as mix, truncate as truncate
    from stylegan.networks.tiny import tiny_network as tiny_network
    from stylegan.opening import download as download, load as load, load_networks as load_networks
    from stylegan.probing.attributes import Attributes as Attributes
    from stylegan.probing.measure import probe as probe
    from stylegan.probing.report import Report as Report
    from stylegan.probing.save import save_probe as save_probe
    from stylegan.sampling.controls import Controls as Controls
    from stylegan.sampling.direction import Direction as Direction, apply as apply, find_direction as find_direction
    from stylegan.sampling.recipe import Recipe as Recipe
    from stylegan.sampling.sampler import Sampler as Sampler, recipe as recipe, sample as sample
    from stylegan.sampling.save import Saved as Saved, save_samples as save_samples
    from stylegan.sampling.shards import pngs as pngs, save_shard as save_shard
    from stylegan.sampling.truncation import estimate_w_avg as estimate_w_avg
    from stylegan.training import losses as losses
    from stylegan.training.augment import Augmentation as Augmentation
    from stylegan.training.cost.dry_run import dry_run as dry_run
    from stylegan.training.fitted import fitted as fitted
    from stylegan.training.objectives import Batch as Batch, Objectives as Objectives
    from stylegan.training.schedule import Phase as Phase, schedule as schedule
    from stylegan.training.train import resume as resume, train as train
    from stylegan.verifying import Check as Check, verify as verify
else:
    _HOMES = {
        "errors": ["DamagedError", "InputError", "StyleganWarning"],
        "config": [
            "CONFIG_A",
            "CONFIG_B",
            "CONFIG_C",
            "CONFIG_D",
            "CONFIG_E",
            "CONFIG_F",
            "TABLE_1",
            "Config",
            "NetworkConfig",
        ],
        "networks.classes": ["class_index"],
        "networks.discriminator": ["Discriminator"],
        "networks": ["layers"],
        "networks.generator": ["Generator", "Layer", "register_layer"],
        "networks.levels": ["named_levels", "style_indices"],
        "networks.styles": ["mix", "truncate"],
        "networks.tiny": ["tiny_network"],
        "checkpoint": ["Networks", "save"],
        "opening": ["download", "load", "load_networks"],
        "data.dataset": ["ImageDataset", "image_grid", "save_png"],
        "data.prepare": ["prepare"],
        "sampling.controls": ["Controls"],
        "sampling.direction": ["Direction", "apply", "find_direction"],
        "sampling.recipe": ["Recipe"],
        "sampling.sampler": ["Sampler", "recipe", "sample"],
        "sampling.save": ["Saved", "save_samples"],
        "sampling.shards": ["pngs", "save_shard"],
        "sampling.truncation": ["estimate_w_avg"],
        "figures.mixing": ["compose", "mixing_grid"],
        "figures.paper": ["figure"],
        "figures.save": ["save_figure", "save_mix"],
        "figures.video": ["save_video"],
        "interop.importing": ["import_network"],
        "interop.inspecting": ["inspect"],
        "interop.official": ["import_official", "read_official"],
        "interop.onnx": ["export"],
        "interop.push": ["push"],
        "editing.directions": ["boundary", "closed_form", "principal_components"],
        "editing.projection": ["Projection", "project"],
        "editing.save_projections": ["save_projections"],
        "editing.sheets": ["save_directions"],
        "probing.attributes": ["Attributes"],
        "probing.measure": ["probe"],
        "probing.report": ["Report"],
        "probing.save": ["save_probe"],
        "metrics": ["metrics"],
        "training": ["losses"],
        "training.augment": ["Augmentation"],
        "training.cost.dry_run": ["dry_run"],
        "training.fitted": ["fitted"],
        "training.objectives": ["Batch", "Objectives"],
        "training.schedule": ["Phase", "schedule"],
        "training.train": ["resume", "train"],
        "experiments.demo": ["demo"],
        "explorer.explore": ["explore"],
        "explorer.explorer": ["Explorer"],
        "verifying": ["Check", "verify"],
    }
    _MODULES = {"layers": "networks.layers", "losses": "training.losses", "metrics": "metrics"}
    _HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
    __all__ = sorted(_HOME_OF)

    def __getattr__(name: str) -> Any:
        if name not in _HOME_OF:
            raise AttributeError(f"module 'stylegan' has no attribute {name!r}")
        if name in _MODULES:  # modules of public functions: losses.r1, metrics.measure ...
            return import_module(f"stylegan.{_MODULES[name]}")
        return getattr(import_module(f"stylegan.{_HOME_OF[name]}"), name)

    def __dir__() -> list[str]:
        return [*__all__, "__version__"]
