"""The size and names of the networks, and the directions of the imports."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import stylegan
from stylegan.config import CONFIG_A, CONFIG_F
from stylegan.interop.variables import authors_shape, discriminator_names, generator_names
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator

import golden

SOURCE = Path(stylegan.__file__).parent
ORDER = [
    *("errors", "sealed", "files", "foreign", "fields", "config", "device", "networks", "tensors", "checkpoint"),
    *("box", "opening"),
    *("data", "sampling", "figures", "interop", "metrics", "editing", "probing", "training", "experiments"),
    *("verifying", "explorer", "cli", "__main__"),
]
PURE = {
    "collections",
    "contextlib",
    "contextvars",
    "functools",
    "math",
    "re",
    "typing",
    "warnings",
}  # of the standard library
SHAPES = json.loads((golden.FOLDER / "var_shapes.json").read_text())
DEFAULTS = {"fmap_base": 8192, "fmap_max": 512, "latent_size": 512, "dlatent_size": 512, "mapping_fmaps": 512}


def on_meta(kind, config):
    """A network without memory for its tensors."""
    with torch.device("meta"):
        return kind(config)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


# Names and sizes


@pytest.mark.parametrize("name", SHAPES)
def test_every_variable_of_the_official_networks_is_ours_by_name_and_shape(name):
    official = SHAPES[name]
    config = golden.config(DEFAULTS | official["config"])
    for kind, key, names in [
        (Generator, "G", generator_names(config)),
        (Discriminator, "D", discriminator_names(config)),
    ]:
        ours = on_meta(kind, config).state_dict()
        assert names.keys() == ours.keys()
        translated = {names[n]: list(authors_shape(names[n], tensor.shape)) for n, tensor in ours.items()}
        assert translated == {n: shape for n, shape, _ in official[key] if not n.endswith("lod")}


@pytest.mark.parametrize("name", SHAPES)
def test_what_trains_in_the_official_networks_trains_in_ours(name):
    official = SHAPES[name]
    config = golden.config(DEFAULTS | official["config"])
    for kind, key, names in [
        (Generator, "G", generator_names(config)),
        (Discriminator, "D", discriminator_names(config)),
    ]:
        ours = {names[n] for n, _ in on_meta(kind, config).named_parameters()}
        assert ours == {n for n, _, trainable in official[key] if trainable}


@pytest.mark.parametrize("name", SHAPES)
def test_the_number_of_parameters_is_the_official_one(name):
    config = golden.config(DEFAULTS | SHAPES[name]["config"])
    assert parameters(on_meta(Generator, config)) == SHAPES[name]["G_params"]
    assert parameters(on_meta(Discriminator, config)) == SHAPES[name]["D_params"]


def test_the_numbers_of_parameters_are_those_of_the_paper():
    """Section 2: 26.2M trainable parameters, 23.1M in the traditional generator."""
    assert parameters(on_meta(Generator, CONFIG_F)) == 26_219_627
    assert parameters(on_meta(Discriminator, CONFIG_F)) == 23_087_249
    assert parameters(on_meta(Generator, CONFIG_A)) == 23_079_115


# Imports


def rooms():
    """Every module of the package with the room it is in."""
    return {path: path.relative_to(SOURCE).with_suffix("").parts[0] for path in sorted(SOURCE.rglob("*.py"))}


def imported_rooms(path):
    """The rooms of the package that a module imports, wherever in the file it does so."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        parts = [name.split(".") for name in names]
        found |= {p[1] if len(p) > 1 else "__init__" for p in parts if p[0] == "stylegan"}
    return found


def test_every_module_is_in_a_room_of_the_design():
    assert set(rooms().values()) <= {*ORDER, "__init__"}


def test_imports_point_one_way():
    wrong = [
        f"{path.relative_to(SOURCE)} imports {other}"
        for path, room in rooms().items()
        if room != "__init__"
        for other in imported_rooms(path)
        if other != "__version__" and (other not in ORDER or ORDER.index(other) > ORDER.index(room))
    ]
    assert wrong == []


def test_files_of_commands_import_the_console_and_not_each_other():
    for path in {*(SOURCE / "cli").glob("*.py")} - {SOURCE / "cli" / "__init__.py"}:
        assert set(re.findall(r"\bstylegan\.cli\b[.\w]*", path.read_text())) <= {"stylegan.cli.console"}, path


def imported_packages(path):
    """The top names of everything that a module imports."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}


def test_the_configuration_needs_no_torch():
    assert not {"torch", "numpy"} & imported_packages(SOURCE / "config.py")


TOLD = re.compile(r"(?<![\w-])--[a-z]")
IN_BOTH_WORDS = ("class_index (--class)", "off with --no-mirror, mirror=False", "--version")


def messages(path):
    """The texts in a module that are no docstrings, an f-string as one."""
    tree = ast.parse(path.read_text())
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)} - {
        node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
    }
    for node in set(ast.walk(tree)) - docstrings - parts:
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            yield ast.unparse(node)


def test_messages_of_functions_name_their_arguments_and_no_flag_but_in_a_whole_command():
    wrong = [
        text
        for path, room in rooms().items()
        if room != "cli"
        for text in messages(path)
        if TOLD.search(text) and not re.search(r"stylegan (train|sample|mix|figure|prepare|directions)|{again}", text)
    ]
    assert [text for text in wrong if not any(words in text for words in IN_BOTH_WORDS)] == []


def test_networks_know_no_files():
    for path in (SOURCE / "networks").rglob("*.py"):
        assert imported_packages(path) <= {*PURE, "stylegan", "torch"}, path
        assert "open(" not in path.read_text(), path


def test_only_networks_know_of_the_fast_way():
    """The layers say what is computed. Of how, those who build a network know the order of weights, and nobody else."""
    knowing = {
        path.relative_to(SOURCE).as_posix(): set(re.findall(r"networks(?: import |\.)fast(?:\.\w+)?", path.read_text()))
        for path in rooms()
        if "fast" not in path.parts
    }
    assert {name: found for name, found in knowing.items() if found} == {
        "networks/layers.py": {"networks import fast"},
        "networks/generator.py": {"networks import fast", "networks.fast.layout"},
        "networks/discriminator.py": {"networks.fast.layout"},
    }


def test_the_kind_of_layer_is_asked_of_its_table():
    compares = re.compile(r"norm\s*(==|!=|\bin\b)|(==|!=)\s*[\"'](adain|pixel)[\"']")
    asking = {path.name for path in rooms() if compares.search(path.read_text())}
    assert asking == set()


def test_nothing_can_load_a_pickle():
    """Weights are data: interop.pickles has a machine of its own, and PyTorch is asked for tensors only."""
    for path in rooms():
        assert not imported_packages(path) & {"pickle", "dill", "joblib", "shelve", "marshal"}, path
        loads = [
            {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
        ]
        assert all(keywords.get("weights_only") == "True" for keywords in loads), path


PROBE = """
import random, os
random.seed(1); state = random.getstate()
import numpy
numpy.random.seed(1); numpy_state = numpy.random.get_state()[1].copy()
import torch
torch.manual_seed(1); torch_state = torch.get_rng_state()
threads, before = torch.get_num_threads(), set(os.listdir("."))
import stylegan
assert random.getstate() == state
assert (numpy.random.get_state()[1] == numpy_state).all()
assert (torch.get_rng_state() == torch_state).all()
assert torch.get_default_dtype() == torch.float32 and torch.get_num_threads() == threads
assert not torch.cuda.is_initialized()
assert set(os.listdir(".")) == before
"""


def test_import_touches_no_gpu_file_or_random_state(tmp_path):
    subprocess.run([sys.executable, "-c", PROBE], check=True, cwd=tmp_path)


SAMPLE = """
import sys
from stylegan.checkpoint import save
from stylegan.config import CONFIG_F
from stylegan.networks.generator import Generator
save("G.safetensors", Generator(CONFIG_F.but(img_resolution=16, channel_base=128, channel_max=8, mapping_layers=2)))
from stylegan import cli
cli.app.cli(args=["sample", "G.safetensors", "--seeds", "0", "--out", "out"])
print(*sorted({"torch._dynamo", "sympy", "av", "huggingface_hub", "onnx", "resvg_py"} & sys.modules.keys()))
"""


def test_sample_imports_neither_torchs_compilers_nor_what_other_commands_need(tmp_path):
    """They would take longer than a picture of 1024 px."""
    done = subprocess.run([sys.executable, "-c", SAMPLE], check=True, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == ""
