"""Writes networks into pickles as the authors' classes did: any protocol, the names of NumPy 1 and of NumPy 2."""

import io
import pickle
import sys
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

OLD_NUMPY = {"numpy.core.multiarray": ("_reconstruct", "scalar"), "numpy.core.numeric": ("_frombuffer",)}


class Network:
    """The authors' class as far as a pickle shows it: a name and a state."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def __getstate__(self) -> dict[str, Any]:
        return self.state


def network(function: str, arguments: dict[str, Any], variables: dict[str, np.ndarray], **more: Any) -> Network:
    """A network of one of the authors' functions; G_style's variables are split between it and its components."""
    parts = {"G_synthesis": "synthesis", "G_mapping": "mapping"} if function == "G_style" else {}
    own = {name: array for name, array in variables.items() if name.split("/")[0] not in parts}
    components = {}
    for part, key in parts.items():
        its = {name.removeprefix(f"{part}/"): array for name, array in variables.items() if name.startswith(f"{part}/")}
        components[key] = network(part, arguments, its)
    state = {"version": 3, "name": function, "static_kwargs": dict(arguments), "components": components}
    state |= {"build_module_src": "", "build_func_name": function, "variables": list(own.items())}
    return Network(state | more)


def dump(value: Any, protocol: int = 4, *, old_numpy: bool = True, module: str = "dnnlib.tflib.network") -> bytes:
    """`value` pickled, with Network standing in `module`; old_numpy: with NumPy 1's names, as in 2018 and 2019."""
    packages = module.split(".")
    modules = {".".join(packages[: i + 1]): ModuleType(packages[i]) for i in range(len(packages))}
    modules[module].Network = Network
    for name, functions in OLD_NUMPY.items():
        modules[name] = ModuleType(name)
        for function in functions:
            setattr(modules[name], function, _function(name, function))
    file = io.BytesIO()
    pickler = _OldNumpy(file, protocol) if old_numpy else pickle.Pickler(file, protocol)
    Network.__module__ = module
    with patch.dict(sys.modules, modules):
        pickler.dump(value)
    return file.getvalue()


def _function(module: str, name: str) -> Any:
    def function() -> None: ...

    function.__module__, function.__qualname__ = module, name
    return function


class _OldNumpy(pickle.Pickler):
    """Names NumPy's functions as NumPy 1 does, and writes what it writes."""

    def __init__(self, file: io.BytesIO, protocol: int) -> None:
        super().__init__(file, protocol)
        self.protocol = protocol

    def reducer_override(self, value: Any) -> Any:
        multiarray, numeric = (sys.modules[name] for name in OLD_NUMPY)
        if isinstance(value, np.generic):
            return multiarray.scalar, (value.dtype, value.tobytes())
        if not isinstance(value, np.ndarray):
            return NotImplemented
        if self.protocol == 5:
            return numeric._frombuffer, (bytearray(value.tobytes()), value.dtype, value.shape, "C")
        state = (1, value.shape, value.dtype, False, value.tobytes())
        return multiarray._reconstruct, (np.ndarray, (0,), b"b"), state
