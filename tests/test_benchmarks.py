"""The benchmarks run, count and compare. No time is asserted."""

import ast
import json
import os
import shutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from sklearn.metrics import cohen_kappa_score

from stylegan.config import CONFIG_F
from stylegan.metrics.features import FeatureNetwork
from stylegan.networks import fast
from stylegan.probing.report import Report
from stylegan.probing.sharpness import Cut

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def speed(*arguments):
    """What the command prints."""
    command = [sys.executable, BENCHMARKS / "speed.py", *arguments]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The file of a quick run."""
    path = tmp_path_factory.mktemp("speed") / "new.json"
    speed("--quick", "--threads", "1", "--json", path)
    return path


@pytest.mark.browser
def test_the_explorers_benchmark_measures_every_control_and_loses_nothing():
    pytest.importorskip("playwright")
    if shutil.which("chromium") is None:
        pytest.skip("no Chromium: apt-get install chromium")
    command = [sys.executable, BENCHMARKS / "explorer.py", "--moves", "3", "--clients", "3", "--seconds", "1"]
    lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    assert [line.split("  ")[0] for line in lines[1:6]] == ["pad", "psi", "mix coarse", "mix fine", "direction"]
    assert lines[-1].startswith("3 clients at once") and lines[-1].endswith(" 0 lost")


@pytest.fixture
def benchmarks(monkeypatch):
    """The modules of the benchmarks can be imported."""
    monkeypatch.syspath_prepend(BENCHMARKS)


def test_a_run_measures_every_section_and_says_where_and_when(results):
    found = json.loads(results.read_text())
    assert found["machine"].keys() >= {"date", "commit", "torch", "cpu", "cores", "threads", "malloc"}
    assert all(found[section] for section in ("generate", "train", "read", "start"))
    assert found["train"]["16 px, tiny"]["peak_mb fast"] > 0


@pytest.mark.parametrize("job", [("generate", "16 px, batch 1"), ("train", "16 px, tiny")])
@pytest.mark.parametrize("quantity", ["cpu_ms", "wall_ms"])
@pytest.mark.parametrize("way", ["plain", "floor"])
def test_ratios_are_those_of_the_printed_numbers(results, job, quantity, way):
    section, name = job
    numbers = json.loads(results.read_text())[section][name]
    expected = numbers[f"{quantity} {way}"] / numbers[f"{quantity} fast"]
    assert numbers[f"{quantity} {way}/fast"] == pytest.approx(expected)


def test_reading_is_held_against_training_at_the_same_resolution(results):
    found = json.loads(results.read_text())
    expected = found["read"]["16 px"]["cpu_ms fast"] / found["train"]["16 px, tiny"]["cpu_ms fast"]
    assert found["read"]["16 px"]["of training"] == pytest.approx(expected)


def test_what_takes_half_of_the_time_has_changed_by_minus_50_percent(results, tmp_path):
    old = json.loads(results.read_text())
    old["start"]["16 px"]["cpu_ms fast"] *= 2
    del old["read"]["16 px"]  # an old file may know fewer jobs
    (tmp_path / "old.json").write_text(json.dumps(old))
    printed = speed("--show", results, "--compare", tmp_path / "old.json")
    assert printed.count("-50.0 %") == 1


@pytest.mark.parametrize(("img_resolution", "expected"), [(64, 18.4), (256, 36.6), (1024, 55.0)])
def test_the_floor_of_a_picture_counts_the_products_of_the_fused_convolutions(benchmarks, img_resolution, expected):
    from floor import gflop

    assert gflop("generate", CONFIG_F.but(img_resolution=img_resolution), 0) == pytest.approx(expected, abs=0.05)


def test_a_training_step_is_4_passes_of_g_and_11_of_d(benchmarks):
    from floor import PASSES

    assert {name: sum(passes) for name, passes in PASSES["train"].items()} == {"G": 4, "D": 11}


PORT = """
from torch import nn

made, seen = [], []

class StyledGenerator(nn.Module):
    def __init__(self, z_dim):
        super().__init__()
        made.append(self)
        self.rgb = nn.Linear(z_dim, 3)

    def forward(self, z, step, alpha):
        H = 4 * 2**step
        z = sum(z) if isinstance(z, list) else z
        return self.rgb(z)[:, :, None, None].expand(-1, -1, H, H)

class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        made.append(self)
        self.logits = nn.Linear(3 * 64 * 64, 1)

    def forward(self, x, step, alpha):
        seen.append((x.is_leaf and x.requires_grad, x.requires_grad, self.logits.weight.requires_grad))
        return self.logits(x.flatten(1)).square()
"""


@pytest.fixture
def port(benchmarks, monkeypatch):
    """A module with the classes of rosinality's model.py."""
    module = ModuleType("model")
    exec(PORT, module.__dict__)
    monkeypatch.setitem(sys.modules, "model", module)
    return module


def test_a_known_port_is_given_the_jobs_of_the_papers_widths(benchmarks):
    from speed_jobs import cpu_jobs, with_port

    titles = {job.title for job in cpu_jobs()}
    done = {job.title for job in map(with_port, cpu_jobs()) if "rosinality" in job.ways}
    assert done == {title for title in titles if "generate" in title or "full width" in title}


def test_a_step_of_a_known_port_trains_d_then_g_and_the_average(port):
    from job import WIDE, Job
    from rosinality import generation, training

    job, cpu = Job("train", "", WIDE.but(img_resolution=64), 4), torch.device("cpu")
    assert generation(job, "rosinality", cpu)().shape == (4, 3, 64, 64)
    port.made.clear()
    step = training(job, "rosinality", cpu)
    before = [next(network.parameters()).detach().clone() for network in port.made]
    step()
    moved = [(next(net.parameters()) - old).abs().max().item() for net, old in zip(port.made, before, strict=True)]
    assert moved[0] == pytest.approx(1e-3, rel=0.01) == moved[2]  # G and D, Adam's first step
    assert moved[1] > 0  # the average
    # What D saw: is it a picture to differentiate by, does it have a gradient, do D's weights?
    assert port.seen == [(True, True, True), (False, False, True), (False, True, False)]


def test_the_plain_way_is_the_package_without_its_fast_way(benchmarks, monkeypatch):
    import speed_jobs
    from clock import Seconds
    from job import TINY, Job

    seen = {}
    monkeypatch.setattr(
        speed_jobs, "timed", lambda work, **_: (work(), seen.update({way: fast.is_off()}), Seconds(1, 1))[2]
    )
    for way in ("plain", "fast"):
        speed_jobs.measure(Job("train", "", TINY, 4), way, device=torch.device("cpu"), seconds=1)
    assert seen == {"plain": True, "fast": False}


def test_the_rule_is_compared_with_f_by_when_it_has_fs_last_distance(benchmarks):
    from quality import compared

    plain = [(100.0, 500.0), (200.0, 300.0), (400.0, 200.0)]
    said = compared([(50.0, 400.0), (100.0, 190.0), (400.0, 90.0)], plain)
    assert said == "the rule has F's last distance, 200, after 25% of F's time, and ends at 90"
    assert compared([(50.0, 400.0)], plain) == "the rule did not reach F's 200: it ends at 400"


def test_time_to_quality_trains_both_ways_and_goes_on_where_it_was(
    benchmarks, portraits, tmp_path, monkeypatch, capsys
):
    import quality

    features = FeatureNetwork("colours", lambda images: images.mean(dim=(2, 3)), 3, "none", "0" * 64)
    monkeypatch.setattr(quality, "find_features", lambda: features)
    arguments = [str(portraits.path), str(tmp_path / "out"), "--minutes", "0.1", "--seeds", "0", "--count", "16"]
    quality.main(arguments)
    curves = json.loads((tmp_path / "out" / "results.json").read_text())
    assert curves.keys() == {"rule-seed-0", "F-seed-0"}
    for name, curve in curves.items():
        seconds = [sec for sec, _ in curve]
        assert seconds == sorted(seconds)
        assert seconds[-1] == pytest.approx(float((tmp_path / "out" / f"{name}.cpu").read_text()), abs=0.1)
    assert len(curves["rule-seed-0"]) > 1
    monkeypatch.setattr(quality, "train", None)
    quality.main(arguments)
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == curves


def test_few_pictures_are_measured_with_and_without_augmentation(benchmarks, portraits, tmp_path, monkeypatch):
    import few

    features = FeatureNetwork("colours", lambda images: images.mean(dim=(2, 3)), 3, "none", "0" * 64)
    monkeypatch.setattr(few, "find_features", lambda: features)
    arguments = [
        str(portraits.path),
        str(tmp_path / "out"),
        "--counts",
        "16",
        "100",
        "--kimg",
        "0.1",
        "--pictures",
        "8",
    ]
    few.main(arguments)
    lines = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert [line["run"] for line in lines] == ["16-none-0", "16-diffaug-0", "100-none-0", "100-diffaug-0"]
    for line in lines:
        written = json.loads((tmp_path / "out" / line["run"] / "config.json").read_text())
        assert written["config"].get("augment", "none") == line["run"].split("-")[1]
        assert written["data"]["path"].endswith("pictures-16" if line["run"].startswith("16") else "portraits")
        assert line["best"] <= line["distance"] == list(line["curve"].values())[-1] and line["diversity"] > 0
        assert (tmp_path / "out" / f"{line['run']}.png").exists()
    monkeypatch.setattr(few, "train", None)
    few.main(arguments)
    assert len((tmp_path / "out" / "results.jsonl").read_text().splitlines()) == 4


def report_of(T, *, boundaries=(2, 4), best=(2, 4)):
    """What a probe might have found: inheritance T, rows of layers, certain where it is above 0."""
    T = np.array(T, dtype=float)
    cut = Cut(3, boundaries, 0.9, tuple((b, b) for b in boundaries), (0.9, 0.9), 0.5, 0.01, ())
    return Report(
        **{"img_resolution": 4 * 2 ** (T.shape[1] // 2 - 1), "pairs": 8, "features": ["kind"]},
        **{"signature": T.T[:, :1], "effect": T[0], "cuts": [cut], "boundaries": list(boundaries)},
        **{"intervals": [[b, b] for b in boundaries], "gradual": False, "groups": 3},
        **{"attributes": ["yaw", "background_hue"], "inheritance": T, "inheritance_low": T, "inheritance_high": T},
        **{"blocks": {"best": list(best), "likely": [list(best)]}, "accuracy": {"yaw": 0.9, "background_hue": 0.8}},
    )


def test_levels_of_networks_are_compared_with_the_laws(benchmarks, tmp_path, capsys):
    """Heads half as large: the pose lies an octave later, the background where it was, as law 3 alone predicts."""
    import levels

    out = tmp_path / "out"
    out.mkdir()
    for name, source, yaw in (
        ("full", "portraits:9", [0.5, 0.5, 0, 0]),
        ("half", "portraits:9:half", [0, 0, 0.6, 0.4]),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(json.dumps({"provenance": {"source": source}}))
        for i in range(2):
            report = report_of([[*yaw, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0.1, 0.9]])
            (out / f"{name}-{i}.json").write_text(json.dumps(report.to_json()))
    groups = [["--group", name, str(tmp_path / name), "not-read", "not-read"] for name in ("full", "half")]
    levels.main([str(out), *groups[0], *groups[1]])
    page = (out / "levels.md").read_text()
    assert page.strip() == capsys.readouterr().out.strip()
    assert "| yaw | 0.90 | 1.00 +- 0.00 | 0.00 +- 0.00 | 0.00 +- 0.00 | 0.00 +- 0.00 | 2.00 +- 0.00 |" in page
    assert "| yaw | +1.00 +- 0.00 | +0.00 refuted | +0.00 refuted | +1.00 |" in page
    assert "| background hue | +0.00 +- 0.00 | +0.00 | +0.00 | +0.00 |" in page
    assert (
        "| **mean error of the law** | | 0.50; 1 of 2 refuted | 0.50; 1 of 2 refuted | 0.00; 0 of 2 refuted |" in page
    )


def test_what_the_laws_predict_for_a_larger_network(benchmarks):
    import levels

    small = levels.Group("32 px", [report_of(np.eye(2, 8))], half=False)
    large = levels.Group("64 px", [report_of(np.eye(2, 10))], half=False)
    assert levels.predicted("yaw", 5.0, small, large) == {1: 0, 2: 1, 3: 0}  # the last layer stays the last
    assert levels.predicted("yaw", 2.0, small, large) == {1: 0, 2: 0, 3: 0}  # and the first the first


def test_kappa_is_that_of_other_tools_and_needs_three_groups(benchmarks):
    import levels

    a, b = levels.assigned([report_of(np.eye(2, 8)), report_of(np.eye(2, 8), boundaries=(1, 7))])
    assert a == [0, 0, 1, 1, 2, 2, 2, 2, 0, 1, 1, 1, 1, 1, 1, 2]
    assert levels.kappa(a, b) == pytest.approx(cohen_kappa_score(a, b))
    assert 0 < levels.kappa(a, b) < 1
    assert levels.kappa(b, b) == 1


def imports(path):
    """The benchmarks that a benchmark imports, anywhere in its text."""
    names = {other.stem for other in BENCHMARKS.glob("*.py")}
    nodes = list(ast.walk(ast.parse(path.read_text())))
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names & (found | {node.module for node in nodes if isinstance(node, ast.ImportFrom)})


def test_no_benchmark_imports_itself_by_way_of_another():
    graph = TopologicalSorter({path.stem: imports(path) for path in BENCHMARKS.glob("*.py")})
    assert {"speed", "speed_jobs", "rosinality"} <= set(graph.static_order())  # a circle raises


def test_a_folder_that_is_not_a_clone_is_refused_before_any_work(tmp_path):
    done = subprocess.run([sys.executable, BENCHMARKS / "speed.py", "--rosinality", tmp_path], capture_output=True)
    assert done.returncode == 2 and b"holds no model.py" in done.stderr
