"""The explorer with no server: its files, and in Chromium its pictures. Run the browser's with: pytest -m browser"""

import html
import io
import json
import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Thread

import numpy as np
import pytest
from PIL import Image

import stylegan
from stylegan.errors import FailedError
from stylegan.explorer import static
from stylegan.explorer.explorer import Explorer, image_of
from stylegan.explorer.state import link_of
from stylegan.explorer.static import in_order, page_files, save_static, single_page

from browsing import tab_of

LEVEL = 1  # of 255: what the static page may differ by


@pytest.fixture(scope="session")
def page_of(tmp_path_factory):
    """page_of(G or name): the file of its static page, made once."""
    made = {}

    def page(network):
        key = network if isinstance(network, str) else id(network)
        if key not in made:
            made[key] = network, save_static(network, tmp_path_factory.mktemp("static") / "page.html")
        return made[key][1]

    return page


# The file


def test_a_page_asks_nothing_of_anybody(G, page_of):
    text = page_of(G).read_text()
    assert set(re.findall(r'(?:src|href)="([^"]*)"', text.partition("<script")[0])) == {"data:,"}
    assert "default-src 'none'" in html.unescape(text)
    assert "engine.js" not in in_order(page_files())


def test_every_module_comes_after_those_that_it_imports():
    files = page_files()
    order = in_order(files)
    assert order[-1] == "boot.js" and len(set(order)) == len(order)
    for i, name in enumerate(order):
        assert set(re.findall(r'from "\./([\w.]+)";', files[name])) <= set(order[:i])
    assert set(order) == {name for name in files if name.endswith(".js")}


def test_code_cannot_end_its_script_early():
    files = page_files() | {"boot.js": 'const text = "</script><b>";'}
    (modules,) = re.findall(r'id="modules">(.*?)</script>', single_page(files, {}), flags=re.S)
    assert json.loads(modules)[-1] == ["boot.js", 'const text = "</script><b>";']


@pytest.mark.parametrize("out", ["there.html", "page.png"])
def test_what_cannot_be_written_is_refused(G, tmp_path, out):
    (tmp_path / "there.html").write_text("mine")
    with pytest.raises(stylegan.InputError, match=r"exists|must end in \.html"):
        save_static(G, tmp_path / out)
    assert [path.name for path in tmp_path.iterdir()] == ["there.html"]
    assert (tmp_path / "there.html").read_text() == "mine"


def test_a_runtime_that_was_changed_is_refused(monkeypatch, tmp_path):
    monkeypatch.setitem(static.RUNTIME, "ort.mjs", "LICENSE.txt")
    with pytest.raises(FailedError, match="install the package again"):
        dict(static.runtime())


def test_graphs_whose_pictures_differ_are_not_written(G, tmp_path, monkeypatch):
    graphs = static.graphs_of(G)
    blind = {name: model.SerializeToString() for name, model in graphs.items()}
    static.check_graphs(G, blind)
    other = stylegan.Generator(G.config).eval().requires_grad_(False)
    with pytest.raises(FailedError, match="levels of 255"):
        static.check_graphs(other, blind)


def test_the_command_writes_a_file_and_a_folder(stylegan, G, tmp_path):
    from stylegan.checkpoint import save

    save(tmp_path / "net.safetensors", G)
    for out in ("page.html", "folder"):
        code, text = stylegan("explore", tmp_path / "net.safetensors", "--static", tmp_path / out)
        assert code == 0 and out in text
    names = {path.name for path in (tmp_path / "folder").iterdir()}
    assert {
        "index.html",
        "boot.js",
        "static.js",
        "style.css",
        "synthesis.onnx.bin",
    } <= names and "engine.js" not in names
    code, text = stylegan("explore", tmp_path / "net.safetensors", "--static", tmp_path / "page.html")
    assert code == 2 and "exists" in text


# In the browser

SIX = {"seeds": [1, 2, 3, 4], "x": 0.25, "y": 0.5}
STATES = {
    "a seed": {"a": {"seeds": 5}},
    "the last seed": {"a": {"seeds": 2**32 - 1}},
    "on the pad": {"a": SIX},
    "untruncated": {"a": SIX, "psi": 1},
    "the mean": {"a": SIX, "psi": 0},
    "the opposite, some styles": {"a": SIX, "psi": -0.5, "cutoff": 3},
    "mixed": {"a": SIX, "b": {"seeds": 9}, "mix": [0, 0, 1, 1, 0.3, 0.3, 1, 1, 0, 0.5]},
    "all B": {"a": SIX, "b": {"seeds": 9}, "mix": [1] * 10},
    "noise of all kinds": {"a": SIX, "noise": ["own", "const", "none", 7, 7, 2**32 - 1, "own", "none", 3, "const"]},
    "moved": {
        "a": SIX,
        "directions": [
            {"name": "closed-1", "strength": 3, "layers": [0, 9]},
            {"name": "closed-2", "strength": -2.5, "layers": [4, 6]},
        ],
    },
    "bred": {"a": {"seeds": 3, "steps": [{"seed": 8, "t": 0.35}, {"source": {"seeds": 4}, "t": [0.5] * 10}]}},
}


@pytest.mark.browser
@pytest.mark.parametrize("name", STATES)
def test_the_picture_of_a_state_is_torchs(browser, boxed, page_of, name):
    text = link_of(STATES[name])
    with tab_of(browser, page_of("portraits").as_uri()) as tab:
        tab.page.context.set_offline(True)
        tab.open(f"#{text}")
        found, expected = tab.pixels().astype(int), boxed.picture(STATES[name]).astype(int)
        assert np.abs(found - expected).max() <= LEVEL
        tab.no_problems()


@pytest.mark.browser
def test_the_controls_move_the_picture_with_the_network_unplugged(browser, boxed, page_of):
    with tab_of(browser, page_of("portraits").as_uri()) as tab:
        tab.page.context.set_offline(True)
        tab.open()
        seen = [tab.pixels()]
        box = tab.page.locator(".pad").bounding_box()
        tab.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        tab.wait()
        seen.append(tab.pixels())
        tab.slide("psi", 0.2)
        seen.append(tab.pixels())
        tab.slide("Mix coarse: styles 0 to 3", 1)
        seen.append(tab.pixels())
        assert all(np.abs(a.astype(int) - b).max() > 10 for a, b in pairwise(seen))
        assert np.abs(seen[-1].astype(int) - boxed.picture(tab.link)).max() <= LEVEL
        tab.page.get_by_role("button", name="Make nine children").click()
        tab.page.wait_for_function("() => document.querySelectorAll('#below canvas').length >= 9")
        tab.no_problems()


@pytest.mark.browser
def test_what_it_saves_is_what_it_shows(browser, boxed, page_of):
    with tab_of(browser, page_of("portraits").as_uri()) as tab:
        tab.open(f"#{link_of(STATES['mixed'])}")
        files = []
        for button in ("Save picture", "Save styles"):
            with tab.page.expect_download() as download:
                tab.page.get_by_role("button", name=button).click()
            files.append(download.value.path().read_bytes())
        picture = Image.open(io.BytesIO(files[0]))
        assert picture.mode == "RGB"
        assert np.array_equal(np.asarray(picture).transpose(2, 0, 1), tab.pixels())
        assert np.load(io.BytesIO(files[1])) == pytest.approx(boxed.recipe(STATES["mixed"]).ws.numpy(), abs=2e-5)
        tab.no_problems()


@pytest.mark.browser
@pytest.mark.parametrize(
    "changes",
    [
        {"c_dim": 3},
        {"img_channels": 4},
        {"img_channels": 1},
        {"noise": False},
        {"norm": "pixel", "const_input": False, "noise": False, "style_mixing_prob": 0.0},
        {"mapping_layers": 0},
    ],
    ids=["classes", "RGBA", "gray", "without noise", "traditional", "without mapping"],
)
def test_other_networks_open_too(browser, make, page_of, changes):
    G = make(**changes)
    explorer = Explorer(G)
    state = {"a": SIX | ({"class": 2} if G.c_dim else {})}
    with tab_of(browser, page_of(G).as_uri()) as tab:
        tab.open(f"#{link_of(state)}")
        with tab.page.expect_download() as download:
            tab.page.get_by_role("button", name="Save picture").click()
        found = np.asarray(Image.open(download.value.path())).astype(int)
        assert np.abs(found - np.asarray(image_of(explorer.picture(state)))).max() <= LEVEL
        tab.no_problems()
    explorer.close()


@pytest.mark.browser
def test_the_folder_opens_from_any_web_server(browser, make, tmp_path):
    G = make()
    folder = save_static(G, tmp_path / "folder")
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with tab_of(browser, f"http://127.0.0.1:{server.server_port}/") as tab:
            tab.open(f"#{link_of({'a': SIX})}")
            explorer = Explorer(G)
            assert np.abs(tab.pixels().astype(int) - explorer.picture({"a": SIX})).max() <= LEVEL
            explorer.close()
            tab.no_problems()
        server.shutdown()


@pytest.mark.browser
def test_a_seeds_numbers_are_numpys(browser, page_of):
    seeds = [0, 1, 12345, 2**31, 2**32 - 1]
    code = """async seeds => {
        const modules = JSON.parse(document.getElementById("modules").textContent);
        const [, code] = modules.find(([name]) => name === "random.js");
        const { RandomState } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
        return seeds.map(seed => Array.from(new RandomState(seed).normals(1500)));
    }"""
    with tab_of(browser, page_of("portraits").as_uri()) as tab:
        tab.open()
        found = np.array(tab.page.evaluate(code, seeds), np.float32)
    expected = np.stack([np.random.RandomState(seed).randn(1500) for seed in seeds]).astype(np.float32)
    assert (found == expected).mean() > 0.999 and np.abs(found - expected).max() < 1e-6
