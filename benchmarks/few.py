"""Few pictures: what augmentation gains, and from how many images on it is worth it.

python benchmarks/few.py DATA OUT --counts 100 500 2000 --kimg 60
Trains a network on the first COUNT pictures of a prepared data set, with each augmentation, as `stylegan train --hours`
would for a short time on a CPU, one thread. Prints and keeps (OUT/results.jsonl) for each run: the Frechet distance of
2,048 pictures to all pictures of DATA (efficientnet-lite0, which needs the extra `perceptual`), also at its best
snapshot; how far apart the pictures lie, relative to real ones; the mean logits of D on pictures that it has learned
from, on others of DATA, and on generated ones; and a sheet of seeds 0 to 31 with psi 1. --init starts from a network
instead of from nothing. Started again, it goes on.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from stylegan.checkpoint import load, load_networks, snapshots
from stylegan.config import Config
from stylegan.data.dataset import ImageDataset, image_grid, save_png
from stylegan.data.pixels import to_float
from stylegan.data.prepare import prepare
from stylegan.experiments.study import finished
from stylegan.metrics.features import extract, find_features
from stylegan.metrics.frechet import frechet_distance
from stylegan.metrics.reference import real_features
from stylegan.sampling.sampler import sample
from stylegan.training.fitted import fitted
from stylegan.training.rule import LADDER, ruled
from stylegan.training.run.health import mean_distance
from stylegan.training.run.record import SNAPSHOT_TICKS
from stylegan.training.train import resume, train

CPU = torch.device("cpu")
POINTS = 4  # snapshots of a run
PICTURES = 2048
REALS = 5000
JUDGED = 64  # pictures of each kind that D judges


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 500, 2000])
    parser.add_argument("--augment", nargs="+", default=["none", "diffaug"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--kimg", type=float, default=60.0)
    parser.add_argument("--init", help="a network to start from")
    parser.add_argument("--pictures", type=int, default=PICTURES)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    results = args.out / "results.jsonl"
    everything = ImageDataset(args.data)
    done = [json.loads(line)["run"] for line in results.read_text().splitlines()] if results.exists() else []
    for seed in args.seeds:
        for count in args.counts:
            few = first(everything, count, args.out / f"pictures-{count}")
            for augment in args.augment:
                run = args.out / f"{count}-{augment}-{seed}{'-init' if args.init else ''}"
                if run.name in done:
                    continue
                start = time.process_time()
                if not trained(run, few, chosen(few, augment, args.kimg, args.init).but(seed=seed), args.init):
                    return
                line = {"run": run.name} | measured(run, everything, few, args.pictures)
                line["cpu_sec"] = round(time.process_time() - start)
                with results.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                print(json.dumps(line))


def first(everything: ImageDataset, count: int, dest: Path) -> ImageDataset:
    """A data set of the first `count` pictures, or all."""
    if count >= len(everything):
        return everything
    if not dest.exists():
        source = dest.with_name(f"{dest.name}.src")
        source.mkdir(exist_ok=True)
        size = everything.img_resolution
        for i, picture in enumerate(everything.batch(size, np.arange(count))):
            Image.fromarray(picture.transpose(1, 2, 0)).save(source / f"{i:05}.png")
        prepare(source, dest, resolution=size)
    return ImageDataset(dest)


def chosen(few: ImageDataset, augment: str, kimg: float, init: str | None) -> Config:
    """The rule's configuration for a short time. A network to start from keeps its sizes."""
    suited = ruled(fitted(few), LADDER[1], gpu=False)
    config = (suited if init is None else fitted(few, config=suited, init=init)).but(augment=augment)
    config = config.for_budget(kimg)
    return config.but(tick_kimg=kimg / (SNAPSHOT_TICKS * POINTS), tick_kimg_at={})


def trained(run: Path, few: ImageDataset, config: Config, init: str | None) -> bool:
    """Train, or continue a run that was stopped. Returns False if it is stopped now."""
    if not run.exists():
        train(few.path, run, config=config, init=init, keep_snapshots=None, device=CPU)
    elif not finished(run):
        resume(run, device=CPU)
    return finished(run)


@torch.no_grad()
def measured(run: Path, everything: ImageDataset, few: ImageDataset, count: int) -> dict[str, object]:
    """The numbers of a finished run."""
    network, size = find_features(), everything.img_resolution
    real, _ = real_features(everything, network, resolution=size, count=REALS)
    curve = {}
    for path in sorted(snapshots(run))[1:]:
        fakes = extract(network, sample(load(path), range(count)))
        curve[int(path.stem.split("-")[1])] = round(frechet_distance(real, fakes), 2)
    networks, trained_on = load_networks(run), np.arange(min(JUDGED, len(few) // 4 * 4))
    grid = np.concatenate(list(sample(networks.G_ema, range(JUDGED))))
    save_png(image_grid(grid[:32], 8), run.with_suffix(".png"))
    fakes = to_float(torch.from_numpy(grid))
    seen = to_float(torch.from_numpy(few.batch(size, trained_on)))
    others = to_float(torch.from_numpy(everything.batch(size, np.arange(len(everything))[-JUDGED:])))
    assert networks.D is not None
    logits = {name: networks.D(x).mean().item() for name, x in (("seen", seen), ("others", others), ("fakes", fakes))}
    return {
        "distance": list(curve.values())[-1],
        "best": min(curve.values()),
        "curve": curve,
        "diversity": round(mean_distance(fakes) / mean_distance(others), 3),
        **{f"D_{name}": round(value, 2) for name, value in logits.items()},
    }


if __name__ == "__main__":
    main()
