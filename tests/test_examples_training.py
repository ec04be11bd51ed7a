"""The example of a loss of one's own: it runs without arguments, is short, and uses public names alone."""

import json
import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

SCRIPT = Path(__file__).parents[1] / "examples" / "own_loss.py"


def test_the_example_trains_with_its_own_loss_and_makes_pictures(tmp_path):
    code = f"import torch, runpy; torch.set_num_threads(1); runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert json.loads((tmp_path / "own_loss/run/config.json").read_text())["objectives"] == "lsgan"
    assert Image.open(tmp_path / "own_loss/pictures/grid.png").getbbox()


def test_the_example_swaps_the_loss_in_under_40_lines_of_public_names():
    text = SCRIPT.read_text()
    assert len(text.splitlines()) < 40
    assert re.findall(r"^(?:import|from) (\w+\S*)", text, flags=re.M) == ["sys", "pathlib", "stylegan"]
