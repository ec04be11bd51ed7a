"""From a network to pictures: sample, mix, figure, video."""

from typing import Literal

import tyro

from stylegan.cli.console import Device, Flags, Network, beside, open_network, report
from stylegan.errors import InputError


def sample(
    network: Network,
    seeds: tuple[str, ...],
    out: str,
    *,
    controls: Flags,
    grid: bool = False,
    save_w: bool = False,
    shard: str | None = None,
    device: Device = "auto",
) -> None:
    """Generate pictures from seeds. A seed gives the same picture in every command, batch and machine.

    Args:
        network: A network's file, a run folder (its newest snapshot), or hf://USER/NAME.
        seeds: Seeds such as 0-15,20. A file from `stylegan project`, or of styles (.npy, .npz), can replace a seed.
        out: Folder for seed0000.png and so on. Nothing is overwritten; pictures made with the same settings are kept.
        controls: How the pictures are made.
        grid: Also put all pictures on one sheet, grid.png.
        save_w: Also write the styles to ws.npz, which can be used instead of seeds.
        shard: I/N, from 0/N to N-1/N: make only this part, as a tar file. Finished parts are kept (docs/scale.md).
    """
    controls = beside(network, controls)
    if shard is None:
        from stylegan.sampling.save import save_samples

        report(save_samples(open_network(network, device), seeds, out, controls=controls, grid=grid, save_w=save_w))
        return
    if grid or save_w:
        what = "--grid" if grid else "--save-w"
        raise InputError(f"{what} with --shard: a shard has only a part of the pictures, and {what} needs them all")
    from stylegan.sampling.shards import save_shard

    report(save_shard(open_network(network, device), seeds, out, shard=shard, controls=controls))


def mix(
    network: Network,
    out: str,
    *,
    controls: Flags,
    rows: tuple[str, ...] | None = None,
    cols: tuple[str, ...] | None = None,
    levels: tuple[str, ...] | None = None,
    sources: tuple[str, ...] = (),
    device: Device = "auto",
) -> None:
    """Mix styles as in Figure 3: pictures A (rows) with the coarse, middle or fine styles of B (columns).

    Args:
        network: A network's file, a run folder, or hf://USER/NAME.
        out: The PNG file to write.
        controls: How the pictures are made.
        rows: Seeds of A, such as 0-5, or files of projections or styles.
        cols: Seeds of B, whose styles are copied.
        levels: Styles to copy, one block of rows for each: coarse, middle, fine, 4-7, 64px, or several joined by
            commas. Default: coarse, middle and fine.
        sources: More than two sources for one picture, such as 0 4=coarse 7=64px.
    """
    from stylegan.figures.save import save_mix

    controls = beside(network, controls)
    report(
        save_mix(open_network(network, device), out, a=rows, b=cols, levels=levels, sources=sources, controls=controls)
    )


def figure(
    name: tyro.conf.Positional[str],
    network: Network,
    out: str,
    *,
    controls: Flags,
    seeds: tuple[str, ...] | None = None,
    seeds_b: tuple[str, ...] | None = None,
    device: Device = "auto",
) -> None:
    """Draw a figure of the paper for your own network.

    Args:
        name: uncurated (2), mixing (3), noise (4), noise-layers (5), truncation (8), mean-image or levels.
        network: A network's file, a run folder, or hf://USER/NAME.
        out: The PNG file to write.
        controls: How the pictures are made.
        seeds: Seeds, or files of projections or styles; each figure has its own default.
        seeds_b: Seeds of the sources B, for mixing and levels.
    """
    from stylegan.figures.save import save_figure

    controls = beside(network, controls)
    report(save_figure(open_network(network, device), name, out, seeds=seeds, seeds_b=seeds_b, controls=controls))


def video(
    network: Network,
    out: str,
    *,
    controls: Flags,
    kind: Literal["z", "w", "smooth", "mix", "noise"] = "smooth",
    seeds: tuple[str, ...] | None = None,
    levels: str | None = None,
    frames: int | None = None,
    fps: int = 30,
    device: Device = "auto",
) -> None:
    """Make a seamless film from seed to seed and back: MP4 (extra `video`) or animated WebP.

    Args:
        network: A network's file, a run folder, or hf://USER/NAME.
        out: The .mp4 or .webp file to write.
        controls: How the pictures are made.
        kind: z: slerp in Z; w: straight lines in W; smooth: a smooth curve in W; mix: only the styles of --levels
            change; noise: only the noise changes.
        seeds: Seeds, or files of projections or styles, that the film passes through.
        levels: The styles that change with kind mix. Default: coarse.
        frames: Length of the loop, in frames.
        fps: Frames per second.
    """
    from stylegan.figures.video import save_video

    G, controls = open_network(network, device), beside(network, controls)
    report(save_video(G, out, kind=kind, seeds=seeds, levels=levels, frames=frames, fps=fps, controls=controls))
