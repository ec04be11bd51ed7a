"""Start a training from a trained or imported network (fine-tuning)."""

import torch
from torch import nn

from stylegan.checkpoint import Networks
from stylegan.errors import InputError
from stylegan.training.state import TrainingState


def transfer(source: Networks, state: TrainingState) -> list[str]:
    """Copy into the fresh `state` every tensor of `source` that has its name and shape; say what was taken.

    A resolution's layers have the same name at every img_resolution. Where the source has no G, G_ema serves for it.
    Raises InputError where nothing fits.
    """
    lines = []
    pairs = [("G", source.G or source.G_ema, state.G), ("G_ema", source.G_ema, state.G_ema), ("D", source.D, state.D)]
    for name, old, new in pairs:
        if old is None:
            lines.append(f"{name}: not in the file, starts from random weights")
            continue
        lines.append(f"{name}: {_copy(old, new)}")
    if all(": 0 of" in line for line in lines if "not in the file" not in line):
        raise InputError("nothing of the network to start from fits this configuration:\n" + "\n".join(lines))
    return lines


@torch.no_grad()
def _copy(old: nn.Module, new: nn.Module) -> str:
    tensors = old.state_dict()
    wanted = new.state_dict()
    taken = [name for name, t in wanted.items() if name in tensors and tensors[name].shape == t.shape]
    for name in taken:
        wanted[name].copy_(tensors[name])
    left = sorted({".".join(name.split(".")[:3]) for name in wanted if name not in taken})
    rest = f"; new: {', '.join(left)}" if left else ""
    return f"{len(taken)} of {len(wanted)} tensors taken over{rest}"
