"""Pictures per second of training steps on a GPU: by definition, by the fast way, and as recorded graphs.

python benchmarks/steps.py                                         the box's widths and full width, up to 1024x1024
python benchmarks/steps.py --channel-max 64 --batch 64 --seconds 3  one network, each way for 3 seconds

Real pictures are random numbers: no data are read. With R1 every 4th step at the box's widths, otherwise every step.
"""

import argparse
import time
from contextlib import nullcontext

import torch
from job import Job
from speed_jobs import training

from stylegan.config import CONFIG_F, Config
from stylegan.networks import fast
from stylegan.training.machine import graphs

CASES = [(64, 64, 16), (64, 64, 64), (512, 64, 16), (512, 1024, 4)]  # channel_max, resolution, batch
WAYS = ("plain", "fast", "recorded")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channel-max", type=int)
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--seconds", type=float, default=3.0)
    args = parser.parse_args()
    cases = CASES if args.channel_max is None else [(args.channel_max, args.resolution, args.batch)]
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {args.precision}\n")
    print("| channels | px | batch | way | img/s | ms a step | peak MB |\n|--:|--:|--:|---|--:|--:|--:|")
    for channel_max, resolution, batch in cases:
        for way in WAYS:
            config = config_of(channel_max, resolution, batch).but(precision=args.precision)
            sec, peak = measured(config, way, seconds=args.seconds)
            print(
                f"| {channel_max} | {resolution} | {batch} | {way} | {batch / sec:,.0f} | {1000 * sec:.1f} | {peak:,} |"
            )


def config_of(channel_max: int, resolution: int, batch: int) -> Config:
    """Full width, or the widths of the network in the box."""
    config = CONFIG_F.but(img_resolution=resolution, batch=batch, batch_at={}, total_kimg=100_000.0)
    if channel_max == CONFIG_F.channel_max:
        return config
    narrow = {"channel_base": 32 * channel_max, "channel_max": channel_max, "z_dim": 128, "w_dim": 128}
    return config.but(**narrow, mapping_dim=128, r1_interval=4)


def measured(config: Config, way: str, *, seconds: float) -> tuple[float, int]:
    """Seconds of a step, and the most memory in MB."""
    graphs.EAGER_STEPS = 2 if way == "recorded" else 10**9
    torch.cuda.reset_peak_memory_stats()
    with fast.off() if way == "plain" else nullcontext():
        work = training(Job("train", "", config, config.batch), "fast", torch.device("cuda"))
        steps(work, 4)
        count, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            steps(work, 4)
            count += 4
    return (time.perf_counter() - begin) / count, torch.cuda.max_memory_allocated() // 2**20


def steps(work, count: int) -> None:
    """Take them, and wait for the GPU."""
    for _ in range(count):
        work()
    torch.cuda.synchronize()


if __name__ == "__main__":
    main()
