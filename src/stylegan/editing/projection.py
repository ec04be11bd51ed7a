"""Projection of real pictures: finds the w (or styles) and noise whose picture is closest to them.

After Appendix D of the StyleGAN2 paper (Karras et al., arXiv 1912.04958). It assumes neither faces nor alignment.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from stylegan.checkpoint import write_tensors
from stylegan.data.pixels import to_float
from stylegan.errors import InputError, printable
from stylegan.metrics.efficientnet import EfficientNetLite0
from stylegan.metrics.perceptual import Perceptual, distance, to_seen
from stylegan.networks.generator import Generator
from stylegan.networks.levels import require_styles
from stylegan.sampling.fingerprint import fingerprint
from stylegan.sampling.latents import check_labels
from stylegan.sampling.noise import seed_noise
from stylegan.sampling.numbers import whole_number
from stylegan.sampling.progress import progress
from stylegan.sampling.projected import noise_in, read_projection
from stylegan.sampling.recipe import Recipe
from stylegan.sampling.sampler import check_network
from stylegan.sampling.seeds import MAX_SEED
from stylegan.sampling.spread import spread

Space = Literal["w", "w+"]

LRATE = 0.1  # these five are from the paper
RAMP_UP, RAMP_DOWN = 0.05, 0.25  # fractions of the steps in which the learning rate rises and falls
W_NOISE = 0.05  # in deviations of W, shrinking to none
W_NOISE_PART = 0.75  # of the steps
NOISE_WEIGHT = 1e5
MOST_STEPS = 1_000_000
PATH_LENGTH = 100  # steps of the path that are kept


@dataclass(frozen=True)
class Projection:
    """What was found for N pictures.

    ws: (N, num_ws, w_dim), in space "w" the same w for all styles. noise: maps (N, 1, H, H) for each layer, or None.
    distances: of each picture to what G makes of it, and start_distances to what G makes of the mean w: see
    `Search.distances`, 0 is the same. path: (T, N, num_ws, w_dim), the ws on the way, the last ones ws.
    network: the fingerprint of G.
    """

    ws: Tensor
    noise: list[Tensor] | None
    distances: list[float]
    start_distances: list[float]
    path: Tensor
    space: Space
    network: str

    def __len__(self) -> int:
        return len(self.ws)

    def __getitem__(self, i: int) -> "Projection":
        """What was found for the i-th picture alone."""
        part = slice(i, i + 1)
        noise = None if self.noise is None else [map_[part] for map_ in self.noise]
        distances, starts = self.distances[part], self.start_distances[part]
        return Projection(self.ws[part], noise, distances, starts, self.path[:, part], self.space, self.network)

    @property
    def recipe(self) -> Recipe:
        """What the pictures are made of. Commands that take seeds read the same from the file."""
        return Recipe(self.ws, self.noise)

    def save(self, path: Path | str) -> None:
        """Write one whole file."""
        tensors = {"ws": self.ws, "path": self.path}
        tensors |= {f"noise.{i}": map_ for i, map_ in enumerate(self.noise or [])}
        header = {"distances": self.distances, "start_distances": self.start_distances}
        write_tensors(path, tensors, kind="projection", header=header | {"space": self.space, "network": self.network})

    @classmethod
    def load(cls, path: Path | str, G: Generator) -> Self:
        """The inverse of save, where G is. A projection into a network other than G raises InputError."""
        tensors, header = read_projection(path, G)
        tensors = {name: tensor.to(G.w_avg.device) for name, tensor in tensors.items()}
        return cls(
            tensors["ws"],
            noise_in(tensors) or None,
            header["distances"],
            header["start_distances"],
            tensors["path"],
            header["space"],
            header["network"],
        )


def project(
    G: Generator,
    images: NDArray[np.uint8],
    *,
    space: Space = "w+",
    steps: int = 500,
    seed: int = 0,
    perceptual: Perceptual | None = None,
    c: Tensor | None = None,
    watch: Callable[["Search", int], None] | None = None,
) -> Projection:
    """Find the ws and the noise of pictures, uint8 (N, C, H, H) of the size and channels that G makes.

    Pictures of other channels or sizes, gray ones for an RGB network among them, raise InputError.
    space: "w" finds one w for all styles, which edits well; "w+" a w for each, which comes closer. perceptual: the
    network that compares, by default EfficientNetLite0. c: (1, c_dim), the class whose mean w is the start.
    watch: called with the search after each step, and the number of steps done; what it raises ends the search.
    Each picture is projected independently, and results are reproducible for a seed.
    """
    check_network(G)
    if space not in ("w", "w+"):
        raise InputError(f"space {printable(space, 60)!r}: must be w or w+")
    steps, seed = whole_number(steps, "steps", least=1, most=MOST_STEPS), whole_number(seed, "seed", most=MAX_SEED)
    require_styles(G, "projection")
    c = None if c is None else check_labels(G, c, 1)
    images = _checked(images, G)
    device = G.w_avg.device
    perceptual = EfficientNetLite0().to(device) if perceptual is None else perceptual
    target = to_float(torch.from_numpy(images)).to(device)
    search = Search(G, target, perceptual, space=space, seed=seed, c=c)
    start_distances = search.distances()
    path, kept = [search.ws()], set(np.linspace(0, steps, PATH_LENGTH + 1).astype(int).tolist())
    for step in progress(range(steps), "Projecting"):
        search.step(step / steps)
        if step + 1 in kept:
            path.append(search.ws())
        if watch is not None:
            watch(search, step + 1)
    noise = None if search.noise is None else [map_.detach() for map_ in search.noise]
    return Projection(path[-1], noise, search.distances(), start_distances, torch.stack(path), space, fingerprint(G))


def _checked(images: NDArray[np.uint8] | Tensor, G: Generator) -> NDArray[np.uint8]:
    """The pictures, if they are what G makes. Raises InputError for other channels, sizes and types."""
    given = images.cpu().numpy() if isinstance(images, Tensor) else np.asarray(images)
    H = G.resolution
    if given.ndim != 4 or given.shape[1:] != (G.img_channels, H, H) or not len(given) or given.dtype != np.uint8:
        raise InputError(
            f"pictures of shape {given.shape} and type {given.dtype}: this network makes uint8 (N, {G.img_channels}, "
            f"{H}, {H}); save_projections (`stylegan project`) converts picture files of any kind"
        )
    return np.ascontiguousarray(given)


class Search:
    """The state of the optimisation, and one step of it."""

    def __init__(
        self, G: Generator, target: Tensor, perceptual: Perceptual, *, space: Space, seed: int, c: Tensor | None
    ) -> None:
        self.G, self.perceptual = G, perceptual
        self.target = target
        with torch.no_grad():
            self.seen = perceptual(to_seen(target))
        W, N = spread(G, c=c), len(target)
        self.mean = W.mean.to(target)
        self.scale = (W.covariance.trace() / G.w_dim).sqrt().item()  # deviation of an entry of w
        # Steps are taken in units of it, so that one learning rate suits every network.
        self.offset = torch.zeros(N, 1 if space == "w" else G.num_ws, G.w_dim, device=target.device, requires_grad=True)
        self.noise: list[Tensor] | None = None
        if G.config.noise:
            maps = [map_.to(target).repeat(N, 1, 1, 1) for map_ in seed_noise(seed, G)]
            self.noise = [map_.requires_grad_() for map_ in maps]
        self.sought = [self.offset, *(self.noise or [])]
        self.optimizer = torch.optim.Adam(self.sought, lr=LRATE)
        self.generator = torch.Generator().manual_seed(seed)

    def ws(self) -> Tensor:
        """The styles found so far, (N, num_ws, w_dim)."""
        with torch.no_grad():
            return self._ws(self.offset).clone()

    def distances(self) -> list[float]:
        """The distances of the pictures found so far to the targets: perceptual, plus mean squared pixel difference."""
        with torch.no_grad():
            return self._distances(self.offset).tolist()

    def step(self, done: float) -> None:
        """One step of Adam. done: how far the search is, 0 to below 1."""
        fade = max(0.0, 1 - done / W_NOISE_PART) ** 2
        shape = self.offset.shape[1:]  # shared by all pictures, so that none depends on the others
        shake = torch.randn(shape, generator=self.generator).to(self.offset)
        offset = self.offset + shake * W_NOISE * math.sqrt(self.G.w_dim) * fade
        loss = self._distances(offset).sum() + NOISE_WEIGHT * noise_pattern(self.noise or []).sum()
        for tensor, gradient in zip(self.sought, torch.autograd.grad(loss, self.sought), strict=True):
            tensor.grad = gradient
        self.optimizer.param_groups[0]["lr"] = LRATE * ramp(done)
        self.optimizer.step()
        for map_ in self.noise or []:
            with torch.no_grad():
                map_ -= map_.mean(dim=(2, 3), keepdim=True)
                map_ *= torch.rsqrt(map_.square().mean(dim=(2, 3), keepdim=True) + 1e-8)

    def _ws(self, offset: Tensor) -> Tensor:
        return (self.mean + self.scale * offset).expand(-1, self.G.num_ws, -1)

    def _distances(self, offset: Tensor) -> Tensor:
        images = self.G.synthesis(self._ws(offset), noise_mode="none", noise=self.noise)
        pixels = (images - self.target).square().mean(dim=(1, 2, 3))  # features alone let the colours drift
        return distance(self.perceptual(to_seen(images)), self.seen) + pixels


def ramp(done: float) -> float:
    """The learning rate's factor: rises in a line, stays, falls as half a cosine."""
    down = min(1.0, (1 - done) / RAMP_DOWN)
    return (0.5 - 0.5 * math.cos(math.pi * down)) * min(1.0, done / RAMP_UP)


def noise_pattern(maps: Sequence[Tensor]) -> Tensor:
    """Regularisation of the noise: squared correlations of neighbours at every size down to 8. (N,); 0 without maps.

    Without it, the search would store the picture in the noise.
    """
    total = torch.zeros(1)
    for map_ in maps:
        total = total.to(map_)
        while True:
            for axis in (2, 3):
                total = total + (map_ * map_.roll(1, dims=axis)).mean(dim=(1, 2, 3)).square()
            if map_.shape[-1] <= 8:
                break
            map_ = F.avg_pool2d(map_, 2) * 2  # the mean of four has half the deviation
    return total
