"""The first lines that a training run prints: what was typed or inferred, and how much disk space it will take."""

from collections.abc import Mapping

import torch

from stylegan.config import Config
from stylegan.data.dataset import ImageDataset
from stylegan.errors import printable
from stylegan.training.augment import NONE
from stylegan.training.fitted import FEW_PICTURES
from stylegan.training.machine import processes
from stylegan.training.machine.precision import precision_of
from stylegan.training.run.record import SNAPSHOT_TICKS
from stylegan.training.schedule import batch_of, grown_kimg, level_images, schedule
from stylegan.training.state import TrainingState

HEADER_BYTES = 4000  # per file: configuration, counters, metadata
NAMED_BYTES = 120  # per tensor, besides its name, which is written twice: type, shape, position, checksum


def first_lines(state: TrainingState, dataset: ImageDataset, keep_snapshots: int | None) -> list[str]:
    """Lines for the level, the loss, the augmentation, the device and the disk space."""
    config, phase = state.config, schedule(state.config, state.cur_nimg, processes.world())
    H, shown = config.img_resolution, round(1000 * config.total_kimg)
    done = f", {state.cur_nimg:,} of them already shown" if state.cur_nimg else ""
    level = f"level {phase.resolution}x{phase.resolution} of {H}x{H}; {shown:,} images in all{done}"
    later = [f"{r}x{r}: {batch_of(config, r, processes.world())}, {rate_of(config, r):g}" for r in later_levels(state)]
    batch = f"batch {phase.batch}, rate {rate_of(config, phase.resolution):g}"
    learned = penalty(config) if state.objectives.lazy else f"loss {state.objectives.name}"
    return [
        f"{level}; {batch}{'; then ' + '; '.join(later) if later else ''}",
        f"{learned}; mirroring {mirroring(config)}; {classes(config, dataset)}",
        *augmented(state, dataset),
        f"{where(state)}; seed {config.seed}",
        disk(state, keep_snapshots),
        *never_grown(config),
    ]


def never_grown(config: Config) -> list[str]:
    """A warning for a run that ends before its networks have grown to full size; else no line."""
    needed, total, H = grown_kimg(config), round(1000 * config.total_kimg), config.img_resolution
    if config.total_kimg >= needed:
        return []
    last = schedule(config, max(total - schedule(config, max(total - 1, 0)).batch, 0))
    faded = ", partly faded in" if last.lod % 1 else ""
    return [
        f"warning: the networks will not be fully grown after {config.total_kimg:g} thousand images: the last pictures "
        f"will have {last.resolution}x{last.resolution} of {H}x{H} pixels{faded}. With this level_kimg and fade_kimg, "
        f"growing takes {needed:g} thousand images: give more kimg, or shorten those"
    ]


def later_levels(state: TrainingState) -> list[int]:
    """The resolutions that the run has yet to reach."""
    now = state.config.img_resolution >> int(schedule(state.config, state.cur_nimg).lod)
    return [resolution for resolution, images in level_images(state.config).items() if resolution > now and images]


def rate_of(config: Config, resolution: int) -> float:
    """The learning rate at a resolution, once its ramp is over."""
    return config.lrate_at.get(resolution, config.lrate)


def penalty(config: Config) -> str:
    """ "R1 10 in every step"."""
    often = "every step" if config.r1_interval == 1 else f"one of {config.r1_interval} steps"
    return f"R1 {config.gamma:.3g} in {often}"


def mirroring(config: Config) -> str:
    """Whether pictures are mirrored, in words; if so, G learns mirrored lettering too."""
    return "on (lettering comes out mirrored too; off with --no-mirror, mirror=False)" if config.mirror else "off"


def augmented(state: TrainingState, dataset: ImageDataset) -> list[str]:
    """A line that names the augmentation and, for few pictures, the reason for it; no line without one."""
    name = state.augmentation.name
    if name == NONE.name:
        return []
    what = AUGMENTED.get(name, "your own")
    few = len(dataset) < FEW_PICTURES and name == "diffaug"
    why = f", because {len(dataset):,} pictures are fewer than {FEW_PICTURES:,} (turn it off with augment none)"
    return [f"augmentation {name}: {what} in every picture that D sees{why if few else ''}"]


AUGMENTED = {
    "diffaug": "random colours, shifts and cutouts",
    "ada": "random flips, warps and colours, the more often the more D memorises,",
}


def classes(config: Config, dataset: ImageDataset) -> str:
    """The classes that the networks learn, in words."""
    if not config.c_dim:
        unused = f" (the data set has {dataset.c_dim}; cond trains with them)" if dataset.c_dim else ""
        return f"no classes{unused}"
    return f"{config.c_dim} classes: {printable(', '.join(dataset.class_names))}"


def where(state: TrainingState) -> str:
    """Device, threads, processes and precision, in words."""
    device, world = state.device, processes.world()
    name = f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else f"{device}"
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    many = f", {world} processes" if world > 1 else ""
    return f"device {name}{threads}{many}; precision {precision_of(state.config, device)}"


def disk(state: TrainingState, keep_snapshots: int | None) -> str:
    """How large snapshots and states are, and how many snapshots there will be, in words."""
    tensors = state.networks().tensors()
    snapshot, full_state = file_bytes(tensors), file_bytes(tensors | moments(state))
    made = snapshots_made(state.config)
    kept = made if keep_snapshots is None else min(made, keep_snapshots)
    which = f"{kept} of {made}" if kept < made else f"{made}"
    return (
        f"on disk: {which} snapshots of {megabytes(snapshot)} each, {megabytes(kept * snapshot)} in all "
        f"(keep_snapshots); two states of up to {megabytes(full_state)}"
    )


def moments(state: TrainingState) -> dict[str, torch.Tensor]:
    """Tensors of the sizes of Adam's moments in a state, once all layers take part."""
    step = torch.zeros(())
    weights = [(f"{name}_opt.{i}", p) for name in ("G", "D") for i, p in enumerate(getattr(state, name).parameters())]
    return {f"{name}.{key}": t for name, p in weights for key, t in (("exp_avg", p), ("exp_avg_sq", p), ("step", step))}


def file_bytes(tensors: Mapping[str, torch.Tensor]) -> int:
    """An upper bound on the size of a file of these tensors, in bytes. Tiny networks are mostly names and checksums."""
    return HEADER_BYTES + sum(t.numel() * t.element_size() + 2 * len(name) + NAMED_BYTES for name, t in tensors.items())


def snapshots_made(config: Config) -> int:
    """About how many snapshots a run makes: the first, those at ticks, and the last."""
    ticks = sum(
        images / (1000 * config.tick_kimg_at.get(resolution, config.tick_kimg))
        for resolution, images in level_images(config).items()
    )
    return 2 + int(ticks / SNAPSHOT_TICKS + 1)


def megabytes(count: int) -> str:
    """ "302 MB", "17.5 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.3g} MB"
