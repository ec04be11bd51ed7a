"""What benchmarks/speed.py measures: the jobs, and one of them in one way, in this process and its working folder.

Ways: floor, the convolutions alone (of a start: the import of torch); fast, the package; plain, the package without its
fast way; compiled, the package with `--compile`; rosinality, a known port.
"""

import itertools
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import rosinality
import torch
from clock import Memory, timed
from floor import floor
from job import NARROW, TINY, WIDE, Job
from torch import Tensor

from stylegan import checkpoint
from stylegan.config import CONFIG_F
from stylegan.data.dataset import ImageDataset
from stylegan.data.pyramid import pyramid
from stylegan.data.writer import new_dataset
from stylegan.networks import fast
from stylegan.networks.generator import Generator
from stylegan.training.batch import Inputs, process_reals, to_device
from stylegan.training.loop import take_steps
from stylegan.training.randomness import DataOrder, Latents, draw
from stylegan.training.schedule import Phase, batch_of
from stylegan.training.state import TrainingState

PICTURES = 32  # in the data set that is read: 134 MB at 1024x1024
PRODUCT_SIZE = 8192  # of the matrices whose product is the ceiling of a GPU


def quick_jobs() -> list[Job]:
    """One of each section, as small as possible."""
    return [
        Job("generate", "16 px, batch 1", TINY),
        Job("train", "16 px, tiny", TINY, N=4),
        Job("read", "16 px", TINY, N=4, ways=("fast",)),
        Job("start", "16 px", TINY, ways=("fast",)),
    ]


def cpu_jobs() -> list[Job]:
    """All that is claimed for a CPU."""
    return [
        *(
            Job("generate", f"{H} px, batch {N}", WIDE.but(img_resolution=H), N)
            for H in (64, 256, 1024)
            for N in (1, 4)
        ),
        *(
            Job("train", f"{name}, narrow", NARROW, 16, lod, ("floor", "plain", "fast", "compiled"))
            for name, lod in (("8 px", 2), ("16 px fading", 1.5), ("32 px", 0))
        ),
        *(Job("train", f"{H} px, full width", WIDE.but(img_resolution=H), 4) for H in (64, 128)),
        *(
            Job(
                "read",
                f"{H} px",
                WIDE.but(img_resolution=H, initial_resolution=4),
                16 if H <= 32 else 4,
                ways=("fast",),
            )
            for H in (4, 8, 16, 32, 64, 128, 256, 512, 1024)
        ),
        *(Job("start", f"{H} px", WIDE.but(img_resolution=H), ways=("floor", "fast")) for H in (64, 1024)),
    ]


def cuda_jobs() -> list[Job]:
    """All that is claimed for a GPU, with the authors' batches for one."""
    both, sizes = ("plain", "fast"), (64, 128, 256, 512, 1024)
    return [
        Job("product", f"bfloat16, {PRODUCT_SIZE}", CONFIG_F, ways=("fast",)),
        *(
            Job("generate", f"{H} px, batch {N}", CONFIG_F.but(img_resolution=H), N, ways=both)
            for H in sizes
            for N in (1, 16)
        ),
        *(Job("train", f"{H} px", CONFIG_F.but(img_resolution=H), batch_of(CONFIG_F, H), ways=both) for H in sizes),
    ]


def with_port(job: Job) -> Job:
    """The job, done by a known port too, where its networks are of the paper's widths."""
    same = job.section in rosinality.WORKS and job.config.channel_max == CONFIG_F.channel_max
    return replace(job, ways=(*job.ways, "rosinality")) if same else job


def measure(job: Job, way: str, *, device: torch.device, seconds: float) -> dict[str, float]:
    """Milliseconds for a picture, and the most memory above the loaded networks."""
    if way == "floor" and job.section != "start":
        took = floor(job.section, job.config, N=job.N, lod=job.lod, seconds=seconds / 20)
        return {"cpu_ms": 1000 * took.cpu / job.N, "wall_ms": 1000 * took.wall / job.N}
    works = rosinality.WORKS if way == "rosinality" else WORKS
    with fast.off() if way == "plain" else nullcontext():
        work = works[job.section](job, way, device)
        memory, begin = Memory(), time.perf_counter()
        if way == "compiled":
            work()
            compile_s = time.perf_counter() - begin
        took = timed(work, seconds=seconds)
    found = {"cpu_ms": 1000 * took.cpu / job.N, "wall_ms": 1000 * took.wall / job.N}
    if way == "compiled":
        return found | {"compile_s": compile_s}
    return found | ({"peak_mb": memory.taken_bytes() / 2**20} if job.section in ("generate", "train") else {})


def generation(job: Job, way: str, device: torch.device) -> Callable[[], object]:
    """Latents to pictures, with new noise every time."""
    G = Generator(job.config).eval().requires_grad_(False).to(device)
    z = torch.randn(job.N, G.z_dim, device=device)
    return torch.no_grad()(lambda: G(z))


def training(job: Job, way: str, device: torch.device) -> Callable[[], object]:
    """A step of D with R1, of the average and of G, on random pictures, with mixed styles."""
    config, N, H = job.config.but(compile=way == "compiled"), job.N, job.resolution
    state = TrainingState.new(config, device)
    state.enter(Phase(job.lod, H, N, config.lrate, config.tick_kimg))
    generator = torch.Generator(device).manual_seed(0)

    def latents() -> Latents:
        return draw(state.G, None, N, style_mixing_prob=config.style_mixing_prob, generator=generator)

    def work() -> None:
        reals = torch.rand(N, config.img_channels, H, H, generator=generator, device=device) * 2 - 1
        u, augment_u = torch.rand(N, 1, 1, 1, device=device), torch.rand(N, 0, device=device)
        for_d = Inputs(reals, None, latents(), u, augment_u)
        take_steps(state, for_d, for_d._replace(latents=latents()))

    return work


def reading(job: Job, way: str, device: torch.device) -> Callable[[], object]:
    """Shuffled pictures from a data set, as `training_loop` reads them. Its files are in memory after the warm-up."""
    H, random = job.resolution, np.random.default_rng(0)
    with new_dataset(Path("data"), H, 3) as writer:
        for i in range(PICTURES):
            writer.add(str(i), pyramid(random.integers(256, size=(H, H, 3), dtype=np.uint8)))
        writer.finish(classes=[], factors=[], about={})
    dataset, order = ImageDataset("data"), DataOrder(np.arange(PICTURES), seed=0)
    cur_nimg = itertools.count(step=job.N)
    mirrored = torch.arange(job.N, device=device) % 2 == 0

    def work() -> Tensor:
        shown = order(next(cur_nimg), job.N)
        return process_reals(to_device(dataset.batch(H, shown), device), mirrored, lod=0)

    return work


def start(job: Job, way: str, device: torch.device) -> Callable[[], object]:
    """From the command to a picture on the disk."""
    checkpoint.save("network.safetensors", Generator(job.config))
    sample, out = ["-m", "stylegan", "sample", "network.safetensors", "--seeds", "0"], itertools.count()
    if way == "floor":
        return lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return lambda: subprocess.run(
        [sys.executable, *sample, "--out", f"pictures-{next(out)}"], check=True, stdout=sys.stderr
    )


def product(job: Job, way: str, device: torch.device) -> Callable[[], object]:
    """The fastest that a GPU computes anything: a product of two large matrices."""
    a, b = torch.randn(2, PRODUCT_SIZE, PRODUCT_SIZE, dtype=torch.bfloat16, device=device)
    return lambda: a @ b


WORKS = {"generate": generation, "train": training, "read": reading, "start": start, "product": product}
