"""From pictures to a network: prepare, train, and the demo, which does both."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

import tyro

from stylegan.cli.console import network_path
from stylegan.config import CONFIG_F, TABLE_1, TABLES, Config, Row
from stylegan.errors import InputError, encodable, refuse
from stylegan.training.schedule import KEEP_SNAPSHOTS, level_images


def demo(out: str = "stylegan-demo", minutes: float = 8.0, device: str = "auto") -> None:
    """Train on drawn portraits for some minutes, and show what was learned. Continues where it was stopped.

    Args:
        out: Folder for the data set, the run, pictures, and the page index.html.
        minutes: How long to train on this machine.
        device: auto (the best), cpu, cuda, cuda:1, or mps.
    """
    from stylegan.experiments.demo import demo

    demo(out, minutes=minutes, device=device)


def prepare(
    src: tyro.conf.Positional[str],
    dest: tyro.conf.Positional[str],
    resolution: int | None = None,
    crop: Literal["center", "pad", "refuse"] = "center",
    channels: Literal[1, 3, 4] = 3,
    seed: int = 0,
    classes: str = "auto",
) -> int:
    """Make a data set from a folder, a zip, or drawn portraits (portraits:COUNT), and report every bad file.

    Args:
        src: Folder of pictures, folder of class folders, zip, or portraits:COUNT for the built-in data set
            (portraits:COUNT:half draws the people half as large).
        dest: The data set to make. It must not exist yet.
        resolution: Width and height in pixels, a power of two. Default: the largest that 90 % of the pictures reach.
        crop: What to do with pictures that are not square.
        channels: 1 gray, 3 RGB, 4 RGBA.
        seed: Seed of the drawn portraits.
        classes: folders, none, or a CSV (name,class) or JSON file; auto takes a dataset.json if there is one, else the
            folders.
    """
    from stylegan.data.prepare import prepare

    report = prepare(src, dest, resolution=resolution, crop=crop, img_channels=channels, seed=seed, classes=classes)
    for line in report.lines():
        print(encodable(line, sys.stdout.encoding))
    return 0 if report.kept else 2


@dataclass
class RunFlags:
    """The flags that new and resumed runs share."""

    resume: str | None = None
    """A run folder to resume, bit for bit; add --data if its data set was moved."""
    data: str | None = None
    """The data set that `stylegan prepare` made."""
    state_sec: float = 60.0
    """Seconds between two saved states. A crash costs no more work than that."""
    keep_snapshots: int | None = KEEP_SNAPSHOTS
    """How many snapshots are kept: the first, the newest half, and some of those in between. None: all."""
    metrics: str = ""
    """Metrics to measure at each snapshot, as in `stylegan metrics`: fd5k,kid5k. They only take time."""
    device: str = "auto"
    """auto (the best), cpu, cuda, cuda:1, or mps."""


@dataclass
class ResumeFlags(RunFlags):
    """Resume a run, bit for bit. Changes made by the flags below are reported; everything else stays as it was."""

    kimg: float | None = None
    """A longer or shorter budget, in thousands of images. The schedule of the levels stays the same."""
    batch_gpu: int | None = None
    """The most images that a process computes at once, a multiple of 4; None: all. It affects only memory."""
    compile: bool = False
    """Compile steps where that pays off; needs a C++ compiler."""
    previous: bool = False
    """Resume from the state before the last one, if the last one is damaged."""


@dataclass
class TrainFlags(RunFlags):
    """Train on a data set, or continue a run: stylegan train --resume RUN."""

    out: str | None = None
    """The run folder to make."""
    config: Row = "F"
    """The row of Table 1 to start from; every field below changes it."""
    kimg: float | None = None
    """Budget in thousands of images; the whole schedule is scaled to it."""
    hours: float | None = None
    """Train for this many hours: network, rates, batch and images are chosen for this machine and these pictures."""
    cond: bool = False
    """Train with the classes of the data set."""
    init: str | None = None
    """A network to start from (fine-tuning): its widths and the resolution it has grown to become the defaults."""
    dry_run: bool = False
    """Only measure: print the memory, the time of each level and the total, without training."""


@dataclass
class TrainCommand(TrainFlags):
    fields: tyro.conf.OmitArgPrefixes[Config] = field(default_factory=lambda: CONFIG_F)


def train_help() -> None:
    """Train on a data set, or continue a run: stylegan train --resume RUN."""


def train(argv: list[str]) -> int:
    """`stylegan train`: take the named configuration, fit it to the data, and apply the flags that were typed.

    Returns the exit code.
    """
    flags, _ = tyro.cli(TrainFlags, args=argv, return_unknown_args=True, add_help=False, prog="stylegan train")
    if flags.resume is not None:
        return resume(argv)
    if flags.kimg is not None and "total_kimg" in typed(argv):
        raise InputError("--kimg scales the whole schedule, --total-kimg only sets its end: give one of them")
    if flags.hours is not None:
        check_hours_alone(argv, flags)
    data, command = parse(argv, flags)
    from stylegan.device import find_device
    from stylegan.training.cost.dry_run import dry_run
    from stylegan.training.train import train

    init = None if command.init is None else network_path(command.init)
    hours, fixed = command.hours, None if command.hours is None else given(argv, command)
    if command.out is None or command.dry_run:
        if report := dry_run(data, command.fields, find_device(command.device), hours=hours, fixed=fixed, init=init):
            print(report)
        return 0
    keep = command.keep_snapshots
    train(
        data,
        command.out,
        config=command.fields if hours is None else None,
        hours=hours,
        fixed=fixed,
        cond=hours is not None and command.cond,
        init=init,
        state_sec=command.state_sec,
        keep_snapshots=keep,
        metrics=command.metrics,
        device=command.device,
    )
    return 0


def given(argv: list[str], command: TrainCommand) -> dict[str, Any]:
    """The fields that --hours must not choose: those in which the row differs from F, and those that were typed."""
    row = TABLE_1[command.config]
    of_row = {each.name for each in fields(Config) if getattr(row, each.name) != getattr(CONFIG_F, each.name)}
    names = (of_row - SCHEDULE) | (typed(argv) & {each.name for each in fields(Config)})
    return {name: getattr(command.fields, name) for name in names}


SCHEDULE = {"total_kimg", "level_kimg", "fade_kimg", "ema_kimg", "tick_kimg", "tick_kimg_at"}  # scaled to the time


def check_hours_alone(argv: list[str], flags: TrainFlags) -> None:
    """Raise InputError for an impossible time, and if a number of images is given too."""
    from stylegan.training.cost.hours import check_hours

    assert flags.hours is not None
    check_hours(flags.hours, flags.kimg, dict.fromkeys(typed(argv)))


def resume(argv: list[str]) -> int:
    """`stylegan train --resume`: refuse flags that cannot change a run; what is not typed stays as it was."""
    refuse_fixed(argv)
    flags = tyro.cli(ResumeFlags, args=argv, prog="stylegan train --resume")
    given = {name: value for name, value in vars(flags).items() if name in typed(argv) and name != "resume"}
    from stylegan.training.train import resume

    assert flags.resume is not None
    resume(flags.resume, **given)
    return 0


def refuse_fixed(argv: list[str]) -> None:
    """Raise InputError that names the typed flags that only a new run can have, and says what to do instead."""
    may = [each.name for each in fields(ResumeFlags) if each.name != "resume"]
    new = {each.name for each in [*fields(TrainFlags), *fields(Config)]} - {*may, "resume"}
    fixed = [f"--{name.replace('_', '-')}" for name in sorted(typed(argv) & new)]
    if fixed:
        allowed = ", ".join(f"--{name.replace('_', '-')}" for name in may)
        raise InputError(
            f"{', '.join(fixed)}: cannot change when a run is resumed; {allowed} can. For other settings, start a new "
            "run from what this one has learned: stylegan train --data DATA --out NEW --init RUN, and the settings"
        )


def typed(argv: list[str]) -> set[str]:
    """The fields whose flags were typed. --batch-at, --batch_at=... and --no-batch-at all stand for batch_at."""
    names = {word.partition("=")[0].removeprefix("--").replace("-", "_") for word in argv if word.startswith("--")}
    return names | {name.removeprefix("no_") for name in names}


def parse(argv: list[str], flags: TrainFlags) -> tuple[str, TrainCommand]:
    """The data set, and all flags. Fields that are not typed have the values of the fitted configuration.

    Raises InputError if data set or run folder is missing.
    """
    config = TABLE_1[flags.config]
    if flags.data is not None:
        from stylegan.training.fitted import fitted

        processes = int(os.environ.get("WORLD_SIZE", "1"))  # of torchrun
        init = None if flags.init is None else network_path(flags.init)
        config = fitted(flags.data, flags.kimg, processes, config=config, cond=flags.cond, init=init)
    plain = config.but(augment=TABLE_1[flags.config].augment)  # the automatic augment may not suit the typed fields
    default = TrainCommand(**vars(flags), fields=plain)
    command = tyro.cli(TrainCommand, args=argv, default=default, prog="stylegan train", registry=registry)
    command.fields = as_typed(argv, config, command.fields)
    if command.data is None or (command.out is None and not command.dry_run):
        raise InputError("stylegan train needs --data DATASET and --out RUN, or --resume RUN")
    if bool(command.fields.c_dim) != command.cond:
        raise InputError(
            f"c_dim {command.fields.c_dim}: classes are trained with --cond, which takes them from the data"
        )
    return command.data, command


def as_typed(argv: list[str], default: Config, parsed: Config) -> Config:
    """The default with the typed values, which take precedence over every table that was not typed.

    Raises InputError for values without effect, such as those for resolutions that are never trained.
    """
    from stylegan.training.fitted import given_way

    given = {name: getattr(parsed, name) for name in typed(argv) & {each.name for each in fields(Config)}}
    config = given_way(default, given)
    if "ada_kimg" in given and config.augment != "ada":
        raise InputError(
            f"--ada-kimg {config.ada_kimg:g}: it has an effect only with augment ada, not {config.augment}"
        )
    trained = level_images(config)
    refuse(
        [
            f"--{name.replace('_', '-')} at {resolution}: this run only trains at {', '.join(map(str, trained))} px"
            for name in TABLES_TYPED & given.keys()
            for resolution in given[name]
            if resolution not in trained
        ]
    )
    return config


TABLES_TYPED = {table for tables in TABLES.values() for table in tables}

registry = tyro.constructors.ConstructorRegistry()


@registry.primitive_rule
def by_resolution(info: tyro.constructors.PrimitiveTypeInfo) -> tyro.constructors.PrimitiveConstructorSpec | None:
    """Parse values by resolution, written as 8:128,16:64 ('' for none)."""
    if info.type not in (Mapping[int, int], Mapping[int, float]):
        return None
    number = get_args(info.type)[1]

    def parse(args: list[str]) -> dict[int, float]:
        pairs = [item.partition(":") for item in args[0].split(",") if item]
        return {int(resolution): number(value) for resolution, _, value in pairs}

    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="RES:VALUE,...",
        instance_from_str=parse,
        is_instance=lambda value: isinstance(value, Mapping),
        str_from_instance=lambda value: [",".join(f"{k}:{v}" for k, v in value.items())],
    )
