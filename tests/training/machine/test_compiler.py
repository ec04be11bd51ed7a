"""The C++ compiler that torch.compile would call."""

import subprocess
import sys

import pytest

from stylegan.training.machine import compiler


@pytest.mark.parametrize(("name", "version"), [(sys.executable, None), ("no-such-compiler", "no-such-compiler")])
def test_a_compiler_is_known_by_its_version_or_else_by_its_name(monkeypatch, name, version):
    monkeypatch.setattr(compiler, "CXX", name)
    compiler.version.cache_clear()
    said = version or subprocess.run([name, "--version"], capture_output=True, text=True).stdout.strip()
    assert compiler.version() == said
    compiler.version.cache_clear()


def test_what_compiling_lacks_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr(compiler, "CXX", "no-such-compiler")
    assert compiler.missing()[0].startswith("compile: needs no-such-compiler, which is missing: install g++")
    monkeypatch.setattr(compiler, "CXX", sys.executable)
    assert not any(sys.executable in line for line in compiler.missing())
