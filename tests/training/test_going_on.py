"""A run goes on: with the changes that are allowed, without damaged files, and even if nobody can read its output."""

import errno
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from stylegan import checkpoint
from stylegan.data.dataset import ImageDataset
from stylegan.errors import DivergedError, FailedError, InputError
from stylegan.tensors import read_tensors, write_tensors
from stylegan.training import loop, train as train_module
from stylegan.training.machine import processes
from stylegan.training.run import folder as run, record
from stylegan.training.state import TrainingState
from stylegan.training.stops import explained
from stylegan.training.train import resume, train

from conftest import wait_until

CPU = torch.device("cpu")


@pytest.fixture
def stopped(portraits, tiny, tmp_path, signals_at):
    """A run that was stopped after 7 steps of 15; the state before it is that of the 6th."""
    signals_at(7, signal.SIGTERM)
    train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.06), state_sec=0)
    return tmp_path / "run"


def flip(path: Path) -> None:
    """One bit of the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def words(capsys) -> str:
    return " ".join(capsys.readouterr().err.split())


# States


def test_a_damaged_state_is_named_and_the_one_before_it_ends_in_the_same_weights(stopped, portraits, tiny, tmp_path):
    flip(stopped / "state.safetensors")
    with pytest.raises(InputError, match=rf"(?s)state\.safetensors is damaged.*--resume {stopped} --previous"):
        resume(stopped)
    G = resume(stopped, previous=True)
    whole = train(portraits.path, tmp_path / "whole", config=tiny.but(total_kimg=0.06))
    assert [n for n, t in whole.state_dict().items() if not torch.equal(t, G.state_dict()[n])] == []
    assert not (stopped / "state.previous.safetensors").exists()  # a finished run needs none


def test_if_both_states_are_damaged_the_newest_snapshot_is_offered(stopped):
    for name in ("state.safetensors", "state.previous.safetensors"):
        flip(stopped / name)
    with pytest.raises(InputError, match=rf"(?s)previous\.safetensors is damaged.*--out NEW --init {stopped}"):
        resume(stopped, previous=True)


def test_a_run_of_an_older_stylegan_without_the_state_before_goes_on(stopped):
    (stopped / "state.previous.safetensors").unlink()
    assert resume(stopped) is not None
    (stopped / "state.safetensors").unlink()
    with pytest.raises(InputError, match="no such file"):
        resume(stopped)


def test_sizes_that_a_state_claims_are_compared_before_memory_is_taken(stopped, monkeypatch):
    path = stopped / "state.safetensors"
    tensors, header = read_tensors(path, kind="training state")
    header["config"]["c_dim"] = 2**28
    header = {k: v for k, v in header.items() if k not in ("version", "kind")}
    write_tensors(path, {"G_opt.0.step": tensors["G_opt.0.step"]}, kind="training state", header=header)
    assert path.stat().st_size < 41_000
    monkeypatch.setattr(TrainingState, "new", lambda *a, **k: pytest.fail("took memory"))
    with pytest.raises(InputError, match="belong to different runs"):
        resume(stopped)
    monkeypatch.undo()
    with pytest.raises(InputError, match="asks for larger networks than its 1 numbers"):
        TrainingState.load(path, CPU)


# What may change


def test_what_may_change_is_reported_and_kept_for_the_next_time(stopped, capsys):
    resume(stopped, kimg=0.08, batch_gpu=4, keep_snapshots=3)
    assert "total_kimg 0.06 -> 0.08, batch_gpu None -> 4" in words(capsys)
    assert json.loads((stopped / "stats.jsonl").read_text().splitlines()[-1])["cur_nimg"] == 80
    record = json.loads((stopped / "config.json").read_text())
    assert (record["config"]["total_kimg"], record["config"]["batch_gpu"], record["keep_snapshots"]) == (0.08, 4, 3)
    assert checkpoint.load_networks(stopped).config.total_kimg == 0.08


def test_a_finished_run_goes_on_with_a_longer_budget_and_the_same_levels(stopped, capsys):
    resume(stopped)
    resume(stopped)
    assert f"stylegan train --resume {stopped} --kimg 0.12" in words(capsys)
    lods = [json.loads(line)["lod"] for line in (stopped / "stats.jsonl").read_text().splitlines()]
    resume(stopped, kimg=0.08)
    after = [json.loads(line)["lod"] for line in (stopped / "stats.jsonl").read_text().splitlines()]
    assert after[: len(lods)] == lods
    assert len(after) > len(lods)


def test_a_budget_that_is_spent_is_refused_and_one_too_short_to_grow_is_said(stopped, capsys):
    with pytest.raises(InputError, match=r"kimg 0\.02: .* has already shown 0.028 thousand images"):
        resume(stopped, kimg=0.02)
    resume(stopped, kimg=0.04)
    said = words(capsys)
    assert "the networks will not be fully grown after 0.04 thousand images: the last pictures will have 4x4 of" in said


def test_a_new_run_too_short_to_grow_says_so_and_one_that_grows_does_not(portraits, tiny, tmp_path, capsys):
    train(portraits.path, tmp_path / "a", config=tiny.but(total_kimg=0.012, level_kimg=0.004, fade_kimg=0.004))
    assert (
        "the last pictures will have 8x8 of 16x16 pixels. With this level_kimg and fade_kimg, growing takes 0.016"
        in words(capsys)
    )
    train(portraits.path, tmp_path / "b", config=tiny.but(total_kimg=0.016, level_kimg=0.004, fade_kimg=0.004))
    assert "will not be fully grown" not in words(capsys)


def test_the_sizes_that_are_promised_are_not_exceeded(portraits, tiny, tmp_path, capsys):
    config = tiny.but(total_kimg=0.024, level_kimg=0.004, fade_kimg=0.004)
    train(portraits.path, tmp_path / "run", config=config, state_sec=0)
    snapshot, state = (float(mb) for mb in re.findall(r"of (?:up to )?([\d.]+) MB", words(capsys)))
    sizes = {p.name[:5]: p.stat().st_size / 1e6 for p in sorted((tmp_path / "run").glob("s*.safetensors"))}
    assert sizes["snaps"] <= snapshot < 1.2 * sizes["snaps"]
    assert sizes["state"] <= state < 1.2 * sizes["state"]


def test_a_flag_that_cannot_change_is_named_with_what_may_and_the_way_to_a_new_run(stopped, stylegan):
    code, said = stylegan("train", "--resume", stopped, "--batch", 8, "--no-mirror")
    assert code == 2
    assert said.startswith("stylegan: --batch, --mirror: cannot change when a run is resumed; --data, --state-sec,")
    assert "--init RUN" in said


def test_an_empty_place_of_the_data_is_refused_by_a_finished_run_too(portraits, tiny, tmp_path):
    train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.004))
    with pytest.raises(InputError, match=r"give a name, or \. for the current folder"):
        resume(tmp_path / "run", data="")


def test_commands_that_are_advised_can_be_typed(portraits, tiny, tmp_path):
    place, data = tmp_path / "my run", tmp_path / "it's data"
    shutil.copytree(portraits.path, data)
    train(data, place, config=tiny.but(total_kimg=0.004))
    flip(place / "state.safetensors")
    with pytest.raises(InputError) as error:
        resume(place)
    advice = str(error.value).split("Continue without it: ")[1].split("   (")[0]
    command = shlex.split(advice)
    assert command[command.index("--init") + 1] == str(place)
    assert command[command.index("--data") + 1] == str(data)


# Snapshots


@pytest.mark.parametrize("keep", range(2, 14))
def test_kept_snapshots_are_few_have_the_newest_and_were_kept_before(keep):
    before = set()
    for newest in range(200):
        kept = record.kept_snapshots(newest, keep)
        assert len(kept) <= keep - 1  # and the first of all
        assert newest in kept
        assert kept <= before | {newest}  # nothing that was deleted is wanted again
        before = kept
    assert record.kept_snapshots(newest, keep - 1) <= before


def test_a_long_history_is_thinned_out_evenly():
    assert record.kept_snapshots(57, 10) == {0, 16, 32, 48, 54, 55, 56, 57}


def test_a_run_keeps_so_many_snapshots_the_first_and_the_last_among_them(portraits, tiny, tmp_path, capsys):
    config = tiny.but(total_kimg=0.124, tick_kimg=0.004)
    train(portraits.path, tmp_path / "run", config=config, keep_snapshots=3)
    kept = sorted(int(p.stem.split("-")[1]) for p in (tmp_path / "run").glob("snapshot-*"))
    assert kept == [0, 4, 124]  # of 0, 4, 44, 84 and 124
    assert "3 of 6 snapshots of" in words(capsys)
    with pytest.raises(InputError, match="keep_snapshots 1: must be 2 or more"):
        train(portraits.path, tmp_path / "other", config=config, keep_snapshots=1)


def test_the_first_snapshot_and_state_are_grown_no_further_than_the_schedule(portraits, tiny, tmp_path):
    train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.004))
    assert checkpoint.load(tmp_path / "run" / "snapshot-000000000.safetensors").lod == 2.0
    (tmp_path / "run" / "snapshot-000000004.safetensors").unlink()  # as a kill in the first step leaves it
    init = {"init": tmp_path / "run", "kimg": 0.004}
    from stylegan.training.fitted import fitted

    assert fitted(portraits, **init).initial_resolution == 4


def test_an_older_first_snapshot_that_says_fully_grown_does_not_skip_growing(portraits, tiny, tmp_path):
    from stylegan.training.fitted import fitted

    state = TrainingState.new(tiny, CPU)
    checkpoint.save(tmp_path / "old.safetensors", state.networks())
    assert checkpoint.load(tmp_path / "old.safetensors").lod == 0
    assert fitted(portraits, init=tmp_path / "old.safetensors").initial_resolution == 4


# Data and classes


def test_data_that_changes_while_training_stops_the_run_with_its_state_and_the_way_out(
    portraits, tiny, tmp_path, monkeypatch
):
    batch, calls = ImageDataset.batch, []

    def changed(self, resolution, indices):
        calls.append(1)
        if len(calls) == 12:
            raise InputError("picture 3 was changed")
        return batch(self, resolution, indices)

    monkeypatch.setattr(ImageDataset, "batch", changed)
    with pytest.raises(InputError, match=rf"(?s)picture 3 was changed.*--resume {tmp_path / 'run'} --data DATA"):
        train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.06, tick_kimg=1))
    monkeypatch.undo()
    kept, _ = TrainingState.load(tmp_path / "run" / "state.safetensors", CPU)
    assert kept.cur_nimg > 4  # saved now: state_sec is a minute
    G = resume(tmp_path / "run")
    whole = train(portraits.path, tmp_path / "whole", config=tiny.but(total_kimg=0.06, tick_kimg=1))
    assert torch.equal(G.w_avg, whole.w_avg)


def test_a_moved_data_set_is_asked_for(stopped):
    record = json.loads((stopped / "config.json").read_text())
    record["data"]["path"] = "/nowhere"
    run.write_record(stopped, record)
    with pytest.raises(InputError, match=rf"(?s)nowhere.*stylegan train --resume {stopped} --data DATA"):
        resume(stopped)


def test_class_names_stay_with_the_run_and_its_snapshots(tmp_path, tiny):
    from PIL import Image

    from stylegan.data.prepare import prepare

    for i in range(8):
        folder = tmp_path / "pets" / ("cat", "dog")[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((16, 16, 3), 20 * i, np.uint8)).save(folder / f"{i}.png")
    prepare(tmp_path / "pets", tmp_path / "data")
    train(tmp_path / "data", tmp_path / "run", config=tiny.but(c_dim=2, total_kimg=0.004))
    assert checkpoint.load(tmp_path / "run").class_names == ("cat", "dog")
    assert json.loads((tmp_path / "run" / "config.json").read_text())["data"]["class_names"] == ["cat", "dog"]


# What is said, and to whom


def test_the_first_lines_say_what_was_chosen(portraits, tiny, tmp_path, capsys):
    train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.004, lrate=1e-6, batch=4))
    said = words(capsys)
    for part in ("level 4x4 of 16x16", "batch 4, rate 1e-06", "R1 1.25 in every step", "mirroring on", "no classes"):
        assert part in said
    assert "device cpu, 1 threads; precision fp32; seed 0" in said
    assert "snapshots of" in said


def test_the_first_lines_say_what_is_compiled(portraits, tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train_module, "plan", lambda config, device: ["compiled: 16x16"])
    monkeypatch.setattr(train_module, "missing_compiler", lambda config, device: [])
    for compile in (False, True):
        train(portraits.path, tmp_path / f"{compile}", config=tiny.but(total_kimg=0.004, compile=compile))
        assert ("compiled: 16x16" in words(capsys)) == compile


class BrokenFile:
    """stderr of which nobody reads, or on a full disk."""

    encoding = "utf-8"

    def __init__(self, number):
        self.number = number

    def write(self, text):
        raise OSError(self.number, os.strerror(self.number))

    def flush(self):
        self.write("")

    def isatty(self):
        return self.write("")


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EIO, errno.ENOSPC])
def test_a_run_outlives_its_output(portraits, tiny, tmp_path, monkeypatch, number):
    monkeypatch.setattr(sys, "stderr", BrokenFile(number))
    train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.012))
    assert json.loads((tmp_path / "run" / "stats.jsonl").read_text().splitlines()[-1])["cur_nimg"] == 12


COMMAND = "import sys, torch; torch.set_num_threads(1); from stylegan import cli; cli.main()"


def test_a_closed_pipe_and_a_closed_terminal(portraits, tiny, tmp_path):
    run.create(tmp_path / "run", portraits, TrainingState.new(tiny.but(total_kimg=100.0), CPU))
    command = [sys.executable, "-c", COMMAND, "train", "--resume", tmp_path / "run", "--state-sec", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    process.stderr.readline()
    process.stderr.close()  # as `2>&1 | head -1`
    stats = tmp_path / "run" / "stats.jsonl"
    lines = stats.read_text().count("\n")
    wait_until(lambda: stats.read_text().count("\n") > lines + 2 or process.poll() is not None)
    assert process.poll() is None
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 0
    kept, _ = TrainingState.load(tmp_path / "run" / "state.safetensors", CPU)
    assert checkpoint.load_networks(tmp_path / "run").metadata["cur_nimg"] == kept.cur_nimg > 0


def test_a_hangup_that_is_ignored_stays_ignored(portraits, tiny, tmp_path, signals_at):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    try:
        steps = signals_at(2, signal.SIGHUP)
        train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.02))
        assert len(steps) == 5
    finally:
        signal.signal(signal.SIGHUP, before)


def no_space(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_sheet_that_cannot_be_written_is_said_and_the_run_goes_on(portraits, tiny, tmp_path, monkeypatch, capsys):
    run.create(tmp_path / "run", portraits, TrainingState.new(tiny.but(total_kimg=0.012), CPU))
    monkeypatch.setattr(run, "write_sheet", no_space)
    resume(tmp_path / "run")
    assert "no sheet of pictures could be written" in words(capsys)


@pytest.mark.parametrize("what", ["write_stats", "write_snapshot", "keep_previous"])
def test_a_full_disk_stops_the_run_with_its_last_good_state_and_says_how_to_go_on(
    portraits, tiny, tmp_path, monkeypatch, what
):
    folder = tmp_path / "run"
    run.create(folder, portraits, TrainingState.new(tiny.but(total_kimg=0.012), CPU))
    with monkeypatch.context() as m:
        m.setattr(run, what, no_space)
        with pytest.raises(OSError, match=rf"No space left.*last good state is kept.*--resume {folder}"):
            resume(folder, state_sec=0)
    assert resume(folder) is not None


def test_cuda_is_refused_where_there_is_none_in_many_processes_too(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(InputError, match="device 'cuda': this machine"):
        train_module.own_device("cuda")


def test_a_run_out_of_memory_names_smaller_parts(tiny, tmp_path):
    state = TrainingState.new(tiny.but(batch=16), CPU)
    state.enter(loop.schedule(state.config, 0))
    with pytest.raises(FailedError, match=r"16 images at once.*--resume RUN --batch-gpu 8"), explained("RUN", state):
        raise torch.OutOfMemoryError
    state.config = state.config.but(shared_fakes=True)
    with pytest.raises(FailedError, match="shared_fakes off and batch_gpu 8"), explained("RUN", state):
        torch.empty(2**60)


def test_the_smallest_part_is_not_offered_again(tiny):
    state = TrainingState.new(tiny.but(batch=16, batch_gpu=4), CPU)
    state.enter(loop.schedule(state.config, 0))
    with pytest.raises(FailedError, match=r"4 images at once.*fewer channels or pixels"), explained("RUN", state):
        raise torch.OutOfMemoryError


def test_the_images_of_one_process_are_told(tiny, monkeypatch):
    state = TrainingState.new(tiny.but(batch=16), CPU)
    state.enter(loop.schedule(state.config, 0))
    monkeypatch.setattr(processes, "world", lambda: 2)
    with pytest.raises(FailedError, match=r"with 8 images at once.*--batch-gpu 4"), explained("RUN", state):
        raise torch.OutOfMemoryError


def test_divergence_names_the_run_to_start_over_from(tiny):
    with (
        pytest.raises(DivergedError, match=r"D_loss is nan.*--init RUN7"),
        explained("RUN7", TrainingState.new(tiny, CPU)),
    ):
        raise DivergedError("D_loss is nan")


def test_only_the_statistics_of_an_iteration_wait_for_the_device(portraits, tiny):
    from torch.overrides import TorchFunctionMode

    waits = {torch.Tensor.item, torch.Tensor.tolist, torch.Tensor.cpu, torch.Tensor.numpy, torch.Tensor.__bool__}

    class Waiting(TorchFunctionMode):
        found: list[str] = []  # noqa: RUF012

        def __torch_function__(self, func, types, args=(), kwargs=None):
            if func in waits:
                self.found.append(func.__name__)
            return func(*args, **(kwargs or {}))

    state = TrainingState.new(tiny.but(total_kimg=0.008), CPU)
    watcher = loop.Watcher.__new__(type("Nobody", (), {"stop": False, "after_step": lambda *_: None}))
    with Waiting():
        loop.training_loop(state, portraits, np.arange(len(portraits)), watcher)
    assert Waiting.found == ["tolist"] * 2  # two iterations


def test_a_process_whose_neighbour_was_killed_says_so_once_and_how_to_go_on(portraits, tiny, tmp_path):
    import socket

    run.create(tmp_path / "run", portraits, TrainingState.new(tiny.but(batch=8, total_kimg=100.0), CPU))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    command = [sys.executable, "-c", COMMAND, "train", "--resume", tmp_path / "run"]
    both = [
        subprocess.Popen(command, env=os.environ | group | {"RANK": str(r)}, stderr=subprocess.PIPE, text=True)
        for r in range(2)
    ]
    try:
        stats = tmp_path / "run" / "stats.jsonl"
        wait_until(lambda: stats.read_text() or any(p.poll() is not None for p in both))
        both[1].kill()
        said = both[0].communicate(timeout=60)[1]
    finally:
        for process in both:
            process.kill()
    assert both[0].returncode == 1, said
    assert said.count("another process of this training run has ended") == 1
    assert f"stylegan train --resume {tmp_path / 'run'}" in said.replace("\n", " ")
    assert "Traceback" not in said
    assert "gloo" not in said.lower()


def test_words_of_the_group_itself_become_ours():
    with pytest.raises(processes.LostError), processes.talking():
        raise RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer")


@pytest.mark.parametrize("state_sec", [-1.0, float("nan"), float("inf")])
def test_an_impossible_time_between_states_is_refused(state_sec, portraits, tiny, tmp_path):
    with pytest.raises(InputError, match=r"state_sec .* must be a number of seconds"):
        train(portraits.path, tmp_path / "run", config=tiny, state_sec=state_sec)
    assert not (tmp_path / "run").exists()
