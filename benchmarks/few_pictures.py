"""How many pictures does a metric need? MIND's authors (arXiv 2605.06797) say a tenth of the Frechet distance's.

python benchmarks/few_pictures.py DATA NETWORK --count 2500 --psi 1 0.9
NETWORK at two truncations serves as two networks whose order is known from all the pictures. From random parts of n
real and n generated pictures, each metric says which of the two is nearer to the real pictures. The more often it is
right, the fewer pictures it needs. Parts of one draw share no picture; those of two draws may.
Needs the extra `perceptual`. Features of real pictures are cached beside DATA.
"""

import argparse
from collections.abc import Callable
from statistics import mean, stdev

import torch
from torch import Tensor

from stylegan.data.dataset import ImageDataset
from stylegan.metrics.features import extract, find_features
from stylegan.metrics.frechet import frechet_distance
from stylegan.metrics.kernel import kid
from stylegan.metrics.reference import real_features
from stylegan.metrics.sliced import mind
from stylegan.opening import load
from stylegan.sampling.sampler import sample

DRAWS = 20


def frechet(a: Tensor, b: Tensor, generator: torch.Generator) -> float:
    return frechet_distance(a, b)


def kernel(a: Tensor, b: Tensor, generator: torch.Generator) -> float:
    return kid(a, b, subsets=1, subset_size=min(len(a), len(b)), generator=generator).value


def sliced(a: Tensor, b: Tensor, generator: torch.Generator) -> float:
    return mind(a, b, directions=1000, generator=torch.Generator().manual_seed(0))  # as measured: the same for all


METRICS: dict[str, Callable[[Tensor, Tensor, torch.Generator], float]] = {"fd": frechet, "kid": kernel, "mind": sliced}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("network")
    parser.add_argument("--count", type=int, default=2500)
    parser.add_argument("--psi", type=float, nargs=2, default=[1.0, 0.9])
    parser.add_argument("--parts", type=int, nargs="+", default=[50, 100, 250, 500, 1000])
    args = parser.parse_args()
    G, dataset, network = load(args.network, "auto"), ImageDataset(args.data), find_features()
    reals, _ = real_features(dataset, network, resolution=G.resolution, count=2 * args.count, device=G.w_avg.device)
    fakes = [
        extract(
            network, sample(G, range(i * args.count, (i + 1) * args.count), truncation_psi=psi), device=G.w_avg.device
        )
        for i, psi in enumerate(args.psi)
    ]
    print(f"{len(reals):,} real pictures, {args.count:,} generated at psi {args.psi[0]:g} and {args.psi[1]:g}")
    for name, metric in METRICS.items():
        report(name, metric, reals, fakes, args.parts)


def report(
    name: str,
    metric: Callable[[Tensor, Tensor, torch.Generator], float],
    reals: Tensor,
    fakes: list[Tensor],
    parts: list[int],
) -> None:
    """A line for all pictures, and one for each size of part."""
    generator = torch.Generator().manual_seed(0)
    halves = reals.chunk(2)
    true = [metric(half, fake, generator) for half, fake in zip(halves, fakes, strict=True)]
    print(f"{name:5} of all: {true[0]:9.4g} and {true[1]:9.4g}", flush=True)
    for n in parts:
        found = [
            [
                metric(some(half, n, generator), some(fake, n, generator), generator)
                for half, fake in zip(halves, fakes, strict=True)
            ]
            for _ in range(DRAWS)
        ]
        right = sum((a < b) == (true[0] < true[1]) for a, b in found)
        each = [f"{mean(x):9.4g} +- {stdev(x):7.2g}" for x in zip(*found, strict=True)]
        print(f"{name:5} of {n:5}: {each[0]} and {each[1]}; the order of all in {right} of {DRAWS}", flush=True)


def some(rows: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """n random rows."""
    return rows[torch.randperm(len(rows), generator=generator)[:n]]


if __name__ == "__main__":
    main()
