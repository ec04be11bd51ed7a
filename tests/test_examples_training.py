"""The examples of a loss and of a layer of one's own: they run without arguments, are short, and use public names."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize(
    ("example", "field", "name"), [("own_loss", "objectives", "lsgan"), ("own_layer", "norm", "residual")]
)
def test_the_example_trains_with_its_own_part_and_makes_pictures(example, field, name, tmp_path):
    script = str(EXAMPLES / f"{example}.py")
    code = f"import torch, runpy; torch.set_num_threads(1); runpy.run_path({script!r}, run_name='__main__')"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    held = json.loads((tmp_path / example / "run/config.json").read_text())
    assert (held | held["config"])[field] == name
    assert Image.open(tmp_path / example / "pictures/grid.png").getbbox()


@pytest.mark.parametrize("example", ["own_loss", "own_layer"])
def test_the_example_is_under_40_lines_of_public_names(example):
    text = (EXAMPLES / f"{example}.py").read_text()
    assert len(text.splitlines()) < 40
    imported = re.findall(r"^(?:import|from) (\w+\S*)", text, flags=re.M)
    assert [name for name in imported if name != "torch"] == ["sys", "pathlib", "stylegan"]
