"""Shards: the bytes of a picture do not depend on their number; each is written whole, once, by whoever comes."""

import hashlib
import io
import json
import signal
import subprocess
import sys
import tarfile
import tracemalloc
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from stylegan import checkpoint, cli
from stylegan.errors import InputError
from stylegan.sampling.controls import Controls
from stylegan.sampling.job import BATCH, Shard, parse_shard, shard_of
from stylegan.sampling.save import save_samples
from stylegan.sampling.seeds import describe_ranges
from stylegan.sampling.shards import pngs, save_shard

SLOW_WRITER = """
import sys, time
from stylegan import load
from stylegan.sampling import shards
network, out = sys.argv[1:]
true_encoded, calls = shards.encoded, []

def encoded(*args):
    calls.append(args)
    if len(calls) == 3:
        print("in the middle", flush=True)
        time.sleep(600)
    return true_encoded(*args)

shards.encoded = encoded
shards.save_shard(load(network), "0-79", out, shard="0/1")
"""


def read(*tars):
    """Every file in the tars, by name."""
    found = {}
    for path in tars:
        with tarfile.open(path) as tar:
            found |= {member.name: tar.extractfile(member).read() for member in tar}
    return found


def save_all(G, seeds, out, N, **how):
    """The tars of all shards of a job, the last first."""
    return [save_shard(G, seeds, out, shard=(i, N), **how).paths[0] for i in reversed(range(N))]


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def network(G, tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "G.safetensors"
    checkpoint.save(path, G)
    return path


@pytest.fixture
def writer(network, tmp_path):
    """A process in the middle of writing shard 0/1 of the seeds 0-79."""
    arguments = [sys.executable, "-c", SLOW_WRITER, str(network), str(tmp_path)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "in the middle\n"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("N", [2, 3, 7, 37])
def test_every_picture_has_the_same_bytes_however_many_shards_there_are(G, tmp_path, N):
    whole, parts = save_all(G, "100-120,7-22", tmp_path, 1), save_all(G, "100-120,7-22", tmp_path, N)
    assert read(*parts) == read(*whole)
    assert sum(len(read(part)) for part in parts) == 37


def test_the_pictures_are_those_that_sample_writes(G, tmp_path):
    (tar,) = save_all(G, "0-31", tmp_path / "shards", 1)
    saved = save_samples(G, "0-31", tmp_path / "files")
    assert list(read(tar).values()) == [path.read_bytes() for path in saved.paths]


def test_pictures_at_the_end_of_a_job_are_computed_in_a_full_batch_too(G):
    sizes = []
    hook = G.synthesis.register_forward_pre_hook(lambda _, arguments: sizes.append(len(arguments[0])))
    assert pngs(G, range(5)) == pngs(G, range(BATCH))[:5]
    hook.remove()
    assert sizes == [BATCH, BATCH]


def test_every_part_computes_batches_of_the_whole_job_and_no_others():
    batches = [seeds for seeds, _ in Shard((range(100),), 0, 1).batches()]
    assert batches == [list(range(100))[first : first + BATCH] for first in range(0, 100, BATCH)]
    parts = [Shard((range(100),), i, N) for N in (2, 7, 30) for i in range(N)]
    assert all(seeds in batches for part in parts for seeds, _ in part.batches())


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(1, 60))
def test_the_parts_are_the_job_in_order_without_gaps_and_none_is_empty(lengths, N):
    starts = np.cumsum([0, *lengths]) + 3 * np.arange(len(lengths) + 1)
    ranges = tuple(range(start, start + n) for start, n in zip(starts.tolist(), lengths, strict=False))
    N = min(N, sum(lengths))
    parts = [Shard(ranges, i, N) for i in range(N)]
    written = [[seed for seeds, own in part.batches() for seed in seeds[own]] for part in parts]
    assert list(chain.from_iterable(written)) == [seed for part in ranges for seed in part]
    assert all(written)
    assert [describe_ranges(part.seeds) for part in parts] == [
        describe_ranges([range(seed, seed + 1) for seed in seeds]) for seeds in written
    ]


def test_parts_with_a_batch_or_more_compute_no_picture_twice():
    parts = [Shard((range(1000),), i, 7) for i in range(7)]
    assert list(chain.from_iterable(part.firsts for part in parts)) == list(range(0, 1000, BATCH))


def test_a_part_of_a_hundred_million_seeds_needs_no_memory():
    tracemalloc.start()
    part = shard_of("0-99999999", "9999/10000")
    seeds, _ = next(part.batches())
    assert (seeds[0], seeds[-1], len(part)) == (99_990_000, 99_990_015, 10_000)
    assert tracemalloc.get_traced_memory()[1] < 50_000
    tracemalloc.stop()


def test_all_seeds_that_there_are_make_one_job():
    assert shard_of("0-4294967295", "0/65536").count == 2**32
    assert shard_of(range(10**9), "0/1").count == 10**9


@pytest.mark.parametrize("shard", ["4/4", "5/4", (4, 4), (-1, 4), "-1/4", "1", "x/4", "1/4/4", "", "0.5/4"])
def test_what_is_no_shard_is_refused_with_those_there_are(shard):
    with pytest.raises(InputError, match="shards count from 0: 0/4 to 3/4"):
        parse_shard(shard)


@pytest.mark.parametrize(
    ("seeds", "shard", "words"),
    [
        ("0-9", "0/0", "must be I/N"),
        ("0-9", "0/11", r"shard 0/11 of 10 pictures \(0-9\): N is at most 10"),
        ("0-9,5", "0/2", "seeds 0-9 and 5 overlap: give each seed once"),
        ([3, 4, 3], "0/2", "seeds 3 and 3 overlap"),
        ("0-3,face.safetensors", "0/2", "sample projections without shard"),
        ("0-4294967296", "0/2", "seeds 4294967296: must be 0 to 4294967295"),
        (f"0-{10**30}", "0/2", "must be 0 to 4294967295"),
        ([], "0/2", "are 0: give 1 to 4,294,967,296"),
    ],
)
def test_a_job_that_cannot_be_parted_is_refused(seeds, shard, words):
    with pytest.raises(InputError, match=words):
        shard_of(seeds, shard)


def test_a_shard_made_again_elsewhere_is_the_same_file(G, tmp_path):
    first = save_shard(G, "0-49", tmp_path / "a", shard="1/3")
    again = save_shard(G, "0-49", tmp_path / "b", shard="1/3")
    assert [path.read_bytes() for path in first.paths] == [path.read_bytes() for path in again.paths]


def test_the_files_in_a_tar_are_of_nobody_and_no_time_and_sorted_as_their_seeds(G, tmp_path):
    (path,) = save_all(G, "4294967295,3,20", tmp_path, 1)
    with tarfile.open(path) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == ["4294967295.png", "0000000003.png", "0000000020.png"]
    facts = {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode, m.type) for m in members}
    assert facts == {(0, 0, 0, "", "", 0o644, tarfile.REGTYPE)}
    assert path.read_bytes().endswith(bytes(2 * tarfile.BLOCKSIZE))  # the end, without which other programs complain
    assert Image.open(io.BytesIO(read(path)["0000000003.png"])).size == (32, 32)


def test_the_manifest_tells_what_made_the_shard_and_no_place_or_time(G, turn, tmp_path):
    controls = turn("age=+2", psi="0.5", noise="const")
    saved = save_shard(G, "0-4,5-49", tmp_path / "out", shard="1/3", controls=controls)
    text = saved.paths[1].read_text()
    manifest, tar = json.loads(text), saved.paths[0].read_bytes()
    assert str(tmp_path) not in text
    assert (manifest["tar"], manifest["seeds"], manifest["count"]) == ("shard-00001-of-00003.tar", "16-31", 16)
    assert (manifest["bytes"], manifest["sha256"]) == (len(tar), hashlib.sha256(tar).hexdigest())
    assert manifest["how"] == "psi 0.5 on all styles, direction age +2, stored noise"
    assert manifest["made_with"].keys() == {"stylegan", "torch", "pillow", "device"}
    job = manifest["job"]
    assert (job["seeds"], job["count"], job["shards"], job["batch"], job["psi"]) == ("0-49", 50, 3, BATCH, 0.5)
    assert job["direction"][0] | {"sha256": ""} == {"name": "age", "strength": 2.0, "layers": [2, 3], "sha256": ""}


def test_a_shard_that_is_done_is_left_as_it_is(G, tmp_path):
    saved = save_shard(G, "0-9", tmp_path, shard="0/2")
    before = [(path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()) for path in saved.paths]
    assert "done before" not in saved.note
    assert "done before" in save_shard(G, "0-9", tmp_path, shard="0/2").note
    assert [(path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()) for path in saved.paths] == before
    assert listing(tmp_path) == sorted(path.name for path in saved.paths)


def test_a_tar_without_manifest_or_of_another_size_is_written_anew(G, tmp_path):
    tar, manifest = save_shard(G, "0-9", tmp_path, shard="0/2").paths
    good = tar.read_bytes(), manifest.read_bytes()
    tar.write_bytes(good[0][:-512])
    save_shard(G, "0-9", tmp_path, shard="0/2")
    assert (tar.read_bytes(), manifest.read_bytes()) == good
    manifest.unlink()
    tar.write_bytes(b"half")
    save_shard(G, "0-9", tmp_path, shard="0/2")
    assert (tar.read_bytes(), manifest.read_bytes()) == good


@pytest.mark.parametrize("shard", ["0/2", "1/2"])
def test_a_folder_with_shards_of_another_job_is_refused_with_what_differs(G, tmp_path, shard):
    save_shard(G, "0-9", tmp_path, shard="0/2")
    with pytest.raises(InputError, match=r"belongs to another job: psi 0.7, now 0.5: choose another place"):
        save_shard(G, "0-9", tmp_path, shard=shard, controls=Controls(psi=0.5))
    with pytest.raises(InputError, match=r"belongs to another job: seeds 0-9, now 0-10; count 10, now 11"):
        save_shard(G, "0-10", tmp_path, shard=shard)
    assert listing(tmp_path) == ["shard-00000-of-00002.json", "shard-00000-of-00002.tar"]


def test_another_network_is_another_job_even_with_the_same_styles(G, make, tmp_path):
    other = make()
    save_shard(other, "0-9", tmp_path, shard="0/2")
    other.synthesis.blocks[-1].torgb.bias.add_(0.1)
    with pytest.raises(InputError, match=r"belongs to another job: network \w+, now \w+: choose another place"):
        save_shard(other, "0-9", tmp_path, shard="1/2")


def test_a_manifest_that_is_none_is_named(G, tmp_path):
    (tmp_path / "shard-00000-of-00002.json").write_text("[]")
    with pytest.raises(InputError, match=r"00002.json is not the manifest of a shard: delete it"):
        save_shard(G, "0-9", tmp_path, shard="0/2")


def test_a_killed_process_leaves_no_shard_and_the_next_one_completes_it(G, writer, tmp_path):
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    left = listing(tmp_path)
    assert any(".partial-" in name for name in left)
    assert not any(name.startswith("shard") for name in left)
    saved = save_shard(G, "0-79", tmp_path, shard="0/1")
    again = save_shard(G, "0-79", tmp_path / "undisturbed", shard="0/1")
    assert [path.read_bytes() for path in saved.paths] == [path.read_bytes() for path in again.paths]
    assert listing(tmp_path) == ["shard-00000-of-00001.json", "shard-00000-of-00001.tar", "undisturbed"]


def test_a_shard_that_another_process_is_writing_is_left_to_it(G, writer, tmp_path):
    before = listing(tmp_path)
    with pytest.raises(InputError, match=r"another process is writing .*00001.tar at this moment"):
        save_shard(G, "0-79", tmp_path, shard="0/1")
    assert listing(tmp_path) == before


def test_every_control_works_in_shards(labelled, tmp_path):
    controls = Controls(psi="coarse=0.5", noise_seed=3, noise_layers="coarse", towards="mean:100", class_index=2)
    (tar,) = save_all(labelled, "0-15", tmp_path / "shards", 1, controls=controls)
    saved = save_samples(labelled, "0-15", tmp_path / "files", controls=controls)
    assert list(read(tar).values()) == [path.read_bytes() for path in saved.paths]


@pytest.mark.parametrize("count", [0, BATCH + 1])
def test_a_batch_is_one_to_sixteen_seeds(G, count):
    with pytest.raises(InputError, match="give 1 to 16"):
        pngs(G, range(count))


def test_the_command_writes_a_shard_and_says_so_when_it_is_done(network, tmp_path, monkeypatch, capsys):
    def run(*arguments):
        command = ["stylegan", "sample", str(network), "--seeds", "0-9", "--out", str(tmp_path / "out"), *arguments]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        return exit_.value.code, capsys.readouterr().err.replace("\n", " ")

    code, words = run("--shard", "1/2", "--psi", "1")
    assert (code, listing(tmp_path / "out")) == (0, ["shard-00001-of-00002.json", "shard-00001-of-00002.tar"])
    assert "shard 1/2: 5 of 10 pictures, psi 1, no truncation" in words
    code, words = run("--shard", "1/2", "--psi", "1.0")
    assert code == 0 and "done before" in words
    assert run("--shard", "0/2")[0] == 2
    code, words = run("--shard", "0/2", "--psi", "1", "--grid")
    assert code == 2 and "--grid with --shard" in words
