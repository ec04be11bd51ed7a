"""Resuming a training run: what must be the same, what may change, and what to do if files are lost."""

from pathlib import Path
from typing import Any, Literal

import torch

from stylegan.config import Config
from stylegan.data.dataset import ImageDataset
from stylegan.errors import InputError, printable, shell
from stylegan.training.run.folder import PREVIOUS, STATE, data_word
from stylegan.training.state import MAY_CHANGE, TrainingState

Kept = Literal["kept"]


def changed(
    config: Config, *, total_kimg: float | None, batch_gpu: int | Kept | None, compile: bool | None
) -> tuple[Config, list[str]]:
    """The configuration of a resumed run, and its changes in words, such as "batch_gpu None -> 8"."""
    new = config.but(
        total_kimg=config.total_kimg if total_kimg is None else total_kimg,
        batch_gpu=config.batch_gpu if batch_gpu == "kept" else batch_gpu,
        compile=config.compile if compile is None else compile,
    )
    return new, [
        f"{name} {getattr(config, name)} -> {getattr(new, name)}"
        for name in MAY_CHANGE
        if getattr(config, name) != getattr(new, name)
    ]


def same_data(out: Path, data: Path | str | None, trained_on: dict[str, Any]) -> ImageDataset:
    """The data set that the run was started on. Raises InputError that names --data if it is not there."""
    way = f"if it was moved, say where: stylegan train --resume {shell(out)} --data DATA"
    try:
        dataset = ImageDataset(trained_on["path"] if data is None else data)
    except InputError as e:
        raise InputError(f"{e}\nThe run {out} was started on it; {way}") from e
    if dataset.fingerprint == trained_on["fingerprint"]:
        return dataset
    names = trained_on.get("class_names", dataset.class_names)
    what = "other pictures"
    if names != dataset.class_names:
        what = f"other classes ({printable(dataset.class_names)} instead of {printable(names)})"
    raise InputError(f"{dataset.path} holds {what} than {out} was started on: give the same data set; {way}")


def saved_state(
    out: Path, config: Config, device: torch.device, *, previous: bool, own: dict[str, Any]
) -> tuple[TrainingState, dict[str, Any]]:
    """The last state of a run, or with `previous` the one before it, and the environment in which it was written.

    own: objectives and augmentation, as in `TrainingState.new`. Raises InputError if it cannot be read, with a command
    that continues without it.
    """
    try:
        return TrainingState.load(out / (PREVIOUS if previous else STATE), device, run=config, **own)
    except InputError as e:
        way = f"stylegan train --data {data_word(out)} --out NEW --init {shell(out)}"
        way += "   (a new run from its newest good snapshot)"
        if previous and not (out / PREVIOUS).exists() and (out / STATE).exists():
            way = f"stylegan train --resume {shell(out)}   (from its last state)"
        if (out / PREVIOUS).exists() and not previous:
            way = f"stylegan train --resume {shell(out)} --previous   (from the state before it)"
        raise InputError(f"{e}\nContinue without it: {way}") from e


def check_budget(out: Path, config: Config, state: TrainingState) -> None:
    """Raise InputError if the new budget is already spent."""
    kimg = config.total_kimg
    if 1000 * kimg < state.cur_nimg:
        raise InputError(
            f"kimg {kimg:g}: {out} has already shown {state.cur_nimg / 1000:g} thousand images: give more, or make "
            f"pictures with what it has learned: stylegan sample {shell(out)} --seeds 0-15 --out pictures"
        )
