"""A prepared data set: uint8 pictures at every power of two from 4 to its resolution, straight from the disk."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stylegan.errors import InputError, refuse
from stylegan.files import whole_file

FORMAT = "stylegan-dataset"
VERSION = 1
MANIFEST = "manifest.json"
LABELS = "labels.npy"

Indices = Sequence[int] | NDArray[np.integer]


def array_name(resolution: int) -> str:
    """The file that holds the pictures of one resolution: uint8 (N, H, W, C)."""
    return f"{resolution}x{resolution}.npy"


def pyramid_resolutions(img_resolution: int) -> list[int]:
    """Every power of two from `img_resolution` down to 4."""
    return [1 << level for level in range(img_resolution.bit_length() - 1, 1, -1)]


class ImageDataset:
    """The folder that `stylegan prepare` made. Opening it checks every file's size and reads no pixel.

    Any number of processes may open the same folder: nothing is written, and the pictures are in memory once.
    Raises InputError, with everything that is wrong, where the folder cannot be used.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).absolute()
        self.manifest: dict[str, Any] = _read_manifest(self.path)
        self.img_resolution: int = self.manifest["img_resolution"]
        self.img_channels: int = self.manifest["img_channels"]
        self.class_names: list[str] = self.manifest["class_names"]
        self.c_dim = len(self.class_names)  # 0: no labels
        shapes: dict[str, tuple[int, ...]] = {
            array_name(r): (len(self), r, r, self.img_channels) for r in pyramid_resolutions(self.img_resolution)
        }
        if self.c_dim:
            shapes[LABELS] = (len(self),)
        problems = [problem for name, shape in shapes.items() if (problem := _misfit(self.path / name, shape))]
        if problems:
            refuse([*problems, f"{self.path} is damaged: delete it and run `stylegan prepare SRC {self.path}` again"])
        self._arrays = {
            r: np.asarray(np.load(self.path / array_name(r), mmap_mode="r"))
            for r in pyramid_resolutions(self.img_resolution)
        }
        self._classes = np.load(self.path / LABELS) if self.c_dim else np.zeros(len(self), np.int32)

    def __len__(self) -> int:
        return self.manifest["count"]

    def __reduce__(self) -> tuple[type["ImageDataset"], tuple[Path]]:
        return ImageDataset, (self.path,)  # another process maps the files again; a memory map would be copied whole

    @property
    def fingerprint(self) -> str:
        """64 hex digits: equal for equal pictures and labels in equal order, wherever the folder lies."""
        sums = {"data_sha256": self.manifest["data_sha256"], "class_names": self.class_names}
        return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()

    def batch(self, resolution: int, indices: Indices) -> NDArray[np.uint8]:
        """Copies of the pictures `indices` at one resolution: uint8 (N, C, H, W).

        The memory is (N, H, W, C): torch.from_numpy gives a channels_last tensor without a copy.
        """
        if resolution not in self._arrays:
            raise InputError(f"{self.path} has no pictures of resolution {resolution}, only {sorted(self._arrays)}")
        return self._arrays[resolution][np.asarray(indices, np.intp)].transpose(0, 3, 1, 2)  # (N, C, H, W)

    def labels(self, indices: Indices) -> NDArray[np.float32]:
        """One-hot classes of the pictures `indices`: float32 (N, c_dim)."""
        classes = self._classes[np.asarray(indices, np.intp)]
        return (classes[:, None] == np.arange(self.c_dim)).astype(np.float32)


def image_grid(images: NDArray[np.uint8], columns: int) -> Image.Image:
    """Tile images row by row on one sheet, black (or transparent) where the last row ends early.

    images: uint8 (N, C, H, W) with 1 (gray), 3 (RGB) or 4 (RGBA) channels.
    """
    N, C, H, W = images.shape
    rows = -(-N // columns)
    tiles = np.zeros((rows * columns, H, W, C), np.uint8)
    tiles[:N] = images.transpose(0, 2, 3, 1)
    sheet = tiles.reshape(rows, columns, H, W, C).swapaxes(1, 2).reshape(rows * H, columns * W, C)
    return Image.fromarray(sheet[:, :, 0] if C == 1 else sheet)


def save_png(image: Image.Image, path: Path | str) -> None:
    """Write a whole PNG file."""
    with whole_file(path) as partial:
        image.save(partial, format="PNG")


def _read_manifest(path: Path) -> dict[str, Any]:
    """The checked manifest of the data set at `path`."""
    remedy = f"to make a data set of pictures run `stylegan prepare SRC {path}`"
    if not path.is_dir():
        raise InputError(f"{path} {'is a file, not a folder' if path.exists() else 'does not exist'}: {remedy}")
    if not (path / MANIFEST).is_file():
        raise InputError(
            f"{path} is no data set (no {MANIFEST} in it): run `stylegan prepare {path} DEST` and use DEST"
        )
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path / MANIFEST} is no JSON ({error}): {remedy}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputError(f"{path / MANIFEST} is not the manifest of a {FORMAT}: {remedy}")
    if manifest.get("version") != VERSION:
        raise InputError(
            f"{path} is a {FORMAT} of version {manifest.get('version')}; this stylegan reads version {VERSION}: "
            "prepare the pictures again with this stylegan, or install a newer one"
        )
    fields = {"count": int, "img_resolution": int, "img_channels": int, "class_names": list, "data_sha256": dict}
    wrong = [name for name, kind in fields.items() if not isinstance(manifest.get(name), kind)]
    refuse([f"{path / MANIFEST}: {name} is {manifest.get(name)!r}, not {fields[name].__name__}" for name in wrong])
    return manifest


def _misfit(path: Path, shape: tuple[int, ...]) -> str | None:
    """Why the .npy file at `path` does not hold an array of `shape`, or None. Reads its header only."""
    kind = np.dtype("<i4" if path.name == LABELS else "u1")
    try:
        with path.open("rb") as f:
            np.lib.format.read_magic(f)
            found, _, dtype = np.lib.format.read_array_header_1_0(f)
            size, expected = path.stat().st_size, f.tell() + int(np.prod(found, dtype=np.int64)) * dtype.itemsize
    except FileNotFoundError:
        return f"{path.name} is missing"
    except (OSError, ValueError) as error:
        return f"{path.name} cannot be read: {error}"
    if (found, dtype) != (shape, kind):
        return f"{path.name} holds {dtype} {found} instead of {kind} {shape}"
    return None if size == expected else f"{path.name} has {size:,} bytes instead of {expected:,}"
