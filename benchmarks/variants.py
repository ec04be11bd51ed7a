"""What suits a small network and few images? Train one with each variant, compare its pictures with the real ones.

python benchmarks/variants.py DATA OUT --kimg 45 --variants "" lrate=0.012 "batch=8 lrate=0.006"
A variant is what differs from the demo's configuration, each name=value without spaces; "" is the demo's own.
Needs the extra `perceptual`. Prints and keeps (OUT/results.jsonl) the Frechet distance of 2,048 pictures of G_ema to
2,048 real ones, by efficientnet-lite0 (until November 2026: 2,000 pictures, features at 96 px), for each variant, and
64 pictures of it (OUT/VARIANT/seeds-psi-1.0).
"""

import argparse
import ast
import json
import time
from pathlib import Path

import torch

from stylegan.config import Config
from stylegan.data.dataset import ImageDataset
from stylegan.experiments.demo import NARROW
from stylegan.metrics.features import extract, find_features
from stylegan.metrics.frechet import frechet_distance
from stylegan.metrics.reference import pictures, real_order
from stylegan.sampling.controls import Controls
from stylegan.sampling.sampler import sample
from stylegan.sampling.save import save_samples
from stylegan.training.fitted import fitted
from stylegan.training.train import train

COUNT = 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--variants", nargs="+", default=[""])
    parser.add_argument("--kimg", type=float, default=45.0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    dataset = ImageDataset(args.data)
    configs = {variant: config_of(variant, fitted(dataset, config=NARROW), args.kimg) for variant in args.variants}
    network = find_features()
    real, half = (
        extract(network, pictures(dataset, chosen, resolution=dataset.img_resolution))
        for chosen in (real_order(dataset)[:COUNT], real_order(dataset)[COUNT : 2 * COUNT])
    )
    args.out.mkdir(parents=True, exist_ok=True)
    record(args.out, {"variant": None, "frechet": frechet_distance(real, half), "what": "other real pictures"})
    for variant, config in configs.items():
        run = args.out / (variant.replace(" ", ",") or "as-it-is")
        start = time.process_time()
        G = train(args.data, run, config=config)
        cpu_sec = time.process_time() - start
        save_samples(G, range(64), run / "seeds-psi-1.0", controls=Controls(psi=1.0), grid=True)
        fakes = extract(network, sample(G, range(COUNT)))
        record(args.out, {"variant": variant, "frechet": frechet_distance(real, fakes), "cpu_sec": round(cpu_sec)})


def config_of(variant: str, base: Config, kimg: float) -> Config:
    """The base with the variant's changes, which also stand against what the budget would choose."""
    changes = {name: literal(value) for name, value in (pair.split("=", 1) for pair in variant.split())}
    return base.but(**changes).for_budget(kimg).but(**changes)


def literal(value: str) -> object:
    """A number, a dict, True, None ... or the word itself."""
    try:
        return ast.literal_eval(value)
    except ValueError:
        return value


def record(out: Path, result: dict) -> None:
    """Print and keep one result."""
    print(json.dumps(result), flush=True)
    with (out / "results.jsonl").open("a") as f:
        f.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
