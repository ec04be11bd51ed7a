"""`stylegan verify` prints a line for each thing, and names what is damaged."""

import hashlib
import json

import pytest
import torch

import stylegan
from stylegan import checkpoint
from stylegan.errors import InputError
from stylegan.networks.generator import Generator
from stylegan.sampling.direction import Direction
from stylegan.sampling.save import save_samples
from stylegan.sampling.shards import save_shard
from stylegan.training.train import train

from conftest import TINY


def flip(path, place=-1):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def bad(path):
    return [str(check) for check in stylegan.verify(path) if not check.is_good]


@pytest.fixture(scope="module")
def run(portraits, tmp_path_factory):
    path = tmp_path_factory.mktemp("verify") / "run"
    train(portraits.path, path, config=TINY.for_budget(0.012), device=torch.device("cpu"))
    return path


def test_a_run_is_its_configuration_state_and_snapshots(run):
    checks = stylegan.verify(run)
    assert all(check.is_good for check in checks)
    assert {str(check).split(":")[0].removeprefix(f"{run}/") for check in checks} >= {
        "config.json",
        "state.safetensors",
    }
    assert any("snapshot-" in str(check) for check in checks)


@pytest.mark.parametrize("pattern", ["state.safetensors", "snapshot-*.safetensors"])
def test_a_wrong_bit_in_a_run_is_found(run, pattern):
    file = next(run.glob(pattern))
    flip(file)
    try:
        (line,) = bad(run)
    finally:
        flip(file)
    assert line.startswith(f"{file} is damaged: the bytes have changed in ")


def test_a_configuration_that_cannot_be_read_is_found(run):
    text = (run / "config.json").read_text()
    (run / "config.json").write_text(text[:-20])
    try:
        (line,) = bad(run)
    finally:
        (run / "config.json").write_text(text)
    assert "is not a run folder" in line


def test_a_wrong_bit_in_a_sheet_of_pictures_is_found(run):
    file = next(run.glob("fakes-*.png"))
    flip(file, 200)
    try:
        (line,) = bad(run)
    finally:
        flip(file, 200)
    assert line.startswith(f"{file} is damaged: ")


def test_statistics_are_read_and_said_to_have_no_checksums(run):
    stats = run / "stats.jsonl"
    text = stats.read_text()
    assert "lines of statistics in order; their numbers have no checksums" in "\n".join(map(str, stylegan.verify(run)))
    for wrong in (text.replace('"cur_nimg"', '"cur_nimf"', 1), text + text.splitlines()[0] + "\n"):
        stats.write_text(wrong)
        assert "is not a line of statistics, or is out of order" in bad(run)[0]
    stats.unlink()
    assert "stats.jsonl is missing" in bad(run)[0]
    stats.write_text(text)


def test_what_cannot_be_compared_is_named(run):
    (run / "notes.txt").write_text("mine")
    try:
        last = stylegan.verify(run)[-1]
    finally:
        (run / "notes.txt").unlink()
    assert str(last) == f"{run}: not checked, because they have no checksums: notes.txt"
    assert "not checked" not in str(stylegan.verify(run)[-1])


def test_samples_are_compared_with_the_record_of_their_folder(tmp_path):
    G = Generator(TINY).eval().requires_grad_(False)
    save_samples(G, "0-3", tmp_path, grid=True, save_w=True)
    (check,) = stylegan.verify(tmp_path)
    assert check.is_good and "6 files made here, as they were written" in str(check)
    flip(tmp_path / "seed0002.png")
    assert bad(tmp_path)[0].startswith(f"{tmp_path / 'seed0002.png'} is damaged or was changed")


def test_a_wrong_bit_in_a_manifest_of_a_shard_is_found(tmp_path):
    G = Generator(TINY).eval().requires_grad_(False)
    manifest = save_shard(G, "0-3", tmp_path, shard=(0, 1)).paths[1]
    manifest.write_text(manifest.read_text().replace('"how": "psi 0.7', '"how": "psi 0.6'))
    assert "is damaged or was edited: delete it" in bad(tmp_path)[0]
    with pytest.raises(InputError, match="is not the manifest of a shard: delete it"):
        save_shard(G, "0-3", tmp_path, shard=(0, 1))


def test_a_data_set_is_compared_with_its_digests(portraits):
    (check,) = stylegan.verify(portraits.path)
    assert check.is_good and "64 pictures" in str(check) and "as they were prepared" in str(check)


def test_shards_are_compared_with_their_manifests(tmp_path):
    G = Generator(TINY).eval().requires_grad_(False)
    for i in (0, 1):
        save_shard(G, "0-3", tmp_path, shard=(i, 2))
    assert [check.is_good for check in stylegan.verify(tmp_path)] == [True, True]
    tar = tmp_path / "shard-00001-of-00002.tar"
    flip(tar)
    (line,) = bad(tmp_path)
    assert line.startswith(f"{tar} is damaged: delete shard-00001-of-00002.json")
    tar.unlink()
    assert "is missing" in bad(tmp_path)[0]


def test_the_manifest_of_a_shard_is_checked_before_it_is_believed(tmp_path):
    for name, facts in {"a": {"bytes": "5"}, "b": [], "c": {"bytes": 1, "sha256": 5, "count": 2**70}}.items():
        (tmp_path / f"shard-{name}-of-3.json").write_text(json.dumps(facts))
    assert len(bad(tmp_path)) == 3


def test_directions_beside_a_network_are_verified_too(tmp_path):
    checkpoint.save(tmp_path / "G.safetensors", Generator(TINY))
    file = tmp_path / "G-directions" / "age.safetensors"
    file.parent.mkdir()
    Direction("age", torch.ones(8), (0,), "boundary", "0" * 16, 1.0).save(file)
    assert [check.is_good for check in stylegan.verify(tmp_path)] == [True, True]
    flip(file)
    assert bad(tmp_path) == [f"{file} is damaged: the bytes have changed in vector"]


def test_a_folder_with_nothing_of_ours_is_refused(tmp_path):
    with pytest.raises(InputError, match="no data set, run, network, shard, direction or projection"):
        stylegan.verify(tmp_path)


def test_verifying_changes_nothing(run):
    def digests():
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in run.iterdir() if p.is_file()}

    before = digests()
    stylegan.verify(run)
    assert digests() == before
