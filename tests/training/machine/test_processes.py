"""Many processes train as one would: the same weights, one writer, one end."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from stylegan.config import CONFIG_F
from stylegan.networks.generator import Generator
from stylegan.training.machine import processes
from stylegan.training.randomness import draw, step_generator
from stylegan.training.schedule import batch_of, refused_batches
from stylegan.training.train import resume, train

from conftest import TINY

CPU = torch.device("cpu")
GROWING = TINY.but(batch=16, level_kimg=0.08, fade_kimg=0.08, total_kimg=0.24, tick_kimg=0.1, tick_kimg_at={})


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def in_two_processes(*args) -> list[str]:
    """What Python says on stderr in each of two processes that torchrun's environment variables make a group."""
    group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    running = [
        subprocess.Popen(
            [sys.executable, *args], env=os.environ | group | {"RANK": str(r)}, stderr=subprocess.PIPE, text=True
        )
        for r in range(2)
    ]
    try:
        said = [process.communicate(timeout=300)[1] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0, 0], "\n".join(said)
    return said


@pytest.fixture(scope="module")
def two(portraits, tmp_path_factory):
    """The folder of two processes' runs, and what each found (tests/training/machine/two_processes.py)."""
    out = tmp_path_factory.mktemp("two")
    script = Path(__file__).with_name("two_processes.py")
    said = in_two_processes(script, out, portraits.path, json.dumps(GROWING.to_json()))
    return out, [json.loads((out / f"{r}.json").read_text()) for r in range(2)], said


def test_two_processes_are_one_on_the_joint_batch_over_20_steps_with_a_fade_in_them(two):
    _, found, _ = two
    assert max(f["float64"][0] for f in found) < 1e-9  # of the largest change of each tensor
    assert max(f["float64"][1] for f in found) < 1e-6  # of the largest change of all: rounding noise


def test_two_processes_are_one_with_shared_fakes_too(two):
    _, found, _ = two
    assert max(f["shared fakes"][0] for f in found) < 1e-9
    assert max(f["shared fakes"][1] for f in found) < 1e-6


def test_two_processes_augment_as_one(two):
    _, found, _ = two
    assert max(f["ada"][0] for f in found) < 1e-9
    assert max(f["ada"][1] for f in found) < 1e-6


def test_a_dry_run_of_two_processes_measures_half_a_batch_in_each_and_speaks_once(two):
    _, found, _ = two
    (said, mine), (silence, others) = (f["dry run"] for f in found)
    assert (mine, others, silence) == (8, 8, "")
    assert [line.split()[1] for line in said.splitlines()[1:4]] == ["16"] * 3  # the joint batch
    assert "Measured on 2 processes" in said


@pytest.mark.parametrize("network", ["D", "G"])
def test_the_gradients_of_two_processes_are_those_of_one(two, network):
    _, found, _ = two
    assert max(f["gradients"][network] for f in found) < 1e-5


def test_a_signal_to_one_process_stops_all_after_the_same_step(two):
    _, found, _ = two
    assert [f["stopped_at"] for f in found] == [80, 80]


def test_a_run_of_two_processes_resumes_bit_for_bit(two):
    out, _, _ = two
    kept = {p.name: p.read_bytes() for p in (out / "whole").iterdir() if p.suffix in (".png", ".safetensors")}
    assert "state.safetensors" in kept
    assert [name for name in kept if (out / "stopped" / name).read_bytes() != kept[name]] == []


def test_only_process_0_speaks(two):
    _, _, said = two
    assert "Continue with: stylegan train --resume" in said[0].replace("\n", "")
    assert said[1] == ""


def test_if_process_0_cannot_begin_none_does(two):
    _, found, _ = two
    assert "exists: continue it" in found[0]["exists"]
    assert "process 0 could not begin" in found[1]["exists"]


def test_a_joint_batch_that_splits_groups_is_refused_with_the_reason(two):
    _, found, _ = two
    assert all(f["batch"].startswith("batch 12 at 4x4: must be a multiple of 8 with 2 processes") for f in found)
    assert all(f["batch of a dry run"] == f["batch"] for f in found)


def test_machines_that_see_other_files_are_found_before_the_first_step(two):
    _, found, _ = two
    assert all(f["other"].startswith("the processes differ in the weights: every machine") for f in found)


def test_another_number_of_processes_goes_on_and_says_what_changes(two, capsys):
    out, _, _ = two
    resume(out / "for_one")
    assert "processes 2 -> 1" in capsys.readouterr().err.replace("\n", " ")


def test_torchrun_starts_the_command(portraits, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "stylegan"]
    sizes = ["--channel-base", "128", "--channel-max", "8", "--z-dim", "8", "--w-dim", "8", "--mapping-dim", "8"]
    flags = [*sizes, "--batch", "8", "--batch-at", "", "--kimg", "0.032"]
    train_it = [*command, "train", "--data", portraits.path, "--out", tmp_path / "run", *flags]
    done = subprocess.run(train_it, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "run" / "stats.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["cur_nimg"] == 32
    assert len(re.findall("100 %", done.stderr)) == 1


def test_nothing_keeps_the_group_and_its_threads_after_the_training():
    # A thread that lives on frees tensors while Python ends, which now and then aborts a finished training run.
    code = """
import weakref

import torch
import torch.distributed as dist

from stylegan.networks.generator import Generator
from stylegan.training.machine import processes

with processes.joined(torch.device("cpu")):
    group = weakref.ref(dist.group.WORLD)
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])  # imports much of torch
    processes.wait_for_all(torch.device("cpu"))
assert group() is None
"""
    in_two_processes("-c", code)


def test_the_parts_of_a_draw_are_the_draw():
    whole = draw(Generator(TINY), None, 8, style_mixing_prob=1, generator=step_generator(0, 0, CPU))
    parts = [whole.part(slice(r, None, 2)) for r in range(2)]
    assert all(part.crossover == whole.crossover for part in parts)
    for joint, first, second in [
        (whole.z, parts[0].z, parts[1].z),
        *zip(whole.noise, parts[0].noise, parts[1].noise, strict=True),
    ]:
        assert torch.equal(torch.stack([first, second], dim=1).flatten(0, 1), joint)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_process_draws_its_part_of_the_noise_and_gets_what_one_process_would(dtype):
    G = Generator(TINY).to(dtype)
    joint = draw(G, None, 8, style_mixing_prob=1, generator=step_generator(3, 0, CPU))
    generator = step_generator(3, 0, CPU)
    mine = draw(G, None, 8, style_mixing_prob=1, generator=generator, part=slice(1, None, 4))
    assert [map_.shape for map_ in mine.noise] == [(2, 1, H, H) for H in (4, 4, 8, 8, 16, 16)]
    for ours, all_ in [(mine.z, joint.z), (mine.z2, joint.z2), *zip(mine.noise, joint.noise, strict=True)]:
        assert torch.equal(ours, all_[1::4])
    after = step_generator(3, 0, CPU)
    draw(G, None, 8, style_mixing_prob=1, generator=after)
    assert torch.equal(generator.get_state(), after.get_state())  # what is drawn next is the same too


@pytest.mark.parametrize("num_gpus", [1, 2, 4, 8])
def test_the_authors_batches_can_be_shared(num_gpus):
    assert refused_batches(CONFIG_F.for_gpus(num_gpus), num_gpus) == []


def test_a_batch_of_fewer_pictures_than_processes_is_refused():
    (line,) = refused_batches(TINY.but(initial_resolution=16), 64)
    assert line.startswith("batch 0 at 16x16: must be a multiple of 256 with 64 processes")
    assert batch_of(TINY, 16, 64) == 0


def test_a_single_process_is_a_group_of_one(portraits, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.004))
    assert (processes.rank(), processes.world(), processes.mine()) == (0, 1, slice(0, None, 1))
