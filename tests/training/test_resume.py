"""A stopped training run continues bit for bit, whenever and however it was stopped."""

import errno
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import safetensors.torch
import torch

from stylegan import checkpoint, files
from stylegan.errors import DivergedError, InputError
from stylegan.training import loop, losses, state
from stylegan.training.machine.environment import using_threads
from stylegan.training.run import folder as run
from stylegan.training.train import resume, threads_of, train


class Killed(BaseException):
    """Like a kill: nothing catches it."""


class Saboteur:
    """Kills at the n-th event from now: the start of a D or G step, a write half done, or just before its rename."""

    def __init__(self, monkeypatch) -> None:
        self.left = -1
        self.kills: list[tuple[str, float]] = []
        self.state_lod = 0.0
        monkeypatch.setattr(loop, "step", self._before("step", loop.step))
        monkeypatch.setattr(safetensors.torch, "save_file", self._half_written(safetensors.torch.save_file))
        monkeypatch.setattr(files.Path, "replace", self._before("rename", files.Path.replace))
        monkeypatch.setattr(run, "write_sheet", self._before("sheet", run.write_sheet))

    def _event(self, name: str) -> bool:
        self.left -= 1
        if self.left == 0:
            self.kills.append((name, self.state_lod))
        return self.left == 0

    def _before(self, name, function):
        def wrapped(*args, **kwargs):
            if name == "step":
                self.state_lod = args[0].phase.lod
            if self._event(name):
                raise Killed
            return function(*args, **kwargs)

        return wrapped

    def _half_written(self, save_file):
        def wrapped(tensors, path, metadata):
            save_file(tensors, path, metadata=metadata)
            if self._event("write"):
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
                raise Killed

        return wrapped


def contents(folder: Path) -> dict[str, object]:
    """All that a run folder holds, without what depends on the clock."""
    found: dict[str, object] = {
        p.name: p.read_bytes() for p in folder.iterdir() if p.suffix in (".png", ".safetensors")
    }
    lines = [json.loads(line) for line in (folder / "stats.jsonl").read_text().splitlines()]
    found["stats"] = [{k: v for k, v in line.items() if k != "img_per_sec"} for line in lines]
    return found


def test_a_run_killed_at_24_random_moments_ends_as_the_run_that_was_not(portraits, tiny, tmp_path, monkeypatch):
    train(portraits.path, tmp_path / "whole", config=tiny)
    saboteur = Saboteur(monkeypatch)
    train(portraits.path, tmp_path / "killed", config=tiny.but(total_kimg=0.004))  # creates the folder
    start_again_from_nothing(tmp_path / "killed", portraits, tiny)
    rng = random.Random(1)
    while len(saboteur.kills) < 24:
        saboteur.left = rng.choice([1, 2, 3, 5, 8, 13, 40])
        with pytest.raises(Killed):
            resume(tmp_path / "killed", state_sec=0.03)
    saboteur.left = -1
    resume(tmp_path / "killed", state_sec=0.03)

    whole, killed = contents(tmp_path / "whole"), contents(tmp_path / "killed")
    assert killed.keys() == whole.keys()
    assert [name for name in whole if whole[name] != killed[name]] == []
    assert {name for name, _ in saboteur.kills} >= {"step", "write"}
    assert any(lod % 1 for _, lod in saboteur.kills), "none was inside a fade"


def start_again_from_nothing(folder: Path, dataset, config) -> None:
    """A run folder with its first state alone, as a kill right after its creation leaves it."""
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    run.create(folder, dataset, state.TrainingState.new(config, loop.torch.device("cpu")))


SCRIPT = """
import sys, torch
torch.set_num_threads(1)
from stylegan.training.train import resume
resume(sys.argv[1], state_sec=0)
"""


def test_kill_9_leaves_a_state_that_goes_on(portraits, tiny, tmp_path):
    train(portraits.path, tmp_path / "whole", config=tiny)
    run.create(tmp_path / "killed", portraits, state.TrainingState.new(tiny, loop.torch.device("cpu")))
    rng = random.Random(2)
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, tmp_path / "killed"], stderr=subprocess.DEVNULL)
        before = (tmp_path / "killed" / "state.safetensors").stat().st_mtime_ns
        while (tmp_path / "killed" / "state.safetensors").stat().st_mtime_ns == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.random())
        process.send_signal(signal.SIGKILL)
        process.wait()
    resume(tmp_path / "killed")
    whole, killed = contents(tmp_path / "whole"), contents(tmp_path / "killed")
    assert [name for name in whole if whole[name] != killed[name]] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_save_and_say_how_to_go_on(portraits, tiny, tmp_path, signals_at, capsys, number):
    steps = signals_at(7, number)
    train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.06))
    assert len(steps) == 7
    assert f"stylegan train --resume {tmp_path / 'run'}" in capsys.readouterr().err.replace("\n", "")
    resumed, _ = state.TrainingState.load(tmp_path / "run" / "state.safetensors", loop.torch.device("cpu"))
    assert resumed.cur_nimg == 28
    assert checkpoint.load_networks(tmp_path / "run").metadata["cur_nimg"] == 28  # the newest can be looked at
    resume(tmp_path / "run")
    train(portraits.path, tmp_path / "whole", config=tiny.but(total_kimg=0.06))
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_a_second_ctrl_c_says_what_is_lost_and_how_to_go_on(portraits, tiny, tmp_path, signals_at, capsys):
    signals_at(3, signal.SIGINT, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(portraits.path, tmp_path / "run", config=tiny)
    assert f"after the last saved state is lost. Continue with: stylegan train --resume {tmp_path / 'run'}" in " ".join(
        capsys.readouterr().err.replace("\n", " ").split()
    )


def test_a_full_disk_keeps_the_last_good_state(portraits, tiny, tmp_path, monkeypatch):
    run.create(tmp_path / "run", portraits, state.TrainingState.new(tiny, loop.torch.device("cpu")))
    before = (tmp_path / "run" / "state.safetensors").read_bytes()

    def no_space(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as m:
        m.setattr(safetensors.torch, "save_file", no_space)
        with pytest.raises(OSError, match="No space left"):
            resume(tmp_path / "run", state_sec=0)
    assert (tmp_path / "run" / "state.safetensors").read_bytes() == before
    assert [p for p in (tmp_path / "run").iterdir() if "partial" in p.name] == []
    resume(tmp_path / "run")


def test_a_loss_that_is_not_finite_stops_at_its_step_and_keeps_the_last_good_state(
    portraits, tiny, tmp_path, monkeypatch
):
    d_logistic = losses.d_logistic
    calls = []
    monkeypatch.setattr(
        losses,
        "d_logistic",
        lambda *a: d_logistic(*a) * (float("nan") if calls.append(1) or len(calls) == 5 else 1),
    )
    with pytest.raises(DivergedError, match=r"20 images.*D_loss is nan.*last good state is kept.*--lrate"):
        train(portraits.path, tmp_path / "run", config=tiny, state_sec=0)
    kept, _ = state.TrainingState.load(tmp_path / "run" / "state.safetensors", loop.torch.device("cpu"))
    assert kept.cur_nimg == 16


def test_a_run_that_was_killed_at_its_very_end_is_tidied_up_when_it_is_resumed(portraits, tiny, tmp_path):
    """As by a kill between the last state and the removal of the one before it."""
    out = tmp_path / "run"
    train(portraits.path, out, config=tiny.but(total_kimg=0.012))
    names = {path.name for path in out.iterdir()}
    shutil.copy(out / "state.safetensors", out / "state.previous.safetensors")
    resume(out)
    assert {path.name for path in out.iterdir()} == names


def test_a_finished_run_says_so(portraits, tiny, tmp_path, capsys):
    train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.008))
    before = contents(tmp_path / "run")
    resume(tmp_path / "run")
    assert "is finished" in capsys.readouterr().err
    assert contents(tmp_path / "run") == before


def test_a_run_folder_is_one_process_alone(portraits, tiny, tmp_path):
    train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.008))
    run_folder = tmp_path / "run"
    unfinished = tiny.but(total_kimg=1.0)
    start_again_from_nothing(run_folder, portraits, unfinished)
    with run.locked(run_folder), pytest.raises(InputError, match="being trained by another process"):
        resume(run_folder)


def test_a_run_that_another_process_trained_since_its_state_was_read_is_not_set_back(
    portraits, tiny, tmp_path, monkeypatch
):
    from stylegan.training import train as module

    folder, load = tmp_path / "run", module.saved_state
    run.create(folder, portraits, state.TrainingState.new(tiny.but(total_kimg=0.008), loop.torch.device("cpu")))

    def overtaken(*args, **kwargs):
        found = load(*args, **kwargs)
        monkeypatch.setattr(module, "saved_state", load)
        resume(folder)
        return found

    monkeypatch.setattr(module, "saved_state", overtaken)
    with pytest.raises(InputError, match=rf"was meanwhile trained by another process.*--resume {folder}"):
        resume(folder)
    kept, _ = state.TrainingState.load(folder / "state.safetensors", loop.torch.device("cpu"))
    assert kept.cur_nimg == 8


def test_other_pictures_than_the_run_was_started_on_are_refused(portraits, tiny, tmp_path):
    from stylegan.data.prepare import prepare

    train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.004))
    prepare("portraits:8", tmp_path / "other", resolution=16)
    with pytest.raises(InputError, match="holds other pictures"):
        resume(tmp_path / "run", data=tmp_path / "other")


def test_a_moved_data_set_is_found_with_data(portraits, tiny, tmp_path):
    import shutil

    shutil.copytree(portraits.path, tmp_path / "data")
    train(tmp_path / "data", tmp_path / "run", config=tiny.but(total_kimg=0.004))
    (tmp_path / "data").rename(tmp_path / "moved")
    with pytest.raises(InputError, match="does not exist"):
        resume(tmp_path / "run")
    resume(tmp_path / "run", data=tmp_path / "moved")


def test_an_existing_run_folder_is_refused_before_anything_is_written(portraits, tiny, tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError, match="exists: continue it"):
        train(portraits.path, tmp_path / "run", config=tiny)
    assert list((tmp_path / "run").iterdir()) == []


def test_a_run_opened_inside_a_fade_gives_the_pictures_of_that_growth(portraits, tiny, tmp_path):
    snapshot_nimg = 148  # of 300: 16x16 is fading in
    train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=snapshot_nimg / 1000))
    G = checkpoint.load(tmp_path / "run")
    assert G.lod % 1 > 0
    assert G(loop.torch.randn(2, 8)).shape == (2, 3, 16, 16)


@pytest.mark.parametrize(
    ("before", "device", "threads"),
    [
        ({"threads": 3}, "cpu", 3),
        ({"threads": 8}, "cpu", 8),
        ({"threads": 9}, "cpu", 1),  # more than there are
        ({"threads": 0}, "cpu", 1),
        ({"threads": "3"}, "cpu", 1),
        ({}, "cpu", 1),
        ({"threads": 3, "processes": 2}, "cpu", 1),
        ({"threads": 3}, "cuda", 1),
    ],
)
def test_the_threads_of_a_run_are_kept_where_they_can_be(before, device, threads, monkeypatch):
    monkeypatch.setattr("stylegan.training.train.os.cpu_count", lambda: 8)
    assert threads_of(before, torch.device(device)) == threads


def test_a_resumed_run_keeps_the_threads_that_it_began_with(portraits, tiny, tmp_path, signals_at, capsys, monkeypatch):
    monkeypatch.setattr("stylegan.training.train.os.cpu_count", lambda: 8)
    out, seen = tmp_path / "run", []
    signals_at(3, signal.SIGINT)
    with using_threads(2):
        train(portraits.path, out, config=tiny)
    monkeypatch.setattr("stylegan.training.train.first_lines", lambda *args: seen.append(torch.get_num_threads()) or [])
    resume(out)
    assert seen == [2]
    assert torch.get_num_threads() == 1
    assert "not bit for bit" not in capsys.readouterr().err
