"""What the probe reports, writes and refuses."""

import json
import re
import sys

import numpy as np
import pytest
import torch

import stylegan
from stylegan import box, cli
from stylegan.checkpoint import load, save
from stylegan.config import CONFIG_A
from stylegan.errors import InputError
from stylegan.networks.levels import named_levels
from stylegan.probing.attributes import Attributes, resamples, slopes
from stylegan.probing.kinds import features, kinds
from stylegan.probing.measure import probe
from stylegan.probing.page import page
from stylegan.probing.regressor import learn
from stylegan.probing.report import Report
from stylegan.probing.save import save_probe, write_levels
from stylegan.probing.segments import at_once, segment

from planted import Planted, blend, steps

WARP_THEN_COLOUR = steps(6, (3,), (0, 2))


def brightness_and_edges(pictures):
    """Two attributes known by hand: mean brightness, and contrast between neighbours."""
    return torch.stack([pictures.mean(dim=(1, 2, 3)), pictures.diff(dim=3).abs().mean(dim=(1, 2, 3))], dim=1)


@pytest.fixture(scope="module")
def report():
    attributes = Attributes(["brightness", "edges"], brightness_and_edges)
    return probe(Planted(WARP_THEN_COLOUR), pairs=24, factors=attributes)


# Kinds


@pytest.fixture
def x():
    return torch.nn.functional.interpolate(
        torch.randn(4, 3, 8, 8, generator=torch.manual_seed(0)), (32, 32), mode="bicubic"
    )


def kind(x, y):
    return dict(zip(features(32), kinds(x, y)[0].mean(dim=0).tolist(), strict=True))


def test_a_map_of_colours_is_wholly_a_map_of_colours(x):
    y = torch.einsum("dc,nchv->ndhv", torch.randn(3, 3, generator=torch.manual_seed(1)), x) + 0.3
    assert kind(x, y)["colour map"] > 0.99


def test_a_shift_is_nearly_all_warp(x):
    assert kind(x, x.roll(1, dims=3))["warp"] > 0.9 > 2 * kind(x, x.roll(1, dims=3))["colour map"]


def test_octaves_of_a_change_add_up_to_it(x):
    found, _ = kinds(x, x + torch.randn_like(x))
    assert torch.allclose(found[:, :4].square().sum(dim=1), torch.ones(4))


def test_a_checkerboard_is_all_in_the_finest_octave_and_gray(x):
    board = (torch.arange(32)[:, None] + torch.arange(32)) % 2 * 2.0 - 1
    found = kind(x, x + board)
    assert found["32 px"] == pytest.approx(1) and found["spread"] == pytest.approx(1)
    assert found["chroma"] == pytest.approx(0, abs=1e-3)


def test_no_change_has_no_kind(x):
    assert kinds(x, x)[0].isnan().all()


# Segments


def test_the_best_cut_of_a_hand_made_example():
    z = np.array([[0.0], [0.0], [5.0], [5.0], [5.0], [9.0]])
    assert segment(z, 3).boundaries == (2, 5) and segment(z, 3).explained == pytest.approx(1)
    assert at_once(z, (2, 5)).tolist() == [1, 1]


def test_a_ramp_goes_a_share_of_the_way_in_one_step():
    assert at_once(np.arange(6.0)[:, None], (3,)) == pytest.approx([1 / 3])


# The report


def test_the_report_has_what_was_promised(report):
    assert report.boundaries == [3] and report.groups == 2
    assert report.signature.shape == (6, len(report.features))
    assert report.inheritance.shape == (2, 6) and report.levels == {"coarse": [0, 2], "fine": [3, 5]}


def test_brightness_is_inherited_from_the_layers_that_recolour(report):
    T = dict(zip(report.attributes, report.inheritance, strict=True))["brightness"]
    assert np.abs(T[:3]).max() < 0.15 and T[3:].sum() == pytest.approx(1, abs=0.2)
    assert (report.inheritance_low <= report.inheritance).all() and (
        report.inheritance <= report.inheritance_high
    ).all()


def test_inheritance_is_a_regression_slope():
    moved, way = np.array([[[2.0]], [[6.0]]]), np.array([[4.0], [4.0]])
    assert slopes(moved, way, np.ones((1, 2))).ravel() == pytest.approx([1.0])
    assert (resamples(5).sum(axis=1) == 5).all()


def test_the_report_goes_to_json_and_back(report):
    again = Report.from_json(json.loads(json.dumps(report.to_json())))
    assert again.to_json() == report.to_json() and again.cuts == report.cuts


def test_noise_of_a_foreign_object_is_said_not_to_be_probed(report):
    assert report.noise is None and "noise was not probed" in report.notes[0]


def test_the_same_seed_gives_the_same_report():
    once, again = (stylegan.probe(Planted(WARP_THEN_COLOUR), pairs=8) for _ in range(2))
    assert once.to_json() == again.to_json()


# The files


def test_the_page_is_whole_and_loads_nothing(G, tmp_path):
    saved = save_probe(G, tmp_path, pairs=8)
    text = saved.paths[0].read_text()
    assert text.count("<figure>") == G.num_ws and "What the noise of each layer changes" in text
    assert not re.search(r"(src|href)\s*=\s*[\"']?(?!data:)\w|url\(|@import", text)
    found = Report.from_json(json.loads((tmp_path / "levels.json").read_text()))
    assert np.array(found.noise["effect"]).shape == (G.num_ws,)


def test_the_page_shows_the_interval_of_every_t(report):
    shown = page(report, "net", [])
    for k in range(len(report.attributes)):
        for T, low, high in zip(
            report.inheritance[k], report.inheritance_low[k], report.inheritance_high[k], strict=True
        ):
            assert f"<td>{T:.2f}<br>{low:.2f} to {high:.2f}" in shown


def test_the_command_writes_the_page_and_names_it(G, tmp_path, monkeypatch, capsys):
    save(tmp_path / "net.safetensors", G)
    network, out = str(tmp_path / "net.safetensors"), tmp_path / "out"
    monkeypatch.setattr(sys, "argv", ["stylegan", "probe", network, "--out", str(out), "--pairs", "8"])
    with pytest.raises(SystemExit) as done:
        cli.main()
    assert not done.value.code
    assert sorted(path.name for path in out.iterdir()) == ["levels.html", "levels.json"]
    with pytest.raises(SystemExit) as again:
        cli.main()
    assert again.value.code == 2 and "exist: choose another place" in capsys.readouterr().err


def test_noise_in_a_layer_of_strength_0_changes_nothing(make):
    G = make(img_resolution=16)
    G.synthesis.blocks[1].layers[0].noise_strength.zero_()
    effect = probe(G, pairs=8).noise["effect"]
    assert effect[2] == 0 and min(effect[:2] + effect[3:]) > 0


def test_written_levels_are_what_the_names_mean(G, tmp_path):
    save(tmp_path / "net.safetensors", G)
    found = probe(Planted(steps(8, (2, 6), (0, 1, 2))), pairs=48)
    write_levels(tmp_path / "net.safetensors", found)
    assert named_levels(load(tmp_path / "net.safetensors"))["middle"] == [2, 3, 4, 5]


def test_gradual_levels_are_not_written(G, tmp_path):
    save(tmp_path / "net.safetensors", G)
    before = (tmp_path / "net.safetensors").read_bytes()
    with pytest.raises(InputError, match=r"no levels were written into .*Gradual"):
        write_levels(tmp_path / "net.safetensors", probe(Planted(blend(8, (0, 1, 2))), pairs=16))
    assert (tmp_path / "net.safetensors").read_bytes() == before


# What is refused


def test_a_network_without_styles_is_refused(make):
    with pytest.raises(InputError, match="no styles"):
        probe(make(CONFIG_A), pairs=8)


def test_a_network_grown_to_8_px_only_is_refused(make):
    G = make()
    G.lod = 2.0
    with pytest.raises(InputError, match="grown to 8 px only"):
        probe(G, pairs=8)


def test_fewer_pairs_than_groups_are_refused():
    with pytest.raises(InputError, match="pairs is 3: too few to tell 4 groups apart"):
        probe(Planted(WARP_THEN_COLOUR), pairs=3)


def test_styles_that_change_nothing_are_refused():
    with pytest.raises(InputError, match="changes the picture in 0 of 6 layers"):
        probe(Planted(torch.zeros(6, 4)), pairs=8)


def test_factors_of_pictures_of_other_channels_are_of_another_data_set(make, portraits_100):
    with pytest.raises(InputError, match="channels, this network makes 1: these are the factors of another data set"):
        learn(portraits_100, make(img_channels=1))


def test_factors_of_unlike_pictures_are_of_another_data_set(portraits_100):
    with pytest.raises(InputError, match="unlike those of this network"):
        learn(portraits_100, Bright())


def test_a_regressor_that_learned_nothing_is_said(portraits_100):
    with pytest.raises(InputError, match="the regressor learned nothing"):
        learn(portraits_100, Copies(portraits_100), steps=1)


def test_a_factor_that_was_not_learned_is_left_out(portraits_100):
    found = learn(portraits_100, Copies(portraits_100), steps=40)
    assert "background_lightness" in found.names and "nose_size" in found.left_out
    assert found.accuracy.keys() == {*found.names, *found.left_out}


class Bright(Planted):
    """Pictures far brighter than any portrait."""

    def __init__(self):
        super().__init__(WARP_THEN_COLOUR)

    def synthesis(self, ws, noise_mode="random", generator=None):
        return torch.ones(len(ws), 3, 32, 32)


class Copies(Planted):
    """A "network" that has learned its data set by heart: its pictures are those."""

    def __init__(self, data):
        super().__init__(WARP_THEN_COLOUR)
        pictures = stylegan.ImageDataset(data).batch(16, range(100))
        self.pictures, self.img_resolution = torch.from_numpy(pictures).float() / 127.5 - 1, 16

    def synthesis(self, ws, noise_mode="random", generator=None):
        return self.pictures[(ws[:, 0, 0].abs() * 1000).long() % 100]


@pytest.fixture(scope="module")
def portraits_100(tmp_path_factory):
    """100 portraits at 16 px."""
    dest = tmp_path_factory.mktemp("probe") / "portraits"
    stylegan.prepare("portraits:100", dest, resolution=16)
    return dest


@pytest.mark.parametrize(("pairs", "words"), [(10**12, "at most 100,000"), ("8", "whole number"), (7, "at least 8")])
def test_an_impossible_number_of_pairs_is_refused(G, pairs, words):
    with pytest.raises(InputError, match=f"pairs is .*{words}"):
        probe(G, pairs=pairs)


def test_a_network_that_comes_with_the_package_is_never_written_to(tmp_path):
    network = box.boxed("portraits")
    with pytest.raises(InputError, match=r"portraits comes with the package and stays as it is: copy"):
        save_probe(stylegan.load("portraits"), tmp_path / "out", network=network, pairs=8, write=True)
    assert not (tmp_path / "out").exists()
