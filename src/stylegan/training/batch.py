"""The inputs of an iteration: everything random, and the real pictures."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylegan.data.dataset import ImageDataset
from stylegan.data.pixels import to_float
from stylegan.networks.fade import fraction
from stylegan.networks.layers import downsample, upsample
from stylegan.training.machine import processes
from stylegan.training.randomness import DataOrder, Latents, draw, step_generator
from stylegan.training.state import TrainingState


class Inputs(NamedTuple):
    """The inputs of a step of D or G: the joint batch, or the part of it that a process or a micro-batch takes.

    reals: (N, C, H, H) in [-1, 1]. c: their labels (N, c_dim), or None without classes. latents: what G turns into
    pictures. u: (N, 1, 1, 1) in [0, 1), where between real and fake pictures WGAN-GP takes its penalty.
    augment_u: (N, columns), the random numbers of the augmentation.
    """

    reals: Tensor
    c: Tensor | None
    latents: Latents
    u: Tensor
    augment_u: Tensor

    def part(self, i: slice) -> "Inputs":
        """The inputs of some of the pictures."""
        c = None if self.c is None else self.c[i]
        return Inputs(self.reals[i], c, self.latents.part(i), self.u[i], self.augment_u[i])


def draw_batch(state: TrainingState, dataset: ImageDataset, order: DataOrder) -> tuple[Inputs, Inputs]:
    """The inputs of D's step and of G's step: this process's part of the joint batches.

    D's fakes have the labels of the reals. With shared fakes, both inputs are the same. The random numbers do not
    depend on the number of processes. They are drawn first, before the device has work that a draw would wait for.
    """
    config, N, mine = state.config, state.phase.batch, processes.mine()
    generator = step_generator(config.seed, state.cur_nimg, state.device)
    mirrored = torch.rand(N, generator=generator, device=state.device) < 0.5 * config.mirror
    shown = order(state.cur_nimg, N)

    def latents(of: NDArray[np.int64]) -> Latents:
        prob = config.style_mixing_prob
        c = labels(dataset, of[mine], state)
        return draw(state.G, c, N, style_mixing_prob=prob, generator=generator, part=mine)

    for_d = latents(shown)
    u = torch.rand(N, 1, 1, 1, generator=generator, device=state.device)
    for_g = for_d
    if not config.shared_fakes:
        chosen = torch.randint(len(order.indices), (N,), generator=generator, device=state.device)
        # Labels are on the CPU, so the host waits for `chosen`; without classes it need not.
        for_g = latents(order.indices[chosen.cpu().numpy()] if config.c_dim else shown)
    shape = (2, N, state.augmentation.numbers)
    augment_u = torch.rand(shape, generator=generator, device=state.device)[:, mine]
    if state.augmentation.adaptive:
        p = augment_u.new_full((*augment_u.shape[:2], 1), state.augment_p)
        augment_u = torch.cat([augment_u, p], dim=2)
    d_u, g_u = augment_u

    reals = to_device(dataset.batch(state.phase.resolution, shown[mine]), state.device)
    reals = process_reals(reals, mirrored[mine], state.phase.lod).to(state.G.w_avg.dtype)
    d_inputs = Inputs(reals, for_d.c, for_d, u[mine], d_u)
    return d_inputs, d_inputs if config.shared_fakes else d_inputs._replace(latents=for_g, augment_u=g_u)


def process_reals(images: Tensor, mirrored: Tensor, lod: float) -> Tensor:
    """uint8 (N, C, H, H) -> [-1, 1], faded like G's pictures, and mirrored where `mirrored` (N,) is True."""
    x = to_float(images)
    x = torch.where(mirrored[:, None, None, None], x.flip(3), x)
    fade = fraction(lod)
    return torch.lerp(x, upsample(downsample(x)), fade) if fade else x


def to_device(array: NDArray[np.uint8] | NDArray[np.float32], device: torch.device) -> Tensor:
    """Copy the array to the device. With CUDA, copy from pinned memory, so that the host does not wait."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def labels(dataset: ImageDataset, indices: NDArray[np.int64], state: TrainingState) -> Tensor | None:
    """The labels (N, c_dim) of these pictures for a network with classes, else None."""
    return to_device(dataset.labels(indices), state.device) if state.config.c_dim else None
