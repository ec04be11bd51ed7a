"""Writes a data set picture by picture. The folder gets its name only when it is complete."""

import csv
import hashlib
import json
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from stylegan.data.dataset import CHECKSUMS, LABELS, array_name, pyramid_resolutions
from stylegan.data.manifest import FORMAT, MANIFEST, VERSION
from stylegan.files import whole_folder
from stylegan.sealed import sealed

NAMES = "names.txt"
FACTORS = "factors.csv"


class DatasetWriter:
    """The files of an unfinished data set, in the folder that `new_dataset` makes."""

    def __init__(self, folder: Path, img_resolution: int, img_channels: int) -> None:
        self.folder = folder
        self.img_resolution = img_resolution
        self.img_channels = img_channels
        self.names: list[str] = []
        self.arrays = {r: _ArrayFile(folder, r, img_channels) for r in pyramid_resolutions(img_resolution)}

    def add(self, name: str, levels: Sequence[NDArray[np.uint8]]) -> None:
        """Append one picture: `levels` as `pyramid` returns them; `name` is one line."""
        for file, level in zip(self.arrays.values(), levels, strict=True):
            file.append(level)
        self.names.append(name)

    def keep(self, rows: Sequence[int]) -> None:
        """Drop the pictures that are not in `rows` (ascending). Every later picture is read and written again."""
        self.names = [self.names[row] for row in rows]
        for file in self.arrays.values():
            file.keep(rows)

    def finish(
        self,
        *,
        classes: Sequence[str],
        class_names: Sequence[str] = (),
        factors: Sequence[dict[str, float]],
        about: dict[str, Any],
    ) -> None:
        """Write everything but the pixels, the manifest last. classes, factors: one for each picture, or none at all.

        class_names: every class once, in the order of the labels.
        """
        sums = {array_name(r): file.finish(len(self.names)) for r, file in self.arrays.items()}
        if classes:
            number = {name: i for i, name in enumerate(class_names)}
            labels = np.array([number[name] for name in classes], "<i4")
            np.save(self.folder / LABELS, labels)
            sums[LABELS] = hashlib.sha256(labels.tobytes()).hexdigest()
        checksums = np.array([file.checksums for file in self.arrays.values()], "<u4")  # (levels, N)
        np.save(self.folder / CHECKSUMS, checksums)
        (self.folder / NAMES).write_text("".join(f"{name}\n" for name in self.names), encoding="utf-8")
        if factors:
            with (self.folder / FACTORS).open("w", newline="", encoding="utf-8") as f:
                table = csv.DictWriter(f, factors[0].keys(), lineterminator="\n")
                table.writeheader()
                table.writerows(factors)
        texts = [self.folder / name for name in (NAMES, FACTORS) if (self.folder / name).exists()]
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "count": len(self.names),
            "img_resolution": self.img_resolution,
            "img_channels": self.img_channels,
            "class_names": list(class_names),
            "data_sha256": sums,  # of the arrays' bytes: what follows the .npy header
            "checksums_sha256": hashlib.sha256(checksums.tobytes()).hexdigest(),
            "text_sha256": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in texts},
            **about,
        }
        (self.folder / MANIFEST).write_text(json.dumps(sealed(manifest), indent=2) + "\n", encoding="utf-8")

    def close(self) -> None:
        for file in self.arrays.values():
            with suppress(OSError):  # a full disk: the rest of the buffer is no longer needed
                file.file.close()


@contextmanager
def new_dataset(dest: Path, img_resolution: int, img_channels: int) -> Iterator[DatasetWriter]:
    """Yield a writer to a hidden folder beside `dest`, which becomes `dest` after the block, if it has a manifest.

    Any error, Ctrl-C included, removes it. The next writer removes what a killed process left behind.
    Raises InputError if `dest` cannot be made.
    """
    with whole_folder(dest, last=MANIFEST, remedy="give another DEST") as partial:
        writer = DatasetWriter(partial, img_resolution, img_channels)
        try:
            yield writer
        finally:
            writer.close()


class _ArrayFile:
    """A .npy file that grows: uint8 (N, H, W, C), N known at the end."""

    def __init__(self, folder: Path, resolution: int, img_channels: int) -> None:
        self.item = (resolution, resolution, img_channels)
        self.file: IO[bytes] = (folder / array_name(resolution)).open("w+b", buffering=2**20)
        self.sum = hashlib.sha256()
        self.checksums = array("I")  # CRC-32 of each picture
        self._write_header(0)
        self.header_bytes = self.file.tell()

    def append(self, pixels: NDArray[np.uint8]) -> None:
        assert pixels.shape == self.item and pixels.dtype == np.uint8
        self._append(pixels.tobytes())

    def keep(self, rows: Sequence[int]) -> None:
        """Move these pictures, in ascending order, to the front, and cut off the rest."""
        size = self.item[0] * self.item[1] * self.item[2]
        self.sum, self.checksums = hashlib.sha256(), array("I")
        for to, row in enumerate(rows):
            self.file.seek(self.header_bytes + row * size)
            data = self.file.read(size)
            self.file.seek(self.header_bytes + to * size)
            self._append(data)
        self.file.truncate()

    def finish(self, N: int) -> str:
        """Write the final header; return the checksum of the pixels."""
        self.file.seek(0)
        self._write_header(N)
        assert self.file.tell() == self.header_bytes  # numpy leaves room for the first number to grow
        self.file.close()
        return self.sum.hexdigest()

    def _append(self, data: bytes) -> None:
        self.file.write(data)
        self.sum.update(data)
        self.checksums.append(zlib.crc32(data))

    def _write_header(self, N: int) -> None:
        header = {"descr": "|u1", "fortran_order": False, "shape": (N, *self.item)}
        np.lib.format.write_array_header_1_0(self.file, header)
