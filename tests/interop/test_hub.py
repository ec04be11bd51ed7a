"""The Hugging Face hub without internet: folders on disk, and a fake hub that records what it is given."""

import functools
import importlib
import json
import re
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.testing import assert_close

import stylegan.interop
from stylegan.checkpoint import Networks, load, load_networks, read_tensors, save, write_tensors
from stylegan.config import CONFIG_A, CONFIG_F
from stylegan.errors import InputError
from stylegan.interop.official import LICENSE
from stylegan.interop.push import push
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator
from stylegan.opening import download

huggingface_hub = pytest.importorskip("huggingface_hub")
hub = importlib.import_module("stylegan.interop.hub")

SMALL = {"img_resolution": 16, "z_dim": 16, "w_dim": 16, "mapping_dim": 16, "channel_base": 128, "channel_max": 8}
CONFIG = CONFIG_F.but(**SMALL, mapping_layers=2)


def networks(config=CONFIG, lod=0.0, **metadata):
    torch.manual_seed(0)
    G, G_ema, D = (kind(config, lod).requires_grad_(False).eval() for kind in (Generator, Generator, Discriminator))
    return Networks(G_ema, G, D, metadata, config)


def folder_of(path, *args, **kwargs):
    hub.HubNetworks(networks(*args, **kwargs)).save_pretrained(path)
    return path


def card_of(path):
    return huggingface_hub.ModelCard.load(path / "README.md", ignore_metadata_errors=True)


@pytest.fixture
def remote(monkeypatch, tmp_path):
    """A fake hub that keeps each repository as a folder and records its calls."""

    class Remote:
        repos = tmp_path / "hub"

    Remote.calls = []

    def create_repo(self, repo_id, *, private=None, exist_ok=False, **kwargs):
        Remote.calls.append(("create_repo", repo_id, private))
        (Remote.repos / repo_id).mkdir(parents=True, exist_ok=True)
        return huggingface_hub.RepoUrl(f"https://huggingface.co/{repo_id}")

    def upload_folder(self, *, repo_id, folder_path, ignore_patterns=None, **kwargs):
        Remote.calls.append(("upload_folder", repo_id, ignore_patterns))
        for file in huggingface_hub.utils.filter_repo_objects(
            [p.name for p in Path(folder_path).iterdir()], ignore_patterns=ignore_patterns
        ):
            (Remote.repos / repo_id / file).write_bytes((Path(folder_path) / file).read_bytes())
        return f"https://huggingface.co/{repo_id}/commit/1"

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", create_repo)
    monkeypatch.setattr(huggingface_hub.HfApi, "upload_folder", upload_folder)
    monkeypatch.setattr(
        huggingface_hub.HfApi, "file_exists", lambda self, repo_id, file: (Remote.repos / repo_id / file).exists()
    )
    return Remote


def test_what_is_saved_in_a_folder_is_loaded_from_it(tmp_path):
    wanted = networks(lod=0.5, license="cc-by-4.0", cur_nimg=7)
    hub.HubNetworks(wanted).save_pretrained(tmp_path)
    found = hub.HubNetworks.from_pretrained(tmp_path)
    assert found.networks.metadata == wanted.metadata
    assert (
        found.G_ema.config == CONFIG.network
        and found.networks.config == CONFIG
        and found.G_ema.lod == 0.5
        and not found.G_ema.training
    )
    z = torch.randn(2, 16)
    assert_close(found.G_ema(z, noise_mode="const"), wanted.G_ema(z, noise_mode="const"), atol=0, rtol=0)


def test_the_mixin_copies_no_weights(monkeypatch):
    def refuse_copy(self, memo):
        raise AssertionError("the weights were copied, as a part of the configuration")

    monkeypatch.setattr(torch.nn.Parameter, "__deepcopy__", refuse_copy)
    hub.HubNetworks(networks())


def test_a_loaded_network_can_be_saved_again(tmp_path):
    folder_of(tmp_path / "a")
    hub.HubNetworks.from_pretrained(tmp_path / "a").save_pretrained(tmp_path / "b")
    assert (tmp_path / "a" / hub.NETWORK).read_bytes() == (tmp_path / "b" / hub.NETWORK).read_bytes()
    assert json.loads((tmp_path / "b" / "config.json").read_text()) == json.loads(json.dumps(CONFIG.to_json()))


def test_the_folder_holds_a_file_of_ours_a_card_and_pictures_and_no_pickle(tmp_path):
    folder_of(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"model.safetensors", "config.json", "README.md", "samples.png"}
    assert isinstance(load(tmp_path / "model.safetensors"), Generator)
    with Image.open(tmp_path / "samples.png") as sheet:
        assert sheet.size == (8 * 64, 2 * 64)  # pictures of 16 px are enlarged to 64


def test_loading_is_strict_where_the_mixin_alone_would_not_be(tmp_path):
    folder_of(tmp_path)
    tensors, header = read_tensors(tmp_path / hub.NETWORK, kind="network")
    del tensors["G_ema.w_avg"]
    write_tensors(tmp_path / hub.NETWORK, tensors, kind="network", header=header)
    with pytest.raises(InputError, match=r"G_ema\.w_avg is missing"):
        hub.HubNetworks.from_pretrained(tmp_path)


def test_a_folder_without_a_network_is_refused(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(InputError, match=r"model\.safetensors: no such file"):
        hub.HubNetworks.from_pretrained(tmp_path)


def test_config_json_is_for_people_and_never_read(tmp_path):
    folder_of(tmp_path)
    (tmp_path / "config.json").write_text('{"img_resolution": 1024}')
    assert hub.HubNetworks.from_pretrained(tmp_path).networks.config == CONFIG


def test_the_three_lines_of_the_card_make_pictures(tmp_path):
    path = tmp_path / "repo"
    config = CONFIG.but(c_dim=3)
    card = hub.model_card(networks(config), str(path))
    folder_of(path, config)
    code = re.search(r"```python\n(.*?)```", card.content, re.S)[1]
    assert len(code.splitlines()) == 3
    found: dict = {}
    exec(code, found)
    assert found["pictures"].shape == (4, 3, 16, 16)


def test_the_card_says_what_the_network_is(tmp_path):
    card = hub.model_card(networks(lod=1.0, source="12 cats", cur_nimg=5000), "me/cats")
    assert card.data.library_name == "stylegan" and "stylegan" in card.data.tags
    assert "# cats" in card.text and "![Pictures of seeds 0 to 15](samples.png)" in card.text
    assert "8 x 8 px, 3 channels" in card.text and "| w_dim | 16 |" in card.text
    assert "- source: 12 cats" in card.text and "- cur_nimg: 5000" in card.text
    assert 'from_pretrained("me/cats")' in card.text


def test_imported_weights_are_cc_by_nc_on_the_card():
    card = hub.model_card(networks(license="CC BY-NC 4.0", source="karras2019.pkl"), "me/ffhq")
    assert card.data.license == "cc-by-nc-4.0"
    assert "- license: CC BY-NC 4.0" in card.text and "not for commercial use" in card.text


def test_a_licence_that_the_hub_does_not_know_is_other_with_its_name():
    card = hub.model_card(networks(license="Our Own"), "me/x")
    assert (card.data.license, card.data.license_name) == ("other", "our-own")
    assert "not for commercial use" not in card.text


def test_a_network_without_licence_says_so_and_claims_none():
    card = hub.model_card(networks(), "me/x")
    assert card.data.license is None
    assert "license: none is stated" in card.text


def test_a_card_in_the_folder_is_kept(tmp_path):
    (tmp_path / "README.md").write_text("my words")
    folder_of(tmp_path)
    assert (tmp_path / "README.md").read_text() == "my words"


def test_push_uploads_a_folder_that_loads_again(remote, tmp_path):
    save(tmp_path / "run.safetensors", networks())
    url = push(tmp_path / "run.safetensors", "me/cats", license="cc-by-4.0", private=True)
    assert url == "https://huggingface.co/me/cats/commit/1"
    assert remote.calls == [("create_repo", "me/cats", True), ("upload_folder", "me/cats", None)]
    pushed = remote.repos / "me" / "cats"
    assert card_of(pushed).data.license == "cc-by-4.0" and 'from_pretrained("me/cats")' in card_of(pushed).text
    found = load_networks(pushed / hub.NETWORK)
    assert set(found.modules()) == {"G_ema"} and found.metadata["license"] == "cc-by-4.0"


def test_push_with_training_keeps_g_and_d(remote):
    push(networks(), "me/cats", training=True)
    assert set(load_networks(remote.repos / "me" / "cats" / hub.NETWORK).modules()) == {"G_ema", "G", "D"}


def test_a_second_push_keeps_the_card_that_was_edited(remote):
    push(networks(), "me/cats")
    card = remote.repos / "me" / "cats" / "README.md"
    card.write_text("my words")
    push(networks(cur_nimg=9), "me/cats")
    assert card.read_text() == "my words"
    assert load_networks(card.parent / hub.NETWORK).metadata == {"cur_nimg": 9}


def test_push_to_hub_of_the_mixin_names_the_repository_too(remote):
    hub.HubNetworks(networks(CONFIG_A.but(**SMALL))).push_to_hub("me/dogs")
    assert 'from_pretrained("me/dogs")' in card_of(remote.repos / "me" / "dogs").text


def test_a_licence_is_corrected_by_pushing_and_the_card_follows(remote):
    push(networks(license="CC BY-NC 4.0"), "me/cats")
    pushed = remote.repos / "me" / "cats"
    assert card_of(pushed).data.license == "cc-by-nc-4.0"
    push(networks(license="CC BY-NC 4.0"), "me/cats", license="MIT")
    assert load_networks(pushed / hub.NETWORK).metadata == {"license": "MIT"}
    assert card_of(pushed).data.license == "mit" and "not for commercial use" not in card_of(pushed).text


@pytest.mark.parametrize("license", ["", " ", "mit\n---\n# mine", "x" * 200])
def test_a_licence_that_is_not_a_name_is_refused(remote, license):
    with pytest.raises(InputError, match=r"must be its name, such as cc-by-4\.0, on one short line"):
        push(networks(), "me/cats", license=license)


def test_a_licence_that_nobody_has_stated_is_not_claimed_on_the_card():
    card = hub.model_card(networks(license=LICENSE), "me/x")
    assert (card.data.license, card.data.license_name) == (None, None)
    assert "unknown, unless you trained it" in card.text and "not for commercial use" not in card.text


def test_the_card_names_the_classes():
    made = networks(CONFIG.but(c_dim=2))
    made.G_ema.class_names = ("cat", "dog")
    assert "2 classes (0 (cat), 1 (dog))" in hub.model_card(made, "me/x").text


@pytest.mark.parametrize("error", ["ConnectError", "ReadTimeout", "ProtocolError"])
def test_a_hub_that_cannot_be_reached_is_one_clear_message(remote, monkeypatch, error):
    def fail(self, repo_id, file):
        raise getattr(pytest.importorskip("httpx"), error)("no route to host")

    monkeypatch.setattr(huggingface_hub.HfApi, "file_exists", fail)
    with pytest.raises(InputError, match=r"could not push to me/cats .*: no route to host"):
        push(networks(), "me/cats")


@pytest.mark.parametrize("repo", ["me//cats", "cats", "", "a/b/c", "a b/c", None])
def test_a_name_that_cannot_be_a_repository_is_refused(remote, repo):
    with pytest.raises(InputError, match=r"must be USER/NAME, of letters"):
        push(networks(), repo)


def test_a_name_that_the_hub_refuses_is_reported(remote, monkeypatch):
    def refuse_name(self, repo_id, file):
        huggingface_hub.utils.validate_repo_id(repo_id)

    monkeypatch.setattr(huggingface_hub.HfApi, "file_exists", refuse_name)
    with pytest.raises(InputError, match=r"could not push to -me/cats \(USER/NAME; `hf auth login` once\)"):
        push(networks(), "-me/cats")


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch):
    away = functools.partial(huggingface_hub.HfApi, endpoint="http://127.0.0.1:9")  # where nothing listens
    monkeypatch.setattr(hub, "HfApi", away)
    with pytest.raises(InputError, match=r"could not push to me/cats .*onnection"):
        push(networks(), "me/cats")


def test_an_address_is_a_repository_and_perhaps_a_revision(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(
        huggingface_hub, "hf_hub_download", lambda *args, **kwargs: asked.append((args, kwargs)) or str(tmp_path)
    )
    assert download("hf://me/cats") == tmp_path
    download("hf://me/cats@v1.0")
    assert asked == [
        (("me/cats", "model.safetensors"), {"revision": None}),
        (("me/cats", "model.safetensors"), {"revision": "v1.0"}),
    ]


@pytest.mark.parametrize("address", ["hf://cats", "hf://me/cats/G.pkl", "hf:me/cats", "hf://me/ca ts", "hf://me/cats@"])
def test_an_address_of_another_form_is_refused(address):
    with pytest.raises(InputError, match="must be hf://USER/NAME or hf://USER/NAME@REVISION"):
        download(address)


def test_what_cannot_be_reached_is_one_clear_message(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"hf://me/cats: no model\.safetensors could be downloaded"):
        download("hf://me/cats")


def test_a_missing_huggingface_hub_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.delitem(sys.modules, "stylegan.interop.hub")
    monkeypatch.delattr(stylegan.interop, "hub")
    for use in (lambda: push(networks(), "me/cats"), lambda: download("hf://me/cats")):
        with pytest.raises(InputError, match=r"pip install 'stylegan\[hub\]'"):
            use()
