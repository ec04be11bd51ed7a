"""Start a training run from a trained or imported network (fine-tuning)."""

import torch
from torch import nn

from stylegan.checkpoint import Networks
from stylegan.errors import InputError, printable
from stylegan.training.state import TrainingState

LEGAL = ("license", "source")  # of the network to start from, and of all that is trained from it


def transfer(source: Networks, state: TrainingState) -> list[str]:
    """Copy into the fresh `state` every tensor of `source` that has its name and shape; say what was taken.

    A resolution's layers have the same name at every img_resolution. Where the source has no G, G_ema serves for it.
    Its licence and source go with it, into the metadata of all that is trained from it. Raises InputError where no
    convolution fits.
    """
    lines, fitting = [], 0
    pairs = [("G", source.G or source.G_ema, state.G), ("G_ema", source.G_ema, state.G_ema), ("D", source.D, state.D)]
    for name, old, new in pairs:
        if old is None:
            lines.append(f"{name}: not in the file, starts from random weights")
            continue
        taken, wanted = _copy(old, new)
        left = sorted({".".join(tensor.split(".")[:3]) for tensor in wanted - taken})
        rest = f"; new: {', '.join(left)}" if left else ""
        lines.append(f"{name}: {len(taken)} of {len(wanted)} tensors taken over{rest}")
        fitting += sum(new.state_dict()[tensor].ndim == 4 and "weight" in tensor for tensor in taken)
    if not fitting:
        raise InputError("nothing of the network to start from fits this configuration:\n" + "\n".join(lines))
    theirs, ours = source.metadata.get("class_names"), state.metadata.get("class_names")
    if theirs and ours and theirs != ours:
        lines.append(f"classes: the network's were {printable(theirs)}, those of the data are {printable(ours)}")
    state.metadata |= {name: source.metadata[name] for name in LEGAL if name in source.metadata}
    return [
        *lines,
        *(f"{name}: {value} (kept in every snapshot)" for name, value in state.metadata.items() if name in LEGAL),
    ]


@torch.no_grad()
def _copy(old: nn.Module, new: nn.Module) -> tuple[set[str], set[str]]:
    """Copy what fits; the names of the tensors taken, and of all that were wanted."""
    tensors, wanted = old.state_dict(), new.state_dict()
    taken = {name for name, t in wanted.items() if name in tensors and tensors[name].shape == t.shape}
    for name in taken:
        wanted[name].copy_(tensors[name])
    return taken, set(wanted)
