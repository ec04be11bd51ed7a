"""The page in Chromium: each control changes the picture as it says. Run with: pytest -m browser"""

import copy
import functools
import http.server
import io
import json
import os
import shlex
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

import stylegan
from stylegan.checkpoint import Networks, save
from stylegan.explorer.explorer import Explorer, encode, image_of
from stylegan.explorer.state import link_of, read_state

from browsing import tab_of
from served import served

pytestmark = pytest.mark.browser
SIX = {"seeds": [1, 2, 3, 4], "x": 0.25, "y": 0.5}


def is_picture_of(tab, explorer, state):
    return np.array_equal(tab.pixels(), explorer.picture(state))


def test_the_first_picture_is_that_of_its_link(tab, boxed):
    assert is_picture_of(tab, boxed, tab.link)
    assert read_state(tab.link).a.x == 0


def test_dragging_the_pad_moves_the_picture(tab, boxed):
    first = tab.pixels()
    box = tab.page.locator(".pad").bounding_box()
    tab.page.mouse.move(box["x"] + 0.14 * box["width"], box["y"] + 0.14 * box["height"])
    tab.page.mouse.down()
    for i in range(1, 11):
        tab.page.mouse.move(box["x"] + (0.14 + 0.036 * i) * box["width"], box["y"] + (0.14 + 0.018 * i) * box["height"])
    tab.page.mouse.up()
    tab.wait()
    source = read_state(tab.link).a
    assert source.x == pytest.approx(0.5, abs=0.02) and source.y == pytest.approx(0.25, abs=0.02)
    assert is_picture_of(tab, boxed, tab.link) and not np.array_equal(tab.pixels(), first)


def test_a_touch_moves_the_picture(browser, boxed_server, boxed):
    with tab_of(browser, boxed_server.address, has_touch=True, viewport={"width": 390, "height": 844}) as tab:
        tab.open()
        tab.page.locator(".pad").scroll_into_view_if_needed()
        box = tab.page.locator(".pad").bounding_box()
        tab.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        tab.wait()
        assert read_state(tab.link).a.x == pytest.approx(0.5, abs=0.02)
        assert is_picture_of(tab, boxed, tab.link)
        tab.no_problems()


def test_arrow_keys_move_on_the_pad(tab, boxed):
    tab.page.get_by_label("Across the pad", exact=False).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Shift+ArrowDown"):
        tab.page.keyboard.press(key)
    tab.wait()
    source = read_state(tab.link).a
    assert (source.x, source.y) == (0.04, 0.12) and is_picture_of(tab, boxed, tab.link)


def test_a_corner_is_its_seed(tab, boxed):
    seeds = read_state(tab.link).a.corners
    for name, seed in [("bottom right", seeds[3]), ("top right", seeds[1])]:
        tab.click(f"Seed {seed}, {name}: go there")
        assert is_picture_of(tab, boxed, {"a": {"seeds": seed}})


def test_a_typed_seed_is_the_picture_of_that_seed(tab, boxed):
    tab.seed("Seed", 42)
    assert is_picture_of(tab, boxed, {"a": {"seeds": 42}})


def test_what_is_no_seed_is_not_taken(tab):
    before = tab.link
    for wrong in ("-1", "4294967296", "1.5", ""):
        tab.seed("Seed", wrong)
        assert tab.link == before and tab.page.get_by_label("Seed", exact=True).input_value() == "3"


def test_psi_0_on_all_styles_is_the_mean_whatever_the_seed(tab, boxed):
    tab.slide("psi", 0)
    tab.page.get_by_label("on styles").select_option("all")
    tab.page.get_by_label("Noise of all", exact=True).select_option("none")
    tab.wait()
    mean = tab.pixels()
    tab.seed("Seed", 99)
    assert np.array_equal(tab.pixels(), mean)
    assert is_picture_of(tab, boxed, {"a": {"seeds": 0}, "psi": 0, "cutoff": None, "noise": ["none"] * 10})


def test_mixing_all_levels_to_b_gives_the_picture_of_b(tab, boxed):
    tab.seed("Seed of B", 77)
    for name in ("coarse: styles 0 to 3", "middle: styles 4 to 7", "fine: styles 8 to 9"):
        before = tab.pixels()
        tab.slide(f"Mix {name}", 1)
        assert not np.array_equal(tab.pixels(), before)
    assert is_picture_of(tab, boxed, {"a": {"seeds": 77}})
    tab.click("All A")
    assert is_picture_of(tab, boxed, {"a": {"seeds": 3}})


def test_every_style_has_a_slider_when_unfolded(tab, boxed):
    tab.page.locator("#unfold").check()
    tab.slide("Mix middle, style 5 (16 px)", 1)
    mix = [1 if i == 5 else 0 for i in range(10)]
    assert is_picture_of(tab, boxed, {"a": {"seeds": 3}, "b": {"seeds": 10}, "mix": mix})
    assert tab.page.locator(".level.varied").count() == 1


def test_a_and_b_change_places(tab, boxed):
    tab.click("Swap")
    tab.click("All A")
    assert is_picture_of(tab, boxed, {"a": {"seeds": 10}})


def test_noise_is_switched_off_and_redrawn_by_level(tab, boxed):
    tab.page.get_by_label("Noise of fine", exact=True).select_option("none")
    tab.wait()
    assert is_picture_of(tab, boxed, {"a": {"seeds": 3}, "noise": [*["own"] * 8, "none", "none"]})
    tab.click("Redraw the noise of coarse")
    noise = read_state(tab.link).noise
    assert isinstance(noise[0], int) and noise[:4] == [noise[0]] * 4 and noise[4:] == [*["own"] * 4, "none", "none"]
    assert is_picture_of(tab, boxed, tab.link)


def test_a_direction_moves_the_picture_in_its_range_of_styles(tab, boxed):
    tab.slide("Direction closed-1", 3)
    tab.page.get_by_label("Direction closed-1: last style").select_option("3")
    tab.wait()
    along = {"name": "closed-1", "strength": 3, "layers": [0, 3]}
    assert is_picture_of(tab, boxed, {"a": {"seeds": 3}, "directions": [along]})
    tab.click("Direction closed-1: back to 0")
    assert is_picture_of(tab, boxed, {"a": {"seeds": 3}})


def test_a_link_and_a_reload_restore_the_state(tab, boxed, browser):
    tab.slide("psi", 0.3)
    tab.seed("Seed", 8)
    tab.slide("Mix coarse: styles 0 to 3", 0.5)
    shown, link = tab.pixels(), tab.link
    tab.page.reload()
    tab.wait()
    assert tab.link == link and np.array_equal(tab.pixels(), shown)
    with tab_of(browser, tab.address) as other:
        other.open(f"#{link}")
        assert np.array_equal(other.pixels(), shown)
        assert other.page.get_by_label("psi", exact=True).input_value() == "0.3"


def test_a_broken_link_is_said_and_the_first_picture_is_shown(browser, boxed_server):
    with tab_of(browser, boxed_server.address) as tab:
        tab.page.goto(tab.address + "#eyJhIjp7")
        tab.page.wait_for_function("() => document.body.dataset.shown !== undefined")
        assert "this link holds no state" in tab.page.locator("#status").inner_text()


def test_back_and_forward_walk_through_the_history(tab):
    first = tab.pixels()
    tab.seed("Seed", 8)
    second = tab.pixels()
    tab.slide("psi", 0.2)
    tab.click("← Back")
    assert np.array_equal(tab.pixels(), second)
    tab.page.keyboard.press("Control+z")
    tab.wait()
    assert np.array_equal(tab.pixels(), first)
    tab.page.keyboard.press("]")
    tab.wait()
    assert np.array_equal(tab.pixels(), second)


def test_what_changed_is_shown_beside_and_as_a_heat_map(tab, boxed):
    before = tab.pixels()
    tab.slide("Mix fine: styles 8 to 9", 1)
    tab.page.keyboard.press("b")
    assert np.array_equal(tab.pixels("before"), before)
    tab.page.keyboard.press("h")
    largest = np.abs(tab.pixels().astype(int) - before).max()
    tab.page.wait_for_function("() => document.querySelector('.legend').textContent.includes('of 255')")
    assert f"by {largest} of 255" in tab.page.locator(".legend").inner_text()
    heat = tab.pixels("heat").astype(int).sum(axis=0)
    changed = np.abs(tab.pixels().astype(int) - before).max(axis=0)
    assert heat.ravel()[changed.argmax()] == heat.max() and heat.ravel()[changed.argmin()] == heat.min()


def test_nine_children_one_is_picked_and_the_tree_leads_back(tab, boxed):
    parent = tab.pixels()
    tab.click("Make nine children")
    cells = tab.page.locator(".children .cell")
    assert cells.count() == 9
    cells.nth(4).click()
    tab.wait()
    assert is_picture_of(tab, boxed, tab.link) and not np.array_equal(tab.pixels(), parent)
    assert len(read_state(tab.link).a.steps) == 1
    tab.page.locator(".children .cell").nth(0).click()
    tab.wait()
    assert len(read_state(tab.link).a.steps) == 2 and tab.page.locator(".tree .node").count() == 3
    tab.page.locator(".tree .node").nth(0).click()
    tab.wait()
    assert np.array_equal(tab.pixels(), parent)
    tab.page.reload()
    tab.wait()
    assert tab.page.locator(".tree .node").count() == 3


def test_children_of_two_have_styles_of_both(tab, boxed):
    tab.page.get_by_text("of A and B", exact=True).click()
    tab.click("Make nine children")
    tab.page.locator(".children .cell").nth(2).click()
    tab.wait()
    crossing, mutation = read_state(tab.link).a.steps
    assert crossing.source.corners == [10] * 4 and len(set(crossing.t)) > 1 and mutation.t > 0


def test_the_truncation_strip_leads_to_its_pictures(tab, boxed):
    tab.tab("Truncation strip")
    tab.click("psi -0.5: go there")
    assert is_picture_of(tab, boxed, {"a": {"seeds": 3}, "psi": -0.5})


def test_the_mixing_grid_leads_to_its_pictures(tab, boxed):
    tab.tab("Mixing grid")
    tab.click("middle styles of seed 10: go there")
    mix = [1 if 4 <= i < 8 else 0 for i in range(10)]
    assert is_picture_of(tab, boxed, {"a": {"seeds": 3}, "b": {"seeds": 10}, "mix": mix})


def saved(tab, name):
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name=name, exact=True).click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_the_picture_the_styles_and_the_state_are_saved(tab, boxed, tmp_path):
    tab.slide("Mix coarse: styles 0 to 3", 0.5)
    name, data = saved(tab, "Save picture")
    assert name == "portraits-seed3.png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), np.asarray(image_of(boxed.picture(tab.link))))
    _, data = saved(tab, "Save styles")
    assert np.array_equal(np.load(io.BytesIO(data)), boxed.recipe(tab.link).ws.numpy())
    _, data = saved(tab, "Save state")
    assert read_state(data) == read_state(tab.link)
    link = tab.link
    tab.click("Random picture")
    (tmp_path / "state.json").write_bytes(data)
    tab.page.locator("#open-state").set_input_files(tmp_path / "state.json")
    tab.page.wait_for_function("link => location.hash.slice(1) === link", arg=link)


def run(arguments, folder):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(arguments, cwd=folder, check=True, env=environment, capture_output=True)


@pytest.mark.parametrize("simple", [True, False])
def test_the_command_and_the_python_lines_make_the_same_picture(tab, tmp_path, simple):
    tab.seed("Seed", 5)
    tab.slide("psi", 0.55)
    if not simple:
        tab.slide("Mix coarse: styles 0 to 3", 0.3)
    tab.tab("Command and Python")
    command, python = (tab.page.locator(f"#{which}").inner_text() for which in ("command", "python"))
    assert command.startswith("stylegan sample" if simple else "stylegan explore")
    run([sys.executable, "-m", *shlex.split(command)], tmp_path)
    run([sys.executable, "-c", python], tmp_path)
    made = [*(tmp_path / "pictures").glob("*.png"), tmp_path / "picture.png"] if simple else [tmp_path / "picture.png"]
    if not simple:  # the command wrote picture.png, and the lines wrote it again
        run([sys.executable, "-m", *shlex.split(command.replace("picture.png", "again.png"))], tmp_path)
        made.append(tmp_path / "again.png")
    assert len(made) == 2
    for path in made:
        assert np.array_equal(np.asarray(Image.open(path)).transpose(2, 0, 1), tab.pixels())


def test_the_command_knows_classes_noise_and_directions(browser, labelled, tmp_path, write_direction):
    G = copy.deepcopy(labelled)
    G.class_names = ("cat", "wild dog", "a bird's nest")
    network = tmp_path / "some animals.safetensors"
    save(network, Networks(G))
    write_direction(G, tmp_path / "some animals-directions" / "age.safetensors")
    explorer = Explorer(G, network=network)
    state = {
        "a": {"seeds": 4, "class": 2},
        "psi": -0.5,
        "cutoff": 3,
        "noise": [*["none"] * 6, 5, 5],
        "directions": [{"name": "age", "strength": -1.5, "layers": [2, 3]}],
    }
    with served(explorer) as serving, tab_of(browser, serving.address) as tab:
        tab.open(f"#{link_of(state)}")
        tab.tab("Command and Python")
        command, python = (tab.page.locator(f"#{which}").inner_text() for which in ("command", "python"))
    assert command.startswith("stylegan sample '") and "--direction age=-1.5" in command
    assert "--class 'a bird'\\''s nest'" in command and "--noise-seed 5 --noise-layers 6,7" in command
    run([sys.executable, "-m", *shlex.split(command)], tmp_path)
    run([sys.executable, "-c", python], tmp_path)
    for path in (tmp_path / "pictures" / "seed0004.png", tmp_path / "picture.png"):
        assert np.array_equal(np.asarray(Image.open(path)).transpose(2, 0, 1), explorer.picture(state))


ROUND_TRIP = """async given => {
  const { expand, shorten, encode, decode } = await import("./state.js");
  const info = await (await fetch("api/info")).json();
  const full = expand(info, given);
  return { full, short: shorten(info, full), link: encode(info, full), again: decode(info, encode(info, full)) };
}"""
SHORT = {
    "a": {
        "seeds": [4, 5, 6, 7],
        "x": 0.25,
        "steps": [{"seed": 9, "t": 0.5}, {"source": {"seeds": 8}, "t": [0.5] * 10}],
    },
    "b": {"seeds": 7},
    "mix": [0, 0.5, *[1] * 8],
    "psi": -0.25,
    "cutoff": None,
    "noise": [*["own"] * 6, 4294967295, "const", "none", "own"],
    "directions": [{"name": "closed-2", "strength": -1.5, "layers": [2, 4]}],
}


@pytest.mark.parametrize("left_out", [[], ["b", "mix"], ["psi", "cutoff"], ["noise", "directions"], [*SHORT][1:]])
def test_short_and_full_states_and_links_mean_the_same_on_the_page_and_in_python(tab, boxed, left_out):
    short = {key: value for key, value in SHORT.items() if key not in left_out}
    found = tab.page.evaluate(ROUND_TRIP, short)
    assert found["again"] == found["full"]
    for state in (found["full"], found["short"], found["link"]):
        assert np.array_equal(boxed.picture(state), boxed.picture(short))
    assert read_state(found["short"]) == read_state(short) == read_state(found["link"])


def photo(boxed, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(encode(boxed.picture({"a": {"seeds": 123}})))
    return path


def test_a_photo_is_projected_and_mixed(tab, boxed, tmp_path):
    tab.tab("Your photo")
    tab.page.get_by_label("How thoroughly").evaluate("s => { s.options[0].value = '3'; }")
    tab.page.get_by_label("How thoroughly").select_option("3")
    tab.page.locator("input[type=file][accept='image/*']").set_input_files(photo(boxed, tmp_path))
    tab.click("Use as A")
    assert read_state(tab.link).a.upload in boxed.uploads.projected
    assert is_picture_of(tab, boxed, tab.link)
    tab.slide("Mix fine: styles 8 to 9", 1)
    assert is_picture_of(tab, boxed, tab.link)
    tab.click("Back to seeds")
    tab.click("All A")
    assert is_picture_of(tab, boxed, {"a": {"seeds": 3}})


def test_a_projection_can_be_canceled(tab, boxed, tmp_path):
    tab.tab("Your photo")
    tab.page.get_by_label("How thoroughly").select_option("500")
    tab.page.locator("input[type=file][accept='image/*']").set_input_files(photo(boxed, tmp_path))
    tab.page.get_by_text("Searching its styles").wait_for()
    tab.page.get_by_role("button", name="Cancel").click()
    tab.page.get_by_text("Canceled.").wait_for()
    assert all(job.stage != "waiting" for job in boxed.uploads.jobs.values())


def test_a_file_that_is_no_picture_is_said(browser, boxed_server, tmp_path):
    (tmp_path / "photo.png").write_bytes(b"no picture")
    with tab_of(browser, boxed_server.address) as tab:
        tab.open()
        tab.tab("Your photo")
        tab.page.locator("input[type=file][accept='image/*']").set_input_files(tmp_path / "photo.png")
        tab.page.get_by_text("this is no picture").wait_for()


def test_the_newest_state_wins_and_stale_ones_are_not_asked_for(tab, boxed, monkeypatch):
    slow = boxed._picture
    monkeypatch.setattr(
        boxed, "_picture", lambda *a: (tab.page.wait_for_timeout, __import__("time").sleep(0.05))[0:0] or slow(*a)
    )
    asked = len([url for url in tab.asked if url.endswith("api/picture")])
    tab.page.evaluate("""() => {
      const range = document.querySelector(".psi input[type=range]");
      for (let i = 0; i <= 60; i += 1) { range.value = i / 100; range.dispatchEvent(new Event("input")); }
      range.dispatchEvent(new Event("change"));
    }""")
    tab.wait()
    assert is_picture_of(tab, boxed, {"a": {"seeds": 3}, "psi": 0.6})
    assert len([url for url in tab.asked if url.endswith("api/picture")]) - asked < 30


def test_pictures_arrive_without_a_jump_of_the_layout(browser, boxed_server):
    with tab_of(browser, boxed_server.address) as tab:
        tab.page.add_init_script("""
          window.shifted = 0;
          new PerformanceObserver(list => { for (const e of list.getEntries()) window.shifted += e.value; })
            .observe({ type: "layout-shift", buffered: true });
        """)
        tab.open()
        tab.page.wait_for_timeout(500)
        tab.page.evaluate("window.shifted = 0")
        tab.click("Random picture")
        tab.click("Make nine children")
        tab.page.wait_for_timeout(500)
        assert tab.page.evaluate("window.shifted") < 0.02


@pytest.mark.parametrize("size", [(390, 844), (900, 1100), (1440, 900)])
def test_nothing_is_wider_than_the_window(browser, boxed_server, size):
    with tab_of(browser, boxed_server.address, viewport=dict(zip(("width", "height"), size, strict=True))) as tab:
        tab.open()
        tab.click("Make nine children")
        for name in ("Truncation strip", "Mixing grid", "Your photo", "Command and Python"):
            tab.tab(name)
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_a_network_with_classes(browser, labelled):
    explorer = Explorer(labelled)
    with served(explorer) as serving, tab_of(browser, serving.address) as tab:
        tab.open()
        tab.page.get_by_label("Class", exact=True).select_option("2")
        tab.seed("Seed", 4)
        assert is_picture_of(tab, explorer, {"a": {"seeds": 4, "class": 2}})
        tab.page.get_by_label("Class of B").select_option("1")
        tab.seed("Seed of B", 6)
        tab.click("All B")
        assert is_picture_of(tab, explorer, {"a": {"seeds": 6, "class": 1}})
        tab.no_problems()


def test_networks_of_gray_and_of_transparent_pictures(browser, make):
    for channels in (1, 4):
        explorer = Explorer(make(img_channels=channels))
        with served(explorer) as serving, tab_of(browser, serving.address) as tab:
            tab.open()
            tab.seed("Seed", 4)
            _, data = saved(tab, "Save picture")
            assert np.array_equal(
                np.asarray(Image.open(io.BytesIO(data))), np.asarray(image_of(explorer.picture({"a": {"seeds": 4}})))
            )
            tab.no_problems()


def test_a_network_without_styles_has_no_controls_for_them(browser, traditional):
    explorer = Explorer(traditional)
    with served(explorer) as serving, tab_of(browser, serving.address) as tab:
        tab.open()
        tab.seed("Seed", 4)
        assert is_picture_of(tab, explorer, {"a": {"seeds": 4}})
        assert tab.page.get_by_text("Mix A with B").count() == 0
        tab.slide("psi", 0.1)
        assert is_picture_of(tab, explorer, {"a": {"seeds": 4}, "psi": 0.1})
        tab.click("Make nine children")
        tab.page.locator(".children .cell").nth(0).click()
        tab.wait()
        tab.no_problems()


def test_the_page_takes_its_token_from_the_address_and_hides_it(browser, G):
    with served(Explorer(G), in_notebook=True) as serving, tab_of(browser, serving.address.split("?")[0]) as tab:
        tab.open("?" + serving.address.split("?")[1])
        assert "token" not in tab.page.url
        tab.page.reload()
        tab.wait()
        tab.no_problems()


def test_the_frame_of_a_notebook_shows_the_page(browser, G, tmp_path):
    """A page at another port of this machine, as notebooks are."""
    shown = stylegan.explore(G, height=700)
    (tmp_path / "notebook.html").write_text(f"<!doctype html><title>notebook</title>{shown._repr_html_()}")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    try:
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as notebook:
            threading.Thread(target=notebook.serve_forever, daemon=True).start()
            page = browser.new_page(viewport={"width": 1000, "height": 800})
            page.goto(f"http://localhost:{notebook.server_port}/notebook.html")
            page.frame_locator("iframe").locator("body[data-shown]").wait_for()
            page.close()
            notebook.shutdown()
    finally:
        shown.close()


def test_an_accessibility_checker_finds_nothing_serious(tab):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    for scheme in ("light", "dark"):
        tab.page.emulate_media(color_scheme=scheme)
        for name in ("Breed", "Truncation strip", "Mixing grid", "Your photo", "Command and Python"):
            tab.tab(name)
            found = axe.Axe().run(tab.page).response["violations"]
            serious = [
                f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found if v["impact"] in ("serious", "critical")
            ]
            assert serious == [], json.dumps(serious, indent=1)
