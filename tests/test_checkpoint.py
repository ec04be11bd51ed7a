"""Files are read strictly: what is not exactly right is refused, with the reason."""

import json
import pickle

import pytest
import safetensors.torch
import torch
from torch.overrides import TorchFunctionMode

from stylegan import checkpoint
from stylegan.checkpoint import Networks
from stylegan.errors import DamagedError, InputError, StyleganWarning
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator
from stylegan.tensors import TensorFile, check_fields

from conftest import TINY


@pytest.fixture
def networks():
    return Networks(Generator(TINY, 0.25), Generator(TINY, 0.25), Discriminator(TINY, 0.25))


@pytest.fixture
def saved(tmp_path, networks):
    path = tmp_path / "network.safetensors"
    checkpoint.save(path, networks)
    return path


def rewrite(path, change):
    """Write the file anew with its tensors and header changed in place, without checksums: as an older version did."""
    with safetensors.safe_open(path, "pt") as f:
        tensors, metadata = {k: f.get_tensor(k) for k in f.keys()}, f.metadata()  # noqa: SIM118
    header = json.loads(metadata["stylegan"])
    header.pop("crc32", None)
    header.pop("header_crc32", None)
    metadata = {"stylegan": json.dumps(header)}
    change(tensors, metadata)
    safetensors.torch.save_file(tensors, path, metadata=metadata)


def test_a_generator_comes_back_with_its_weights_growth_and_metadata(tmp_path):
    G = Generator(TINY, lod=1.5)
    checkpoint.save(tmp_path / "G.safetensors", G, {"license": "CC0"})
    networks = checkpoint.load_networks(tmp_path / "G.safetensors")
    assert (networks.G_ema.lod, networks.G_ema.config, networks.metadata) == (1.5, TINY.network, {"license": "CC0"})
    assert (networks.G, networks.D) == (None, None)
    for name, tensor in G.state_dict().items():
        assert torch.equal(tensor, networks.G_ema.state_dict()[name])


def test_a_file_has_the_configuration_of_the_training_run_if_there_was_one(tmp_path):
    G, path = Generator(TINY), tmp_path / "G.safetensors"
    checkpoint.save(path, checkpoint.Networks(G, config=TINY.but(lrate=0.5)))
    assert checkpoint.load_networks(path).config == TINY.but(lrate=0.5)
    assert checkpoint.load_networks(path).G_ema.config == TINY.network
    checkpoint.save(path, G)
    assert checkpoint.load_networks(path).config is None
    assert checkpoint.read_tensors(path, kind="network")[1]["config"] == TINY.network.to_json()


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


@pytest.mark.parametrize("end", [0, 7, 8, 200, -100, -1])
def test_a_truncated_file_is_refused(saved, end):
    saved.write_bytes(saved.read_bytes()[:end])
    with pytest.raises(InputError, match=r"is not a safetensors file, or is truncated or damaged|is an empty file"):
        checkpoint.load(saved)


def flip(path, place, bit=0):
    """One bit of the file is wrong."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)


def place_of(path, name):
    """Where in the file the numbers of a tensor begin."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return 8 + length + json.loads(data[8 : 8 + length])[name]["data_offsets"][0]


@pytest.mark.parametrize("name", ["G_ema.w_avg", "G_ema.synthesis.blocks.0.layers.0.op.const"])
@pytest.mark.parametrize("bit", [0, 7])
def test_one_wrong_bit_in_a_tensor_is_damage_with_file_and_tensor_named(saved, name, bit):
    flip(saved, place_of(saved, name), bit)
    with pytest.raises(DamagedError, match=f"^{saved} is damaged: the bytes have changed in {name}$"):
        checkpoint.load(saved)


def test_damage_in_g_and_d_is_found_by_who_reads_them(saved):
    flip(saved, place_of(saved, "D.head.bias"))
    checkpoint.load(saved)
    with pytest.raises(DamagedError, match=r"changed in D\.head\.bias"):
        checkpoint.load_networks(saved)


@pytest.mark.parametrize("place", range(0, 3000, 31))
def test_one_wrong_bit_in_the_header_is_never_a_network(saved, networks, place):
    """Unless it changes nothing: the space that fills up the header, a checksum that is unknown by its name now."""
    flip(saved, place % place_of(saved, "D.blocks.0.bias0"))
    try:
        loaded = checkpoint.load_networks(saved)
    except InputError:
        return
    assert loaded.G_ema.lod == 0.25 and loaded.config_json() == networks.config_json()
    assert all(torch.equal(t, networks.tensors()[name]) for name, t in loaded.tensors().items())


def test_a_changed_number_in_the_header_is_damage(saved):
    saved.write_bytes(saved.read_bytes().replace(b'\\"lod\\": 0.25', b'\\"lod\\": 0.35'))
    with pytest.raises(DamagedError, match="its header is not as it was written"):
        checkpoint.load(saved)


@pytest.mark.parametrize("kind", ["direction", "projection", "training state"])
def test_damage_is_found_in_every_kind_of_file(tmp_path, kind):
    path = tmp_path / "file.safetensors"
    checkpoint.write_tensors(
        path, {"x": torch.arange(9), "y": torch.zeros(()), "z": torch.ones(0)}, kind=kind, header={}
    )
    assert checkpoint.read_tensors(path, kind=kind)[0]["x"][8] == 8
    flip(path, place_of(path, "x") + 3)
    with pytest.raises(DamagedError, match=r"changed in x$"):
        checkpoint.read_tensors(path, kind=kind)


def test_a_file_without_checksums_is_read_as_before(saved, networks):
    rewrite(saved, lambda tensors, metadata: None)
    assert not TensorFile(saved, kind="network").has_sums
    assert torch.equal(checkpoint.load(saved).w_avg, networks.G_ema.w_avg)


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


def test_a_training_state_is_not_a_network(tmp_path):
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
        ("config", None, "its config is None, not the fields of an object"),
        ("config", {"batch": 5}, "batch 5: must be"),
        ("config", {"fmap_base": 5}, "fmap_base: no such field"),
        ("lod", None, "its lod is None, not a number"),
        ("lod", "a", "its lod is 'a', not a number"),
        ("lod", 9, "lod 9: must be 0"),
        ("networks", None, "its networks is None, not a list"),
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
    with pytest.raises(InputError, match=rf"^{saved}(: | is damaged: ){words}"):
        checkpoint.load(saved)


@pytest.mark.parametrize("key", ["config", "lod", "networks", "metadata", "version"])
def test_a_header_without_one_of_its_keys_is_refused(saved, key):
    with_header(saved, lambda header: {k: v for k, v in header.items() if k != key})
    with pytest.raises(InputError, match=rf"^{saved} is damaged: its (header has no '{key}'|version is None)"):
        checkpoint.load(saved)


def test_a_header_that_is_a_list_is_refused(saved):
    with_header(saved, lambda header: [header])
    with pytest.raises(InputError, match=rf"^{saved} is damaged: its header is list, not an object"):
        checkpoint.load(saved)


class Largest(TorchFunctionMode):
    """Counts the numbers of the largest tensor made within."""

    numel = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.numel = max(self.numel, result.numel() if isinstance(result, torch.Tensor) else 0)
        return result


@pytest.mark.parametrize(
    "sizes",
    [
        {"channel_base": 2**40, "channel_max": 2**15},
        {"channel_base": 2**40, "channel_max": 2**40},
        {"z_dim": 2**70},
    ],
)
def test_sizes_in_a_damaged_file_are_refused_before_anything_is_allocated(saved, sizes):
    with_header(saved, lambda header: header | {"config": header["config"] | sizes})
    with (
        Largest() as largest,
        pytest.raises(InputError, match=f"^{saved}: its configuration describes larger networks"),
    ):
        checkpoint.load(saved)
    assert largest.numel < 2**21


@pytest.mark.parametrize("name", ["G_ema", "G", "D"])
def test_a_loaded_network_is_as_a_new_one_in_all_that_the_file_does_not_hold(saved, networks, name):
    loaded, new = checkpoint.load_networks(saved).modules()[name], networks.modules()[name]
    buffers, new_buffers = dict(loaded.named_buffers()), dict(new.named_buffers())
    constants = new_buffers.keys() - new.state_dict().keys()  # such as the blur's kernel
    assert constants and buffers.keys() == new_buffers.keys()
    assert all(torch.equal(buffers[constant], new_buffers[constant]) for constant in constants)
    assert [(key, type(p), p.dtype, p.stride()) for key, p in loaded.named_parameters()] == [
        (key, type(p), p.dtype, p.stride()) for key, p in new.named_parameters()
    ]


def test_loaded_networks_get_gradients_when_they_are_asked_for(saved, networks):
    loaded = checkpoint.load_networks(saved)
    assert not any(p.requires_grad for network in loaded.modules().values() for p in network.parameters())
    z = torch.randn(4, TINY.z_dim)
    for each in (loaded, networks):
        each.G.requires_grad_(True)
        each.D.requires_grad_(True)
        each.D(each.G(z, noise_mode="const")).sum().backward()
    for kind in ("G", "D"):
        pairs = zip(loaded.modules()[kind].parameters(), networks.modules()[kind].parameters(), strict=True)
        assert all((a.grad is None and b.grad is None) or torch.equal(a.grad, b.grad) for a, b in pairs)


def overwrite(path):
    """Change every byte in place, as `cp` onto a file does: no new file of the same name."""
    with path.open("r+b") as f:
        f.write(b"\1" * path.stat().st_size)


def test_a_file_may_be_overwritten_or_deleted_while_its_networks_are_in_use(saved, networks):
    G, loaded = checkpoint.load(saved), checkpoint.load_networks(saved)
    overwrite(saved)
    assert all(torch.equal(t, loaded.tensors()[name]) for name, t in networks.tensors().items())
    assert all(torch.equal(t, G.state_dict()[name]) for name, t in networks.G_ema.state_dict().items())
    saved.unlink()
    assert all(torch.equal(t, loaded.tensors()[name]) for name, t in networks.tensors().items())


def test_a_file_may_be_overwritten_while_its_tensors_are_in_use(tmp_path):
    path = tmp_path / "direction.safetensors"
    checkpoint.write_tensors(path, {"x": torch.arange(9.0)}, kind="direction", header={})
    tensors, _ = checkpoint.read_tensors(path, kind="direction")
    overwrite(path)
    assert torch.equal(tensors["x"], torch.arange(9.0))


def test_no_change_of_a_loaded_network_reaches_its_file(saved):
    before = saved.read_bytes()
    for tensor in checkpoint.load_networks(saved).tensors().values():
        tensor.zero_()
    assert saved.read_bytes() == before


def test_load_reads_no_number_of_g_and_d(saved):
    def change(tensors, metadata):
        for name in [name for name in tensors if not name.startswith("G_ema.")]:
            tensors[name].fill_(torch.nan)

    rewrite(saved, change)
    checkpoint.load(saved)
    with pytest.raises(InputError, match=rf"^{saved} holds numbers that are not finite, in D\."):
        checkpoint.load_networks(saved)


@pytest.mark.parametrize("number", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("name", ["G_ema.w_avg", "G_ema.synthesis.blocks.1.layers.0.op.0.weight"])
@pytest.mark.parametrize("place", [0, -1])
def test_a_number_that_is_not_finite_is_refused_with_the_name_of_its_tensor(saved, name, number, place):
    rewrite(saved, lambda tensors, metadata: tensors[name].view(-1)[place].fill_(number))
    with pytest.raises(
        InputError, match=rf"^{saved} holds numbers that are not finite, in {name}: .* earlier snapshot"
    ):
        checkpoint.load(saved)


def test_of_many_broken_tensors_five_are_named(saved):
    rewrite(saved, lambda tensors, metadata: [t.fill_(torch.nan) for t in tensors.values()])
    with pytest.raises(InputError, match=r"in (G_ema\.[\w.]+, ){4}G_ema\.[\w.]+ and \d+ more: "):
        checkpoint.load(saved)


def test_finite_numbers_are_never_too_large(saved):
    """Their sum and their squares are infinite."""
    largest = torch.finfo(torch.float32).max
    rewrite(saved, lambda tensors, metadata: [t.fill_(largest) for t in tensors.values()])
    assert checkpoint.load(saved).w_avg[0] == largest


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
    with pytest.raises(InputError, match="has format 9, but this package only reads up to 1: upgrade"):
        checkpoint.load(saved)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        checkpoint.load(tmp_path / "none.safetensors")


def test_a_run_folder_gives_its_newest_good_snapshot(tmp_path):
    for nimg, lod in ((1000, 2.0), (2000, 1.0), (3000, 0.0)):
        checkpoint.save(checkpoint.snapshot_path(tmp_path, nimg), Generator(TINY, lod))
    newest = checkpoint.snapshot_path(tmp_path, 3000)
    newest.write_bytes(newest.read_bytes()[:200])
    with pytest.warns(
        StyleganWarning, match=rf"took the older snapshot-000002000\.safetensors, .*{newest} is not a safetensors"
    ):
        assert checkpoint.load(tmp_path).lod == 1.0


def test_a_run_folder_whose_newest_snapshot_diverged_gives_the_one_before(tmp_path):
    for nimg, w_avg in ((1000, 1.0), (2000, torch.nan)):
        G = Generator(TINY)
        G.w_avg.fill_(w_avg)
        checkpoint.save(checkpoint.snapshot_path(tmp_path, nimg), G)
    with pytest.warns(StyleganWarning, match="its training diverged"):
        assert checkpoint.load(tmp_path).w_avg[0] == 1


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


def test_what_safetensors_says_of_a_full_disk_is_an_oserror(saved, monkeypatch):
    def no_space(tensors, path, metadata):
        raise safetensors.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(safetensors.torch, "save_file", no_space)
    with pytest.raises(OSError, match="No space left") as error:
        checkpoint.save(saved, Generator(TINY))
    assert error.value.errno == 28


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (str, "a", 5),
        (int, 5, True),
        (float, 5, "5"),
        (float, 0.5, float("nan")),
        (float, 1, 10**400),
        (list[int], [1], [1.5]),
        (list[float], [1, 2.5], 5),
        (dict, {}, []),
        (float | None, None, "x" * 10000),
    ],
)
def test_fields_of_a_header_have_their_types(tmp_path, kind, good, bad):
    check_fields({"a": good}, {"a": kind}, tmp_path)
    with pytest.raises(DamagedError, match=f"^{tmp_path} is damaged: its a is .{{1,120}}, not (a|text|the)"):
        check_fields({"a": bad}, {"a": kind}, tmp_path)


def test_all_fields_that_are_wrong_are_named(tmp_path):
    with pytest.raises(DamagedError, match="its header has no 'b'; its a is 5, not text"):
        check_fields({"a": 5}, {"a": str, "b": int}, tmp_path)
