"""What lies in a run folder is checked before it is gone on from, and nothing of a killed process is in the way."""

import errno
import json

import pytest
import torch

from stylegan.checkpoint import read_tensors, write_tensors
from stylegan.errors import InputError
from stylegan.training.run import folder as run
from stylegan.training.state import TrainingState
from stylegan.training.train import resume, train

CPU = torch.device("cpu")
KIND = "training state"


@pytest.fixture
def folder(portraits, tiny, tmp_path):
    """A run of two steps."""
    train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.008))
    return tmp_path / "run"


@pytest.fixture
def fresh(portraits, tiny, tmp_path):
    """A run folder before its first step."""
    run.create(tmp_path / "fresh", portraits, TrainingState.new(tiny.but(total_kimg=0.008), CPU))
    return tmp_path / "fresh"


def without(header, *names):
    *path, last = names
    inner = header
    for name in path:
        inner = inner[name]
    del inner[last]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda t, h: without(h, "lod"), "no 'lod'"),
        (lambda t, h: without(h, "counters"), "no 'counters'"),
        (lambda t, h: without(h, "environment"), "no 'environment'"),
        (lambda t, h: without(h, "counters", "adam_steps"), "counters"),
        (lambda t, h: h["counters"].update(tick="7"), "counter tick is '7'"),
        (lambda t, h: h["counters"].update(growth=[1]), "counter growth"),
        (lambda t, h: h["config"].update(colour=1), "colour"),
        (lambda t, h: h.update(config=[]), "config|argument|items"),
        (lambda t, h: h.update(lod=9), "lod"),
        (lambda t, h: t.pop(first(t, "exp_avg")), "exp_avg is missing"),
        (lambda t, h: t.pop(first(t, "step")), "step is missing"),
        (lambda t, h: t.update({first(t, "exp_avg_sq"): torch.zeros(3)}), r"exp_avg_sq is \(3,\)"),
        (lambda t, h: t.update({"G_opt.999.exp_avg": torch.zeros(3)}), "G_opt.999.exp_avg is not part"),
        (lambda t, h: t.update({"G_opt.x": torch.zeros(3)}), "G_opt.x is not part"),
    ],
)
def test_a_state_with_anything_missing_or_unknown_is_refused_by_name(folder, damage, words):
    path = folder / "state.safetensors"
    tensors, header = read_tensors(path, kind=KIND)
    damage(tensors, header)
    write_tensors(path, tensors, kind=KIND, header={k: v for k, v in header.items() if k not in ("version", "kind")})
    with pytest.raises(InputError, match=rf"(?s)state\.safetensors.*({words})"):
        TrainingState.load(path, CPU)


def first(tensors, key):
    return min(name for name in tensors if name.startswith("D_opt.") and name.endswith(f".{key}"))


def test_a_state_of_another_run_is_refused(folder, fresh, tiny, portraits):
    TrainingState.new(tiny.but(total_kimg=0.008, seed=5), CPU).save(fresh / "state.safetensors")
    with pytest.raises(InputError, match="belong to different runs"):
        resume(fresh)


def test_lines_that_are_not_statistics_are_dropped_with_a_note(fresh, capsys):
    (fresh / "stats.jsonl").write_bytes(b'garbage\n{"a":1}\n\xff\xfe\n[]\n{"cur_nimg": 0, "x": "\xc3\xa9"}\n{"cut')
    resume(fresh)
    assert "dropped 4 lines" in " ".join(capsys.readouterr().err.split())
    lines = [json.loads(line) for line in (fresh / "stats.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["cur_nimg"] for line in lines] == [0, 4, 8]


@pytest.mark.parametrize("data", [None, {}, {"path": 1, "fingerprint": "x"}, {"path": "x"}, "text"])
def test_a_config_that_does_not_tell_its_data_is_refused(fresh, data):
    record = json.loads((fresh / "config.json").read_text())
    run.write_record(fresh, record | {"data": data})
    with pytest.raises(InputError, match="is not a run folder"):
        resume(fresh)


@pytest.mark.parametrize(("data", "word"), [("my data", "'my data'"), ("", "DATA"), (5, "DATA"), (None, "DATA")])
def test_the_way_on_names_the_data_where_the_configuration_tells_it(fresh, data, word):
    record = json.loads((fresh / "config.json").read_text())
    run.write_record(fresh, record | {"data": {"path": data}})
    assert run.data_word(fresh) == word


def test_a_configuration_with_a_wrong_bit_is_refused(fresh):
    path, read = fresh / "config.json", run.read_config(fresh)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 7]) + whole[at + 1 :])
        try:
            found = run.read_config(fresh)
        except InputError:
            continue
        assert found == read


def test_an_edited_configuration_is_refused_with_the_ways_on_and_they_are_taken(fresh, portraits, tiny):
    path = fresh / "config.json"
    text = path.read_text()
    path.write_text(text.replace('"total_kimg": 0.008', '"total_kimg": 0.012'))
    says = rf"config.json is damaged or was edited.*--resume {fresh} --kimg N.*--data {portraits.path} --out NEW --init"
    with pytest.raises(InputError, match=says):
        resume(fresh)
    train(portraits.path, fresh.with_name("new"), init=fresh, config=tiny.but(total_kimg=0.004))
    path.write_text(text)
    resume(fresh, kimg=0.012)
    assert json.loads(path.read_text())["config"]["total_kimg"] == 0.012


def test_a_configuration_of_an_older_stylegan_is_taken_on_trust(fresh):
    record = json.loads((fresh / "config.json").read_text())
    del record["record_sha256"]
    (fresh / "config.json").write_text(json.dumps(record))
    assert resume(fresh) is not None


def test_json_too_deep_for_the_parser_is_no_traceback(fresh):
    (fresh / "stats.jsonl").write_text("[" * 200_000 + "\n")
    resume(fresh)
    (fresh / "config.json").write_text("[" * 200_000)
    with pytest.raises(InputError, match="is not a run folder"):
        resume(fresh)


def test_a_run_that_was_stopped_before_it_had_a_folder_is_told_how_to_start(tmp_path):
    place = tmp_path / "my run"
    with pytest.raises(InputError, match=rf"does not exist.*stylegan train --data DATA --out '{place}'"):
        resume(place)


def test_what_killed_processes_left_half_written_is_removed(fresh, portraits, tiny, tmp_path):
    (fresh / ".state.safetensors.partial-1").write_bytes(b"half")
    (fresh / ".snapshot-000000004.safetensors.partial-1").write_bytes(b"half")
    (fresh / ".smile.safetensors.partial-1").write_bytes(b"of another command")
    resume(fresh)
    assert [p.name for p in fresh.glob(".*")] == [".smile.safetensors.partial-1"]

    stale = tmp_path / f".run.partial-{run.os.getpid()}"  # a container gives every run the same number
    stale.mkdir()
    (stale / "config.json").write_text("half")
    run.create(tmp_path / "run", portraits, TrainingState.new(tiny, CPU))
    assert not stale.exists()


def test_a_folder_that_another_process_is_making_is_left_alone(portraits, tiny, tmp_path):
    (tmp_path / ".run.partial-1").mkdir()
    with run.locked(tmp_path / ".run.partial-1"), pytest.raises(InputError, match="another process is writing"):
        run.create(tmp_path / "run", portraits, TrainingState.new(tiny, CPU))


def test_an_out_that_cannot_be_made_is_refused_but_a_full_disk_is_not_the_users_input(
    portraits, tiny, tmp_path, monkeypatch
):
    state = TrainingState.new(tiny, CPU)
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for out, words in (("file/run", "cannot be made"), ("link", "exists"), ("link/run", "cannot be made")):
        with pytest.raises(InputError, match=words):
            run.create(tmp_path / out, portraits, state)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run.Path, "mkdir", full)
    with pytest.raises(OSError, match="No space left"):
        run.create(tmp_path / "run", portraits, state)


def test_a_new_state_leaves_the_random_states_alone_cuda_included(tiny, monkeypatch):
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("seeded CUDA"))
    before = torch.get_rng_state()
    state = TrainingState.new(tiny, CPU)
    assert torch.equal(torch.get_rng_state(), before)
    assert state.checksum() == TrainingState.new(tiny, CPU).checksum()
