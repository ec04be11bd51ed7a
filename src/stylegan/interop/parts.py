"""The networks in a file: the dicts of tensors in what was saved, by the names of the dicts."""

from typing import Any

from stylegan.interop.records import Record

WANTED = ("generator_smooth", "g_running", "g_ema", "G_ema", "generator", "")
"""G as it makes pictures: the names that the programs give it, the average first. "": the file is a bare state dict."""
DEEPEST = 4  # {"models": {"generator": {...}}}
FEW = 3  # tensors from which a dict is a network


def parts(value: Any) -> dict[str, dict[str, Record]]:
    """ "generator" -> its tensors by name, without the prefix `module.` of a network on several GPUs."""
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
    """The name of the part that is G, its average where there is one."""
    return next((name for name in WANTED if name in found), None)
