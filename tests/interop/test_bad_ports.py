"""Damaged, mixed and hostile files of other programs: one clear message, no code run, no large memory allocated."""

import contextlib
import itertools
import struct
import tracemalloc
import zipfile

import pytest
import torch
from port_files import genforce, huangzh13, lernapparat, old_genforce, rosinality

from stylegan.config import NetworkConfig
from stylegan.errors import InputError
from stylegan.interop.importing import import_network
from stylegan.interop.inspecting import inspect
from stylegan.interop.records import Record, Storage
from stylegan.networks.generator import Generator

TINY = {"img_resolution": 16, "channel_base": 128, "channel_max": 8, "z_dim": 8, "w_dim": 8, "mapping_dim": 8}
WRITERS = {w.__name__: w for w in (genforce, old_genforce, huangzh13, lernapparat, rosinality)}
LARGE = 2**25  # bytes: far more than these small files need


def state_of(name):
    torch.manual_seed(0)
    fields = {"norm_eps": 1e-5, "up_bias": True} if name == "rosinality" else {}
    G = Generator(NetworkConfig(**TINY, mapping_layers=2, **fields)).requires_grad_(False)
    for tensor in G.state_dict().values():
        tensor.normal_()
    return {key: t.clone() for key, t in WRITERS[name](G).items()}


def how(name):
    return {"resolution": 16} if name == "rosinality" else {}


@pytest.fixture
def refusal(tmp_path):
    """The message with which a file (bytes) or a value, saved as a file, is refused."""

    def refusal(given, *, old=False, **how):
        path, to = tmp_path / "theirs.pth", tmp_path / "new.safetensors"
        if isinstance(given, bytes):
            path.write_bytes(given)
        else:
            torch.save(given, path, _use_new_zipfile_serialization=not old)
        with pytest.raises(InputError) as error:
            import_network(path, to, **how)
        assert not to.exists()
        with contextlib.suppress(InputError):
            inspect(path)
        return str(error.value)

    return refusal


# Faults in each layout


@pytest.mark.parametrize("old", [False, True], ids=["zip", "five pickles"])
@pytest.mark.parametrize("name", WRITERS)
def test_every_layout_truncated_anywhere_is_one_clear_error(tmp_path, refusal, name, old):
    path = tmp_path / "whole.pth"
    torch.save(state_of(name), path, _use_new_zipfile_serialization=not old)
    whole = path.read_bytes()
    for size in (*range(30, len(whole), len(whole) // 12), len(whole) - 1):
        message = refusal(whole[:size], old=old, **how(name))
        assert "truncated" in message or "damaged" in message or "zip archive" in message, message


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(WRITERS, 2)))
@pytest.mark.parametrize("part", ["mapping", "synthesis"])
def test_a_layout_mixed_from_two_programs_is_refused(refusal, one, other, part):
    """The mapping network or the layers have another program's names."""

    def is_mapping(key):
        return key.startswith(("mapping", "g_mapping", "style."))

    mixed = {k: t for k, t in state_of(one).items() if is_mapping(k) == (part == "mapping")}
    mixed |= {k: t for k, t in state_of(other).items() if is_mapping(k) != (part == "mapping")}
    assert "at once: a file has one layout" in refusal(mixed, resolution=None)


@pytest.mark.parametrize("name", WRITERS)
def test_a_tensor_of_a_wrong_shape_is_named(refusal, name):
    state = state_of(name)
    wide = {
        k
        for k, t in state.items()
        if t.ndim and "avg_latent" not in k and "kernel" not in k and ".weight_flip" not in k
    }
    for key in sorted(wide)[::3]:
        message = refusal(state | {key: torch.zeros(3, *state[key].shape)}, **how(name))
        assert any(words in message for words in ("must be (", "must have", "must be the filter"))
        assert len(message) < 3000
        assert "damaged, or of no known program" not in message


@pytest.mark.parametrize("name", WRITERS)
def test_a_missing_tensor_is_named(refusal, name):
    state = state_of(name)
    optional = ("kernel", "avg", "lod", "weight_flip", "conv1.2.weight")
    for key in sorted(k for k in state if not any(part in k for part in optional))[::3]:
        message = refusal({k: t for k, t in state.items() if k != key}, **how(name))
        assert "damaged, or of no known program" not in message


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "rosinality"])
def test_a_resolution_that_contradicts_the_file_is_refused(refusal, name):
    assert "the file holds a network of 16 px" in refusal(state_of(name), resolution=32)


def test_a_file_of_rosinalitys_that_does_not_state_its_size_asks_for_it(refusal):
    state = {k: torch.zeros_like(t) if ".noise" in k else t for k, t in state_of("rosinality").items()}
    assert "give the resolution" in refusal(state)


# Hostile pickles, as the data.pkl of a zip archive


def archive(path, data, entries=(), flags=0):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", data)
        for name, content in entries:
            file.writestr(name, content)
    whole = bytearray(path.read_bytes())
    if flags:
        at = -1
        while (at := whole.find(b"PK\x01\x02", at + 1)) >= 0:
            whole[at + 8] |= flags
        path.write_bytes(whole)
    return path


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def storage(numel, key="0"):
    return b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + number(numel) + b"tQ"


def number(value):
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def tensor(numel, offset, shape, stride):
    sizes = b"".join(b"(" + b"".join(map(number, part)) + b"t" for part in (shape, stride))
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage(numel) + number(offset) + sizes + b"\x89Nt" + b"R"


def pickled(*items):
    return b"\x80\x02(" + b"".join(items) + b"l."


NAMES = (
    b"\x80\x04"
    + b"X"
    + struct.pack("<I", 2**20)
    + b"a" * 2**20
    + b"\x94"
    + b"".join(b"h\x00\x8c\x02" + f"{i:02d}".encode() + b"\x93" for i in range(90))
    + b"."
)
COLLIDING = b"\x80\x02}(" + b"".join(number((i + 1) * (2**61 - 1)) + b"N" for i in range(2000)) + b"u."
PLACES = b"\x80\x02N" + b"".join(b"p%d\n" % ((i + 2) * (2**61 - 1)) for i in range(2000)) + b"."
REPEATED = (
    b"\x80\x02(" + b"K\x01N\x86" * 50_000 + b"lq\x00ccollections\nOrderedDict\nq\x01" + b"h\x01h\x00\x85R" * 30 + b"."
)
DEEP = b"\x80\x02" + b"]" * 30_000 + b"a" * 29_999 + b"."


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pickled(tensor(2**60, 0, (2,), (1,))), "is not a storage"),
        (pickled(tensor(-1, 0, (2,), (1,))), "is not a storage"),
        (pickled(tensor(2**40, 0, (2,), (1,))), "the file holds 8 bytes of it"),
        (pickled(tensor(2, 1, (2,), (1,))), "reaches beyond its storage"),
        (pickled(tensor(2, 0, (2, 2), (1, 1))), "reaches beyond its storage"),
        (pickled(tensor(2, -1, (2,), (1,))), "an impossible shape"),
        (pickled(tensor(2, 0, (-2,), (1,))), "an impossible shape"),
        (pickled(tensor(2, 0, (2,), (-1,))), "an impossible shape"),
        (pickled(tensor(2, 0, (2,), (1, 1))), "an impossible shape"),
        (pickled(tensor(2, 0, (1,) * 9, (1,) * 9)), "an impossible shape"),
        (b"\x80\x02}" + text("w") + text("x") + b"Q" + b"s.", "refers to 'x', which is not a storage"),
        (NAMES, "the name of a global has 1,048,578 characters"),
        (COLLIDING, "keys of more than 60 bits"),
        (PLACES, "at an impossible place"),
        (REPEATED, "makes dicts of more than"),
        (b"\x80\x02" + b"}" * (2**20 + 1) + b".", "has more than 1,048,576 steps"),
        (
            b"\x80\x04".join([b"", b"c%s\n%s\n" % (b"m", b"n")])
            + b"".join(b"cm\nn%d\n" % i for i in range(1001))
            + b".",
            "names more than 1,000 globals",
        ),
        (DEEP, "no generator of a known program"),
    ],
)
def test_a_hostile_pickle_is_refused_with_a_reason_and_takes_no_memory(tmp_path, refusal, data, words):
    path = archive(tmp_path / "made.zip", data, [("archive/data/0", b"\0" * 8)])
    many = words.startswith(("has more", "makes dicts"))  # these may count to the limit, which is slow to trace
    tracemalloc.start() if not many else None
    message = refusal(path.read_bytes())
    assert many or tracemalloc.get_traced_memory()[1] < 4 * LARGE
    tracemalloc.stop()
    assert words in message
    assert len(message) < 1500


def patched(path, name, offset, value):
    """Replace bytes in an entry's record in the archive's directory."""
    whole = bytearray(path.read_bytes())
    at = whole.rindex(name.encode()) - 46 + offset
    whole[at : at + len(value)] = value
    path.write_bytes(whole)
    return path


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (8, b"\x01\x00"),
        (8, b"\x20\x00"),
        (8, b"\x40\x00"),
        (10, b"\x63\x00"),
        (42, b"\xff\xff\xff\x7f"),
        (6, b"\xff\x00"),
    ],
    ids=["encrypted", "patched", "strongly encrypted", "packing unknown", "place", "version"],
)
def test_an_archive_with_a_false_directory_is_refused(tmp_path, refusal, offset, value):
    path = tmp_path / "made.zip"
    torch.save(state_of("genforce"), path)
    entry = next(n for n in zipfile.ZipFile(path).namelist() if n.endswith("/data/3"))
    message = refusal(patched(path, entry, offset, value).read_bytes())
    assert len(message) < 500


@pytest.mark.parametrize("name", ["../../archive/data/0", "/archive/data/0", "archive/../data/1"])
def test_an_archive_with_paths_that_lead_out_of_it_is_refused(tmp_path, refusal, name):
    path = archive(
        tmp_path / "made.zip", pickled(tensor(2, 0, (2,), (1,))), [("archive/data/0", b"\0" * 8), (name, b"x")]
    )
    assert "paths that lead out of it" in refusal(path.read_bytes())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["made.zip", "theirs.pth"]


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, refusal):
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", b"\0" * LARGE * 8)
    tracemalloc.start()
    message = refusal(path.read_bytes())
    assert tracemalloc.get_traced_memory()[1] < LARGE
    tracemalloc.stop()
    assert "compressed entries" in message


def test_the_size_of_a_shape_does_not_overflow():
    """2^34 * 2^34 is 0 in 64 bits. With strides of 0 all of these numbers are one number of the storage."""
    assert Record(Storage(torch.float32, "0", 9), 0, (2**34, 2**34), (0, 0)).nbytes == 2**70


def test_long_paths_into_nested_dicts_take_no_memory(tmp_path):
    value = {"x" * 1000: torch.zeros(3)}
    for _ in range(300):
        value = {"y" * 1000: value}
    torch.save(value, tmp_path / "theirs.pth")
    tracemalloc.start()
    lines = inspect(tmp_path / "theirs.pth")
    assert tracemalloc.get_traced_memory()[1] < 2**22  # whole paths would take 45 MB; for 10,000 levels 30 GB
    tracemalloc.stop()
    assert max(map(len, lines)) < 300


@pytest.mark.parametrize("old", [False, True], ids=["zip", "five pickles"])
def test_files_with_random_damage_are_read_or_refused(tmp_path, old):
    good, bad, to = (tmp_path / name for name in ("good.pth", "bad.pth", "new.safetensors"))
    torch.save(state_of("genforce"), good, _use_new_zipfile_serialization=not old)
    random, whole = torch.Generator().manual_seed(0), good.read_bytes()
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(3):
            place, byte = (int(torch.randint(most, (), generator=random)) for most in (len(whole), 256))
            data[place] = byte
        bad.write_bytes(data)
        for read in (inspect, lambda path: import_network(path, to)):
            with contextlib.suppress(InputError):
                read(bad)
        to.unlink(missing_ok=True)
