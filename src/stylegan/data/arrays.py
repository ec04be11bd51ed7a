"""Arrays of a data set on disk: headers are checked, pictures read by position and compared with checksums.

No memory maps: reading past the end of a truncated file would end the process with SIGBUS.
"""

import os
import weakref
import zlib
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylegan.errors import InputError, printable

CHECKED_BYTES = 2**18  # of each batch, at least one picture; their CRC-32 takes a quarter of a millisecond
SAMPLE_BYTES = 2**21  # of each file when it is opened, at least the first and the last picture
SAMPLE_PICTURES = 64


class PictureFile:
    """The pictures of one resolution: uint8 (N, H, W, C) behind the header of a .npy file, open for reading.

    checksums: CRC-32 of each picture, None for a data set from an older stylegan.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], checksums: NDArray[np.uint32] | None) -> None:
        self.path = path
        self.shape = shape
        self.checksums = checksums
        self.item_bytes = int(np.prod(shape[1:]))
        self.start = header_bytes(path, shape, np.dtype("u1"))
        self._fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._seeking = Lock()
        weakref.finalize(self, os.close, self._fd)

    def read(self, rows: NDArray[np.intp], *, checked: int) -> NDArray[np.uint8]:
        """Copies of pictures. Raises InputError if one of the first `checked` does not match its checksum."""
        pictures = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for picture, row in zip(pictures, rows.tolist(), strict=True):
            self._read_into(memoryview(picture).cast("B"), row)
        if self.checksums is not None:
            for picture, row in zip(pictures[:checked], rows[:checked].tolist(), strict=True):
                if zlib.crc32(picture) != self.checksums[row]:
                    raise InputError(
                        f"{printable(self.path)} is damaged or was changed: picture {row} (counted from 0) is not what "
                        "`stylegan prepare` wrote. Prepare the pictures again, or put back a copy; then go on"
                    )
        return pictures

    def read_sample(self) -> None:
        """Compare a sample of pictures, spread over the file, with their checksums."""
        count = min(max(2, SAMPLE_BYTES // self.item_bytes), SAMPLE_PICTURES, self.shape[0])
        self.read(np.linspace(0, self.shape[0] - 1, count).astype(np.intp), checked=count)

    def checked_per_batch(self) -> int:
        """The number of pictures of a batch that are compared: as many as CHECKED_BYTES hold."""
        return max(1, CHECKED_BYTES // self.item_bytes)

    def _read_into(self, buffer: memoryview, row: int) -> None:
        at = self.start + row * self.item_bytes
        while buffer:
            count = self._read_at(buffer, at)
            if not count:
                size = os.fstat(self._fd).st_size
                raise InputError(
                    f"{printable(self.path)} was cut short while it was in use: it has {size:,} bytes instead of "
                    f"{self.start + self.shape[0] * self.item_bytes:,}. Put it back or prepare it again; then go on"
                )
            buffer, at = buffer[count:], at + count

    def _read_at(self, buffer: memoryview, at: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._fd, [buffer], at)
        with self._seeking:  # Windows
            os.lseek(self._fd, at, os.SEEK_SET)
            data = os.read(self._fd, len(buffer))
        buffer[: len(data)] = data
        return len(data)


def header_bytes(path: Path, shape: tuple[int, ...], kind: np.dtype[Any]) -> int:
    """The length of a .npy file's header. Raises InputError if the file does not hold an array of this shape.

    The header is compared with the expected array, and with the size of the file, before anything is allocated.
    """
    try:
        with path.open("rb") as f:
            version = np.lib.format.read_magic(f)
            found, fortran, dtype = np.lib.format.read_array_header_1_0(f)
            start, size = f.tell(), os.fstat(f.fileno()).st_size
    except FileNotFoundError:
        raise InputError(f"{path.name} is missing") from None
    except Exception as error:  # NumPy evaluates the header: SyntaxError, TokenError, OverflowError, RecursionError ...
        why = (error.strerror if isinstance(error, OSError) else None) or printable(error, 100) or type(error).__name__
        raise InputError(f"{path.name} cannot be read: {why}") from error
    if (version, found, dtype, fortran) != ((1, 0), shape, kind, False):
        order = " in Fortran order" if fortran else ""
        raise InputError(
            f"{path.name} holds {printable(dtype, 60)} {printable(found, 60)}{order} instead of {kind} {shape}"
        )
    expected = start + kind.itemsize * int(np.prod(shape, dtype=object))
    if size != expected:
        raise InputError(f"{path.name} has {size:,} bytes instead of {expected:,}")
    return start


def read_array(path: Path, shape: tuple[int, ...], kind: np.dtype[Any]) -> NDArray[Any]:
    """Read a small array. Raises InputError like `header_bytes`."""
    start = header_bytes(path, shape, kind)
    data = np.fromfile(path, kind, offset=start)
    if data.size != np.prod(shape):
        raise InputError(f"{path.name} was cut short while it was read")
    return data.reshape(shape)
