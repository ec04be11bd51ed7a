"""Pictures of many seeds in tar files, written by any number of processes on any machines, each atomically."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from stylegan import __version__
from stylegan.data.dataset import image_grid
from stylegan.errors import InputError, printable
from stylegan.files import remove_partial_files, user_path, whole_file, write_text
from stylegan.networks.generator import Generator
from stylegan.sampling.controls import Controls
from stylegan.sampling.job import BATCH, Shard, shard_of
from stylegan.sampling.progress import progress
from stylegan.sampling.sampler import DEFAULT, Sampler
from stylegan.sampling.save import Saved, make_folder
from stylegan.sampling.seeds import Seeds, describe_ranges, seed_ranges
from stylegan.sealed import is_intact, sealed


def save_shard(
    G: Generator, seeds: Seeds, out: Path | str, *, shard: str | tuple[int, int], controls: Controls = DEFAULT
) -> Saved:
    """Write part I of N of the pictures of `seeds` into the folder `out`: shard-I-of-N.tar, and .json, its manifest.

    shard: "I/N", counted from 0. The bytes of a picture do not depend on N. Both files appear whole or not at all, the
    manifest last: with it the shard is done, and left as it is. Raises InputError for shards of another job in `out`,
    and where another process is writing this one.
    """
    out, part, sampler = user_path(out), shard_of(seeds, shard), Sampler(G, controls)
    tar, manifest = out / f"{name_of(part)}.tar", out / f"{name_of(part)}.json"
    job = describe_job(sampler, part)
    words = sampler.describe()
    note = f"shard {part}: {len(part):,} of {part.count:,} pictures, {words}"
    make_folder(out)
    with _only_writer(out, part):
        _refuse_another_job(job, out, part)
        if _is_done(manifest, tar):
            return Saved([tar, manifest], f"{note}; it was done before and is left as it is")
        manifest.unlink(missing_ok=True)  # it describes another tar
        sha = hashlib.sha256()
        with whole_file(tar) as partial, partial.open("wb") as f:
            for piece in _tar(sampler, part):
                f.write(piece)
                sha.update(piece)
        facts = {"seeds": describe_ranges(part.seeds), "count": len(part), "bytes": tar.stat().st_size}
        made = {"how": words, "sha256": sha.hexdigest(), "made_with": _made_with(G)}
        record = sealed({"tar": tar.name, **facts, **made, "job": job})
        write_text(manifest, json.dumps(record, indent=2) + "\n")
    return Saved([tar, manifest], note)


def pngs(G: Generator, seeds: Seeds, controls: Controls = DEFAULT) -> list[bytes]:
    """The PNG files of up to 16 seeds, the same bytes as in a shard where these seeds are one of its batches.

    Always 16 pictures are computed, the last one repeated where there are fewer seeds.
    """
    return encoded(Sampler(G, controls), seeds)


def encoded(sampler: Sampler, seeds: Seeds) -> list[bytes]:
    """`pngs` of prepared controls."""
    seeds = [seed for part in seed_ranges(seeds, at_most=BATCH) for seed in part]
    padded = [*seeds, *[seeds[-1]] * (BATCH - len(seeds))]
    cudnn = torch.backends.cudnn
    with cudnn.flags(cudnn.enabled, benchmark=False, deterministic=True, allow_tf32=cudnn.allow_tf32):
        pictures = np.concatenate([*sampler.recipe(padded).batches(sampler.G, BATCH)])[: len(seeds)]
    with ThreadPoolExecutor() as pool:  # 0.26 s of one core for a picture of 1024x1024
        return list(pool.map(_png, pictures))


def name_of(part: Shard) -> str:
    """The name of its files, which sort like the parts."""
    width = max(5, len(str(part.N)))
    return f"shard-{part.i:0{width}d}-of-{part.N:0{width}d}"


def describe_job(sampler: Sampler, part: Shard) -> dict[str, Any]:
    """What all shards of a job have in common, as JSON data: what pictures are made of, and how they are divided."""
    sizes = {"count": part.count, "shards": part.N, "batch": BATCH}
    made_of = sampler.made_of()
    return {"network": made_of.pop("network"), "seeds": describe_ranges(part.ranges), **sizes, **made_of}


def _tar(sampler: Sampler, part: Shard) -> Iterator[bytes]:
    """The bytes of the tar in the layout of WebDataset, the same whenever and wherever it is written."""
    for _, (seeds, own) in zip(progress(part.firsts, "pictures"), part.batches(), strict=True):
        for seed, png in list(zip(seeds, encoded(sampler, seeds), strict=True))[own]:
            header = tarfile.TarInfo(f"{seed:010d}.png")  # of nobody, in 1970
            header.size = len(png)
            yield header.tobuf(tarfile.USTAR_FORMAT) + png + bytes(-len(png) % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _png(picture: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    image_grid(picture[None], 1).save(file, format="PNG")
    return file.getvalue()


def _made_with(G: Generator) -> dict[str, str]:
    """Versions and device, on which rounding and PNG compression depend."""
    device = G.w_avg.device
    kind = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return {"stylegan": __version__, "torch": version("torch"), "pillow": version("pillow"), "device": kind}


@contextmanager
def _only_writer(out: Path, part: Shard) -> Iterator[None]:
    """Keep other processes from writing this shard, and remove the remains of killed ones."""
    lock = FileLock(out / f".{name_of(part)}.lock", timeout=0)
    try:
        with lock:
            remove_partial_files(out, [f"{name_of(part)}.*"])
            try:
                yield
            finally:
                with suppress(PermissionError):  # Windows keeps what is open
                    Path(lock.lock_file).unlink(missing_ok=True)
    except Timeout as e:
        raise InputError(f"another process is writing {out / name_of(part)}.tar at this moment: wait for it") from e


def _refuse_another_job(job: dict[str, Any], out: Path, part: Shard) -> None:
    """Raise InputError where a shard in the folder, of the same number, belongs to a job that differs from `job`."""
    own = out / f"{name_of(part)}.json"
    path = own if own.exists() else next(out.glob(f"shard-*-of-{part.N:05d}.json"), None)
    other = _read(path)["job"] if path else job
    differ = [
        f"{key} {printable(other.get(key), 80)}, now {printable(value, 80)}"
        for key, value in job.items()
        if other.get(key) != value
    ]
    if differ:
        raise InputError(f"{printable(path)} belongs to another job: {'; '.join(differ)}: choose another place")


def _is_done(manifest: Path, tar: Path) -> bool:
    return manifest.exists() and tar.exists() and tar.stat().st_size == _read(manifest)["bytes"]


def _read(manifest: Path) -> dict[str, Any]:
    try:
        found = json.loads(manifest.read_text(encoding="utf-8"))
        if not is_intact(found):
            raise ValueError("it is not what was written")
        return {"job": dict(found["job"]), "bytes": int(found["bytes"])}
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as e:
        raise InputError(
            f"{printable(manifest)} is not the manifest of a shard: delete it, and the shard is written again"
        ) from e
