"""Commands and snippets of the README and of docs/ run, with small budgets, except those that install or test."""

import os
import re
import shlex
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from port_files import rosinality

from stylegan import cli
from stylegan.config import NetworkConfig
from stylegan.experiments import demo as demo_module
from stylegan.explorer.serving import Serving
from stylegan.networks.generator import Generator

from conftest import PATIENCE_SEC, wait_until

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SMALL = {
    "train": shlex.split(
        "--kimg 0.02 --channel-base 128 --channel-max 8 --z-dim 8 --w-dim 8 --mapping-dim 8 --batch 4 --batch-at ''"
    ),
    "demo": ["--minutes", "0.02"],
    "metrics": ["--metrics", "kid4"],
    "table1": shlex.split("--kimg 0.02 --width 4 --seeds 0 --configs E,F --metrics kid4"),
    "project": ["--steps", "2"],
    "video": ["--frames", "3"],
    "explore": ["--port", "0"],
}


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.M | re.S)


def commands(page: Path) -> list[list[str]]:
    """Every command `stylegan ...` in the page's shell blocks."""
    text = "\n".join(blocks(page, "sh")).replace("\\\n", " ").replace(" && ", "\n")
    return [shlex.split(line, comments=True)[1:] for line in text.splitlines() if line.startswith("stylegan ")]


def small(arguments: list[str]) -> list[str]:
    """The same command with a budget of seconds."""
    if arguments[0] == "train" and "--resume" in arguments:
        return arguments
    if arguments[0] == "prepare" and "portraits:" in arguments[1]:
        arguments = ["prepare", "portraits:16", arguments[2], "--resolution", "16"]
    if "--hours" in arguments:
        at = arguments.index("--hours")
        more = [*SMALL["train"][2:], "--noise"]  # which the rule has only in the time that the page gives
        return [*arguments[:at], "--hours", "0.001", *arguments[at + 2 :], *more]
    return [*arguments, *SMALL.get(arguments[0], [])]


def of_rosinality():
    """A network of another program, of 32 px."""
    sizes = {"img_resolution": 32, "channel_base": 128, "channel_max": 8, "z_dim": 8, "w_dim": 8, "mapping_dim": 8}
    return rosinality(Generator(NetworkConfig(**sizes, norm_eps=1e-5, up_bias=True)).requires_grad_(False))


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty folder with some photos, as a newcomer has."""
    (tmp_path / "photos").mkdir()
    random = np.random.RandomState(0)
    for i in range(8):
        Image.fromarray(random.randint(0, 255, (16, 16, 3), np.uint8)).save(tmp_path / "photos" / f"{i}.png")
    torch.save({"g_running": of_rosinality()}, tmp_path / "train_step-7.model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo_module, "PORTRAITS", 64)
    monkeypatch.setattr(demo_module, "METRICS", "mind4")
    monkeypatch.setattr(Serving, "run", lambda serving, ready: ready(serving.address))  # not until Ctrl-C
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_snippet_of_the_page_runs_in_order(page, workplace, monkeypatch, capsys):
    for arguments in commands(page):
        monkeypatch.setattr(sys, "argv", ["stylegan", *small(arguments)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        assert not exit_.value.code, f"{shlex.join(arguments)}: {capsys.readouterr().err}"
    for snippet in blocks(page, "python"):
        exec(compile(snippet, str(page), "exec"), {"__name__": "__main__"})


def test_the_readme_has_the_two_commands_and_ci_runs_the_second():
    readme, ci = (ROOT / "README.md").read_text(), (ROOT / ".ci" / "run").read_text()
    assert "pip install -e . && stylegan demo" in readme
    assert "pip install -e '.[dev]' && pytest" in readme
    assert "pip install -e '.[dev]' && pytest" in ci


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_name_that_the_page_points_to_exists(page):
    text = page.read_text()
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (page.parent / target).exists(), target
    for path, name in re.findall(r"`((?:src|tests|examples|benchmarks)/[\w/.-]+\.py)(?::(\w+))?`", text):
        assert (ROOT / path).is_file(), path
        assert not name or re.search(rf"\b(def|class) {name}\b|^{name}\b", (ROOT / path).read_text(), re.M), (
            path,
            name,
        )


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder of commands that only record how they were called. What srun starts runs until scancel signals it."""
    bin_, log, pid = (tmp_path / name for name in ("bin", "log", "pid"))
    bin_.mkdir()
    for name, then in {
        "srun": f"trap 'kill $!; sleep 0.3; echo srun ended >> {log}; exit 1' TERM\n"
        f"echo $$ > {pid}.new; mv {pid}.new {pid}\n"
        f"sleep {PATIENCE_SEC} & wait",
        "scancel": f"kill -TERM $(cat {pid})",
        "scontrol": "[ $1 != show ] || printf 'n1\\nn2\\n'",
    }.items():
        (bin_ / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {log}\n{then}\n')
        (bin_ / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_), prepend=os.pathsep)
    for name, value in {"JOB_ID": "12345", "NNODES": "4", "CPUS_PER_TASK": "32", "JOB_NODELIST": "n[1-4]"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    return tmp_path


@contextmanager
def slurm_job(slurm):
    """The training script of docs/scale.md, its training begun."""
    script = blocks(ROOT / "docs" / "scale.md", "bash")[0].replace("/shared/runs", str(slurm))
    with subprocess.Popen(["bash", "-c", script]) as job:
        try:
            wait_until((slurm / "pid").exists)
            yield job
        finally:
            job.kill()


@pytest.mark.parametrize("begun", [False, True], ids=["a new run", "one that was begun"])
def test_the_slurm_script_stops_the_run_before_its_time_ends_and_queues_again(slurm, begun):
    """With SLURM itself it was run by hand: docs/scale.md says how."""
    if begun:
        (slurm / "faces").mkdir()
    with slurm_job(slurm) as job:
        job.send_signal(signal.SIGUSR1)  # as SLURM does
        job.wait(PATIENCE_SEC)
    head, started, *ended = (slurm / "log").read_text().splitlines()
    assert head == "scontrol show hostnames n[1-4]"
    assert started.startswith("srun --cpus-per-task=32 ") and " torchrun --nnodes 4 " in started
    assert " n1:22345 " in started
    assert started.endswith(f"--resume {slurm}/faces") == begun
    assert ended == ["scancel --signal=TERM 12345", "srun ended", "scontrol requeue 12345"]


def test_the_slurm_script_does_not_queue_a_run_that_ends_by_itself(slurm):
    with slurm_job(slurm) as job:
        os.kill(int((slurm / "pid").read_text()), signal.SIGTERM)
        assert job.wait(PATIENCE_SEC) != 0
    assert "requeue" not in (slurm / "log").read_text()
