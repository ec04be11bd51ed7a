"""An exported file alone gives the same pictures as torch, for any batch size and psi."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close
from torch.torch_version import TorchVersion

from stylegan.checkpoint import Networks, save
from stylegan.config import CONFIG_A, CONFIG_D, CONFIG_F
from stylegan.errors import InputError
from stylegan.interop import onnx as exporter
from stylegan.interop.onnx import Exported, export, largest_error
from stylegan.networks.generator import Generator
from stylegan.sampling.sampler import sample

SMALL = {"img_resolution": 16, "z_dim": 16, "w_dim": 16, "mapping_dim": 16, "channel_base": 128, "channel_max": 8}
SMALLEST = SMALL | {"img_resolution": 8}
NARROW_F = CONFIG_F.but(**SMALL, mapping_layers=2)


def generator(config, lod=0.0):
    """A network in which every parameter matters: none is left at 0 or 1, and w_avg is not 0."""
    torch.manual_seed(0)
    G = Generator(config, lod).eval().requires_grad_(False)
    for name, parameter in G.named_parameters():
        if name.endswith(("bias", "noise_strength", "const")):
            parameter.copy_(torch.randn_like(parameter))
    G.w_avg.copy_(torch.randn(config.w_dim))
    return G


@pytest.fixture(scope="module")
def G():
    return generator(NARROW_F)


@pytest.fixture(scope="module")
def onnx_file(G, tmp_path_factory):
    pytest.importorskip("onnxruntime")
    path = tmp_path_factory.mktemp("export") / "G.onnx"
    metadata = {"license": "CC BY-NC 4.0", "source": "a test", "cur_nimg": 7}
    export(Networks(G, metadata=metadata), path, truncation_cutoff=3)
    return path


@pytest.fixture(scope="module")
def session(onnx_file):
    return pytest.importorskip("onnxruntime").InferenceSession(str(onnx_file))


def seed_feeds(seed, session):
    """The inputs for a seed, made with NumPy alone, as the file's doc_string says."""
    random = np.random.RandomState(seed)
    sizes = {i.name: i.shape[-1] for i in session.get_inputs() if i.shape}
    return {name: random.randn(1, sizes[name]).astype(np.float32) for name in ("z", "noise")}


def test_the_onnx_file_takes_named_inputs_and_any_batch(session):
    shapes = {i.name: i.shape for i in session.get_inputs()}
    assert list(shapes) == ["z", "truncation_psi", "noise"]
    assert shapes["z"][1:] == [16] and shapes["truncation_psi"] == []
    assert shapes["noise"][1:] == [2 * (4**2 + 8**2 + 16**2)]
    assert isinstance(shapes["z"][0], str) and shapes["noise"][0] == shapes["z"][0]
    assert [(o.name, o.shape[1:]) for o in session.get_outputs()] == [("images", [3, 16, 16])]


@pytest.mark.parametrize("psi", [1.0, 0.7, 0.0, -0.5])
def test_the_picture_of_a_seed_by_numpy_alone_is_that_of_the_package(G, session, psi):
    feeds = seed_feeds(5, session) | {"truncation_psi": np.array(psi, np.float32)}
    pixels = (session.run(None, feeds)[0] * 127.5 + 128).clip(0, 255).astype(np.uint8)
    wanted = next(sample(G, [5], truncation_psi=psi, truncation_cutoff=3))
    assert np.abs(pixels.astype(int) - wanted).max() <= 1  # one level: rounding differs before the cut to uint8


def test_a_batch_gives_the_pictures_one_by_one(session):
    alone = [seed_feeds(seed, session) for seed in range(5)]
    together = {name: np.concatenate([feeds[name] for feeds in alone]) for name in ("z", "noise")}
    psi = {"truncation_psi": np.array(1, np.float32)}
    images = session.run(None, together | psi)[0]
    singles = np.concatenate([session.run(None, feeds | psi)[0] for feeds in alone])
    np.testing.assert_allclose(images, singles, atol=1e-4)


def test_the_onnx_file_says_what_it_is_and_how_to_use_it(session):
    meta = session.get_modelmeta()
    facts = json.loads(meta.custom_metadata_map["stylegan"])
    assert facts["config"]["img_resolution"] == 16 and facts["truncation_cutoff"] == 3 and facts["lod"] == 0
    assert facts["noise_resolutions"] == [4, 4, 8, 8, 16, 16]
    assert facts["metadata"]["cur_nimg"] == 7
    assert meta.custom_metadata_map["license"] == "CC BY-NC 4.0" and meta.custom_metadata_map["source"] == "a test"
    assert "random.randn(1, 672)" in meta.description


def test_the_onnx_file_is_alone(onnx_file):
    assert [p.name for p in onnx_file.parent.iterdir()] == ["G.onnx"]


def test_a_constant_channel_survives_the_exporter(tmp_path):
    """onnxscript's optimizer would drop the 1e-8 of instance norm. A new network's constant input would give 0 / 0."""
    pytest.importorskip("onnxruntime")
    fresh = Generator(CONFIG_D.but(**SMALLEST, mapping_layers=1))
    assert export(Networks(fresh), tmp_path / "fresh.onnx") < 1e-3


@pytest.mark.parametrize(
    ("config", "lod"),
    [
        (CONFIG_A.but(**SMALLEST), 0.0),
        (CONFIG_F.but(**SMALLEST, mapping_layers=1, c_dim=3), 0.5),
        (CONFIG_F.but(**SMALLEST, mapping_layers=1), 1.0),
    ],
    ids=["traditional-nearest", "classes-mid-fade", "half-grown"],
)
def test_every_kind_of_network_exports(tmp_path, config, lod):
    onnxruntime = pytest.importorskip("onnxruntime")
    assert export(Networks(generator(config, lod)), tmp_path / "G.onnx") < 1e-4  # well below the allowed 1e-3
    shapes = {i.name: i.shape for i in onnxruntime.InferenceSession(str(tmp_path / "G.onnx")).get_inputs()}
    assert ("c" in shapes) == (config.c_dim > 0)
    assert ("noise" in shapes) == config.noise


@pytest.mark.slow
def test_256_px_exports(tmp_path):
    pytest.importorskip("onnxruntime")
    config = CONFIG_F.but(img_resolution=256, z_dim=64, w_dim=64, mapping_dim=64, channel_base=2048, channel_max=32)
    assert export(Networks(generator(config)), tmp_path / "G.onnx", truncation_cutoff=8) < 1e-4


def test_torch_export_gives_the_same_pictures_for_any_batch(G, tmp_path):
    assert export(Networks(G), tmp_path / "G.pt2") < 1e-5
    files = {"stylegan.json": ""}
    module = torch.export.load(tmp_path / "G.pt2", extra_files=files).module()
    assert json.loads(files["stylegan.json"])["config"]["img_resolution"] == 16
    inputs = Exported(G, None).inputs(5, 0.3, torch.Generator().manual_seed(1))
    assert_close(module(**inputs), Exported(G, None)(**inputs))


def test_the_exported_network_stays_as_it_was():
    G = Generator(NARROW_F).train()
    Exported(G, None)
    assert G.training and all(p.requires_grad for p in G.parameters())


@pytest.mark.parametrize("wrong", [0.01, float("nan")])
def test_a_file_with_wrong_pictures_is_not_left_behind(G, tmp_path, monkeypatch, wrong):
    def write(exported, path, facts):
        path.write_text("some file")
        return lambda inputs: exported(**inputs) + wrong * 20

    monkeypatch.setitem(exporter.WRITERS, ".pt2", write)
    with pytest.raises(RuntimeError, match=r"was not written: its pictures differ from torch's by .* of their range"):
        export(Networks(G), tmp_path / "G.pt2")
    assert not list(tmp_path.iterdir())


def test_an_error_at_one_batch_size_alone_is_found(G):
    exported = Exported(G, None)
    assert largest_error(exported, lambda inputs: exported(**inputs)) == 0
    assert largest_error(exported, lambda inputs: exported(**inputs) + 5.0 * (len(inputs["z"]) == 1)) > 0.05


def test_psi_stays_an_input_of_the_check(G):
    exported = Exported(G, None)
    half = torch.tensor(0.5)
    assert largest_error(exported, lambda inputs: exported(**inputs | {"truncation_psi": half})) > 0.05


def test_another_suffix_is_refused(G, tmp_path):
    with pytest.raises(InputError, match=r"G\.pth: the name must end in \.onnx or \.pt2"):
        export(Networks(G), tmp_path / "G.pth")


def test_a_file_that_exists_is_kept(G, tmp_path):
    out = tmp_path / "G.pt2"
    out.write_text("dear")
    with pytest.raises(InputError, match=r"G\.pt2 exists already"):
        export(Networks(G), out)
    assert out.read_text() == "dear"


def test_all_problems_are_named_at_once(G, tmp_path):
    with pytest.raises(InputError, match=r"(?s)must end in.*there is no folder .*truncation_cutoff -1: must be 0 or"):
        export(Networks(G), tmp_path / "nowhere" / "G.pth", truncation_cutoff=-1)
    with pytest.raises(InputError, match="truncation_cutoff '3': must be 0 or"):
        export(Networks(G), tmp_path / "G.pt2", truncation_cutoff="3")


def test_a_missing_onnxruntime_is_named_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(exporter, "_is_installed", lambda name: name != "onnxruntime")
    with pytest.raises(InputError, match=r"onnxruntime must be installed: pip install 'stylegan\[onnx\]'"):
        export("no such network", tmp_path / "G.onnx")


def test_a_torch_too_old_for_onnx_is_named_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "__version__", TorchVersion("2.6.0+cpu"))
    with pytest.raises(InputError, match=r"torch 2\.7 or newer is needed, and this is 2\.6\.0\+cpu; or name OUT\.pt2"):
        export("no such network", tmp_path / "G.onnx")


def test_the_example_exports_a_networks_file_and_draws_seeds_with_onnxruntime_alone(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    save(tmp_path / "G.safetensors", generator(CONFIG_F.but(**SMALLEST, mapping_layers=1)))
    example = Path(__file__).parents[2] / "examples" / "export.py"
    monkeypatch.setattr(sys, "argv", [str(example), str(tmp_path / "G.safetensors"), str(tmp_path / "G.onnx")])
    exec(compile(example.read_text(), example, "exec"), {"__name__": "__main__"})
    assert (tmp_path / "G.onnx").is_file() and (tmp_path / "G.png").is_file()
