"""One format, read strictly: what is not exactly right is refused, in words."""

import json
import pickle

import pytest
import safetensors.torch
import torch

from stylegan import checkpoint
from stylegan.checkpoint import Networks
from stylegan.errors import InputError
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator

from conftest import TINY


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "network.safetensors"
    checkpoint.save(path, Networks(Generator(TINY, 0.25), Generator(TINY, 0.25), Discriminator(TINY, 0.25)))
    return path


def rewrite(path, change):
    """Write the file anew with its tensors and header changed in place."""
    with safetensors.safe_open(path, "pt") as f:
        tensors, metadata = {k: f.get_tensor(k) for k in f.keys()}, f.metadata()  # noqa: SIM118
    change(tensors, metadata)
    safetensors.torch.save_file(tensors, path, metadata=metadata)


def test_a_generator_comes_back_with_its_weights_growth_and_metadata(tmp_path):
    G = Generator(TINY, lod=1.5)
    checkpoint.save(tmp_path / "G.safetensors", G, {"license": "CC0"})
    networks = checkpoint.load_networks(tmp_path / "G.safetensors")
    assert (networks.G_ema.lod, networks.G_ema.config, networks.metadata) == (1.5, TINY, {"license": "CC0"})
    assert (networks.G, networks.D) == (None, None)
    for name, tensor in G.state_dict().items():
        assert torch.equal(tensor, networks.G_ema.state_dict()[name])


def test_load_gives_g_ema_in_eval_mode_on_the_cpu(saved):
    G = checkpoint.load(saved)
    assert not G.training
    assert {(t.device.type, t.dtype) for t in G.state_dict().values()} == {("cpu", torch.float32)}


def test_missing_extra_and_misshaped_tensors_are_all_named(saved):
    def change(tensors, metadata):
        del tensors["G.w_avg"]
        tensors["G.extra"] = torch.zeros(1)
        tensors["D.head.bias"] = torch.zeros(3)

    rewrite(saved, change)
    with pytest.raises(InputError) as error:
        checkpoint.load(saved)
    assert [line.strip() for line in str(error.value).splitlines()[1:]] == [
        "D.head.bias is (3,) torch.float32: must be (8,) torch.float32",
        "G.extra is not part of this network",
        "G.w_avg is missing",
    ]


def test_a_truncated_file_is_refused(saved):
    saved.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(InputError, match="truncated or damaged"):
        checkpoint.load(saved)


def test_a_pickle_is_refused_unread_and_its_owner_told_about_import(tmp_path):
    path = tmp_path / "official.pkl"
    path.write_bytes(pickle.dumps({"G": 1}))
    with pytest.raises(InputError, match="run `stylegan import` first"):
        checkpoint.load(path)


def test_a_safetensors_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(InputError, match="holds something else, not a stylegan network"):
        checkpoint.load(path)


def test_a_training_state_is_no_network(tmp_path):
    checkpoint.write_tensors(tmp_path / "state.safetensors", {"x": torch.zeros(1)}, kind="training state", header={})
    with pytest.raises(InputError, match="holds training state, not a stylegan network"):
        checkpoint.load(tmp_path / "state.safetensors")


def with_header(path, change):
    """Write the file anew with its header replaced by change(header)."""

    def replace(tensors, metadata):
        metadata["stylegan"] = json.dumps(change(json.loads(metadata["stylegan"])))

    rewrite(path, replace)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("config", None, "its config is None"),
        ("config", {"batch": 5}, "batch 5: must be"),
        ("config", {"fmap_base": 5}, "fmap_base: no such field"),
        ("lod", None, "its lod is None, not a number"),
        ("lod", "a", "its lod is 'a', not a number"),
        ("lod", 9, "lod 9: must be 0"),
        ("networks", None, "it holds the networks None"),
        ("networks", [["G"], "G_ema"], "it holds the networks"),
        ("networks", ["G"], "it holds the networks"),
        ("metadata", None, "its metadata is None"),
        ("metadata", [], r"its metadata is \[\]"),
        ("metadata", {"levels": {"a": ["x", 2]}}, r"levels {'a': \['x', 2\]} must be names with"),
        ("version", None, "its version is None, not a number"),
        ("version", "1", "its version is '1', not a number"),
    ],
)
def test_a_damaged_header_is_one_error_that_names_the_file(saved, key, value, words):
    with_header(saved, lambda header: header | {key: value})
    with pytest.raises(InputError, match=rf"^{saved}: {words}"):
        checkpoint.load(saved)


@pytest.mark.parametrize("key", ["config", "lod", "networks", "metadata", "version"])
def test_a_header_without_one_of_its_keys_is_refused(saved, key):
    with_header(saved, lambda header: {k: v for k, v in header.items() if k != key})
    with pytest.raises(InputError, match=rf"^{saved}: its (header has no '{key}'|version is None)"):
        checkpoint.load(saved)


def test_a_header_that_is_a_list_is_refused(saved):
    with_header(saved, lambda header: [header])
    with pytest.raises(InputError, match=rf"^{saved}: its header is list, not an object"):
        checkpoint.load(saved)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"channel_base": 2**40, "channel_max": 2**15}, "does not fit its configuration"),
        ({"channel_base": 2**40, "channel_max": 2**40}, "larger than any computer can hold"),
        ({"z_dim": 2**70}, "larger than any computer can hold"),
    ],
)
def test_sizes_in_a_damaged_file_are_refused_before_anything_is_allocated(saved, sizes, words, monkeypatch):
    devices = []
    build = checkpoint._build
    monkeypatch.setattr(
        checkpoint, "_build", lambda *args: devices.append(torch.get_default_device().type) or build(*args)
    )
    with_header(saved, lambda header: header | {"config": header["config"] | sizes})
    with pytest.raises(InputError, match=words):
        checkpoint.load(saved)
    assert devices == ["meta"]


def test_loading_leaves_torchs_random_numbers_as_they_were(saved):
    before = torch.get_rng_state()
    checkpoint.load(saved)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_newer_format_asks_for_an_upgrade(saved):
    rewrite(
        saved,
        lambda tensors, metadata: metadata.update(
            stylegan=metadata["stylegan"].replace('"version": 1', '"version": 9')
        ),
    )
    with pytest.raises(InputError, match="of format 9, this package reads up to 1: upgrade"):
        checkpoint.load(saved)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        checkpoint.load(tmp_path / "none.safetensors")


def test_a_run_folder_gives_its_newest_good_snapshot(tmp_path):
    for nimg, lod in ((1000, 2.0), (2000, 1.0), (3000, 0.0)):
        checkpoint.save(checkpoint.snapshot_path(tmp_path, nimg), Generator(TINY, lod))
    newest = checkpoint.snapshot_path(tmp_path, 3000)
    newest.write_bytes(newest.read_bytes()[:200])
    assert checkpoint.load(tmp_path).lod == 1.0


def test_a_folder_without_a_good_snapshot_says_so(tmp_path):
    with pytest.raises(InputError, match="holds no good snapshot"):
        checkpoint.load(tmp_path)


def test_saving_onto_a_file_that_cannot_be_written_leaves_the_old_one(saved, monkeypatch):
    before = saved.read_bytes()

    def no_space(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", no_space)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(saved, Generator(TINY))
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]
