"""Finds the networks in a saved value: its dicts of tensors, by name."""

from typing import Any

from stylegan.interop.records import Record

WANTED = ("generator_smooth", "g_running", "g_ema", "G_ema", "generator", "")
"""Programs' names for the G that makes pictures, averages first. "" stands for a file that is a bare state dict."""
DEEPEST = 4  # {"models": {"generator": {...}}}
FEW = 3  # a dict with this many tensors or more is a network


def parts(value: Any) -> dict[str, dict[str, Record]]:
    """Name of a network, such as "generator" -> its tensors by name.

    The prefix `module.`, which training on several GPUs adds to all names, is removed.
    """
    found: dict[str, dict[str, Record]] = {}
    _collect(value, "", found, set(), DEEPEST)
    return found


def _collect(value: Any, name: str, found: dict[str, dict[str, Record]], seen: set[int], depth: int) -> None:
    if not isinstance(value, dict) or id(value) in seen or not depth:
        return
    seen.add(id(value))  # a file may nest a dict in itself
    tensors = {key: item for key, item in value.items() if isinstance(key, str) and isinstance(item, Record)}
    if len(tensors) >= FEW and name not in found:
        prefixed = all(key.startswith("module.") for key in tensors)
        found[name] = {key.removeprefix("module."): t for key, t in tensors.items()} if prefixed else tensors
    for key, item in value.items():
        if isinstance(key, str) and key not in ("optimizers", "g_optim", "d_optim", "g_optimizer", "d_optimizer"):
            _collect(item, name if key in ("models", "state_dict") else key, found, seen, depth - 1)


def generator_part(found: dict[str, dict[str, Record]]) -> str | None:
    """The name of the part that is G, or its average if there is one. None if neither is there."""
    return next((name for name in WANTED if name in found), None)
