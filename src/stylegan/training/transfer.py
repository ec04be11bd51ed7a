"""Start a training run from a trained or imported network (fine-tuning)."""

import torch
from torch import nn

from stylegan.checkpoint import Networks
from stylegan.errors import InputError, printable
from stylegan.training.state import TrainingState

LEGAL = ("license", "source")  # metadata of a network that everything trained from it inherits


def transfer(source: Networks, state: TrainingState) -> list[str]:
    """Copy every tensor of `source` that matches one of the new `state` by name and shape. Returns lines that say what.

    The layers of a resolution have the same names at every img_resolution. If the source has no G, its G_ema is used.
    Its license and source are copied to the state's metadata. Raises InputError if no convolution fits.
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
        lines.append(f"{name}: {len(taken)} of {len(wanted)} tensors copied{rest}")
        lines += _made(source, name)
        fitting += sum(new.state_dict()[tensor].ndim == 4 and "weight" in tensor for tensor in taken)
    if not fitting:
        raise InputError("nothing of the network to start from fits this configuration:\n" + "\n".join(lines))
    theirs, ours = source.metadata.get("class_names"), state.metadata.get("class_names")
    if theirs and ours and theirs != ours:
        lines.append(f"classes: the network had {printable(theirs)}; the data have {printable(ours)}")
    state.metadata |= {name: source.metadata[name] for name in LEGAL if name in source.metadata}
    return [
        *lines,
        *(f"{name}: {value} (kept in every snapshot)" for name, value in state.metadata.items() if name in LEGAL),
    ]


def _made(source: Networks, name: str) -> list[str]:
    """What `stylegan import` had to make for a network that was incomplete in another program's file."""
    made = source.metadata.get("made", ())
    made = made if isinstance(made, list | tuple) else ()
    return [f"{printable(line)} (as it was imported)" for line in made if str(line).startswith(f"{name}:")]


@torch.no_grad()
def _copy(old: nn.Module, new: nn.Module) -> tuple[set[str], set[str]]:
    """Copy what fits. Returns the names of the copied tensors, and of all tensors of `new`."""
    tensors, wanted = old.state_dict(), new.state_dict()
    taken = {name for name, t in wanted.items() if name in tensors and tensors[name].shape == t.shape}
    for name in taken:
        wanted[name].copy_(tensors[name])
    return taken, set(wanted)
