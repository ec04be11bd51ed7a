"""The tables of the paper: table1, table2, table4."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stylegan.cli.console import Device, say
from stylegan.errors import InputError, printable


def table1(
    *,
    data: Path,
    out: Path,
    kimg: float,
    configs: str = "A,B,C,D,E,F",
    seeds: str = "0,1,2",
    width: int | None = None,
    changes: str = "",
    metrics: str = "fd5k",
    device: Device = "auto",
) -> int:
    """Table 1: train configurations A to F with the same budget, and measure them. Continues where it was stopped.

    Args:
        data: The data set to train on.
        out: A folder for table.md, its figures and the runs.
        kimg: Thousands of images for each run.
        configs: The rows of the table.
        seeds: Seeds of the training runs. Each row is trained once with each of them.
        width: The largest number of channels; latents and batch are chosen to match. None: the paper's sizes.
        changes: Fields to change in all rows: "lrate=0.008 r1_interval=8". `stylegan train --help` lists them.
        metrics: What to measure, as in `stylegan metrics`.
        device: Where to compute.
    """
    from stylegan.experiments import tables

    return _make(
        tables.table1,
        data,
        out,
        seeds,
        kimg=kimg,
        configs=configs.split(","),
        width=width,
        changes=parsed(changes),
        metrics=metrics,
        device=device,
    )


def table2(
    *,
    data: Path,
    out: Path,
    kimg: float,
    seeds: str = "0,1,2",
    width: int | None = None,
    changes: str = "",
    metrics: str = "fd5k",
    device: Device = "auto",
) -> int:
    """Table 2: train with mixing in 0 to 100 % of batches, test with 1 to 4 latents. Continues where it was stopped.

    Args:
        data: The data set to train on.
        out: A folder for table.md, its figures and the runs.
        kimg: Thousands of images for each run.
        seeds: Seeds of the training runs. Each row is trained once with each of them.
        width: The largest number of channels; latents and batch are chosen to match. None: the paper's sizes.
        changes: Fields to change in all rows: "lrate=0.008 r1_interval=8". `stylegan train --help` lists them.
        metrics: What to measure of the pictures, as in `stylegan metrics`.
        device: Where to compute.
    """
    from stylegan.experiments import tables

    return _make(
        tables.table2, data, out, seeds, kimg=kimg, width=width, changes=parsed(changes), metrics=metrics, device=device
    )


def table4(
    *,
    data: Path,
    out: Path,
    kimg: float,
    seeds: str = "0,1,2",
    width: int | None = None,
    changes: str = "",
    metrics: str = "fd5k,ppl_zfull5k,ppl_wfull5k,ls_z5k,ls_w5k",
    device: Device = "auto",
) -> int:
    """Table 4: train with mapping networks of 0 to 8 layers, measure in Z and W. Continues where it was stopped.

    Args:
        data: The data set to train on, with factors or classes.
        out: A folder for table.md, its figures and the runs.
        kimg: Thousands of images for each run.
        seeds: Seeds of the training runs. Each row is trained once with each of them.
        width: The largest number of channels; latents and batch are chosen to match. None: the paper's sizes.
        changes: Fields to change in all rows: "lrate=0.008 r1_interval=8". `stylegan train --help` lists them.
        metrics: What to measure, as in `stylegan metrics`. With ls_z or ls_w, DCI is measured too.
        device: Where to compute.
    """
    from stylegan.experiments import tables

    return _make(
        tables.table4, data, out, seeds, kimg=kimg, width=width, changes=parsed(changes), metrics=metrics, device=device
    )


def parsed(text: str) -> dict[str, Any]:
    """The fields of a configuration in a text such as "name=value name=value"."""
    found: dict[str, Any] = {}
    for pair in text.split():
        name, given, value = pair.partition("=")
        if not given:
            raise InputError(
                f"--changes {printable(pair)}: must be name=value, separated by spaces: lrate=0.008 batch=16"
            )
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name] = value  # a word
    return found


def _make(table: Callable[..., Path | None], data: Path, out: Path, seeds: str, **options: Any) -> int:
    try:
        numbers = [int(seed) for seed in seeds.split(",")]
    except ValueError as e:
        raise InputError(f"--seeds {printable(seeds)}: must be whole numbers, as in 0,1,2") from e
    page = table(data, out, seeds=numbers, **options)
    if page is None:
        say(f"stopped; the same command continues in {printable(out)}")
        return 1
    say(page.read_text(encoding="utf-8"))
    say(f"done: {page}")
    return 0
