"""Everything that is claimed about speed, in one run: the floor, the definitions and the fast way by turns.

python benchmarks/speed.py --json speed.json                      everything, on all cores
python benchmarks/speed.py --json speed.json --compare old.json   and what has changed since
python benchmarks/speed.py --only "train 64"                      jobs whose title contains this
python benchmarks/speed.py --threads 1 --no-malloc                one core, and glibc's malloc as it comes
python benchmarks/speed.py --device cuda --json gpu.json          a GPU, beside NVIDIA's printed numbers
python benchmarks/speed.py --show speed.json [--compare old.json] print what was measured before
python benchmarks/speed.py --rosinality CLONE                     and a known port, of which CLONE is a clone
python benchmarks/speed.py --quick                                a few seconds, to see that it works

Each job is measured in a new process, the ways in turn, `--rounds` times; medians count. Prints Markdown tables, for
benchmarks/results.md, which says how to read them. Linux only, as memory is read from /proc.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import torch
from floor import PASSES, gflop
from job import Job
from speed_jobs import PRODUCT_SIZE, cpu_jobs, cuda_jobs, measure, quick_jobs, with_port

ROOT = Path(__file__).parents[1]
SECTIONS = ("product", "generate", "train", "read", "start")
RATIOS = [("plain", "fast"), ("rosinality", "fast"), ("floor", "fast"), ("plain", "compiled"), ("floor", "compiled")]
Row = dict[str, float]  # name of a number -> the number
# "machine", and of each section: job -> Row; "rounds": job -> way -> what each process printed
Results = dict[str, Any]

# glibc maps blocks above 32 MB anew for every call, and clears their pages: this keeps them, for all ways alike.
MALLOC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "MALLOC_TOP_PAD_": "268435456",
}
# Seconds for 1000 images, StyleGAN2 "auto" on one A100 as NVIDIA prints them: another network, with R1 every 16th step.
NVIDIA_SEC_PER_KIMG = {128: 6.79, 256: 12.53, 512: 41.06, 1024: 90.39}


def main() -> None:
    args = parse()
    if args.measure:
        title, way = args.measure
        (job,) = (job for job in jobs(args) if job.title == title)
        print(json.dumps(measure(job, way, device=torch.device(args.device), seconds=0.02 if args.quick else 2.0)))
        return
    results = json.loads(args.show.read_text()) if args.show else run(args)
    print(report(results))
    if args.compare:
        print(comparison(json.loads(args.compare.read_text()), results))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the results, after every job")
    parser.add_argument("--compare", type=Path, metavar="OLD", help="results to print the change from")
    parser.add_argument("--show", type=Path, metavar="RESULTS", help="print these and measure nothing")
    parser.add_argument("--only", default="", metavar="SUBSTRING", help="jobs whose title contains this")
    parser.add_argument("--rounds", type=int, default=3, help="processes for each way of a job")
    parser.add_argument("--threads", type=int, help="threads of torch; default: as torch chooses")
    parser.add_argument(
        "--malloc", action=argparse.BooleanOptionalAction, default=True, help="tell glibc to keep memory"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--quick", action="store_true", help="one round of one tiny job of each section")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)  # title and way: what a child process does
    parser.add_argument(
        "--rosinality", type=Path, metavar="CLONE", help="of github.com/rosinality/style-based-gan-pytorch"
    )
    args = parser.parse_args()
    if args.rosinality:
        if not (args.rosinality / "model.py").is_file():
            parser.error(f"--rosinality {args.rosinality}: holds no model.py; see {ROOT / 'benchmarks/rosinality.py'}")
        sys.path.append(str(args.rosinality.resolve()))
    if args.quick:
        args.rounds = 1
    if not any(args.only in job.title for job in jobs(args)):
        parser.error(f"--only {args.only!r}: none of {', '.join(job.title for job in jobs(args))}")
    return args


def jobs(args: argparse.Namespace) -> list[Job]:
    """All jobs of this run, of which `--only` selects."""
    found = quick_jobs() if args.quick else cuda_jobs() if args.device == "cuda" else cpu_jobs()
    return [with_port(job) for job in found] if args.rosinality else found


def run(args: argparse.Namespace) -> Results:
    """Measure all jobs, the ways of each by turns."""
    results: Results = {"machine": machine(args), **{section: {} for section in SECTIONS}, "rounds": {}}
    for job in jobs(args):
        if args.only not in job.title:
            continue
        found: dict[str, list[Row]] = {way: [] for way in job.ways}
        for i in range(args.rounds):
            for way in job.ways:
                print(f"{job.title}: {way}, round {i + 1} of {args.rounds}", file=sys.stderr, flush=True)
                found[way].append(in_new_process(job, way, args))
        results["rounds"][job.title] = found
        numbers = row(found)
        results[job.section][job.name] = numbers | context(job, numbers, results)
        if args.json:
            args.json.write_text(json.dumps(results, indent=1) + "\n")
    return results


def in_new_process(job: Job, way: str, args: argparse.Namespace) -> Row:
    """What `measure` says in a process of its own, with an empty working folder and nothing compiled before."""
    threads = {"OMP_NUM_THREADS": str(args.threads)} if args.threads else {}
    command = [sys.executable, __file__, "--measure", job.title, way, "--device", args.device]
    if args.quick:
        command.append("--quick")
    if args.rosinality:
        command += ["--rosinality", str(args.rosinality.resolve())]
    with tempfile.TemporaryDirectory() as folder:
        child = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | threads | (MALLOC if args.malloc else {}) | {"TORCHINDUCTOR_CACHE_DIR": folder},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return json.loads(child.stdout)


def row(found: dict[str, list[Row]]) -> Row:
    """Medians over the rounds, and ratios to the fast way and to the compiled one."""
    numbers: Row = {}
    for quantity in ("cpu_ms", "wall_ms", "peak_mb", "compile_s"):
        for way, rounds in found.items():
            if quantity in rounds[0]:
                numbers[f"{quantity} {way}"] = median(r[quantity] for r in rounds)
        for way, other in RATIOS:
            if {f"{quantity} {way}", f"{quantity} {other}"} <= numbers.keys():
                ratio = numbers[f"{quantity} {way}"] / numbers[f"{quantity} {other}"]
                numbers[f"{quantity} {way}/{other}"] = ratio
    fast = [r["cpu_ms"] for r in found["fast"]]
    return numbers | {"spread": (max(fast) - min(fast)) / median(fast)}


def context(job: Job, numbers: Row, results: Results) -> Row:
    """What the numbers of a job are held against: its convolutions, and what was measured before it."""
    found: Row = {}
    if job.section in PASSES:
        found["gflop"] = gflop(job.section, job.config, job.lod)
        for ceiling in results["product"].values():  # on a GPU
            speed = found["gflop"] / numbers["wall_ms fast"]
            found["of product"] = speed / (2e-9 * PRODUCT_SIZE**3 / ceiling["wall_ms fast"])
    if job.section == "train" and results["product"] and job.resolution in NVIDIA_SEC_PER_KIMG:
        found["wall_ms NVIDIA"] = NVIDIA_SEC_PER_KIMG[job.resolution]  # seconds for 1000 are milliseconds for one
    for name, training in results["train"].items() if job.section == "read" else ():
        if name.startswith(f"{job.resolution} px"):
            found["of training"] = numbers["cpu_ms fast"] / training["cpu_ms fast"]
    return found


def machine(args: argparse.Namespace) -> dict[str, Any]:
    """Where, when and of what this is a measurement."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.*)", info)
    return {
        "date": date.today().isoformat(),
        "commit": git("rev-parse", "--short", "HEAD") + ("+changes" if git("status", "--porcelain") else ""),
        "torch": torch.__version__,
        "cpu": model[1] if model else platform.processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": args.threads or torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if args.device == "cuda" else "cpu",
        "waiting": os.environ.get("OMP_WAIT_POLICY", "default"),
        "malloc": "kept" if args.malloc else "default",
        "rounds": args.rounds,
        "load": round(os.getloadavg()[0], 2),
    }


def git(*arguments: str) -> str:
    """What git says of this checkout; nothing where it is none."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()


def report(results: Results) -> str:
    """Markdown: the machine, then a table for each section."""
    return describe(results) + tables(results, lambda x: f"{x:,.0f}" if x >= 100 else f"{x:.3g}")


def comparison(old: Results, new: Results) -> str:
    """Markdown: by how much each number has changed that both have."""
    change: Results = {
        section: {
            job: {name: x / old[section][job][name] - 1 for name, x in numbers.items() if old[section][job].get(name)}
            for job, numbers in new[section].items()
            if job in old[section]
        }
        for section in SECTIONS
    }
    return f"Change since {describe(old)}" + tables(change, lambda x: f"{100 * x:+.1f} %")


def describe(results: Results) -> str:
    return ", ".join(f"{name} {value}" for name, value in results["machine"].items()) + "\n"


def tables(results: Results, cell: Callable[[float], str]) -> str:
    """A table for each section that has jobs; a column for each number that one of its jobs has."""
    return "".join(f"\n{table(section, results[section], cell)}\n" for section in SECTIONS if results[section])


def table(title: str, rows: dict[str, Row], cell: Callable[[float], str]) -> str:
    names = list(dict.fromkeys(name for numbers in rows.values() for name in numbers))
    lines = [[title, *names]] + [
        [job, *(cell(numbers[name]) if name in numbers else "" for name in names)] for job, numbers in rows.items()
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    return "\n".join(
        "| "
        + " | ".join(
            text.rjust(w) if i else text.ljust(w) for i, (text, w) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    )


if __name__ == "__main__":
    main()
