"""Commands and snippets of the README and of docs/ run, with small budgets. Installing and testing themselves aside."""

import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylegan import cli
from stylegan.experiments import demo as demo_module

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SMALL = {
    "train": shlex.split(
        "--kimg 0.02 --channel-base 128 --channel-max 8 --z-dim 8 --w-dim 8 --mapping-dim 8 --batch 4 --batch-at ''"
    ),
    "demo": ["--minutes", "0.02"],
    "project": ["--steps", "2"],
    "video": ["--frames", "3"],
}


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.M | re.S)


def commands(page: Path) -> list[list[str]]:
    """Every command `stylegan ...` in the page's shell blocks."""
    text = "\n".join(blocks(page, "sh")).replace("\\\n", " ").replace(" && ", "\n")
    return [shlex.split(line, comments=True)[1:] for line in text.splitlines() if line.startswith("stylegan ")]


def small(arguments: list[str]) -> list[str]:
    """The same command with a budget of seconds."""
    if arguments[0] == "train" and "--resume" in arguments:
        return arguments
    if arguments[0] == "prepare" and "portraits:" in arguments[1]:
        arguments = ["prepare", "portraits:16", arguments[2], "--resolution", "16"]
    return [*arguments, *SMALL.get(arguments[0], [])]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty folder with some photos, as a newcomer has."""
    (tmp_path / "photos").mkdir()
    random = np.random.RandomState(0)
    for i in range(8):
        Image.fromarray(random.randint(0, 255, (16, 16, 3), np.uint8)).save(tmp_path / "photos" / f"{i}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo_module, "PORTRAITS", 64)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_snippet_of_the_page_runs_in_order(page, workplace, monkeypatch, capsys):
    for arguments in commands(page):
        monkeypatch.setattr(sys, "argv", ["stylegan", *small(arguments)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        assert not exit_.value.code, f"{shlex.join(arguments)}: {capsys.readouterr().err}"
    for snippet in blocks(page, "python"):
        exec(compile(snippet, str(page), "exec"), {"__name__": "__main__"})


def test_the_readme_has_the_two_commands_and_ci_runs_the_second():
    readme, ci = (ROOT / "README.md").read_text(), (ROOT / ".ci" / "run").read_text()
    assert "pip install -e . && stylegan demo" in readme
    assert "pip install -e '.[dev]' && pytest" in readme
    assert "pip install -e '.[dev]' && pytest" in ci


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_name_that_the_page_points_to_exists(page):
    text = page.read_text()
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (page.parent / target).exists(), target
    for path, name in re.findall(r"`((?:src|tests|examples|benchmarks)/[\w/.-]+\.py)(?::(\w+))?`", text):
        assert (ROOT / path).is_file(), path
        assert not name or re.search(rf"\b(def|class) {name}\b|^{name}\b", (ROOT / path).read_text(), re.M), (
            path,
            name,
        )
