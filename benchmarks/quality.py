"""Time to quality: the Frechet distance over CPU seconds, by the rule of --hours and by configuration F's settings.

python benchmarks/quality.py DATA OUT --minutes 12
Trains on one thread, with two seeds, first by the rule for that time, then at the same widths with everything else as
in configuration F, for as many images as fit into the same time. Prints and keeps (OUT/results.json) the distance at
the snapshots of each run, of 2,048 pictures of G_ema to the real ones (efficientnet-lite0, which needs the extra
`perceptual`), and after which share of F's time the rule has F's last distance. Started again, it goes on.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from stylegan.checkpoint import load, snapshots
from stylegan.config import Config
from stylegan.data.dataset import ImageDataset
from stylegan.experiments.study import finished
from stylegan.files import write_text
from stylegan.metrics.features import extract, find_features
from stylegan.metrics.frechet import frechet_distance
from stylegan.metrics.reference import real_features
from stylegan.sampling.sampler import sample
from stylegan.training.cost.budget import affordable_kimg
from stylegan.training.cost.hours import Own, plan_for
from stylegan.training.cost.measuring import Allowance, measure_levels
from stylegan.training.fitted import fitted
from stylegan.training.run.record import SNAPSHOT_TICKS, read_stats
from stylegan.training.train import resume, train

CPU = torch.device("cpu")
WIDTHS = ("channel_max", "channel_base", "z_dim", "w_dim", "mapping_dim")
POINTS = 16  # snapshots of a run
Curve = list[tuple[float, float]]  # (CPU seconds, distance), in the order of the seconds


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--count", type=int, default=2048)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)  # whose CPU seconds are its seconds
    args.out.mkdir(parents=True, exist_ok=True)
    dataset = ImageDataset(args.data)
    configs = chosen(args.out / "configs.json", dataset, args.minutes)
    curves: dict[str, Curve] = {}
    for seed in args.seeds:
        for name, config in configs.items():
            run = args.out / f"{name}-seed-{seed}"
            if not trained(run, args.data, config.but(seed=seed)):
                return
            curves[run.name] = curve(run, dataset, args.count)
            print(run.name, *(f"{sec:.0f} s: {distance:.4g}" for sec, distance in curves[run.name]), sep="\n  ")
        print(compared(curves[f"rule-seed-{seed}"], curves[f"F-seed-{seed}"]))
    write_text(args.out / "results.json", json.dumps(curves, indent=2) + "\n")


def chosen(path: Path, dataset: ImageDataset, minutes: float) -> dict[str, Config]:
    """Name -> configuration for the time, chosen once: that of the rule, and F's at its widths."""
    if path.exists():
        return {name: Config.from_json(config) for name, config in json.loads(path.read_text()).items()}
    rule = plan_for(fitted(dataset), minutes / 60, CPU, own=Own({}), say=print).config
    plain = fitted(dataset).but(**{name: getattr(rule, name) for name in WIDTHS})
    costs = measure_levels(plain, CPU, allowance=Allowance(60.0))
    configs = {"rule": rule, "F": plain.for_budget(affordable_kimg(plain, 60 * minutes, costs))}
    ticks = SNAPSHOT_TICKS * POINTS
    configs = {name: config.but(tick_kimg=config.total_kimg / ticks) for name, config in configs.items()}
    write_text(path, json.dumps({name: config.to_json() for name, config in configs.items()}, indent=2) + "\n")
    return configs


def trained(run: Path, data: Path, config: Config) -> bool:
    """Train or go on, and add up the CPU seconds; False if it was stopped."""
    if run.exists() and finished(run):
        return True
    spent, start = cpu_file(run), time.process_time()
    before = float(spent.read_text()) if spent.exists() else 0.0
    if run.exists():
        resume(run, device=CPU)
    else:
        train(data, run, config=config, keep_snapshots=None, device=CPU)
    write_text(spent, f"{before + time.process_time() - start:.1f}\n")
    return finished(run)


def cpu_file(run: Path) -> Path:
    """Where the CPU seconds of a run are kept."""
    return run.with_name(f"{run.name}.cpu")


def curve(run: Path, dataset: ImageDataset, count: int) -> Curve:
    """The distance at each snapshot, over the CPU seconds until then."""
    network, found = find_features(), []
    real, _ = real_features(dataset, network, resolution=dataset.img_resolution, count=count)
    seconds = seconds_at(run)
    for path in sorted(snapshots(run)):
        nimg = int(path.stem.split("-")[1])
        if nimg in seconds:
            distance = frechet_distance(real, extract(network, sample(load(path), range(count))))
            found.append((round(seconds[nimg], 1), round(distance, 3)))
    return found


def seconds_at(run: Path) -> dict[int, float]:
    """Images shown -> CPU seconds until then: those of the whole run, shared by the speeds of the ticks."""
    passed, before, found = 0.0, 0, {}
    for line in read_stats(run):
        passed += (line["cur_nimg"] - before) / line["img_per_sec"]
        before = line["cur_nimg"]
        found[before] = passed
    total = float(cpu_file(run).read_text())
    return {nimg: total * wall / passed for nimg, wall in found.items()}


def compared(rule: Curve, plain: Curve) -> str:
    """When the rule has F's last distance."""
    end_sec, end = plain[-1]
    reached = next((sec for sec, distance in rule if distance <= end), None)
    if reached is None:
        return f"the rule did not reach F's {end:.4g}: it ends at {rule[-1][1]:.4g}"
    share = f"after {reached / end_sec:.0%} of F's time"
    return f"the rule has F's last distance, {end:.4g}, {share}, and ends at {rule[-1][1]:.4g}"


if __name__ == "__main__":
    main()
