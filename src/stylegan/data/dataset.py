"""A prepared data set: uint8 pictures at every power of two from 4 to its resolution, read from disk."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stylegan.data.arrays import PictureFile, header_bytes, read_array
from stylegan.data.manifest import read_manifest
from stylegan.errors import InputError, printable, refuse
from stylegan.files import user_path, whole_file

LABELS = "labels.npy"
CHECKSUMS = "checksums.npy"  # CRC-32 of every picture at every resolution, uint32 (levels, N)

Indices = Sequence[int] | NDArray[np.integer]


def array_name(resolution: int) -> str:
    """The file that holds the pictures of one resolution: uint8 (N, H, W, C)."""
    return f"{resolution}x{resolution}.npy"


def pyramid_resolutions(img_resolution: int) -> list[int]:
    """Every power of two from `img_resolution` down to 4."""
    return [1 << level for level in range(img_resolution.bit_length() - 1, 1, -1)]


def array_shapes(manifest: dict[str, Any]) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """The arrays of a data set with this manifest: file -> shape and dtype."""
    N, C, resolutions = manifest["count"], manifest["img_channels"], pyramid_resolutions(manifest["img_resolution"])
    shapes: dict[str, tuple[tuple[int, ...], np.dtype[Any]]]
    shapes = {array_name(r): ((N, r, r, C), np.dtype("u1")) for r in resolutions}
    if manifest["class_names"]:
        shapes[LABELS] = ((N,), np.dtype("<i4"))
    if "checksums_sha256" in manifest:  # older data sets have none
        shapes[CHECKSUMS] = ((len(resolutions), N), np.dtype("<u4"))
    return shapes


class ImageDataset:
    """The folder that `stylegan prepare` made.

    Opening it compares sizes, labels and a sample of pictures with the digests that `prepare` kept; every batch that is
    read compares some more (`data.verify` compares all). Older data sets have digests of whole files only.
    Any number of processes may open the same folder: nothing is written, and the pictures are in memory once.
    Raises InputError, listing everything that is wrong, if the folder cannot be used.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = user_path(path).absolute()
        self.manifest: dict[str, Any] = read_manifest(self.path)
        self.img_resolution: int = self.manifest["img_resolution"]
        self.img_channels: int = self.manifest["img_channels"]
        self.class_names: list[str] = self.manifest["class_names"]
        self.c_dim = len(self.class_names)  # 0: no labels
        shapes = array_shapes(self.manifest)
        self._refuse(problems_of(partial(header_bytes, self.path / name, *shape) for name, shape in shapes.items()))
        checksums = self._read_checksums()
        self._files = {
            r: PictureFile(
                self.path / array_name(r), shapes[array_name(r)][0], None if checksums is None else checksums[level]
            )
            for level, r in enumerate(self.resolutions)
        }
        self._classes = self._read_classes()
        self._refuse(problems_of(file.read_sample for file in self._files.values()))

    @property
    def resolutions(self) -> list[int]:
        """All resolutions, the largest first."""
        return pyramid_resolutions(self.img_resolution)

    def __len__(self) -> int:
        return self.manifest["count"]

    def __reduce__(self) -> tuple[type["ImageDataset"], tuple[Path]]:
        return ImageDataset, (self.path,)  # another process maps the files again; a memory map would be copied whole

    @property
    def fingerprint(self) -> str:
        """64 hex digits: equal for the same pictures and labels in the same order, in any folder."""
        sums = {"data_sha256": self.manifest["data_sha256"], "class_names": self.class_names}
        return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()

    def batch(self, resolution: int, indices: Indices) -> NDArray[np.uint8]:
        """Copies of the pictures `indices` at one resolution: uint8 (N, C, H, W).

        The memory is (N, H, W, C): torch.from_numpy gives a channels_last tensor without a copy.
        """
        if resolution not in self._files:
            raise InputError(
                f"{printable(self.path)} has no pictures of resolution {resolution}, only {sorted(self._files)}"
            )
        rows, file = np.asarray(indices, np.intp), self._files[resolution]
        if rows.size and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"pictures {rows.min()} to {rows.max()}: the data set has 0 to {len(self) - 1}")
        return file.read(rows, checked=file.checked_per_batch()).transpose(0, 3, 1, 2)  # (N, C, H, W)

    def labels(self, indices: Indices) -> NDArray[np.float32]:
        """One-hot classes of the pictures `indices`: float32 (N, c_dim)."""
        classes = self._classes[np.asarray(indices, np.intp)]
        return (classes[:, None] == np.arange(self.c_dim)).astype(np.float32)

    def _read_checksums(self) -> NDArray[np.uint32] | None:
        """None for a data set from an older stylegan."""
        if (digest := self.manifest.get("checksums_sha256")) is None:
            return None
        return self._read_digested(CHECKSUMS, digest)

    def _read_classes(self) -> NDArray[np.int32]:
        if not self.c_dim:
            return np.zeros(len(self), np.int32)
        digest = self.manifest["data_sha256"].get(LABELS)
        classes = self._read_digested(LABELS, digest)
        if classes.min() < 0 or classes.max() >= self.c_dim:
            self._refuse([f"{LABELS} holds {classes.min()} to {classes.max()}, for {self.c_dim} classes"])
        return classes

    def _read_digested(self, name: str, digest: str | None) -> NDArray[Any]:
        array = read_array(self.path / name, *array_shapes(self.manifest)[name])
        if digest is not None and hashlib.sha256(array.tobytes()).hexdigest() != digest:
            self._refuse([f"{name} is damaged or was changed: it is not what `stylegan prepare` wrote"])
        return array

    def _refuse(self, problems: list[str]) -> None:
        if problems:
            shown = printable(self.path)
            refuse([*problems, f"{shown} is damaged: delete it and run `stylegan prepare SRC {shown}` again"])


def problems_of(checks: Iterable[Callable[[], object]]) -> list[str]:
    """The messages of those checks that raise InputError."""
    problems = []
    for check in checks:
        try:
            check()
        except InputError as error:
            problems.append(str(error))
    return problems


def image_grid(images: NDArray[np.uint8], columns: int) -> Image.Image:
    """Tile images row by row on one sheet, black (or transparent) after the end of the last row.

    images: uint8 (N, C, H, W) with 1 (gray), 3 (RGB) or 4 (RGBA) channels.
    """
    N, C, H, W = images.shape
    rows = -(-N // columns)
    tiles = np.zeros((rows * columns, H, W, C), np.uint8)
    tiles[:N] = images.transpose(0, 2, 3, 1)
    sheet = tiles.reshape(rows, columns, H, W, C).swapaxes(1, 2).reshape(rows * H, columns * W, C)
    return Image.fromarray(sheet[:, :, 0] if C == 1 else sheet)


def save_png(image: Image.Image, path: Path | str, *, exist_ok: bool = True) -> None:
    """Write a whole PNG file. exist_ok False: never replace an existing one, see `whole_file`."""
    with whole_file(path, exist_ok=exist_ok) as partial:
        image.save(partial, format="PNG")
