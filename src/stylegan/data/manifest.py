"""The manifest of a data set: read, and every field checked before it is used."""

import json
import re
import reprlib
from pathlib import Path
from typing import Any

from stylegan.errors import DamagedError, InputError, printable, refuse
from stylegan.fields import is_resolution
from stylegan.sealed import is_intact

FORMAT = "stylegan-dataset"
VERSION = 1
MANIFEST = "manifest.json"
MAX_BYTES = 2**28  # of a manifest: class names and provenance
MAX_COUNT = 2**40  # pictures
MAX_RESOLUTION = 2**16


def read_manifest(path: Path) -> dict[str, Any]:
    """The checked manifest of the data set at `path`. Raises InputError that says what to do if there is none."""
    shown = printable(path)
    remedy = f"to make a data set of pictures run `stylegan prepare SRC {shown}`"
    file = path / MANIFEST
    if not path.is_dir():
        raise InputError(f"{shown} {'is a file, not a folder' if path.exists() else 'does not exist'}: {remedy}")
    if not file.is_file():
        raise InputError(
            f"{shown} is not a data set (no {MANIFEST} in it): run `stylegan prepare {shown} DEST` and use DEST"
        )
    manifest = _parse(file, remedy)
    if manifest.get("version") != VERSION:
        raise InputError(
            f"{shown} is a {FORMAT} of version {reprlib.repr(manifest.get('version'))}; "
            f"this stylegan reads version {VERSION}: "
            "prepare the pictures again with this stylegan, or install a newer one"
        )
    refuse([f"{printable(file)}: {problem}" for problem in _problems(manifest)])
    if not is_intact(manifest):
        raise DamagedError(
            f"{printable(file)} is damaged or was edited: it is not what `stylegan prepare` wrote. Put it back as it "
            "was, or prepare the pictures again (give `classes` a file for other classes)"
        )
    return manifest


def _parse(file: Path, remedy: str) -> dict[str, Any]:
    shown = printable(file)
    if (size := file.stat().st_size) > MAX_BYTES:
        raise InputError(f"{shown} has {size:,} bytes; at most {MAX_BYTES:,} are allowed: {remedy}")
    try:
        manifest = json.loads(file.read_bytes().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{shown} is not JSON ({printable(error)}): {remedy}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputError(f"{shown} is not the manifest of a {FORMAT}: {remedy}")
    return manifest


def _problems(manifest: dict[str, Any]) -> list[str]:
    """What is wrong with the fields that are used, one line each."""
    kinds = {"count": int, "img_resolution": int, "img_channels": int, "class_names": list, "data_sha256": dict}
    problems = [
        f"{name} is {reprlib.repr(manifest.get(name))}, not {kind.__name__}"
        for name, kind in kinds.items()
        if not isinstance(manifest.get(name), kind) or isinstance(manifest.get(name), bool)
    ]
    if problems:
        return problems
    if not 1 <= manifest["count"] <= MAX_COUNT:
        problems.append(f"count is {manifest['count']}; allowed are 1 to {MAX_COUNT:,}")
    if not (is_resolution(manifest["img_resolution"]) and manifest["img_resolution"] <= MAX_RESOLUTION):
        problems.append(f"img_resolution is {manifest['img_resolution']}; allowed are powers of two from 4")
    if manifest["img_channels"] not in (1, 3, 4):
        problems.append(f"img_channels is {manifest['img_channels']}; allowed are 1, 3 and 4")
    names = manifest["class_names"]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        problems.append(f"class_names are {reprlib.repr(names)}; they must be names, all different")
    digests = [*manifest["data_sha256"].values(), manifest.get("checksums_sha256", "0" * 64)]
    texts = manifest.get("text_sha256", {})
    digests += texts.values() if isinstance(texts, dict) else [texts]
    if not all(isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) for digest in digests):
        problems.append("not all of its digests have 64 hex digits")
    return problems
