"""Lists what a file of another program holds, without running any of it."""

import json
import mmap
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from stylegan.errors import InputError, printable
from stylegan.files import need_file, user_path
from stylegan.foreign import what_it_is
from stylegan.interop.layouts import LAYOUTS
from stylegan.interop.others import other_by_globals
from stylegan.interop.parts import generator_part, parts
from stylegan.interop.pickles import Call, Malformed
from stylegan.interop.port_config import Source, config_of, find_layout
from stylegan.interop.records import recorded, shape_of
from stylegan.interop.tensor_files import is_safetensors, read_safetensors
from stylegan.interop.torch_files import TorchFile, read_torch_file

HARMLESS = ("torch.", "collections.", "numpy.", "_codecs.encode", "dnnlib.")
MOST_LINES = 400
LONGEST = 200  # characters in the path of a value
MOST_STEPS = 100_000  # values of a file that are visited


def inspect(file: Path | str) -> list[str]:
    """Lines of text that describe a PyTorch, safetensors or pickle file. Nothing in the file is executed.

    They tell its kind, resolution and licence, which code its own loader would run, and the names and shapes of its
    tensors, at most 400. Raises InputError for a file that is missing, truncated, damaged or of another kind.
    """
    path = user_path(file)
    need_file(path)
    name = printable(path)
    if is_safetensors(path):
        held, metadata = read_safetensors(path)
        lines = _own_lines(metadata["stylegan"]) if "stylegan" in metadata else _network_lines(held, path)
        told = {key: text for key, text in metadata.items() if key != "stylegan"}
        return [f"{name}: a safetensors file", *lines, *_common_lines({**held.value, **told}, set())]
    found = what_it_is(path) or "a file of an unknown kind"
    if found.startswith("a PyTorch file"):
        opened = read_torch_file(path)
        return [
            f"{printable(path)}: a PyTorch file",
            *_network_lines(opened, path),
            *_common_lines(opened.value, opened.named),
        ]
    if not found.startswith("a pickle"):
        raise InputError(f"{name} is {found}: only PyTorch files, pickles and safetensors can be inspected")
    try:
        with path.open("rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
            value, named = recorded(data, _no_storage)
    except InputError as e:
        raise InputError(f"{name}: {e}") from e
    kind = other_by_globals(named) or ""
    if any(name in named for name in ("dnnlib.tflib.network.Network", "tfutil.Network")):
        kind = "networks of the authors' TensorFlow code: `stylegan import` reads StyleGAN and Progressive GAN"
    return [f"{name}: a pickle", *([kind] if kind else []), *_common_lines(value, named)]


def _no_storage(storage: Any) -> None:
    raise Malformed("refers to numbers outside the pickle")


def _own_lines(text: Any) -> Iterator[str]:
    """What a file of this package says about itself."""
    try:
        header = json.loads(text)
    except (TypeError, ValueError, RecursionError) as e:
        raise InputError(f"a file of this package whose header is damaged: {printable(e, 100)}") from e
    header = header if isinstance(header, dict) else {}
    yield f"a {printable(header.get('kind'), 40)} of this package"
    config, metadata = _fields(header, "config"), _fields(header, "metadata")
    config = _fields(config, "network") or config  # a training run's configuration, or a network's
    if "img_resolution" in config:
        told = (header.get("networks"), config["img_resolution"], header.get("lod"))
        names, size, lod = (printable(value, 60) for value in told)
        yield f"{names}, {size} px, lod {lod}"
    for key in ("license", "source", "made"):
        lines = metadata.get(key, [])
        yield from (f"{key}: {printable(line)}" for line in (lines if isinstance(lines, list) else [lines])[:20])


def _fields(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _network_lines(file: TorchFile, path: Path) -> Iterator[str]:
    """Which network it is, as far as the names of its tensors tell."""
    found = parts(file.value)
    name = generator_part(found)
    for part, tensors in found.items():
        yield f"{printable(part, 60) or 'state dict'}: {len(tensors)} tensors"
    if name is None:
        return
    try:
        layout, source = find_layout(found[name]), Source(file, path)
        config = config_of(LAYOUTS[layout], found[name], source)
        yield f"StyleGAN 1 of {LAYOUTS[layout].maker}, {config.img_resolution} px: `stylegan import` reads it"
        yield from source.said
    except (InputError, Malformed) as e:
        yield printable(e)
    except (LookupError, ValueError, ArithmeticError, TypeError) as e:
        yield f"an incomplete network: {printable(e)}"


def _common_lines(value: Any, named: set[str]) -> Iterator[str]:
    """Lines about licences, source code and tensors, for a file of any kind."""
    found = list(_walk(value))
    for name, item in found:
        last = name.rpartition(".")[2]
        if isinstance(item, str) and last in ("license", "licence"):
            yield f"license: {printable(item, 100)}"
        if isinstance(item, str) and last in ("module_src", "build_module_src") and item:
            yield f"{printable(name, 80)}: {len(item):,} characters of source code, which its own loader would run"
        if isinstance(item, str | int) and last in ("class_name", "build_func_name", "img_resolution", "resolution"):
            yield f"{printable(name, 80)}: {printable(item, 80)}"
    foreign = sorted(name for name in named if not name.startswith(HARMLESS))
    if foreign:
        yield f"its own loader would import: {printable(', '.join(foreign), 600)}"
    tensors = [(name, shape_of(item)) for name, item in found]
    lines = [f"  {printable(name, 120)} {shape}" for name, shape in tensors if shape is not None]
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"  and {len(lines) - MOST_LINES} more tensors"


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Every value in a file, with its path. Each is visited once, because a file may nest a value in itself."""
    waiting, seen, steps = [("", value)], set[int](), 0
    while waiting and steps < MOST_STEPS:
        name, item = waiting.pop()
        steps += 1
        if isinstance(item, dict | list | tuple | Call):
            if id(item) in seen:
                continue
            seen.add(id(item))
        yield name, item
        if shape_of(item) is None:
            waiting += [(_below(name, key), child) for key, child in reversed(_children(item))]


def _below(name: str, key: Any) -> str:
    """The path of a value below `name`. A long path loses its start, because a file may nest without end."""
    path = f"{name}.{printable(key, 100)}" if name else printable(key, 100)
    return path if len(path) <= LONGEST else f"...{path[-LONGEST:]}"


def _children(item: Any) -> list[tuple[Any, Any]]:
    match item:
        case dict():
            return list(islice(item.items(), MOST_STEPS))
        case list() | tuple():
            return list(islice(enumerate(item), MOST_STEPS))
        case Call():
            inner = [("state", item.state)] if item.state is not None else []
            return [*islice(enumerate(item.args), MOST_STEPS), *inner]
    return []
