"""`stylegan inspect` lists what any program's file holds and runs none of it."""

import io
import json
import pickle
import struct
import sys
from types import ModuleType

import pytest
import safetensors.torch
import torch
from port_files import genforce

from stylegan.checkpoint import Networks, load_networks, save
from stylegan.config import NetworkConfig
from stylegan.errors import InputError
from stylegan.interop.importing import import_network
from stylegan.interop.inspecting import inspect
from stylegan.networks.generator import Generator

SMALL = NetworkConfig(img_resolution=16, channel_base=128, channel_max=8, z_dim=8, w_dim=8, mapping_dim=8)
SOURCE = "import os; os.system('touch {}')"


class Persistent:
    """Pickles like a network of stylegan2-ada-pytorch or stylegan3: as a call with source text and state."""

    def __init__(self, meta):
        self.meta = meta

    def __reduce__(self):
        return _reconstruct_persistent_obj, (self.meta,)


def _reconstruct_persistent_obj(meta): ...


@pytest.fixture
def ada(tmp_path, monkeypatch):
    """A file in their form: each tensor is stored as bytes that are themselves a torch.save file."""
    monkeypatch.setitem(sys.modules, "torch_utils", ModuleType("torch_utils"))
    module = ModuleType("torch_utils.persistence")
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj
    monkeypatch.setitem(sys.modules, "torch_utils.persistence", module)
    monkeypatch.setattr(_reconstruct_persistent_obj, "__module__", "torch_utils.persistence")
    source = SOURCE.format(tmp_path / "ran")

    def persistent(name, parameters, modules):
        state = {"_parameters": parameters, "_buffers": {}, "_modules": modules, "_init_kwargs": {"img_resolution": 64}}
        return Persistent(
            {
                "type": "class",
                "version": 6,
                "module_src": source,
                "class_name": name,
                "state": state | {"training": False},
            }
        )

    layer = persistent(
        "FullyConnectedLayer", {"weight": torch.nn.Parameter(torch.ones(3, 5)), "bias": torch.zeros(3)}, {}
    )
    path = tmp_path / "ada.pkl"
    path.write_bytes(pickle.dumps({"G_ema": persistent("Generator", {}, {"mapping": layer}), "augment_pipe": None}))
    return path


@pytest.mark.parametrize("read", [inspect, import_network])
def test_a_folder_is_no_file_and_a_name_is_shown_without_its_control_characters(tmp_path, read):
    more = [tmp_path / "out.safetensors"] if read is import_network else []
    with pytest.raises(InputError, match=r" is a folder: give a file$"):
        read(tmp_path, *more)
    with pytest.raises(InputError, match=r"bad\\x1bname\.pkl: no such file$"):
        read(tmp_path / "bad\x1bname.pkl", *more)


def test_tensors_of_an_ada_pickle_are_listed_and_its_source_is_not_run(ada, tmp_path):
    lines = inspect(ada)
    assert any("stylegan2-ada-pytorch or stylegan3" in line for line in lines)
    assert any(line.endswith("class_name: FullyConnectedLayer") for line in lines)
    assert any(line.endswith("img_resolution: 64") for line in lines)
    assert sum("characters of source code, which its own loader would run" in line for line in lines) == 2
    assert [line.rpartition(".")[2] for line in lines if line.startswith("  ")] == ["weight (3, 5)", "bias (3,)"]
    assert not (tmp_path / "ran").exists()


def test_every_truncation_of_an_ada_pickle_is_one_clear_error(ada):
    whole = ada.read_bytes()
    for size in range(10, len(whole), 97):
        ada.write_bytes(whole[:size])
        with pytest.raises(InputError, match="truncated or damaged"):
            inspect(ada)


def nested(value):
    """`value` as the bytes that a plain pickle passes to torch.storage._load_from_bytes."""
    inner = io.BytesIO()
    torch.save(value, inner, _use_new_zipfile_serialization=False)
    return inner.getvalue()


def loading(data):
    """The pickle of a list whose one item is a call of torch's loader with these bytes."""
    call = b"ctorch.storage\n_load_from_bytes\nB" + struct.pack("<I", len(data)) + data + b"\x85R"
    return b"\x80\x04]" + call + b"a."


class Runs:
    def __init__(self, ran):
        self.ran = ran

    def __reduce__(self):
        import os

        return os.system, (f"touch {self.ran}",)


@pytest.mark.parametrize(
    "inner",
    [
        nested({"weight": torch.zeros(2)}),
        nested(torch.zeros(2)),
        b"\x80\x04]" * 4,
        b"no pickle",
        nested(torch.zeros(4).untyped_storage()).replace(b"K\x10", b"M\xff\xff"),
        loading(loading(b"")),
    ],
    ids=["a dict", "a tensor", "cut", "text", "a storage of more than there is", "a storage in a storage"],
)
def test_bytes_that_do_not_hold_a_storage_are_refused(tmp_path, inner):
    path = tmp_path / "hostile.pkl"
    path.write_bytes(loading(inner))
    with pytest.raises(InputError, match="truncated or damaged, or not PyTorch's"):
        inspect(path)


def test_a_call_in_nested_bytes_does_not_run(tmp_path):
    path = tmp_path / "hostile.pkl"
    path.write_bytes(loading(nested(Runs(tmp_path / "ran"))))
    with pytest.raises(InputError, match=r"is given .*system"):
        inspect(path)
    assert not (tmp_path / "ran").exists()


def test_a_file_of_ours_states_its_kind_size_licence_and_source(tmp_path):
    path = tmp_path / "ours.safetensors"
    save(
        path, Networks(Generator(SMALL), metadata={"license": "cc0-1.0", "source": "a friend", "made": ["w_avg: none"]})
    )
    lines = inspect(path)
    assert lines[1:6] == [
        "a network of this package",
        "['G_ema'], 16 px, lod 0.0",
        "license: cc0-1.0",
        "source: a friend",
        "made: w_avg: none",
    ]
    assert "  G_ema.w_avg (8,)" in lines
    with pytest.raises(InputError, match="is already a file of this package"):
        import_network(path, tmp_path / "new.safetensors")


def test_a_port_in_safetensors_is_named_listed_and_imported(tmp_path):
    path, to = tmp_path / "theirs.safetensors", tmp_path / "new.safetensors"
    G = Generator(SMALL)
    safetensors.torch.save_file({n: t.contiguous() for n, t in genforce(G).items()}, path, {"license": "mit"})
    lines = inspect(path)
    assert "StyleGAN 1 of genforce, 16 px: `stylegan import` reads it" in lines
    assert "license: mit" in lines and "  truncation.w_avg (8,)" in lines
    import_network(path, to)
    assert torch.equal(
        load_networks(to).G_ema.synthesis.blocks[1].layers[1].op.weight, G.synthesis.blocks[1].layers[1].op.weight
    )


def tensor_file(path, header, data=b"\0" * 8):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


GOOD = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"a": GOOD | {"data_offsets": [0, 2**50], "shape": [2**48 - 1]}}, "damaged"),
        ({"a": GOOD | {"data_offsets": [4, 12]}}, "truncated"),
        ({"a": GOOD | {"data_offsets": [0, 4]}}, "needs 8 bytes"),
        ({"a": GOOD | {"data_offsets": [-8, 0]}}, "damaged"),
        ({"a": GOOD | {"shape": [-2]}}, "an impossible shape"),
        ({"a": GOOD | {"dtype": "F8_E5M2"}}, "type F8_E5M2, which cannot be read"),
        ({"a": [1]}, "no valid type, shape and place"),
        ({"__metadata__": 3}, "not an object of tensors"),
        (b'{"a": {}, "a": {}}', "a name appears twice"),
        (b'{"a": ' + b"[" * 100_000, "not JSON"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "not JSON"),
        ({"__metadata__": {"stylegan": "{"}}, "whose header is damaged"),
    ],
)
def test_a_damaged_safetensors_file_is_one_clear_error(tmp_path, header, words):
    with pytest.raises(InputError, match=words) as error:
        inspect(tensor_file(tmp_path / "bad.safetensors", header))
    assert len(str(error.value)) < 500


def test_a_truncated_safetensors_file_is_one_clear_error(tmp_path):
    path = tmp_path / "ours.safetensors"
    save(path, Generator(SMALL))
    whole = path.read_bytes()
    for size in (9, 50, 500, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match="truncated"):
            inspect(path)
