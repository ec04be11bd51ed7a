"""The command, the notebook, and the bounds of memory."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
from PIL import Image

import stylegan as package
from stylegan.checkpoint import Networks, save
from stylegan.errors import InputError
from stylegan.explorer import explorer as explorer_module
from stylegan.explorer.explorer import Explorer
from stylegan.explorer.state import link_of, read_state

STATE = {"a": {"seeds": [1, 2, 3, 4], "x": 0.5}, "psi": 0.4}


@pytest.fixture
def network(G, tmp_path):
    path = tmp_path / "net.safetensors"
    save(path, Networks(G))
    return path


@pytest.mark.parametrize("form", ["link", "json", "file"])
def test_the_command_writes_the_picture_of_a_state(stylegan, network, G, tmp_path, form):
    (tmp_path / "state.json").write_text(json.dumps(STATE))
    given = {"link": link_of(STATE), "json": json.dumps(STATE), "file": tmp_path / "state.json"}[form]
    code, said = stylegan("explore", network, "--state", given, "--out", tmp_path / "a.png", "--device", "cpu")
    assert code == 0 and "32 x 32" in said
    found = np.asarray(Image.open(tmp_path / "a.png")).transpose(2, 0, 1)
    assert np.array_equal(found, Explorer(G).picture(STATE))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--state", "x", "--out", "a.png"], "must be the text of a link"),
        (["--state", "missing.json", "--out", "a.png"], "no file of a state"),
        (["--state", json.dumps(STATE), "--out", "a.jpg"], "must end in .png"),
        (["--state", json.dumps(STATE)], "belong together"),
        (["--out", "a.png"], "belong together"),
        (["--port", "70000"], "0 (any that is free) to 65535"),
        (["--host", "no.such.host.invalid"], "cannot listen"),
    ],
)
def test_what_is_wrong_ends_with_code_2(stylegan, network, monkeypatch, tmp_path, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, said = stylegan("explore", network, *arguments)
    assert code == 2 and words in said.replace("\n", " ")


def test_an_existing_picture_is_not_overwritten(stylegan, network, tmp_path):
    (tmp_path / "a.png").write_bytes(b"mine")
    code, said = stylegan("explore", network, "--state", json.dumps(STATE), "--out", tmp_path / "a.png")
    assert code == 2 and "exist" in said and (tmp_path / "a.png").read_bytes() == b"mine"


def test_the_command_serves_the_network_in_the_box_until_ctrl_c():
    command = [sys.executable, "-m", "stylegan", "explore", "--port", "0"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        address = next(word for word in running.stderr.readline().split() if word.startswith("http"))
        with urllib.request.urlopen(f"{address}api/info", timeout=60) as answer:
            assert json.load(answer)["name"] == "portraits"
    finally:
        running.send_signal(signal.SIGINT)
    assert running.wait(60) == 0 and running.stderr.read() == ""


def test_a_notebook_shows_the_page_in_a_frame_that_has_the_token(G):
    shown = package.explore(G, height=500)
    try:
        frame = shown._repr_html_()
        assert f'src="{shown.address}"' in frame and 'height="500"' in frame and "?token=" in shown.address
        with urllib.request.urlopen(shown.address, timeout=60) as page:
            policy = page.headers["content-security-policy"]
        assert "frame-ancestors http://localhost:*" in policy
        assert shown.explorer.G is G
    finally:
        shown.close()


def test_explore_opens_a_network_by_its_name(network):
    shown = package.explore(network)
    try:
        assert shown.explorer.info()["network"] == str(network)
    finally:
        shown.close()


@pytest.mark.parametrize("given", [3, None, "no-such-network"])
def test_what_is_no_network_is_refused(given):
    with pytest.raises(InputError):
        package.explore(given)


def test_layers_of_all_clients_together_are_bounded(explorer, monkeypatch):
    state = read_state(STATE)
    explorer.request(state, client="ann").result(60)
    each = explorer._kept["ann"].bytes
    monkeypatch.setattr(explorer_module, "MOST_KEPT_BYTES", 3 * each)
    for i in range(10):
        explorer.request(state, client=f"client{i}").result(60)
    assert list(explorer._kept) == ["client7", "client8", "client9"]


def test_layers_of_so_many_clients_are_kept(explorer, monkeypatch):
    monkeypatch.setattr(explorer_module, "MOST_KEPT", 2)
    for i in range(4):
        explorer.request(read_state(STATE), client=f"client{i}").result(60)
    assert list(explorer._kept) == ["client2", "client3"]


WAITING = """
import os, sys
from stylegan.cli import explorer
import stylegan.explorer
assert "torch" not in sys.modules
try:
    explorer.explore("no-such-network")
except ValueError:
    print(os.environ["OMP_WAIT_POLICY"], "torch" in sys.modules)
"""


def test_the_commands_threads_wait_without_spinning():
    """torch's OpenMP reads the variable once, when it is loaded."""
    done = subprocess.run([sys.executable, "-c", WAITING], capture_output=True, text=True, check=True)
    assert done.stdout == "PASSIVE True\n"


def test_a_client_computes_only_the_layers_that_changed(explorer):
    explorer.request(read_state({"a": {"seeds": 3}}), client="ann").result(60)
    explorer.request(read_state({"a": {"seeds": 3}, "b": {"seeds": 4}, "mix": [*[0] * 6, 1, 1]}), client="ann").result(
        60
    )
    assert explorer._kept["ann"].computed == 2
