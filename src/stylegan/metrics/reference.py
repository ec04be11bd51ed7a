"""Computes the features of the real pictures once and keeps them beside the data set."""

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylegan.checkpoint import read_tensors, write_tensors
from stylegan.data.dataset import ImageDataset
from stylegan.errors import InputError
from stylegan.metrics.features import FeatureNetwork, extract, file_name
from stylegan.sampling.progress import progress

BATCH = 16
KIND = "features of real pictures"


def real_features(
    dataset: ImageDataset,
    network: FeatureNetwork,
    *,
    resolution: int,
    count: int,
    mirror: bool = False,
    device: torch.device | str = "cpu",
) -> tuple[Tensor, bool]:
    """Features (count, width) of `count` real pictures, or of all if there are fewer, and whether they were cached.

    resolution: in pixels. mirror: each picture is followed by its mirror image, so there are twice as many rows. The
    choice of pictures and their random order depend on no seed. The cache is the folder DATASET.features. If it cannot
    be written, nothing is cached. A file in it that is damaged or does not fit is replaced.
    """
    count = min(count, len(dataset))
    header = {
        "dataset": dataset.fingerprint,
        "network": network.sha256,
        "resizing": network.resizing,
        "resolution": resolution,
        "count": count,
        "mirror": mirror,
    }
    path = cache_path(dataset, network, header)
    rows = count * (2 if mirror else 1)
    found = _read(path, header, (rows, network.width))
    if found is not None:
        return found, True
    batches = pictures(dataset, real_order(dataset)[:count], resolution=resolution, mirror=mirror)
    features = extract(network, batches, device=device)
    _write(path, features, header)
    return features, False


def real_order(dataset: ImageDataset) -> NDArray[np.int64]:
    """The indices of the data set in the order in which real pictures are taken, always the same."""
    return np.random.RandomState(0).permutation(len(dataset))


def pictures(
    dataset: ImageDataset, indices: NDArray[np.int64], *, resolution: int, mirror: bool = False
) -> Iterator[NDArray[np.uint8]]:
    """The real pictures in batches, uint8 (n, C, H, H), with a progress bar; `mirror` as for `real_features`."""
    for start in progress(range(0, len(indices), BATCH), "features of real pictures"):
        batch = dataset.batch(resolution, indices[start : start + BATCH])
        if mirror:
            pairs = np.stack([batch, batch[..., ::-1]], axis=1)  # (n, 2, C, H, H)
            batch = pairs.reshape(-1, *batch.shape[1:])
        yield batch


def cache_path(dataset: ImageDataset, network: FeatureNetwork, header: dict[str, Any]) -> Path:
    """The cache file for this data set and network, and the resolution, number and mirroring in the header."""
    mirrored = "-mirrored" if header["mirror"] else ""
    name = f"{file_name(network.name)}-{network.sha256[:8]}-{dataset.fingerprint[:8]}"
    file = f"{name}-{header['resolution']}px-{header['count']}{mirrored}.safetensors"
    return dataset.path.with_name(f"{dataset.path.name}.features") / file


def _read(path: Path, header: dict[str, Any], shape: tuple[int, int]) -> Tensor | None:
    """The features in the file. None if it is missing or damaged, or has another shape or header."""
    try:
        tensors, found = read_tensors(path, kind=KIND)
    except (InputError, OSError):
        return None
    features = tensors.get("features")
    if features is None or features.shape != shape or any(found.get(key) != value for key, value in header.items()):
        return None
    return features if found.get("sha256") == _digest(features) else None


def _write(path: Path, features: Tensor, header: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        write_tensors(path, {"features": features}, kind=KIND, header=header | {"sha256": _digest(features)})
    except OSError as e:
        if e.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise


def _digest(features: Tensor) -> str:
    return hashlib.sha256(features.contiguous().numpy().tobytes()).hexdigest()
