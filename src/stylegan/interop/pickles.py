"""Reads a pickle as data. Nothing in it can run: a global stays a name, and a call stays the record of a call.

Python's own unpickler does what a file asks for. Even if it is limited to a few globals, it sets attributes, hashes
values and allocates memory as the file says. Here nothing can be called, so nothing has to be guarded.
"""

import io
import math
import pickletools
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from stylegan.errors import InputError, printable

NETWORK = {"dnnlib.tflib.network.Network", "tfutil.Network"}  # of 2019, of 2018
RECONSTRUCT = {"numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"}
SCALAR = {"numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"}
FROMBUFFER = {"numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"}
NEW_OBJECT = {"copyreg._reconstructor", "copy_reg._reconstructor"}  # how protocols 0 and 1 make an object,
OBJECT = {"builtins.object", "__builtin__.object"}  # and its base
KNOWN = NETWORK | RECONSTRUCT | SCALAR | FROMBUFFER | NEW_OBJECT | OBJECT
KNOWN |= {"numpy.ndarray", "numpy.dtype", "_codecs.encode"}

PLAIN = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
PLAIN |= {"STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
PLAIN |= {"BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}  # opcodes that carry their value with them
MOST_STEPS = 2**20  # opcodes in a pickle, about 100 bytes of memory each; a training checkpoint has about 100,000
MOST_NAME = 200  # characters in the name of a global
NUMBERS = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}  # dtypes; not O, which is objects


class Malformed(Exception):  # noqa: N818 (never reaches a user: whoever reads a file turns it into an InputError)
    """A pickle does something that the authors' pickles never do."""


@dataclass(frozen=True)
class Global:
    """The name of something importable. It is never imported."""

    name: str


@dataclass(repr=False, eq=False)
class Call:
    """A call that a pickle asked for: the function's name, its arguments, and the state to set on the result."""

    func: str
    args: tuple[Any, ...]
    state: Any = None

    def __repr__(self) -> str:
        inner = self.args[0] if self.func == "numpy.dtype" and self.args else None
        return f"{self.func}({inner[:20]!r})" if isinstance(inner, str) else self.func


@dataclass(frozen=True)
class PickledArray:
    """A NumPy array, not yet unpacked."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: str
    raw: bytes | bytearray | str

    @property
    def nbytes(self) -> int:
        return len(self.raw)  # one character of text is one byte

    def numpy(self) -> np.ndarray:
        """The array: a view of the pickle's bytes, or a copy if they are stored as text (protocols 0 to 2).

        Raises Malformed if the text is not bytes.
        """
        try:
            raw = self.raw.encode("latin1") if isinstance(self.raw, str) else self.raw
        except UnicodeEncodeError as e:
            raise Malformed("holds text where bytes belong") from e
        return np.frombuffer(raw, self.dtype).reshape(self.shape, order="F" if self.order == "F" else "C")


def read_pickle(data: bytes) -> Any:
    """What the pickle holds: plain values, lists, tuples, dicts with text for keys, Globals and Calls.

    Raises InputError for data that is not a pickle, is truncated, or uses an opcode that the authors' files never use,
    and for globals outside KNOWN, all of which it names.
    """
    machine = Machine()
    try:
        for opcode, arg in steps(io.BytesIO(data)):
            machine.step(opcode, arg)
        value = machine.pop()
    except Exception as e:  # of any kind, because the file decides which error occurs
        if not machine.refused:
            reason = _one_line(str(e) or type(e).__name__)
            raise InputError(f"not a pickle, or truncated, damaged or not one of the authors': {reason}") from e
    if machine.refused:
        raise InputError(
            f"refused to load {', '.join(sorted(machine.refused))}; nothing was executed. Only the TensorFlow "
            "pickles of StyleGAN (2019) and Progressive GAN (2018) can be read"
        )
    return value


def steps(file: Any) -> Iterator[tuple[str, Any]]:
    """The opcodes of the next pickle of a file, with their arguments. Raises Malformed for too many."""
    for count, (opcode, arg, _) in enumerate(pickletools.genops(file)):
        if count == MOST_STEPS:
            raise Malformed(f"has more than {MOST_STEPS:,} steps: no network needs that many")
        yield opcode.name, arg


class Machine:
    """The stack machine for which a pickle is a program, reduced to the opcodes that build data."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.refused: set[str] = set()

    def step(self, opcode: str, arg: Any) -> None:
        """Execute one opcode. Raises Malformed for one that is not allowed."""
        push = self.stack.append
        match opcode:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "NONE":
                push(None)
            case "NEWTRUE" | "NEWFALSE":
                push(opcode == "NEWTRUE")
            case "EMPTY_TUPLE" | "EMPTY_LIST" | "EMPTY_DICT":
                push({"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict}[opcode]())
            case "MARK":
                self.marks.append(len(self.stack))
            case "TUPLE":
                push(tuple(self.pop_to_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                push(tuple(self.pop_many(int(opcode[-1]))))
            case "LIST":
                push(self.pop_to_mark())
            case "APPEND" | "APPENDS":
                items = self.pop_many(1) if opcode == "APPEND" else self.pop_to_mark()
                self.top(list).extend(items)
            case "DICT":
                push(self.as_dict(self.pop_to_mark()))
            case "SETITEM" | "SETITEMS":
                items = self.pop_many(2) if opcode == "SETITEM" else self.pop_to_mark()
                self.top(dict).update(self.as_dict(items))
            case "GLOBAL" | "STACK_GLOBAL":
                self.push_global(*(arg.split(" ", 1) if opcode == "GLOBAL" else self.pop_many(2)))
            case "REDUCE" | "NEWOBJ":
                push(self.call(*self.pop_many(2)))
            case "BUILD":
                self.build()
            case "PUT" | "BINPUT" | "LONG_BINPUT" | "MEMOIZE":
                place = len(self.memo) if opcode == "MEMOIZE" else arg
                if not 0 <= place < 2**32:  # larger keys could be chosen to share one hash
                    raise Malformed("remembers a value at an impossible place")
                self.memo[place] = self.stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                push(self.memo[arg])
            case _ if opcode in PLAIN:
                push(arg)
            case _:
                raise Malformed(f"the opcode {opcode} is not allowed")

    def pop(self) -> Any:
        return self.pop_many(1)[0]

    def pop_many(self, count: int) -> list[Any]:
        """Take the last `count` values. Raises Malformed if there are fewer above the last mark."""
        start = len(self.stack) - count
        if start < (self.marks[-1] if self.marks else 0):
            raise Malformed("takes a value that is not there")
        return self.pop_from(start)

    def pop_to_mark(self) -> list[Any]:
        return self.pop_from(self.marks.pop())

    def pop_from(self, start: int) -> list[Any]:
        items, self.stack[start:] = self.stack[start:], []
        return items

    def top(self, kind: type) -> Any:
        """The last value, to be filled. Raises Malformed if it is not of this kind."""
        if not isinstance(self.stack[-1], kind):
            raise Malformed(f"fills {type(self.stack[-1]).__name__} as if it were {kind.__name__}")
        return self.stack[-1]

    def push_global(self, module: Any, name: Any) -> None:
        """Push the name of a global, and note it in `refused` if it is not in KNOWN."""
        full = global_name(module, name)
        if full not in KNOWN:
            self.refused.add(_one_line(full))
        self.stack.append(Global(full))

    def build(self) -> None:
        """Record the state that the pickle wants to set on the result of a call."""
        state = self.pop()
        call = self.top(Call)
        if call.state is not None:
            raise Malformed(f"sets the state of {call.func} twice")
        call.state = state

    @staticmethod
    def as_dict(items: list[Any]) -> dict[str, Any]:
        if len(items) % 2 or not all(isinstance(key, str) for key in items[::2]):
            raise Malformed("a dict has keys that are not text")
        return dict(zip(items[::2], items[1::2], strict=True))

    def call(self, func: Any, args: Any) -> Any:
        """The record of a call, which is never made."""
        if not isinstance(func, Global) or not isinstance(args, tuple):
            raise Malformed("calls something that is not a global")
        match func.name, args:
            case name, (Global(), Global(base), None) if name in NEW_OBJECT and base in OBJECT:
                return Call(args[0].name, ())
            case name, _ if name in NEW_OBJECT:
                raise Malformed(f"{name} is asked for more than a new object")
        return Call(func.name, args)


def global_name(module: Any, name: Any) -> str:
    """The full name of a global. Raises Malformed for parts that are not text or too long."""
    if not isinstance(module, str) or not isinstance(name, str):
        raise Malformed("the name of a global is not text")
    if len(module) + len(name) > MOST_NAME:  # long names, joined at every use, would fill the memory
        raise Malformed(f"the name of a global has {len(module) + len(name):,} characters")
    return f"{module}.{name}"


def array_of(value: Any) -> PickledArray:
    """The array or number that `value`, read from a pickle, stands for. Raises Malformed for anything else."""
    match value:
        case int() | float() if abs(value) < 2**63:
            number = np.float64(value)
            return PickledArray(number.dtype, (), "C", number.tobytes())
        case Call(func, (dtype, raw), None) if func in SCALAR:
            return _array(dtype, (), "C", raw)
        case Call(func, (Global("numpy.ndarray"), _, _), (1, shape, dtype, fortran, raw)) if func in RECONSTRUCT:
            return _array(dtype, shape, "F" if fortran else "C", raw)
        case Call(func, (raw, dtype, shape, ("C" | "F") as order), None) if func in FROMBUFFER:
            return _array(dtype, shape, order, raw)
        case Call(func, (raw, dtype, shape, ("C" | "F") as order, None), None) if func in FROMBUFFER:
            return _array(dtype, shape, order, raw)  # since NumPy 2.3
    raise Malformed(f"is {short(value)}, and neither an array nor a number")


def _array(dtype: Any, shape: Any, order: str, raw: Any) -> PickledArray:
    match dtype:
        case Call("numpy.dtype", (str(code), *_), (_, ("<" | ">" | "|" | "=") as byte_order, None, None, None, *_)) if (
            code in NUMBERS
        ):
            dtype = np.dtype(code).newbyteorder(byte_order)
        case _:
            raise Malformed(f"is an array of {short(dtype)}: must be of plain numbers ({', '.join(sorted(NUMBERS))})")
    match raw:
        case Call("_codecs.encode", (str(text), "latin1"), None):
            raw = text
        case bytes() | bytearray() | str():
            pass
        case _:
            raise Malformed(f"has {short(raw)} for content")
    if not isinstance(shape, tuple) or len(shape) > 4 or not all(type(n) is int and 0 <= n < 2**40 for n in shape):
        raise Malformed("has an impossible shape")
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise Malformed(f"holds {len(raw)} bytes, but its shape {shape} needs {math.prod(shape) * dtype.itemsize}")
    return PickledArray(dtype, shape, order, raw)


def _one_line(text: str) -> str:
    """The first 200 characters of text from a hostile file, with unusual ones escaped."""
    return text[:200].encode("unicode_escape").decode()


def short(value: Any) -> str:
    """A value of a pickle for a message, cut short because a hostile file may nest lists without end."""
    text = reprlib.Repr()
    text.maxlevel, text.maxother = 2, 100
    try:
        return printable(text.repr(value))
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a number of thousands of digits"
