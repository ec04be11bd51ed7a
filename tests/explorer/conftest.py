"""Explorers of small networks, and a server of one."""

import pytest

from stylegan.explorer.explorer import Explorer

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
