"""The examples of mixing, truncation and noise: they run without arguments, and are short."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"
PICTURES = {
    "mixing": {"none.png", "coarse.png", "middle.png", "all.png", "figure-3.png", "three-sources.png"},
    "truncation": {"none", "authors", "by-level", "opposite", "eight-modes", "figure-8.png", "mean.png"},
    "noise": {"own", "seed-7", "stored", "none", "only-8-px", "figure-4.png", "figure-5.png", "noise.webp"},
}


@pytest.mark.parametrize("name", PICTURES)
def test_an_example_runs_without_arguments_and_writes_its_pictures(name, tmp_path):
    script = EXAMPLES / f"{name}.py"
    code = f"import torch, runpy; torch.set_num_threads(1); runpy.run_path({str(script)!r}, run_name='__main__')"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert {path.name for path in (tmp_path / name).iterdir()} == PICTURES[name]
    assert all(Image.open(path).getbbox() for path in tmp_path.rglob("*.png"))


@pytest.mark.parametrize("name", PICTURES)
def test_an_example_has_at_most_60_lines(name):
    assert len((EXAMPLES / f"{name}.py").read_text().splitlines()) <= 60
