"""One place opens a network: a file, a run folder, a folder of the hub, an address on the hub."""

import pytest
import torch

import stylegan
from stylegan import checkpoint, opening
from stylegan.device import best_device, find_device
from stylegan.errors import InputError
from stylegan.networks.generator import Generator

from conftest import TINY


@pytest.fixture
def folder_of_the_hub(tmp_path):
    """A folder as the hub's libraries leave it."""
    path = tmp_path / "repo"
    path.mkdir()
    checkpoint.save(path / "model.safetensors", Generator(TINY, 1.0))
    return path


def test_a_file_a_run_and_a_folder_of_the_hub_are_opened_alike(tmp_path, folder_of_the_hub):
    checkpoint.save(tmp_path / "G.safetensors", Generator(TINY, 0.5))
    checkpoint.save(checkpoint.snapshot_path(tmp_path, 1000), Generator(TINY, 2.0))
    names = [tmp_path / "G.safetensors", tmp_path, folder_of_the_hub, str(folder_of_the_hub)]
    assert [stylegan.load(name).lod for name in names] == [0.5, 2.0, 1.0, 1.0]
    assert [stylegan.load_networks(name).G_ema.lod for name in names] == [0.5, 2.0, 1.0, 1.0]


def test_an_address_on_the_hub_is_fetched(folder_of_the_hub, monkeypatch):
    huggingface_hub = pytest.importorskip("huggingface_hub")
    asked = []

    def fetch(*args, **kwargs):
        asked.append((*args, kwargs["revision"]))
        return str(folder_of_the_hub / "model.safetensors")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fetch)
    assert stylegan.load("hf://me/cats@v2").lod == 1.0
    assert asked == [("me/cats", "model.safetensors", "v2")]


def test_a_tilde_is_the_home_folder_and_no_name_is_refused(folder_of_the_hub, monkeypatch):
    monkeypatch.setenv("HOME", str(folder_of_the_hub.parent))
    assert stylegan.load("~/repo").lod == 1.0
    with pytest.raises(InputError, match="the path is '': give a name"):
        stylegan.load("")


def test_a_folder_without_a_network_says_so(tmp_path):
    with pytest.raises(InputError, match="holds no good snapshot"):
        stylegan.load(tmp_path)


def test_from_python_a_network_is_on_the_cpu_unless_another_device_is_named(folder_of_the_hub, monkeypatch):
    moved = []
    monkeypatch.setattr(Generator, "to", lambda self, device: moved.append(device) or self)
    monkeypatch.setattr(opening, "find_device", lambda wanted: torch.device({"auto": "meta"}.get(wanted, wanted)))
    stylegan.load(folder_of_the_hub)
    stylegan.load(folder_of_the_hub, "auto")
    assert moved == [torch.device("cpu"), torch.device("meta")]


def test_auto_is_the_best_device(monkeypatch):
    assert find_device("auto") == best_device()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert (find_device("auto"), find_device("cuda:1")) == (torch.device("cuda"), torch.device("cuda:1"))


@pytest.mark.parametrize("device", ["cuda:9", "gpu", "", "meta", "cpu:0x\x1b"])
def test_a_device_that_is_not_there_is_refused_with_those_there_are(device, folder_of_the_hub):
    with pytest.raises(InputError, match=r"device .*: this machine and this torch have auto, cpu"):
        find_device(device)


WORDS = {
    b"": "an empty file",
    b"<!DOCTYPE html>\n<html>": r"a web page \(HTML\), saved instead of the file",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n": "a Git LFS pointer.*`git lfs pull`",
    b"PK\x03\x04" + bytes(26) + b"archive/data.pkl": r"a PyTorch file \(\.pt, \.pth\)",
    b"PK\x03\x04" + bytes(26) + b"cats/1.png": "a zip archive",
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.": r"a PyTorch file \(\.pt, \.pth\)",
    b"\x80\x04N.": r"a pickle \(an official one\? run `stylegan import` first\)",
    b"\x1f\x8b\x08": "a gzip archive",
    b"\xff\xd8\xff\xe0": "a JPEG picture",
    b'{"a": 1}': "a JSON text",
}


@pytest.mark.parametrize(("data", "words"), WORDS.items())
def test_a_file_that_is_not_a_network_is_named_by_its_kind(tmp_path, data, words):
    path = tmp_path / "G.safetensors"
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"^{path} is {words}.*, not a safetensors file$"):
        stylegan.load(path)
