"""Reads PyTorch's pickles as data. Unlike in `pickles.read_pickle`, files may name anything; still nothing is called.

A tensor becomes a Record of where its numbers are. Any other call stays a Call.
"""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from stylegan.errors import InputError, printable
from stylegan.interop.pickles import MOST_STEPS, Call, Global, Machine, Malformed, array_of, global_name, short, steps

DTYPES: dict[str, torch.dtype] = {
    "Float": torch.float32,
    "Double": torch.float64,
    "Half": torch.float16,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
}
STORAGES = {f"{module}.{name}Storage": dtype for name, dtype in DTYPES.items() for module in ("torch", "torch.cuda")}
STORAGES["torch.storage.UntypedStorage"] = torch.uint8
TENSORS = {"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"}
PARAMETERS = {"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"}
DICTS = {"collections.OrderedDict", "collections.defaultdict", "dnnlib.util.EasyDict", "builtins.dict"}
NESTED = "torch.storage._load_from_bytes"  # how a plain pickle holds a storage: as the bytes of a torch.save file
MOST_NAMES = 1000  # globals in one file
MOST = 2**48  # numbers in a storage, and along an axis: more than any file holds


@dataclass(frozen=True, eq=False)
class Storage:
    """A flat array of `numel` numbers, which is elsewhere in the file, under `key`."""

    dtype: torch.dtype
    key: str
    numel: int

    @property
    def nbytes(self) -> int:
        return self.numel * self.dtype.itemsize


@dataclass(frozen=True, eq=False)
class Record:
    """A tensor that has not been read yet: a view of a storage, checked to lie within it. Units are numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def numel(self) -> int:
        return math.prod(self.shape)  # torch's own product may overflow

    @property
    def nbytes(self) -> int:
        return self.numel * self.storage.dtype.itemsize

    @property
    def span(self) -> int:
        """How many numbers of the storage lie from its first to its last, both counted."""
        return 1 + sum((n - 1) * s for n, s in zip(self.shape, self.stride, strict=True)) if self.numel else 0


class Recorder(Machine):
    """The machine, with PyTorch's references to storages. check: raises Malformed if the file lacks a storage."""

    def __init__(self, check: Callable[[Storage], None]) -> None:
        super().__init__()
        self.check = check
        self.named: set[str] = set()
        self.nested: dict[int, tuple[Any, Storage]] = {}  # by id of its bytes, kept so that the id stays theirs
        self.pairs = 0

    def step(self, opcode: str, arg: Any) -> None:
        match opcode:
            case "BINPERSID":
                self.stack.append(self.storage(self.pop()))
            case "EMPTY_SET":
                self.stack.append([])
            case "ADDITEMS":
                items = self.pop_to_mark()
                self.top(list).extend(items)
            case "FROZENSET":
                self.stack.append(self.pop_to_mark())
            case "NEWOBJ_EX":
                func, args, _ = self.pop_many(3)
                self.stack.append(self.call(func, args))
            case _:
                super().step(opcode, arg)

    def push_global(self, module: Any, name: Any) -> None:
        full = global_name(module, name)
        self.named.add(full)
        if len(self.named) > MOST_NAMES:
            raise Malformed(f"names more than {MOST_NAMES:,} globals")
        self.stack.append(Global(full))

    @staticmethod
    def as_dict(items: list[Any]) -> dict[Any, Any]:
        if len(items) % 2 or not all(isinstance(key, str | int | float | bytes | None) for key in items[::2]):
            raise Malformed("a dict has keys that are neither text nor numbers")
        if any(isinstance(key, int) and abs(key) >= 2**60 for key in items[::2]):  # could share one hash
            raise Malformed("a dict has keys of more than 60 bits")
        return dict(zip(items[::2], items[1::2], strict=True))

    def top(self, kind: type) -> Any:
        """The container to fill. For a Call or a Record it is a new one, whose contents are dropped."""
        value = self.stack[-1]
        return kind() if isinstance(value, Call | Record) and kind is not Call else super().top(kind)

    def build(self) -> None:
        state = self.pop()
        if isinstance(self.stack[-1], Call):
            self.stack[-1].state = state

    def call(self, func: Any, args: Any) -> Any:
        if not isinstance(func, Global) or not isinstance(args, tuple):
            raise Malformed("calls something that is not a global")
        match func.name, args:
            case name, (Storage() as storage, offset, shape, stride, *_) if name in TENSORS:
                return _record(storage, offset, shape, stride)
            case name, (Record() as record, *_) if name in PARAMETERS:
                return record
            case name, ([*pairs],) if name in DICTS and all(isinstance(p, list | tuple) and len(p) == 2 for p in pairs):
                self.pairs += len(pairs)
                if self.pairs > MOST_STEPS:  # one list may be made a dict again and again
                    raise Malformed(f"makes dicts of more than {MOST_STEPS:,} pairs")
                return self.as_dict([item for pair in pairs for item in pair])  # as Python 2 pickled dicts
            case name, _ if name in DICTS:
                return {}
            case name, (bytes() | bytearray() as data,) if name == NESTED:
                return self.nested_storage(data)
        return Call(func.name, args)

    def nested_storage(self, data: bytes | bytearray) -> Storage:
        """The storage in a torch.save file whose bytes are in this one. Raises Malformed for one nested deeper."""
        if id(data) not in self.nested:
            file = io.BytesIO(data)

            def check(storage: Storage) -> None:
                if storage.nbytes > len(data):
                    raise Malformed(f"a storage of {storage.nbytes:,} bytes cannot be in {len(data):,}")

            value = [_Innermost(check).read(file) for _ in range(4)][3]  # magic number, protocol, system, value
            if not isinstance(value, Storage):
                raise Malformed(f"{NESTED} is given {short(value)}, which is not a storage")
            self.nested[id(data)] = data, value
        return self.nested[id(data)][1]

    def read(self, file: Any) -> Any:
        """The value of the next pickle of a file."""
        for opcode, arg in steps(file):
            self.step(opcode, arg)
        return self.pop()

    def storage(self, reference: Any) -> Storage:
        """The storage that a persistent id refers to. Raises Malformed if it refers to anything else."""
        match reference:
            case ("storage", Global(kind), str(key), _, int(numel), *view) if (
                kind in STORAGES and 0 <= numel < MOST and view in ([], [None])
            ):
                found = Storage(STORAGES[kind], key, numel)
                self.check(found)
                return found
        raise Malformed(f"refers to {short(reference)}, which is not a storage of numbers")


class _Innermost(Recorder):
    def nested_storage(self, data: bytes | bytearray) -> Storage:
        raise Malformed("a storage is nested in a storage")


def _record(storage: Storage, offset: Any, shape: Any, stride: Any) -> Record:
    numbers = (offset, *shape, *stride) if isinstance(shape, tuple) and isinstance(stride, tuple) else (None,)
    if len(numbers) > 17 or not all(type(n) is int and 0 <= n < MOST for n in numbers) or len(shape) != len(stride):
        raise Malformed("a tensor has an impossible shape")
    record = Record(storage, offset, shape, stride)
    if offset + record.span > storage.numel:
        raise Malformed(f"a tensor of shape {short(shape)} reaches beyond its storage of {storage.numel} numbers")
    return record


def recorded(file: Any, check: Callable[[Storage], None]) -> tuple[Any, set[str]]:
    """The value of a file's next pickle, and the names of all globals that it would import.

    file: bytes, or an open, seekable file. check: as in `Recorder`. Raises InputError if it is not a pickle, or
    truncated or damaged.
    """
    machine = Recorder(check)
    try:
        return machine.read(file), machine.named
    except Exception as e:  # of any kind, because the file decides which error occurs
        raise InputError(f"truncated or damaged, or not PyTorch's: {printable(str(e) or type(e).__name__)}") from e


def strides(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides, in numbers, of a contiguous tensor of this shape."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def shape_of(value: Any) -> tuple[int, ...] | None:
    """The shape of a tensor or an array; None for anything else."""
    if isinstance(value, Record):
        return value.shape
    try:
        return array_of(value).shape if isinstance(value, Call) else None
    except Malformed:
        return None
