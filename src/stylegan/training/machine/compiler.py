"""The machine's C++ compiler, which torch.compile calls: what is missing, and which version it is."""

import os
import shutil
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

CXX = os.environ.get("CXX") or {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++")  # as torch.compile's


def missing() -> list[str]:
    """What compiling needs but this machine lacks, one line each with a remedy."""
    headers = Path(sysconfig.get_path("include"), "Python.h")
    needs = [
        (CXX, shutil.which(CXX), "install g++ (or an equivalent), or name your compiler in the variable CXX"),
        (headers.name, headers.exists(), "install python3-dev (or an equivalent)"),
    ]
    return [f"compile: needs {name}, which is missing: {remedy}" for name, found, remedy in needs if not found]


@cache
def version() -> str:
    """The first line that the compiler prints for --version, or its name if it prints nothing."""
    try:
        return subprocess.run([CXX, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return CXX
