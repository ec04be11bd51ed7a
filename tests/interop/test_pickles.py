"""A hostile pickle gets an InputError and nothing else: it calls nothing and costs neither memory nor time."""

import contextlib
import os
import pickle
import struct
import tracemalloc

import numpy as np
import pytest
from official_pickles import dump, network

from stylegan.errors import InputError
from stylegan.interop.official import read_official
from stylegan.interop.pickles import Malformed, array_of, read_pickle
from stylegan.interop.state import official_networks

import golden

OFFICIAL = (golden.FOLDER / "network-2019-proto4.pkl").read_bytes()
TEXT = {name: b"\x8c" + bytes([len(name)]) + name.encode() for name in ("numpy", "dtype", "true", "a")}
DTYPE = TEXT["numpy"] + TEXT["dtype"] + b"\x93"  # the global numpy.dtype


class Runs:
    """Pickles as a call of `function` with `args`."""

    def __init__(self, function, *args):
        self.reduced = function, args

    def __reduce__(self):
        return self.reduced


def file_of(tmp_path, data):
    path = tmp_path / "hostile.pkl"
    path.write_bytes(data)
    return path


def refusal(data):
    with pytest.raises(InputError) as error:
        read_pickle(data)
    return str(error.value)


# Nothing runs


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_calls_os_system_is_refused_by_name_and_not_run(tmp_path, protocol):
    bomb = Runs(os.system, f"touch {tmp_path / 'ran'}")
    path = file_of(tmp_path, pickle.dumps((bomb, bomb, bomb), protocol))
    with pytest.raises(InputError, match=r"refused to load posix\.system; nothing was executed"):
        read_official(path)
    assert not (tmp_path / "ran").exists()


def test_a_call_hidden_in_a_good_network_is_refused_and_not_run(tmp_path):
    hidden = network("D_basic", {"resolution": Runs(os.system, f"touch {tmp_path / 'ran'}")}, {})
    with pytest.raises(InputError, match="system"):
        read_official(file_of(tmp_path, dump((hidden, hidden, hidden))))
    assert not (tmp_path / "ran").exists()


def test_a_call_hidden_in_an_array_of_objects_is_refused_and_not_run(tmp_path):
    array = np.array([Runs(os.system, f"touch {tmp_path / 'ran'}")], dtype=object)
    assert "system" in refusal(pickle.dumps(array, 4))
    assert not (tmp_path / "ran").exists()


def test_the_source_code_in_a_file_is_not_run(tmp_path):
    source = f"open({str(tmp_path / 'ran')!r}, 'w')"
    hidden = network("D_basic", {}, {}, build_module_src=source)
    with pytest.raises(InputError, match="built by"):
        read_official(file_of(tmp_path, dump((hidden, hidden, hidden))))
    assert not (tmp_path / "ran").exists()


def test_every_refused_global_is_named_at_once():
    message = refusal(pickle.dumps([Runs(eval, "1"), Runs(getattr, 1, "real"), Runs(os.getcwd)], 4))
    assert all(name in message for name in ("builtins.eval", "builtins.getattr", "posix.getcwd"))


@pytest.mark.parametrize("name", ["numpy.load", "numpy.core.multiarray.fromfile", "numpy.dtype.type", "builtins.bytes"])
def test_a_neighbour_of_an_allowed_global_is_refused(name):
    module, _, function = name.rpartition(".")
    assert f"refused to load {name};" in refusal(f"c{module}\n{function}\n.".encode())


@pytest.mark.parametrize(
    ("opcode", "data"),
    [
        ("EXT1", b"\x80\x04\x82\x01."),
        ("EXT2", b"\x80\x04\x83\x01\x00."),
        ("EXT4", b"\x80\x04\x84\x01\x00\x00\x00."),
        ("PERSID", b"Pfile\n."),
        ("BINPERSID", b"\x80\x04" + TEXT["a"] + b"Q."),
        ("INST", b"(S'true'\nios\nsystem\n."),
        ("OBJ", b"\x80\x04(" + DTYPE + TEXT["true"] + b"o."),
        ("NEWOBJ_EX", b"\x80\x04" + DTYPE + b")}\x92."),
        ("NEXT_BUFFER", b"\x80\x05\x97."),
        ("DUP", b"\x80\x04N2."),
    ],
)
def test_an_unused_opcode_is_refused_by_name(opcode, data):
    assert f"the opcode {opcode} is not allowed" in refusal(data)


def test_no_attribute_can_be_set_on_a_global():
    assert "fills Global as if it were Call" in refusal(b"\x80\x04" + DTYPE + b"}" + TEXT["a"] + b"K\x01sb.")


def test_nothing_but_a_global_can_be_called():
    assert "calls something that is not a global" in refusal(b"\x80\x04" + TEXT["a"] + b")R.")
    assert "calls something that is not a global" in refusal(b"\x80\x04" + DTYPE + b")R)R.")  # the result of a call


def test_protocol_0_makes_plain_objects_only():
    data = b"ccopy_reg\n_reconstructor\n(cnumpy\ndtype\ncnumpy\nndarray\nNtR."
    assert "copy_reg._reconstructor is asked for more than a new object" in refusal(data)


# Nothing costs


def peak_bytes(data):
    tracemalloc.start()
    with contextlib.suppress(InputError):
        read_pickle(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04Nr" + struct.pack("<I", 2**32 - 1) + b".",  # LONG_BINPUT: a memo of 4 billion places
        b"\x80\x05\x96" + struct.pack("<Q", 2**45) + b"x.",  # BYTEARRAY8 of 32 TB
        b"\x80\x04\x8e" + struct.pack("<Q", 2**45) + b"x.",  # BINBYTES8
        b"\x80\x04\x8d" + struct.pack("<Q", 2**45) + b"x.",  # BINUNICODE8
        b"\x80\x04\x95" + struct.pack("<Q", 2**45) + b"N.",  # FRAME
    ],
    ids=["memo", "bytearray", "bytes", "text", "frame"],
)
def test_a_size_in_a_file_allocates_nothing(data):
    assert peak_bytes(data) < 2**20


def laughs(levels):
    """A list of two lists of two lists ...: 2^levels items, but only a few bytes for each level."""
    value = []
    for _ in range(levels):
        value = [value, value]
    return value


@pytest.mark.parametrize("argument", ["blur_filter", "resolution", "style_mixing_prob", "unheard_of"])
def test_endlessly_nested_lists_make_no_endless_message(tmp_path, argument):
    good = golden.load("pkl_contents")[1]["config"]
    hostile = good | {argument: laughs(100)}
    parts = ("G_style", "D_basic", "G_style")
    value = tuple(network(function, hostile, {"G_synthesis/lod": np.float32(0)}) for function in parts)
    with pytest.raises(InputError, match=argument) as error:
        read_official(file_of(tmp_path, dump(value)))
    assert len(str(error.value)) < 5000


def test_keys_that_are_not_text_are_refused_before_they_are_hashed():
    key = laughs(0)
    for _ in range(100):
        key = (tuple(key), tuple(key))  # hashing it would take 2^100 steps
    data = b"\x80\x04}" + pickle.dumps(key, 4)[2 + 9 : -1] + b"Ns."  # without PROTO, FRAME and STOP
    assert "a dict has keys that are not text" in refusal(data)


def test_variables_cannot_share_their_bytes(tmp_path):
    data, meta = golden.load("pkl_contents")
    of_G, of_D = ({k[2:]: a[()] for k, a in data.items() if k.startswith(prefix)} for prefix in ("G/", "D/"))
    G, D = network("G_style", meta["config"], of_G), network("D_basic", meta["config"], of_D)
    with pytest.raises(InputError, match="its variables share their bytes"):
        read_official(file_of(tmp_path, dump((G, D, G))))  # a pickle writes the second G as a reference


def test_huge_networks_cost_nothing_before_their_variables_are_seen(tmp_path):
    sizes = {"resolution": 2**20, "num_channels": 3, "label_size": 0, "fmap_base": 2**20, "fmap_max": 2**20}
    sizes |= {"latent_size": 2**20, "dlatent_size": 2**20, "mapping_fmaps": 2**20}
    hold = {"lod": np.float32(0), "G_synthesis/lod": np.float32(0)}
    value = tuple(network(function, sizes, dict(hold)) for function in ("G_style", "D_basic", "G_style"))
    with pytest.raises(InputError, match="G_mapping/Dense0/weight is missing"):
        read_official(file_of(tmp_path, dump(value)))


# Arrays hold numbers, of the type and shape that they declare


def value_of(array, **how):
    return read_pickle(dump(array, **how))


def test_an_array_of_objects_is_refused():
    with pytest.raises(Malformed, match=r"an array of numpy\.dtype\('O8'\): must be of plain numbers"):
        array_of(value_of(np.array([None, 1], dtype=object), old_numpy=False))


@pytest.mark.parametrize("dtype", ["U3", "S3", "M8[s]", "c8", [("a", "f4")]])
def test_an_array_of_anything_but_plain_numbers_is_refused(dtype):
    with pytest.raises(Malformed, match="must be of plain numbers"):
        array_of(value_of(np.zeros(2, dtype)))


@pytest.mark.parametrize("shape", [(3,), (2**39,), (2, 2, 2, 2), (0,)])
def test_an_array_of_another_size_than_its_bytes_is_refused(shape):
    call = value_of(np.zeros(2, np.float32))
    version, _, *rest = call.state
    call.state = (version, shape, *rest)
    with pytest.raises(Malformed, match="holds 8 bytes, but its shape"):
        array_of(call)


@pytest.mark.parametrize("shape", [(-1,), (2.0,), [2], (1, 1, 1, 1, 2), (True, 2), (2**70,), "2", None])
def test_an_array_of_an_impossible_shape_is_refused(shape):
    call = value_of(np.zeros(2, np.float32))
    version, _, *rest = call.state
    call.state = (version, shape, *rest)
    with pytest.raises(Malformed, match="has an impossible shape"):
        array_of(call)


def test_reconstruct_makes_arrays_only():
    call = value_of(np.zeros(2, np.float32))
    call.args = (value_of(np.float32(1)).args[0], *call.args[1:])
    with pytest.raises(Malformed, match="neither an array nor a number"):
        array_of(call)


def test_text_that_is_not_bytes_is_refused():
    call = value_of(np.zeros(1, np.float32))
    call.state = (*call.state[:-1], "äöü€")
    with pytest.raises(Malformed, match="text where bytes belong"):
        array_of(call).numpy()


# What is not a pickle


@pytest.mark.parametrize(
    "data",
    [b"\x80\x04.", b"\x80\x63N.", b"N"],
    ids=["no value", "protocol 99 is a number like any", "no stop"],
)
def test_what_is_not_a_pickle_is_refused(tmp_path, data):
    with pytest.raises(InputError, match=r"hostile\.pkl cannot be imported:\n(not a pickle|holds one NoneType)"):
        read_official(file_of(tmp_path, data))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"\n<!DOCTYPE html><html>Quota exceeded</html>", r"a web page \(HTML\)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"PK\x03\x04zip", "a zip archive"),
        (b"PK\x03\x04" + bytes(26) + b"archive/data.pkl", "a PyTorch file"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_kind(tmp_path, data, words):
    with pytest.raises(InputError, match=rf"hostile\.pkl is not one of the authors' pickles but {words}"):
        read_official(file_of(tmp_path, data))


def test_a_network_that_is_its_own_component_is_refused(tmp_path):
    G = network("G_style", {}, {})
    G.state["components"]["mapping"] = G
    D = network("D_basic", {}, {})
    with pytest.raises(InputError, match=r"G's mapping: built by 'G_style': must be G_mapping"):
        read_official(file_of(tmp_path, dump((G, D, G))))


@pytest.mark.parametrize("digits", [4000, 40000])
def test_an_integer_of_many_digits_is_refused_in_a_short_message(tmp_path, digits):
    sizes = {"resolution": 1 << (4 * digits), "num_channels": 3, "label_size": 0}
    value = tuple(network(function, sizes, {}) for function in ("G_style", "D_basic", "G_style"))
    with pytest.raises(InputError, match=r"resolution .* must be a whole number up to") as error:
        read_official(file_of(tmp_path, dump(value)))
    assert len(str(error.value)) < 2000


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999, 0.99999])
def test_a_truncated_file_is_refused(share):
    assert "truncated" in refusal(OFFICIAL[: int(share * len(OFFICIAL))])


def test_damaged_files_are_refused_or_read_and_never_crash(tmp_path):
    rng = np.random.RandomState(0)
    for _ in range(200):
        data = bytearray(OFFICIAL)
        for position in rng.randint(0, 3000, size=3):  # where the opcodes are densest
            data[position] = rng.randint(256)
        with contextlib.suppress(InputError):
            official_networks(read_pickle(bytes(data)))
