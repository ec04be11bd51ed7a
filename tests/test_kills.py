"""benchmarks/kills.py kills, compares, and finds what differs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def kills(monkeypatch):
    """The module of the script."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import kills

    return kills


def test_killed_jobs_end_as_if_never_stopped():
    command = [sys.executable, BENCHMARKS / "kills.py", "--kills", "2", "--kimg", "0.04", "--pictures", "20"]
    done = subprocess.run(
        command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = ["training", "measured", "prepare", "sample", "shards"]
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == jobs
    assert done.stdout.count(": 2 kills (") == 5 and done.stdout.count("every file as if never stopped") == 5


def test_a_file_that_differs_is_missing_or_is_extra_is_named(kills):
    job = kills.Job("training", lambda place: [])
    kills.compare(job, {"a": b"1", "b": b"2", "c": b"3"}, {"a": b"1", "b": b"x", "d": b"4"})
    assert job.wrong == ["b differs in job 0", "c is missing or extra in job 0", "d is missing or extra in job 0"]


def test_what_tells_the_time_is_left_out_and_nothing_else(kills, tmp_path):
    for name, speed, loss in (("a", 1, 5), ("b", 2, 5), ("c", 1, 6)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "stats.jsonl").write_text(f'{{"img_per_sec": {speed}, "D_loss": {loss}}}\n')
        (tmp_path / name / "x.png").write_bytes(b"picture")
    a, b, c = (kills.contents(tmp_path / name) for name in "abc")
    assert a == b
    assert a != c
    (tmp_path / "b" / "x.png").write_bytes(b"pictures")
    assert kills.contents(tmp_path / "b") != a
