"""Files that version 0.1 wrote, and how the tests and tests/data/version-0.1/write.py run the command."""

import platform
import sys
from importlib.metadata import version
from pathlib import Path

import torch

from stylegan import cli

OLD = Path(__file__).parent / "data" / "version-0.1"


def command(*argv: str) -> None:
    """Run `stylegan ARGV` in this process; it must exit with 0."""
    before, sys.argv = sys.argv, ["stylegan", *argv]
    try:
        cli.main()
    except SystemExit as e:
        assert e.code == 0, f"stylegan {' '.join(argv)}: exit code {e.code}"
    finally:
        sys.argv = before


def environment() -> dict[str, str]:
    """Everything on which the last bit of a number depends, on one thread of a CPU."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else [f"model name: {platform.processor()}"]
    cpu = [line.partition(":")[2].strip() for line in lines if line.startswith(("model\t", "model name"))][:2]
    capability = torch.backends.cpu.get_cpu_capability()
    machine = f"{platform.machine()}, {capability}, {', '.join(cpu)}"
    return {name: version(name) for name in ("torch", "numpy", "pillow")} | {"cpu": machine}
