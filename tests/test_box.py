"""The networks that come with the package."""

import importlib.util
import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import stylegan
from stylegan import box
from stylegan.checkpoint import load

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", box.names())
def test_a_network_in_the_box_makes_pictures_has_a_card_and_is_small(name):
    G = stylegan.load(name)
    (pictures,) = stylegan.sample(G, range(4))
    assert pictures.shape == (4, G.img_channels, G.img_resolution, G.img_resolution)
    assert all(np.abs(a.astype(int) - b).mean() > 5 for a, b in itertools.pairwise(pictures))
    assert (box.BOX / f"{name}.md").is_file()
    assert box.boxed(name).stat().st_size < 12e6


def test_the_pictures_of_the_readme_are_those_of_the_network_in_the_box(tmp_path):
    spec = importlib.util.spec_from_file_location("readme_pictures", ROOT / "tools" / "readme_pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(tmp_path)
    readme = (ROOT / "README.md").read_text()
    for path in sorted(tmp_path.iterdir()):
        assert f"docs/images/{path.name}" in readme
        made, shown = (np.asarray(Image.open(each), float) for each in (path, ROOT / "docs" / "images" / path.name))
        assert made.shape == shown.shape
        assert np.abs(made - shown).mean() < 1  # another machine rounds otherwise
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_that_was_changed_is_refused(tmp_path, monkeypatch):
    shutil.copytree(box.BOX, tmp_path / "box")
    monkeypatch.setattr(box, "BOX", tmp_path / "box")
    with (tmp_path / "box" / "portraits.safetensors").open("r+b") as f:
        f.seek(-1, 2)
        f.write(b"?")
    with pytest.raises(stylegan.DamagedError, match="install the package again"):
        stylegan.load("portraits")


def test_an_unknown_name_is_refused_with_the_names_in_the_box():
    with pytest.raises(
        stylegan.InputError, match=r"faces: no such file, run folder or network in the box \(portraits\)"
    ):
        stylegan.load("faces")


def test_a_file_of_that_name_comes_first_and_a_data_set_of_that_name_does_not_hide_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    boxed = stylegan.load("portraits")
    (tmp_path / "portraits").mkdir()
    assert stylegan.load("portraits").config == boxed.config
    (tmp_path / "portraits").rmdir()
    stylegan.save("portraits", stylegan.tiny_network())
    assert stylegan.load("portraits").config == stylegan.tiny_network().config


def test_half_precision_is_read_in_single_and_moves_a_picture_by_less_than_a_level(tmp_path):
    G = stylegan.tiny_network()
    stylegan.save(tmp_path / "half.safetensors", G, half=True)
    stylegan.save(tmp_path / "whole.safetensors", G)
    half = load(tmp_path / "half.safetensors")
    assert half.w_avg.dtype == G.w_avg.dtype
    assert (tmp_path / "half.safetensors").stat().st_size < 0.6 * (tmp_path / "whole.safetensors").stat().st_size
    pictures = [np.concatenate(list(stylegan.sample(net, range(8)))).astype(int) for net in (half, G)]
    assert 0 < np.abs(pictures[0] - pictures[1]).mean() < 0.5  # of 255; an untrained network exaggerates
