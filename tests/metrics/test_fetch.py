"""Downloads: only the right file is kept, and without internet a message says what to do."""

import hashlib

import pytest
import torch

from stylegan.errors import InputError
from stylegan.metrics import features, fetch as module
from stylegan.metrics.features import find_features
from stylegan.metrics.fetch import fetch
from stylegan.metrics.inception import Inception


@pytest.fixture
def there(tmp_path):
    """The address of a local file, in place of one on the web, and the file's checksum."""
    path = tmp_path / "there.bin"
    path.write_bytes(b"weights" * 1000)
    return path.as_uri(), hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_file_is_kept_if_its_checksum_is_right(there, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PIECE", 100)
    url, sha256 = there
    fetch(url, tmp_path / "cache" / "here.bin", sha256=sha256, otherwise="")
    assert (tmp_path / "cache" / "here.bin").read_bytes() == b"weights" * 1000


def test_another_file_is_not_kept_and_what_was_there_stays(there, tmp_path):
    (tmp_path / "here.bin").write_bytes(b"old")
    with pytest.raises(InputError, match=r"and must have 0000000000000000\.\.\.; it is not kept: take another way"):
        fetch(there[0], tmp_path / "here.bin", sha256="0" * 64, otherwise="take another way")
    assert (tmp_path / "here.bin").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["here.bin", "there.bin"]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "stylegan"


def test_without_internet_the_message_says_how_to_get_inception_and_nothing_is_left(cache, monkeypatch):
    monkeypatch.setattr(features, "STATE_DICT_URL", "http://127.0.0.1:9/pt_inception.pth")  # nothing listens there
    with pytest.raises(InputError, match=r"127\.0\.0\.1:9/.* cannot be reached .* and give the file as features"):
        find_features("inception-2015-12-05")
    assert list(cache.iterdir()) == []


def test_inception_is_fetched_once_and_again_if_it_is_damaged(cache, tmp_path, monkeypatch):
    with torch.random.fork_rng(devices=[]):
        torch.save(Inception().state_dict(), tmp_path / "inception.pth")
    sha256 = hashlib.sha256((tmp_path / "inception.pth").read_bytes()).hexdigest()
    monkeypatch.setattr(features, "STATE_DICT_SHA256", sha256)
    monkeypatch.setattr(features, "STATE_DICT_URL", (tmp_path / "inception.pth").as_uri())
    assert find_features("inception-2015-12-05").fid
    (tmp_path / "inception.pth").rename(tmp_path / "gone.pth")
    assert find_features("inception-2015-12-05").fid
    (cache / "inception.pth").write_bytes(b"damaged")
    with pytest.raises(InputError, match="cannot be reached"):
        find_features("inception-2015-12-05")
    (tmp_path / "gone.pth").rename(tmp_path / "inception.pth")
    assert find_features("inception-2015-12-05").name == "inception-2015-12-05.pth"
