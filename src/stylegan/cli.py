"""The command `stylegan`: parse, call one function, print. torch is imported by the commands that need it."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import tyro
from rich.console import Console

from stylegan.config import CONFIG_F, TABLE_1, Config
from stylegan.errors import InputError

console = Console(stderr=True, highlight=False, soft_wrap=True)
app = tyro.extras.SubcommandApp()


@app.command
def prepare(
    src: tyro.conf.Positional[str],
    dest: tyro.conf.Positional[Path],
    resolution: int | None = None,
    crop: Literal["center", "pad", "refuse"] = "center",
    channels: Literal[1, 3, 4] = 3,
    seed: int = 0,
) -> int:
    """Make a data set of a folder, a zip, or drawn portraits (portraits:COUNT), and report every bad file.

    Args:
        src: Folder of pictures, folder of class folders, zip, or portraits:COUNT for the built-in data set.
        dest: The data set to make; must not exist.
        resolution: Pixels, a power of two. By default the largest that 90 % of the pictures reach.
        crop: What to do with pictures that are not square.
        channels: 1 gray, 3 RGB, 4 RGBA.
        seed: Which portraits are drawn.
    """
    from stylegan.data.prepare import prepare

    report = prepare(src, dest, resolution=resolution, crop=crop, img_channels=channels, seed=seed)
    for line in report.lines():
        print(line)
    return 0 if report.kept else 2


@dataclass
class TrainFlags:
    """Train on a data set, or go on with a run: stylegan train --resume RUN."""

    data: Path | None = None
    """The data set that `stylegan prepare` made."""
    out: Path | None = None
    """The run folder to make."""
    resume: Path | None = None
    """A run folder to go on with, bit for bit; with --data if its data set was moved."""
    config: Literal["A", "B", "C", "D", "E", "F"] = "F"
    """The row of Table 1 to start from; every field below changes it."""
    kimg: float | None = None
    """Budget in thousands of images: scales the whole schedule."""
    cond: bool = False
    """Train with the classes of the data set."""
    init: str | None = None
    """A network to start from (fine-tuning)."""
    state_sec: float = 60.0
    """The most seconds of work that a crash can cost."""


@dataclass
class TrainCommand(TrainFlags):
    fields: tyro.conf.OmitArgPrefixes[Config] = field(default_factory=lambda: CONFIG_F)


@app.command(name="train")
def train_help() -> None:
    """Train on a data set, or go on with a run: stylegan train --resume RUN."""


def train(argv: list[str]) -> int:
    """`stylegan train`: the named configuration first, fitted to the data, then the flags that change it."""
    flags, _ = tyro.cli(TrainFlags, args=argv, return_unknown_args=True, add_help=False, prog="stylegan train")
    if flags.resume is not None:
        flags = tyro.cli(TrainFlags, args=argv, prog="stylegan train")  # takes no field of the configuration
        from stylegan.training.train import resume

        resume(flags.resume, data=flags.data, state_sec=flags.state_sec)
        return 0
    default = TrainCommand(**vars(flags), fields=_fitted(flags))
    command = tyro.cli(TrainCommand, args=argv, default=default, prog="stylegan train", registry=registry)
    if command.data is None or command.out is None:
        raise InputError("stylegan train needs --data DATASET and --out RUN, or --resume RUN")
    from stylegan.training.train import train

    train(command.data, command.out, config=command.fields, init=command.init, state_sec=command.state_sec)
    return 0


def _fitted(flags: TrainFlags) -> Config:
    """The named configuration, with the sizes of the data set and the schedule of the budget."""
    config = TABLE_1[flags.config]
    if flags.data is not None:
        from stylegan.data.fit import fit
        from stylegan.data.images import ImageDataset

        config = fit(config, ImageDataset(flags.data), cond=flags.cond)
    return config if flags.kimg is None else config.for_budget(flags.kimg)


registry = tyro.constructors.ConstructorRegistry()


@registry.primitive_rule
def by_resolution(info: tyro.constructors.PrimitiveTypeInfo) -> tyro.constructors.PrimitiveConstructorSpec | None:
    """A dict of values by resolution is written 8:128,16:64 (and '' where it has none)."""
    if info.type not in (dict[int, int], dict[int, float]):
        return None
    number = get_args(info.type)[1]

    def parse(args: list[str]) -> dict[int, float]:
        pairs = [item.partition(":") for item in args[0].split(",") if item]
        return {int(resolution): number(value) for resolution, _, value in pairs}

    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="RES:VALUE,...",
        instance_from_str=parse,
        is_instance=lambda value: isinstance(value, dict),
        str_from_instance=lambda value: [",".join(f"{k}:{v}" for k, v in value.items())],
    )


def main() -> None:
    """Run the command line; exit 0 done, 2 the user's input, 1 anything else that is no bug."""
    argv = sys.argv[1:]
    try:
        code = train(argv[1:]) if argv[:1] == ["train"] else app.cli(prog="stylegan", args=argv)
    except InputError as e:
        console.print(f"stylegan: {e}", markup=False)
        sys.exit(2)
    except (OSError, RuntimeError) as e:  # a full disk, a loss that is not finite
        console.print(f"stylegan: {type(e).__name__}: {e}", markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(1)
    sys.exit(code or 0)
