"""A full disk, and a reader that has ended: at most one line, no traceback, and no partial file."""

import resource
import subprocess
import sys

import pytest

from stylegan import checkpoint
from stylegan.networks.generator import Generator

from conftest import TINY

SMALL_FILES = 2000  # bytes that a file may have, to imitate a full disk


def command(*args, limit=resource.RLIM_INFINITY, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "stylegan", *map(str, args)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.fixture
def network(tmp_path):
    checkpoint.save(tmp_path / "G.safetensors", Generator(TINY).eval())
    return tmp_path / "G.safetensors"


@pytest.mark.parametrize("name", ["G.pt2", "G.onnx"])
def test_an_export_onto_a_full_disk_is_one_line_and_leaves_nothing(network, tmp_path, name):
    if name == "G.onnx":
        pytest.importorskip("onnxruntime")
    process = command("export", network, tmp_path / name, limit=SMALL_FILES)
    _, err = process.communicate()
    assert process.returncode == 1, err
    assert "File too large" in err and "Traceback" not in err
    assert [p.name for p in tmp_path.iterdir()] == ["G.safetensors"]

    assert f"/{name}" in err and "Warning" not in err


@pytest.mark.parametrize(
    "argv", [["sample", "G.safetensors", "--seeds", "0-3", "--out", "there"], ["prepare", "portraits:40", "there"]]
)
def test_a_full_disk_is_one_line_that_names_the_file(network, tmp_path, argv):
    process = command(*argv, limit=100, cwd=tmp_path)
    _, err = process.communicate()
    assert process.returncode == 1, err
    assert "File too large: '" in err and "/there" in err.replace("'there", "'/there") and "Traceback" not in err
    assert not list(tmp_path.glob("there/*")) and not list(tmp_path.glob(".*"))


def test_an_import_onto_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    import golden

    process = command(
        "import", golden.FOLDER / "network-2019-proto4.pkl", tmp_path / "G.safetensors", limit=SMALL_FILES
    )
    _, err = process.communicate()
    assert process.returncode == 1, err
    assert "File too large" in err and "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_reader_who_has_gone_ends_a_command_quietly():
    process = command("--help", stdout=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 0
