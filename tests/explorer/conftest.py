"""Explorers of small networks, and a server of one."""

import pytest

import stylegan
from stylegan.explorer.explorer import Explorer

from browsing import FLAGS, find_chromium, tab_of
from served import served


@pytest.fixture
def explorer(G):
    found = Explorer(G)
    yield found
    found.close()


@pytest.fixture
def server(explorer):
    with served(explorer) as serving:
        yield serving


@pytest.fixture(scope="session")
def browser():
    path = find_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="session")
def boxed():
    """An explorer of the network in the box."""
    found = Explorer(stylegan.load("portraits"), network="portraits")
    yield found
    found.close()


@pytest.fixture(scope="session")
def boxed_server(boxed):
    with served(boxed) as serving:
        yield serving


@pytest.fixture
def tab(browser, boxed_server):
    """The page of the network in the box; after the test, nothing went wrong on it."""
    with tab_of(browser, boxed_server.address) as found:
        found.open()
        yield found
        found.no_problems()
