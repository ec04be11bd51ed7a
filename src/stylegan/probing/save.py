"""The probe's files: the page, levels.json, and the levels in the network's own file."""

import json
from pathlib import Path

import torch
from PIL import Image

from stylegan.box import BOX
from stylegan.checkpoint import load_networks, save, snapshots
from stylegan.data.dataset import image_grid
from stylegan.data.pixels import to_uint8
from stylegan.errors import InputError
from stylegan.files import user_path, write_text
from stylegan.networks.generator import Generator
from stylegan.probing.measure import Factors, probe
from stylegan.probing.page import page
from stylegan.probing.report import Report
from stylegan.probing.subject import Subject, draw_pairs, picture
from stylegan.sampling.save import Saved, make_folder, refuse_existing

PAGE, JSON = "levels.html", "levels.json"
SHEET_PAIRS = 6
MOST_PX = 128  # of a picture on a sheet


def save_probe(
    G: Generator,
    out: Path | str,
    *,
    pairs: int = 256,
    factors: Factors | None = None,
    network: Path | str | None = None,
    write: bool = False,
) -> Saved:
    """Probe G; write levels.html and levels.json into the folder `out`; with `write`, the levels into G's file.

    network: the file or run folder that G was loaded from. Raises InputError where a file exists and, after the page
    is written, where there are no levels to write.
    """
    out, source = user_path(out), None if network is None else user_path(network)
    paths = [out / PAGE, out / JSON]
    refuse_existing(paths)
    if write and source is None:
        raise InputError("write: say which file to write the levels into, network=...")
    if write and source is not None and source.parent == BOX:
        raise InputError(
            f"write: {source.stem} comes with the package and stays as it is: copy {source}, probe the copy"
        )
    report = probe(G, pairs=pairs, factors=factors)
    make_folder(out)
    write_text(paths[0], page(report, "network" if source is None else source.name, sheets(G)))
    write_text(paths[1], json.dumps(report.to_json(), indent=1) + "\n")
    note = report.verdict()
    if write and source is not None:
        note += f" Written into {write_levels(source, report)}."
    return Saved(paths, note)


def write_levels(source: Path, report: Report) -> Path:
    """Put the measured levels into the network's file, or the newest good snapshot of a run folder; return its path."""
    if report.levels is None:
        raise InputError(f"no levels were written into {source}. {report.verdict()}")
    networks = load_networks(source)
    path = source if source.is_file() else newest(source)
    networks.G_ema.levels = report.levels
    save(path, networks)
    return path


def newest(run: Path) -> Path:
    """The file that `load` took: the newest snapshot that can be read."""
    for path in snapshots(run):
        try:
            load_networks(path)
        except InputError:
            continue
        return path
    raise InputError(f"{run} holds no good snapshot")


@torch.no_grad()
def sheets(G: Subject) -> list[Image.Image]:
    """For each layer a sheet: rows A, A with the layer of B, B, and the size of the change; a column for each pair."""
    drawn = draw_pairs(G, SHEET_PAIRS, seed=1)
    x, end = picture(G, drawn.a), picture(G, drawn.b)
    found = []
    for layer in range(G.num_ws):
        y = picture(G, drawn.swapped(layer, layer + 1))
        change = (y - x).abs().mean(dim=1, keepdim=True)
        change = (2 * change / change.max().clamp_min(1e-6) - 1).expand_as(x).clone()
        if G.img_channels == 4:
            change[:, 3] = 1  # opaque
        rows = torch.cat([x, y, end, change])
        sheet = image_grid(to_uint8(rows).cpu().numpy(), SHEET_PAIRS)
        factor = max(1, x.shape[-1] // MOST_PX)
        found.append(sheet.reduce(factor) if factor > 1 else enlarged(sheet, x.shape[-1]))
    return found


def enlarged(sheet: Image.Image, px: int) -> Image.Image:
    """Pictures of `px` at 96 px at least."""
    factor = max(1, -(-96 // px))
    return sheet.resize((sheet.width * factor, sheet.height * factor), Image.Resampling.NEAREST)
