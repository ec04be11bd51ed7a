"""The command `stylegan`: parse, call one function, print. torch is imported by the commands that need it."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import tyro
from rich.console import Console

from stylegan.config import BATCHES, CONFIG_F, TABLE_1, Config
from stylegan.errors import InputError
from stylegan.sampling.controls import Controls

if TYPE_CHECKING:
    from stylegan.networks.generator import Generator
    from stylegan.sampling.save import Saved

console = Console(stderr=True, highlight=False, soft_wrap=True)
app = tyro.extras.SubcommandApp()

Network = Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NETWORK")]
Flags = Annotated[Controls, tyro.conf.arg(name="")]


@app.command
def demo(out: Path = Path("stylegan-demo"), minutes: float = 8.0) -> None:
    """Train on drawn portraits for some minutes and show what was learned. Goes on where it was stopped.

    Args:
        out: Folder for data, run, pictures and the page index.html.
        minutes: How long to train on this machine.
    """
    from stylegan.experiments.demo import demo

    demo(out, minutes=minutes)


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
class ResumeFlags:
    """Go on with a run, bit for bit."""

    resume: Path | None = None
    """A run folder to go on with, bit for bit; with --data if its data set was moved."""
    data: Path | None = None
    """The data set that `stylegan prepare` made."""
    state_sec: float = 60.0
    """The most seconds of work that a crash can cost."""


@dataclass
class TrainFlags(ResumeFlags):
    """Train on a data set, or go on with a run: stylegan train --resume RUN."""

    out: Path | None = None
    """The run folder to make."""
    config: Literal["A", "B", "C", "D", "E", "F"] = "F"
    """The row of Table 1 to start from; every field below changes it."""
    kimg: float | None = None
    """Budget in thousands of images: scales the whole schedule."""
    cond: bool = False
    """Train with the classes of the data set."""
    init: str | None = None
    """A network to start from (fine-tuning): its widths and the resolution it has grown to become the defaults."""
    dry_run: bool = False
    """Only measure: print memory, time of each level and the total, and train nothing."""


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
        tyro.cli(ResumeFlags, args=argv, prog="stylegan train --resume")  # refuses what is settled for a run
        from stylegan.training.train import resume

        resume(flags.resume, data=flags.data, state_sec=flags.state_sec)
        return 0
    default = TrainCommand(**vars(flags), fields=_fitted(flags))
    command = tyro.cli(TrainCommand, args=argv, default=default, prog="stylegan train", registry=registry)
    if command.data is None or (command.out is None and not command.dry_run):
        raise InputError("stylegan train needs --data DATASET and --out RUN, or --resume RUN")
    if bool(command.fields.c_dim) != command.cond:
        raise InputError(
            f"c_dim {command.fields.c_dim}: classes are trained with --cond, which takes them from the data"
        )
    from stylegan.training.dry_run import dry_run
    from stylegan.training.train import best_device, train

    if command.out is None or command.dry_run:
        if report := dry_run(command.data, command.fields, best_device()):
            print(report)
        return 0
    train(
        command.data,
        command.out,
        config=command.fields,
        init=command.init and _path(command.init),
        state_sec=command.state_sec,
    )
    return 0


def _fitted(flags: TrainFlags) -> Config:
    """The named configuration, with the sizes of the data set and the schedule of the budget."""
    config, world = TABLE_1[flags.config], int(os.environ.get("WORLD_SIZE", "1"))  # torchrun's number of processes
    if world in BATCHES:
        config = config.for_gpus(world)
    if flags.data is not None:
        from stylegan.data.fit import fit
        from stylegan.data.images import ImageDataset

        config = fit(config, ImageDataset(flags.data), cond=flags.cond)
    if flags.init is not None:
        G = _open(flags.init)
        config = config.continuing(G.config, G.img_resolution >> int(G.lod))
    return config if flags.kimg is None else config.for_budget(flags.kimg)


@app.command
def sample(
    network: Network, seeds: str, out: Path, *, controls: Flags, grid: bool = False, shard: str | None = None
) -> None:
    """Pictures from seeds: one seed is one picture, in every command, whatever the batch or the machine.

    Args:
        network: A network's file, a run folder (its newest snapshot), or hf://USER/NAME.
        seeds: As 0-15,20; a file of `stylegan project` may stand for a seed.
        out: Folder for seed0000.png ...; nothing in it is overwritten.
        controls: How the pictures are made.
        grid: Also put all on one sheet, grid.png.
        shard: I/N, from 0/N to N-1/N: only this part, as a tar; what is done is left as it is (docs/scale.md).
    """
    if shard is None:
        from stylegan.sampling.save import save_samples

        _report(save_samples(_open(network), seeds, out, controls=controls, grid=grid))
        return
    if grid:
        raise InputError("--grid with --shard: a shard has a part of the pictures, and a sheet would need them all")
    from stylegan.sampling.shards import save_shard
    from stylegan.training.train import best_device

    _report(save_shard(_open(network).to(best_device()), seeds, out, shard=shard, controls=controls))


@app.command
def mix(
    network: Network,
    out: Path,
    *,
    controls: Flags,
    rows: str | None = None,
    cols: str | None = None,
    levels: tuple[str, ...] | None = None,
    sources: tuple[str, ...] = (),
) -> None:
    """Style mixing, as Figure 3: pictures A (rows) with the coarse, middle or fine styles of B (columns).

    Args:
        network: A network's file, a run folder, or hf://USER/NAME.
        out: The PNG file to write.
        controls: How the pictures are made.
        rows: Seeds of A, as 0-5, or projections' files.
        cols: Seeds of B, whose styles are copied.
        levels: One block of rows for each: coarse, middle, fine, 4-7, 64px, joined by commas. Default: all three.
        sources: More than two sources on one picture: 0 4=coarse 7=64px.
    """
    from stylegan.sampling.save import save_mix

    _report(save_mix(_open(network), out, a=rows, b=cols, levels=levels, sources=sources, controls=controls))


@app.command
def figure(
    name: tyro.conf.Positional[str],
    network: Network,
    out: Path,
    *,
    controls: Flags,
    seeds: str | None = None,
    seeds_b: str | None = None,
) -> None:
    """A figure of the paper, for your own network.

    Args:
        name: uncurated (2), mixing (3), noise (4), noise-layers (5), truncation (8), mean-image or levels.
        network: A network's file, a run folder, or hf://USER/NAME.
        out: The PNG file to write.
        controls: How the pictures are made.
        seeds: Seeds, or projections' files; each figure has its own default.
        seeds_b: Seeds of the sources B, for mixing and levels.
    """
    from stylegan.sampling.save import save_figure

    _report(save_figure(_open(network), name, out, seeds=seeds, seeds_b=seeds_b, controls=controls))


@app.command
def video(
    network: Network,
    out: Path,
    *,
    controls: Flags,
    kind: Literal["z", "w", "smooth", "mix", "noise"] = "smooth",
    seeds: str | None = None,
    levels: str = "coarse",
    frames: int | None = None,
    fps: int = 30,
) -> None:
    """A film without a seam, from seed to seed and back: MP4 (extra `video`) or animated WebP.

    Args:
        network: A network's file, a run folder, or hf://USER/NAME.
        out: The .mp4 or .webp file to write.
        controls: How the pictures are made.
        kind: z: slerp in Z; w: straight in W; smooth: a round curve in W; mix: only `levels` move; noise: only noise.
        seeds: Seeds, or projections' files, that the film passes through.
        levels: The styles that kind mix moves.
        frames: Length of the loop.
        fps: Frames a second.
    """
    from stylegan.sampling.video import save_video

    film = save_video(
        _open(network), out, kind=kind, seeds=seeds, levels=levels, frames=frames, fps=fps, controls=controls
    )
    _report(film)


@app.command
def directions(
    network: Network,
    *,
    controls: Flags,
    out: Path | None = None,
    count: int = 10,
    levels: str = "all",
    name: str | None = None,
    yes: str = "",
    no: str = "",
    marks: Path | None = None,
    seeds: str = "0-3",
) -> None:
    """What to turn: closed-form and principal directions of W, or a named boundary learned from marked pictures.

    Args:
        network: A network's file or a run folder.
        out: Folder for the directions and their sheets. Default: beside the network, where `sample` finds them.
        controls: How the pictures on the sheets are made.
        count: Directions of each kind.
        levels: The styles that a direction moves.
        name: Learn a boundary of this name from --yes and --no, or --marks.
        yes: Pictures that have it: seeds, as 3,7,12, or projections' files.
        no: Pictures that have not.
        marks: A CSV of SEED,yes or FILE,no instead.
        seeds: The pictures on the sheets.
    """
    from stylegan.editing.direction_sheets import save_directions
    from stylegan.sampling.direction import directions_folder

    folder = out or directions_folder(_path(network))
    saved = save_directions(
        _open(network),
        folder,
        count=count,
        levels=levels,
        name=name,
        yes=yes,
        no=no,
        marks=marks,
        seeds=seeds,
        controls=controls,
    )
    _report(saved)


@app.command
def project(
    network: Network,
    pictures: tyro.conf.Positional[tuple[Path, ...]],
    *,
    out: Path,
    space: Literal["w", "w+"] = "w+",
    steps: int = 500,
    seed: int = 0,
    video: bool = True,
    class_index: Annotated[int | None, tyro.conf.arg(name="class")] = None,
) -> None:
    """Find the styles of real pictures: files that `sample` and `mix` take for seeds (extra `perceptual`).

    Args:
        network: A network's file, a run folder, or hf://USER/NAME.
        pictures: Picture files; other sizes are resized, with a note.
        out: Folder for NAME.safetensors, NAME.png (picture and projection) and the film of the search.
        space: w: one style for all layers; w+: each layer its own, closer and less editable.
        steps: Steps of the search.
        seed: Of the noise that helps the search.
        video: Also write the film.
        class_index: The class, for a network that has classes.
    """
    from stylegan.editing.save_projections import save_projections

    G = _open(network)
    _report(
        save_projections(G, pictures, out, space=space, steps=steps, seed=seed, video=video, class_index=class_index)
    )


@app.command(name="import")
def import_(pkl: tyro.conf.Positional[Path], network: tyro.conf.Positional[Path]) -> None:
    """Read the authors' 2019 pickles, StyleGAN's and Progressive GAN's, without running anything in them.

    Args:
        pkl: The authors' file.
        network: The .safetensors file to write.
    """
    from stylegan.interop.official import import_official

    networks = import_official(pkl, network)
    console.print(f"{network}: {networks.G_ema.img_resolution} px, license {networks.metadata['license']}")


@app.command
def export(network: Network, out: tyro.conf.Positional[Path], cutoff: int | None = 8) -> None:
    """Write ONNX (.onnx, extra `onnx`) or torch.export (.pt2), checked against torch before it is called done.

    Args:
        network: A network's file, a run folder, or hf://USER/NAME.
        out: The file to write.
        cutoff: How many styles truncation moves; psi stays an input. None: all.
    """
    from stylegan.interop.onnx import export

    error = export(_path(network), out, truncation_cutoff=cutoff)
    console.print(f"{out}: equal to torch's pictures to {error:.1e} of their range")


@app.command
def push(network: Network, repo: tyro.conf.Positional[str], private: bool = False) -> None:
    """Push a network with a model card to the Hugging Face hub (extra `hub`); load it as hf://USER/NAME.

    Args:
        network: A network's file or a run folder.
        repo: USER/NAME.
        private: Make the repository private.
    """
    from stylegan.interop.hub import push

    console.print(push(_path(network), repo, private=private))


def _path(network: str) -> Path:
    """The file or run folder of a network; hf:// is fetched first."""
    if network.startswith("hf://"):
        from stylegan.interop.hub import download

        return download(network)
    return Path(network)


def _open(network: str) -> "Generator":
    from stylegan.checkpoint import load

    return load(_path(network))


def _report(saved: "Saved") -> None:
    """Say how the pictures were made, and where they are."""
    console.print(saved.note, markup=False)
    for path in saved.paths if len(saved.paths) <= 8 else [*saved.paths[:3], "...", saved.paths[-1]]:
        console.print(str(path), markup=False)


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
    except BrokenPipeError:  # whoever reads has read enough
        sys.exit(0)
    except (OSError, RuntimeError) as e:  # a full disk, a loss that is not finite
        console.print(f"stylegan: {type(e).__name__}: {e}", markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("stopped")
        sys.exit(1)
    sys.exit(code or 0)
