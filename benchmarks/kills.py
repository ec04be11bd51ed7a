"""Kill commands at random moments, let them go on, and compare their files with those of runs that were never stopped.

    python benchmarks/kills.py --kills 40

Training, training with `--metrics`, `prepare`, `sample` and `sample --shard` each get that many kills: SIGKILL half of
the time, else SIGTERM, SIGHUP or SIGINT. Every command runs in a process of its own (forked, so that it need not import
torch again). Files are compared byte for byte, except for what tells the time: img_per_sec in stats.jsonl, and the date
in a data set's manifest with the digest of that manifest. Exit code 1 if a file differs or something was left behind.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from stylegan import cli

TINY = [
    *("--config", "F", "--channel-base", "128", "--channel-max", "8", "--z-dim", "8", "--w-dim", "8"),
    *("--mapping-dim", "8", "--mapping-layers", "2", "--batch", "4", "--initial-resolution", "4"),
    *("--tick-kimg", "0.02", "--state-sec", "0.2", "--keep-snapshots", "3", "--device", "cpu"),
]
SIGNALS = [signal.SIGKILL] * 3 + [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]
JOBS = ["training", "measured", "prepare", "sample", "shards"]
METRICS = "mind16,kid16"
CLOCKS = ("img_per_sec", "date", "record_sha256")  # keys of JSON files whose values depend on the time


@dataclass
class Job:
    """Something to stop. commands(place): what is still to be run, one after the other; nothing when it is done."""

    name: str
    commands: Callable[[Path], list[list[str]]]
    kills: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(self.kills.items()))
        found = "; ".join(self.wrong) if self.wrong else "every file as if never stopped"
        return f"{self.name}: {self.kills.total()} kills ({kinds}) in {self.rounds} jobs: {found}"


def main() -> int:
    """Kill, compare, print a line for each job."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=40, help="of each kind of job")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--kimg", default="0.2", help="length of a training run")
    parser.add_argument("--pictures", type=int, default=400, help="that are prepared and sampled")
    parser.add_argument("--only", choices=JOBS, nargs="+", default=JOBS)
    args = parser.parse_args()
    rng, wrong = random.Random(args.seed), 0
    with tempfile.TemporaryDirectory() as folder:
        for job in jobs(Path(folder), args.kimg, args.pictures):
            if job.name not in args.only:
                continue
            torture(job, Path(folder) / job.name, args.kills, rng)
            print(job, flush=True)
            wrong += len(job.wrong)
    return 1 if wrong else 0


def jobs(folder: Path, kimg: str, pictures: int) -> list[Job]:
    """The jobs, with the data set, the pictures and the network that they need."""
    data, network, src = folder / "data", folder / "network", folder / "src"
    train = ["train", "--data", str(data), "--kimg", kimg, *TINY]
    run(["prepare", "portraits:64", str(data), "--resolution", "16"])
    run([*train, "--out", str(network)])
    run(["sample", str(network), "--seeds", f"0-{pictures - 1}", "--out", str(src)])
    sample = ["sample", str(network), "--seeds", f"0-{pictures - 1}", "--device", "cpu", "--psi", "0.5"]

    def training(place: Path, *more: str) -> list[list[str]]:
        if not place.exists():
            return [[*train, "--out", str(place), *more]]
        return [["train", "--resume", str(place), "--state-sec", "0.2", "--device", "cpu"]]

    return [
        Job("training", training),
        Job("measured", lambda place: training(place, "--metrics", METRICS)),
        Job("prepare", lambda place: [] if place.exists() else [["prepare", str(src), str(place)]]),
        Job("sample", lambda place: [[*sample, "--out", str(place), "--grid", "--save-w"]]),
        Job("shards", lambda place: [[*sample, "--out", str(place), "--shard", f"{i}/3"] for i in range(3)]),
    ]


def torture(job: Job, folder: Path, kills: int, rng: random.Random) -> None:
    """Do the job again and again, until it was killed `kills` times. Compare each result with the undisturbed one."""
    folder.mkdir()
    start = time.monotonic()
    for command in job.commands(folder / "whole"):
        run(command)
    whole_sec, whole = time.monotonic() - start, contents(folder / "whole")
    while job.kills.total() < kills:
        place = folder / f"killed-{job.rounds}"
        most = min(rng.randint(1, 12), kills - job.kills.total())
        stopped = disturbed(job, place, most, lambda: rng.uniform(0, whole_sec), rng)
        job.kills.update(stopped)
        job.rounds += 1
        compare(job, contents(place), whole)
        job.wrong += [f"{path.name} was left behind" for path in folder.glob(".*")]
        shutil.rmtree(place)


def disturbed(job: Job, place: Path, most: int, moment: Callable[[], float], rng: random.Random) -> list[str]:
    """Do the job at a place, killed up to `most` times. Returns the signals that hit a running process."""
    hit: list[str] = []
    for _ in range(100 * most):
        finished = True
        for command in job.commands(place):
            how = rng.choice(SIGNALS) if len(hit) < most else None
            ended, was_hit = start(command, how, moment() if how else 0.0)
            hit += [signal.Signals(how).name] if how and was_hit else []
            if was_hit:
                finished = False
                break
            if ended:
                job.wrong.append(f"{' '.join(command[:3])} ended with {ended}")
        if finished:
            return hit
    raise AssertionError(f"{job.name} does not end")


def start(command: list[str], how: int | None, after_sec: float) -> tuple[int, bool]:
    """Run a command, killed after `after_sec` seconds. Returns (exit code, whether the signal hit it at work)."""
    pid = os.fork()
    if not pid:
        child(command)
    deadline, sent = time.monotonic() + after_sec, False
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), sent
        if how is not None and not sent and time.monotonic() >= deadline:
            os.kill(pid, how)
            sent = True
        time.sleep(0.002)


def run(command: list[str]) -> None:
    """Run a command to its end. Raises RuntimeError if it fails."""
    if code := start(command, None, 0)[0]:
        raise RuntimeError(f"stylegan {' '.join(command)} ended with {code}")


def child(command: list[str]) -> None:
    """The forked process: the command, silent; never returns."""
    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        sys.argv = ["stylegan", *command]
        torch.set_num_threads(1)
        cli.main()
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else 0
    finally:
        os._exit(code)


def contents(folder: Path) -> dict[str, object]:
    """All files of a folder, without what depends on the time. The lock of a run folder is empty."""
    found: dict[str, object] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        text = path.read_bytes()
        if path.name in ("stats.jsonl", "manifest.json"):
            found[path.name] = timeless(text.decode())
        elif path.name == ".made":  # a line of a file that was killed before it had its name may stand twice
            found[path.name] = sorted(set(text.split(b"\n")))
        else:
            found[path.name] = text
    return found


def timeless(text: str) -> list[object]:
    """JSON, one value or one in each line, without the keys of CLOCKS."""

    def strip(value: object) -> object:
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items() if key not in CLOCKS}
        return value

    with contextlib.suppress(ValueError):
        return [strip(json.loads(text))]
    return [strip(json.loads(line)) for line in text.splitlines()]


def compare(job: Job, killed: dict[str, object], whole: dict[str, object]) -> None:
    """Note every file that is missing, extra or different."""
    for name in sorted(killed.keys() | whole.keys()):
        if killed.get(name) != whole.get(name):
            what = "differs" if name in killed and name in whole else "is missing or extra"
            job.wrong.append(f"{name} {what} in job {job.rounds}")


if __name__ == "__main__":
    sys.exit(main())
