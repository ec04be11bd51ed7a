"""The command line: wrong input gives one clear message and exit code 2, and nothing is lost."""

import errno
import json
import pickle
import subprocess
import sys

import pytest
import safetensors.torch
import torch

from stylegan import checkpoint
from stylegan.config import NetworkConfig
from stylegan.networks.generator import Generator

from conftest import TINY

WIDTHS = {"channel-base": 128, "channel-max": 8, "z-dim": 8, "w-dim": 8, "mapping-dim": 8, "batch": 4, "batch-at": ""}
SMALL = [part for name, value in WIDTHS.items() for part in (f"--{name}", value)]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "G.safetensors"
    checkpoint.save(path, Generator(TINY).eval())
    return path


def test_help_needs_no_torch():
    code = "import sys, stylegan.cli; print([m for m in ('torch', 'numpy', 'PIL') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_every_command_has_help_and_every_field_of_the_configuration_is_a_flag(stylegan):
    code, text = stylegan("--help")
    assert code == 0
    for command in ("demo", "prepare", "train", "sample", "mix", "figure", "video", "directions", "project", "import"):
        assert command in text
    code, text = stylegan("train", "--help")
    assert code == 0
    assert all(f"--{name.replace('_', '-')}" in text for name in TINY.to_json())
    assert "Fraction of batches trained with two latents" in text


def test_the_main_road_from_pictures_to_pictures(stylegan, portraits, tmp_path):
    run, out = tmp_path / "run", tmp_path / "out"
    assert stylegan("train", "--data", portraits.path, "--out", run, "--kimg", 0.02, "--config", "E", *SMALL)[0] == 0
    config = json.loads((run / "config.json").read_text())["config"]
    assert (config["total_kimg"], config["style_mixing_prob"], config["img_resolution"]) == (0.02, 0.0, 16)
    code, text = stylegan("sample", run, "--seeds", "0-2,7", "--out", out, "--grid", "--psi", "0.5")
    assert code == 0
    assert "psi 0.5" in text
    assert sorted(p.name for p in out.glob("[!.]*")) == ["grid.png", *(f"seed000{i}.png" for i in (0, 1, 2, 7))]
    code, text = stylegan("train", "--resume", run)
    assert code == 0
    assert "is finished" in text


def test_fine_tuning_starts_from_the_widths_and_the_growth_of_the_network(stylegan, network, portraits, tmp_path):
    run = tmp_path / "run"
    flags = ["--init", network, "--kimg", 0.008, "--batch", 4, "--batch-at", ""]
    code, text = stylegan("train", "--data", portraits.path, "--out", run, *flags)
    assert code == 0, text
    config = json.loads((run / "config.json").read_text())["config"]
    assert (config["w_dim"], config["channel_max"], config["initial_resolution"]) == (8, 8, 16)
    assert "G: 47 of 47 tensors copied" in text
    assert "D: not in the file" in text


def test_classes_are_trained_with_cond_and_sampled_with_class(stylegan, tmp_path):
    from PIL import Image

    for i, name in enumerate(["cats", "dogs"] * 4):
        (tmp_path / "animals" / name).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (40 * i, 0, 0)).save(tmp_path / "animals" / name / f"{i}.png")
    data, run = tmp_path / "data", tmp_path / "run"
    assert stylegan("prepare", tmp_path / "animals", data)[0] == 0
    assert stylegan("train", "--data", data, "--out", run, "--cond", "--kimg", 0.008, *SMALL)[0] == 0
    assert stylegan("sample", run, "--seeds", 0, "--class", 1, "--out", tmp_path / "out")[0] == 0
    refused(stylegan("sample", run, "--seeds", 1, "--out", tmp_path / "out"), "--class")


def test_prepare_names_every_bad_file_and_keeps_the_good_ones(stylegan, tmp_path):
    from PIL import Image

    (tmp_path / "photos").mkdir()
    for i in range(3):
        Image.new("RGB", (16, 16), (i, 0, 0)).save(tmp_path / "photos" / f"{i}.png")
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    code, text = stylegan("prepare", tmp_path / "photos", tmp_path / "data", "--resolution", 8)
    assert code == 0
    assert "notes.txt: not an image" in text
    assert "kept 3 of 4" in text


def refused(result, *words: str) -> None:
    code, text = result
    assert code == 2, text
    for word in words:
        assert word in text.replace("\n", " "), text


def test_a_data_set_that_does_not_fit_the_flags_is_refused(stylegan, portraits, tmp_path):
    result = stylegan("train", "--data", portraits.path, "--out", tmp_path / "run", "--img-resolution", 64)
    refused(result, "img_resolution 64: the data set", "has 16")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("flags", [["--batch", 8], ["--lrate", 5], ["--out", "other"], ["--cond"], ["--dry-run"]])
def test_resuming_takes_nothing_that_is_settled_for_the_run(stylegan, tmp_path, flags):
    refused(stylegan("train", "--resume", tmp_path, *flags), flags[0])


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--batch", "5"], "batch 5: must be 1, 2, 3 or a multiple of 4"),
        (["--batch-at", "8:5"], "a multiple of 4"),
        (["--batch-at", "8"], "batch-at"),
        (["--norm", "batch"], "norm"),
        (["--chanel-base", "64"], "--channel-base"),
        (["--kimg", "many"], "kimg"),
        (["--kimg", "0"], "total_kimg 0.0: must be above 0"),
        (["--cond"], "has no classes"),
        (["--c-dim", "2"], "--cond"),
    ],
)
def test_impossible_flags_are_refused(stylegan, portraits, tmp_path, flags, words):
    refused(stylegan("train", "--data", portraits.path, "--out", tmp_path / "run", *flags), words)


def test_an_empty_folder_a_missing_one_and_no_power_of_two_are_refused(stylegan, tmp_path):
    (tmp_path / "empty").mkdir()
    refused(stylegan("prepare", tmp_path / "empty", tmp_path / "data"), "empty")
    refused(stylegan("prepare", tmp_path / "missing", tmp_path / "data"), "missing")
    refused(stylegan("prepare", "portraits:8", tmp_path / "data", "--resolution", 48), "48", "powers of two")
    assert not (tmp_path / "data").exists()


def test_training_without_data_says_what_is_needed(stylegan):
    refused(stylegan("train"), "--data DATASET and --out RUN, or --resume RUN")


def test_a_run_folder_that_exists_is_refused(stylegan, portraits, tmp_path):
    refused(stylegan("train", "--data", portraits.path, "--out", tmp_path), "exists: continue it with")


def test_resuming_a_folder_that_is_not_a_run_is_refused(stylegan, tmp_path):
    refused(stylegan("train", "--resume", tmp_path), "is not a run folder")


@pytest.mark.parametrize("seeds", ["zero", "0-", "3-1", "1.5", ""])
def test_seeds_that_are_not_numbers_are_refused(stylegan, network, tmp_path, seeds):
    refused(stylegan("sample", network, "--seeds", seeds, "--out", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_pictures_are_never_overwritten(stylegan, network, tmp_path):
    assert stylegan("sample", network, "--seeds", "0", "--out", tmp_path)[0] == 0
    refused(stylegan("sample", network, "--seeds", "0-1", "--psi", 1, "--out", tmp_path), "seed0000.png")
    assert [p.name for p in tmp_path.glob("[!.]*")] == ["seed0000.png"]


def test_a_truncated_network_is_refused(stylegan, network, tmp_path):
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(network.read_bytes()[:-50])
    refused(stylegan("sample", broken, "--seeds", 0, "--out", tmp_path / "out"), "truncated or damaged")


class Boom:
    def __reduce__(self):
        import os

        return os.system, ("echo boom",)


def test_a_pickle_that_calls_os_system_is_refused_and_not_run(stylegan, tmp_path):
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps((Boom(), Boom(), Boom())))
    code, text = stylegan("import", tmp_path / "evil.pkl", tmp_path / "G.safetensors")
    assert code == 2
    assert "system" in text
    assert "boom" not in text
    assert not (tmp_path / "G.safetensors").exists()


def test_an_official_pickle_becomes_a_network_that_makes_pictures(stylegan, tmp_path):
    import golden

    code, text = stylegan("import", golden.FOLDER / "network-2019-proto4.pkl", tmp_path / "G.safetensors")
    assert (code, "CC BY-NC 4.0" in text) == (0, True)
    assert stylegan("sample", tmp_path / "G.safetensors", "--seeds", 0, "--out", tmp_path / "out")[0] == 0


def test_a_file_of_another_program_is_inspected_imported_and_sampled(stylegan, tmp_path):
    from port_files import huangzh13

    path, fields = tmp_path / "GAN_GEN_SHADOW_2_9.pth", {"norm_eps": 1e-5, "mapping_layers": 4, "w_dim": 8}
    G = Generator(NetworkConfig(img_resolution=16, channel_base=128, channel_max=8, z_dim=8, mapping_dim=8, **fields))
    torch.save(huangzh13(G), path)
    code, text = stylegan("inspect", path)
    assert (code, "huangzh13/StyleGAN.pytorch, 16 px" in text) == (0, True)
    assert stylegan("import", path, tmp_path / "new.safetensors", "--resolution", 32)[0] == 2
    code, text = stylegan("import", path, tmp_path / "new.safetensors", "--license", "cc0")
    assert (code, "noise maps: the file has none" in text, "license cc0" in text) == (0, True, True)
    assert stylegan("sample", tmp_path / "new.safetensors", "--seeds", 0, "--out", tmp_path / "out")[0] == 0


def test_a_full_disk_exits_1_and_keeps_the_last_good_state(stylegan, portraits, tmp_path, monkeypatch):
    run = tmp_path / "run"
    save_file, calls = safetensors.torch.save_file, []

    def full_after_the_first_files(tensors, path, metadata):
        calls.append(path)
        if len(calls) > 3:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save_file(tensors, path, metadata=metadata)

    monkeypatch.setattr(safetensors.torch, "save_file", full_after_the_first_files)
    code, text = stylegan("train", "--data", portraits.path, "--out", run, "--kimg", 0.1, "--state-sec", 0, *SMALL)
    assert code == 1
    assert "No space left on device" in text
    monkeypatch.undo()
    assert stylegan("train", "--resume", run)[0] == 0


def test_figures_mixtures_and_films_are_made_from_the_command_line(stylegan, network, tmp_path):
    assert stylegan("figure", "truncation", network, "--out", tmp_path / "8.png", "--seeds", "0-1")[0] == 0
    assert (
        stylegan("mix", network, "--rows", "0-1", "--cols", "2", "--levels", "coarse", "--out", tmp_path / "3.png")[0]
        == 0
    )
    assert stylegan("video", network, "--out", tmp_path / "loop.webp", "--frames", 4, "--seeds", "0-1")[0] == 0
    refused(stylegan("figure", "nine", network, "--out", tmp_path / "9.png"), "nine", "truncation")
    refused(stylegan("mix", network, "--rows", 0, "--cols", 1, "--levels", "fine", "--out", tmp_path / "x.png"), "fine")
    refused(stylegan("sample", network, "--seeds", 0, "--psi", "much", "--out", tmp_path / "o"), "psi")


def test_directions_and_export_from_the_command_line(stylegan, network, tmp_path):
    code, text = stylegan("directions", network, "--out", tmp_path / "directions", "--count", 2, "--seeds", 0)
    assert code == 0, text
    code, text = stylegan("export", network, tmp_path / "G.pt2")
    assert code == 0, text
    assert "equal to torch's pictures" in text


def test_several_files_and_ranges_stand_after_seeds_and_styles_can_be_saved(stylegan, network, tmp_path):
    import numpy as np

    for name in ("a", "b,c"):
        np.save(tmp_path / f"{name}.npy", np.ones((1, TINY.w_dim)))
    seeds = ["--seeds", "0-1,5", tmp_path / "a.npy", tmp_path / "b,c.npy"]
    out, how = tmp_path / "out", ["--save-w", "--device", "cpu"]
    code, text = stylegan("sample", network, *seeds, "--out", out, *how)
    assert code == 0, text
    pictures = ["seed0000.png", "seed0001.png", "seed0005.png", "a.png", "b,c.png"]
    assert {path.name for path in out.glob("[!.]*")} == {*pictures, "ws.npz"}
    (out / "a.png").unlink()
    code, text = stylegan("sample", network, *seeds, "--out", out, *how)
    assert (code, "5 of 6 files were there" in text) == (0, True)
    assert stylegan("figure", "uncurated", network, *seeds, "--out", tmp_path / "f.png")[0] == 0
    refused(
        stylegan("sample", network, "--seeds", tmp_path / "a.npy", 3, "--shard", "0/1", "--out", out), "without shard"
    )
    refused(stylegan("sample", network, "--seeds", "0", "--out", ""), "give a name")


def test_a_class_is_given_by_name_in_every_command(stylegan, tmp_path):
    G = Generator(TINY.but(c_dim=2)).eval()
    checkpoint.save(tmp_path / "G.safetensors", G, {"class_names": ["cats", "dogs"]})
    network = tmp_path / "G.safetensors"
    for command in (
        ["sample", network, "--seeds", "0", "--out", tmp_path / "s"],
        ["mix", network, "--rows", "0", "--cols", "1", "--out", tmp_path / "m.png"],
        ["figure", "truncation", network, "--seeds", "0", "--out", tmp_path / "t.png"],
        ["video", network, "--frames", "1", "--out", tmp_path / "v.webp"],
        ["directions", network, "--count", "1", "--seeds", "0", "--out", tmp_path / "d"],
    ):
        refused(stylegan(*command), "0 (cats), 1 (dogs)")
        refused(stylegan(*command, "--class", "horses"), "horses", "0 (cats), 1 (dogs)")
        code, text = stylegan(*command, "--class", "dogs")
        assert code == 0, text
        if command[0] != "directions":
            assert "class 1 (dogs)" in text


def test_a_device_that_is_not_there_is_refused(stylegan, network, tmp_path):
    refused(
        stylegan("sample", network, "--seeds", 0, "--out", tmp_path / "o", "--device", "cuda:7"),
        "device 'cuda:7'",
        "cpu",
    )


def test_an_older_snapshot_is_taken_with_a_warning(stylegan, tmp_path):
    (tmp_path / "run").mkdir()
    for nimg in (1000, 2000):
        checkpoint.save(checkpoint.snapshot_path(tmp_path / "run", nimg), Generator(TINY).eval())
    newest = checkpoint.snapshot_path(tmp_path / "run", 2000)
    newest.write_bytes(newest.read_bytes()[:-5])
    code, text = stylegan("sample", tmp_path / "run", "--seeds", 0, "--out", tmp_path / "o")
    assert code == 0 and "took the older snapshot-000001000.safetensors" in text and "Warning" not in text
