"""The page in a real browser: Debian's Chromium, driven by Playwright."""

import os
import shutil
from contextlib import contextmanager

import numpy as np
import pytest

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
READ = """id => {
  const canvas = document.getElementById(id);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.width, Array.from(data)];
}"""


def find_chromium():
    """Its path. Skips the test, with words, where there is none."""
    pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[dev]'")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium, or name one in the variable CHROMIUM")
    return path


class Tab:
    """A page of an explorer, and all that went wrong on it."""

    def __init__(self, page, address):
        self.page, self.address, self.problems, self.asked = page, address, [], []
        page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def open(self, path=""):
        self.page.goto(self.address + path)
        self.wait()

    def wait(self):
        """Until the picture of the current state is shown."""
        self.page.wait_for_function(
            "() => document.body.dataset.shown !== undefined && document.body.dataset.shown === location.hash.slice(1)"
        )

    @property
    def link(self):
        """The text of the state's link."""
        return self.page.evaluate("location.hash.slice(1)")

    def pixels(self, canvas="picture"):
        """uint8 (3, H, H) of a canvas."""
        side, data = self.page.evaluate(READ, canvas)
        return np.array(data, np.uint8).reshape(side, side, 4)[:, :, :3].transpose(2, 0, 1)

    def slide(self, name, value):
        """Move the slider of this name."""
        self.page.get_by_label(name, exact=True).fill(str(value))
        self.wait()

    def seed(self, name, value):
        """Type a seed."""
        box = self.page.get_by_label(name, exact=True)
        box.fill(str(value))
        box.press("Enter")
        self.wait()

    def click(self, name, exact=True):
        """A button of this name."""
        self.page.get_by_role("button", name=name, exact=exact).click()
        self.wait()

    def tab(self, name):
        self.page.get_by_role("tab", name=name).click()

    def no_problems(self):
        """Nothing on the console, nothing asked of another host."""
        assert self.problems == []
        assert [url for url in self.asked if not url.startswith((self.address, "blob:", "data:"))] == []


@contextmanager
def tab_of(browser, address, **how):
    context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | how))
    try:
        yield Tab(context.new_page(), address)
    finally:
        context.close()
