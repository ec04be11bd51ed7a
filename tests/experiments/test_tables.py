"""Tables 1, 2 and 4: all rows are trained and measured in the same way. A stopped table continues where it was."""

import json
import math
import signal

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.stats import ttest_ind, ttest_rel

import stylegan
from stylegan.data.pixels import to_float
from stylegan.errors import DivergedError
from stylegan.experiments import study, tables
from stylegan.experiments.study import change, difference, larger_than_spread, markdown, sized, spread
from stylegan.experiments.tables import LATENTS, Mixed, mixed, table1, table2, table4
from stylegan.metrics.features import FeatureNetwork
from stylegan.metrics.subject import Subject
from stylegan.probing import regressor
from stylegan.probing.attributes import Attributes
from stylegan.training.run import measured

SMALL = {"kimg": 0.048, "width": 8, "metrics": "mind16"}
TITLE = "mind16 (means)"


@pytest.fixture(autouse=True)
def means(monkeypatch):
    """Use features and attributes that need no weights: means over parts of the pictures."""

    def function(images):
        return F.adaptive_avg_pool2d(images, 2).flatten(1)

    network = FeatureNetwork("means", function, 12, "none", "0" * 64)
    for module in (tables, measured):
        monkeypatch.setattr(module, "find_features", lambda: network)
    brightness = Attributes(["left", "right"], lambda images: images.mean(dim=(1, 2))[:, [0, -1]])
    monkeypatch.setattr(tables, "learn_alone", lambda dataset: brightness)
    return network


def test_each_row_and_seed_is_trained_and_measured(portraits, tmp_path, means):
    page = table1(portraits.path, tmp_path / "t", configs=("A", "F"), seeds=(0, 1), **SMALL)
    numbers = json.loads((tmp_path / "t" / "table.json").read_text())
    assert {name: len(each) for name, each in numbers.items()} == {"A": 2, "F": 2}
    for name, seed in (("A", 0), ("F", 1)):
        G = stylegan.load(tmp_path / "t" / f"{name}-seed-{seed}")
        (found,) = stylegan.metrics.measure(G, portraits, "mind16", features=means, mirror=True)
        assert numbers[name][seed][TITLE] == pytest.approx(found.value)
        assert G.config.norm == {"A": "pixel", "F": "adain"}[name]
    assert len({each[TITLE] for row in numbers.values() for each in row}) == 4
    text = page.read_text()
    assert "| A |" in text and "A to F:" in text and "seeds 0, 1" in text
    for file in ("table.svg", "curves.svg", "sheet.png"):
        assert (tmp_path / "t" / file).stat().st_size > 500


def test_a_stopped_table_continues_to_the_same_numbers(portraits, tmp_path, signals_at):
    whole = {"configs": ("F",), "seeds": (0, 1)} | SMALL
    table1(portraits.path, tmp_path / "whole", **whole)
    signals_at(5, signal.SIGINT)  # in the second training run
    assert table1(portraits.path, tmp_path / "t", **whole) is None
    assert not (tmp_path / "t" / "table.md").exists()
    assert table1(portraits.path, tmp_path / "t", **whole) is not None
    a, b = ((tmp_path / name / "table.json").read_text() for name in ("whole", "t"))
    assert a == b


def test_a_folder_with_another_study_is_refused_and_left_as_it_is(portraits, tmp_path):
    table1(portraits.path, tmp_path / "t", configs=("F",), seeds=(0,), **SMALL)
    before = sorted(path.name for path in (tmp_path / "t").iterdir())
    with pytest.raises(stylegan.InputError, match="another study"):
        table1(portraits.path, tmp_path / "t", configs=("F",), seeds=(0,), **(SMALL | {"kimg": 0.064}))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(stylegan.InputError, match="not empty"):
        table1(portraits.path, tmp_path / "mine", configs=("F",), seeds=(0,), **SMALL)
    assert sorted(path.name for path in (tmp_path / "t").iterdir()) == before


def test_a_run_that_diverges_is_a_gap_in_the_table(portraits, tmp_path, monkeypatch):
    def train(*args, config, **kwargs):
        G = stylegan.train(*args, config=config, **kwargs)
        if config.seed == 1:
            raise DivergedError("after 32 images D.bias is no longer finite")
        return G

    monkeypatch.setattr(study, "train", train)
    page = table1(portraits.path, tmp_path / "t", configs=("E", "F"), seeds=(0, 1, 2), **SMALL)
    numbers = json.loads((tmp_path / "t" / "table.json").read_text())
    assert {name: len(each) for name, each in numbers.items()} == {"E": 2, "F": 2}
    assert "E to F:" in page.read_text()
    monkeypatch.setattr(study, "train", None)  # a run that diverged is not trained again
    assert table1(portraits.path, tmp_path / "t", configs=("E", "F"), seeds=(0, 1, 2), **SMALL) == page


def test_a_row_whose_runs_all_diverged_says_so():
    assert "| A | diverged |" in markdown({"A": [], "B": [{"fd": 2.0}]}, "Table 1")


def test_changes_apply_to_all_rows_and_those_of_r1_only_where_the_loss_has_r1(portraits):
    changes = {"lrate": 0.01, "r1_interval": 4, "level_kimg": 0.5}
    a, f = (tables.row(portraits, stylegan.TABLE_1[name], 1.0, 8, changes) for name in "AF")
    assert (a.lrate, a.r1_interval, a.level_kimg) == (0.01, 1, 0.5)
    assert (f.lrate, f.r1_interval, f.level_kimg) == (0.01, 4, 0.5)


@pytest.mark.parametrize(
    ("table", "metrics"), [(table2, "ls_w100"), (table2, "fd5k"), (table4, "kidd"), (table4, "fid50k")]
)
def test_metrics_that_cannot_be_measured_are_refused_before_anything_is_trained(table, metrics, portraits, tmp_path):
    with pytest.raises(stylegan.InputError):
        table(portraits.path, tmp_path / "t", **(SMALL | {"metrics": metrics}))
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"configs": ("G",)}, "must be of A, B"),
        ({"seeds": ()}, "at least one"),
        ({"seeds": (1, 1)}, "none twice"),
        ({"width": 2}, "4 to 512"),
        ({"changes": {"seed": 1}}, "give seeds"),
        ({"changes": {"lrat": 1}}, "lrat: no such field"),
        ({"metrics": "kidd"}, "unknown metric"),
    ],
)
def test_bad_input_is_refused_before_anything_is_trained(bad, words, portraits, tmp_path):
    with pytest.raises(stylegan.InputError, match=words):
        table1(portraits.path, tmp_path / "t", **(SMALL | bad))
    assert not list((tmp_path).glob("t/*-seed-*"))


def test_table_2_trains_with_four_shares_of_mixing_and_tests_with_one_to_four_latents(portraits, tmp_path):
    table2(portraits.path, tmp_path / "t", seeds=(0,), **SMALL)
    numbers = json.loads((tmp_path / "t" / "table.json").read_text())
    assert list(numbers) == ["mixing 0 %", "mixing 50 %", "mixing 90 %", "mixing 100 %"]
    assert list(numbers["mixing 0 %"][0]) == [f"{TITLE}, {T} latent{'s' if T > 1 else ''}" for T in LATENTS]
    probs = [json.loads((tmp_path / "t" / f"{row}-seed-0" / "config.json").read_text()) for row in numbers]
    assert [record["config"]["style_mixing_prob"] for record in probs] == [0.0, 0.5, 0.9, 1.0]


def test_table_4_measures_z_and_w_for_every_depth(portraits, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "SMALL_LATENT", 8)
    small = SMALL | {"metrics": "mind16,ls_z200,ls_w200"}
    table4(portraits.path, tmp_path / "t", seeds=(0,), **small)
    numbers = json.loads((tmp_path / "t" / "table.json").read_text())
    assert list(numbers) == ["traditional 0", "traditional 8", *(f"style-based {n}" for n in (0, 1, 2, 8))]
    for row, (found,) in numbers.items():
        assert {"disentanglement of z", "completeness of w", "informativeness of w"} < found.keys()
        assert stylegan.load(tmp_path / "t" / f"{row}-seed-0").config.mapping_layers == int(row.split()[1])
    same = numbers["style-based 0"][0]  # w is z, except for its length
    assert same["disentanglement of z"] == pytest.approx(same["disentanglement of w"], abs=0.1)


# Pictures of several latents


def test_styles_of_several_latents_cross_once_for_each_further_latent():
    each = torch.arange(4.0)[:, None, None, None].expand(4, 50, 10, 3)
    for T in (1, 2, 4):
        ws = mixed(each[:T], range(50))[:, :, 0]
        steps = ws.diff(dim=1)
        assert (ws[:, 0] == 0).all() and ((steps == 0) | (steps == 1)).all()
        assert (steps.sum(dim=1) == T - 1).all()
    crossovers = mixed(each[:2], range(50))[:, :, 0].diff(dim=1).argmax(dim=1)
    assert len(crossovers.unique()) > 5
    assert torch.equal(mixed(each, range(50))[7:9], mixed(each[:, 7:9], range(7, 9)))


def test_pictures_of_one_latent_are_those_of_their_seeds(portraits, make, means):
    G = make(img_resolution=16)
    expected, found = (
        np.concatenate(list(subject.pictures(0, 20, "")))
        for subject in (Subject(G, portraits, means), Mixed(G, portraits, means, latents=1))
    )
    assert (found == expected).all()
    two = np.concatenate(list(Mixed(G, portraits, means, latents=2).pictures(0, 20, "")))
    differences = (to_float(torch.from_numpy(two)) - to_float(torch.from_numpy(expected))).abs().mean(dim=(1, 2, 3))
    assert (differences > 0).all()


# Words and numbers


def test_intervals_are_those_of_other_tools():
    a, b = [1.0, 2.0, 4.0, 3.5], [6.0, 7.0, 9.0, 8.5]  # as spread out: whole degrees of freedom
    moved, half = difference(a, b)
    welch = ttest_ind(b, a, equal_var=False).confidence_interval()
    assert (moved - half, moved + half) == pytest.approx((welch.low, welch.high), abs=1e-3)
    b = [0.5, 3.0, 5.0, 5.5]
    moved, half = change(a, b)
    student = ttest_rel(b, a).confidence_interval()
    assert (moved - half, moved + half) == pytest.approx((student.low, student.high), abs=1e-3)
    assert difference(a, [6.0, 6.1])[1] > 0


ROWS = {"A": (10, 12, 11), "B": (11, 13, 12), "C": (1, 2, 1.5)}


def test_separability_is_compared_by_its_ratio():
    """It is a product. By hand: logs 0, 2, 4 and 10, 12, 14; standard error (4/3 + 4/3)^0.5, t of 4 degrees 2.776."""
    numbers = {row: [{"ls_w2k": math.exp(start + step)} for step in (0, 2, 4)] for row, start in (("A", 0), ("B", 10))}
    assert larger_than_spread(numbers, "ls_w2k") == ["A to B: x 2.2e+04 (2.4e+02 to 2e+06), a difference"]


def test_a_difference_counts_if_its_interval_leaves_out_zero():
    numbers = {row: [{"fd": value} for value in values] for row, values in ROWS.items()}
    assert larger_than_spread(numbers, "fd") == [
        "A to B: +1 +- 2.3, no sure difference",
        "B to C: -10.5 +- 2.8, a difference",
    ]
    assert larger_than_spread({"A": [{"fd": 1}], "B": [{"fd": 2}]}, "fd") == [
        "one seed: no difference can be told from chance"
    ]
    assert difference([1, 1], [2, 2]) == (1, 0)
    assert spread([1.0, 3.0]) == "2 +- 1.4" and spread([2.5]) == "2.5"
    assert "| A | 11 +- 1 |" in markdown(numbers, "Table 1")


def test_a_width_sets_the_latents_batch_and_rate_that_suit_it():
    config = sized(stylegan.CONFIG_F.but(img_resolution=32), 32)
    assert [config.channels(px) for px in (4, 16, 32)] == [32, 32, 32]
    assert (config.z_dim, config.w_dim, config.mapping_dim, config.batch) == (128, 128, 128, 16)
    assert sized(stylegan.CONFIG_F, None) == stylegan.CONFIG_F


def test_the_table_command_prints_the_table_and_refuses_bad_flags(stylegan, portraits, tmp_path):
    given = ("table1", "--data", portraits.path, "--kimg", "0.032", "--width", "8", "--configs", "F")
    code, text = stylegan(*given, "--seeds", "0", "--metrics", "mind16", "--out", tmp_path / "t")
    assert code == 0 and "| F |" in text
    for flag, value, words in [("--seeds", "a", "whole numbers"), ("--changes", "lrate", "must be name=value")]:
        code, text = stylegan(*given, flag, value, "--out", tmp_path / "u")
        assert code == 2 and words in text


def test_attributes_are_learned_if_there_are_enough_pictures(portraits, prepared_classes):
    with pytest.raises(stylegan.InputError, match="has 64 pictures: a regressor needs at least 100"):
        regressor.learn_alone(portraits)
    found = regressor.learn_alone(prepared_classes)
    assert found.names == ["bright", "dark"]
    pictures = to_float(torch.from_numpy(prepared_classes.batch(8, np.arange(120))))
    said = found.read(pictures)[:, 0] > 0
    assert (said == (pictures.mean(dim=(1, 2, 3)) > 0)).double().mean() > 0.9


@pytest.fixture
def prepared_classes(tmp_path):
    """120 plain pictures in two classes, bright and dark."""
    for i in range(120):
        folder = tmp_path / "photos" / ("bright" if i % 2 else "dark")
        folder.mkdir(parents=True, exist_ok=True)
        gray = 130 + i if i % 2 else 120 - i  # no two are equal
        Image.new("RGB", (8, 8), (gray, gray, gray)).save(folder / f"{i}.png")
    stylegan.prepare(str(tmp_path / "photos"), tmp_path / "data", resolution=8)
    return stylegan.ImageDataset(tmp_path / "data")
