"""The faults that tests/mutants.py plants."""

import ast
import json

import mutants

SOURCE = '''"""Docstring with 1."""
LIMIT: dict[int, int] = {1: 2}

def part(x: float, count: int = 3) -> float:
    """Half of it, 0.5."""
    if not x < count:
        raise ValueError(f"{x + 1} is not below {count - 1}")
    print("ä", x)
    return max(x - 1, -x) if x and count else x
'''


def planted(old):
    """What replaces `old` in all faults there."""
    return [m.text for m in mutants.mutants_of(SOURCE) if m.old == old]


def test_operators_constants_and_conditions_are_changed():
    assert planted("x < count") == ["(x <= count)"]
    assert planted("x - 1") == ["(x + 1)"]
    assert planted("x and count") == ["(x or count)"]
    assert planted("-x") == ["(x)"]
    assert planted("3") == ["(4)"]
    assert planted("not x < count") == ["(not not x < count)", "(x < count)"]
    assert planted("max(x - 1, -x)") == ["(max(-x, x - 1))"]


def test_statements_are_dropped_and_results_too():
    assert "pass" in planted('print("ä", x)')
    assert planted("return max(x - 1, -x) if x and count else x") == ["return None"]


def test_docstrings_messages_and_annotations_stay_as_they_are():
    assert planted("x + 1") == []
    assert planted("dict[int, int]") == []
    assert {m.line for m in mutants.mutants_of(SOURCE)} == {2, 4, 6, 8, 9}


def test_each_fault_is_python_and_differs_from_the_source():
    data = SOURCE.encode()
    planted = [(data[: m.start] + m.text.encode() + data[m.stop :]).decode() for m in mutants.mutants_of(SOURCE)]
    assert len(planted) > 10
    assert ast.dump(ast.parse(SOURCE)) not in [ast.dump(ast.parse(text)) for text in planted]


def test_the_same_seed_draws_the_same_faults_from_all_rooms():
    drawn = mutants.sample(300, seed=0)
    assert drawn == mutants.sample(300, seed=0)
    assert drawn != mutants.sample(300, seed=1)
    assert {m.room for m in drawn} == set(mutants.ROOMS)


def test_a_fault_is_killed_by_a_test_that_sees_it_and_survives_others(tmp_path):
    (tmp_path / "src" / "stylegan" / "networks").mkdir(parents=True)
    (tmp_path / "tests" / "networks").mkdir(parents=True)
    module = tmp_path / "src" / "stylegan" / "networks" / "half.py"
    module.write_text("def half(x):\n    return x / 2\n")
    test = tmp_path / "tests" / "networks" / "test_half.py"
    (fault,) = [m for m in mutants.mutants_of(module.read_text(), "networks/half.py") if m.old == "x / 2"]
    start = "import pathlib\n\nhere = {}\nexec(pathlib.Path('src/stylegan/networks/half.py').read_text(), here)\n"
    test.write_text(f"{start}\ndef test_half():\n    assert here['half'](4) == 2\n")
    assert mutants.tests_of(fault, tmp_path) == ["tests/networks/test_half.py", "tests/networks"]
    assert mutants.run(fault, tmp_path, 60) == "killed"
    test.write_text(f"{start}\ndef test_half():\n    assert here['half'](0) == 0\n")
    assert mutants.run(fault, tmp_path, 60) == "survived"
    test.write_text(f"{start}\ndef test_half():\n    while here['half'](1) == 2: pass\n")
    assert mutants.run(fault, tmp_path, 5) == "timeout"
    assert module.read_text() == "def half(x):\n    return x / 2\n"


def test_a_fault_is_tried_with_the_tests_that_run_its_line(tmp_path):
    (tmp_path / "src" / "stylegan" / "networks").mkdir(parents=True)
    (tmp_path / "src" / "stylegan" / "__init__.py").write_text("")
    for room in mutants.ROOMS:
        (tmp_path / "tests" / room).mkdir(parents=True)
    text = "LIMIT = 2\n\n\ndef half(x):\n    return (\n        x / 2\n    )\n\n\ndef twice(x):\n    return x * 2\n"
    (tmp_path / "src" / "stylegan" / "networks" / "half.py").write_text(text)
    (tmp_path / "tests" / "networks" / "test_half.py").write_text(
        "from stylegan.networks.half import half, twice\n\n\n"
        "def test_half():\n    assert half(4) == 2\n\n\ndef test_twice():\n    assert twice(4) == 8\n"
    )
    covered = mutants.learn(tmp_path, tmp_path / "learnt")
    tests = {
        (m.line, m.old): mutants.tests_of(m, tmp_path, covered) for m in mutants.mutants_of(text, "networks/half.py")
    }
    assert tests[6, "x / 2"] == ["tests/networks/test_half.py::test_half"]
    assert tests[11, "x * 2"] == ["tests/networks/test_half.py::test_twice"]
    assert tests[1, "2"] == ["tests/networks/test_half.py", "tests/networks"]  # runs on import


def test_every_fault_that_no_test_can_see_is_a_fault_of_the_sources_with_a_reason():
    for line in mutants.EQUIVALENT.read_text().splitlines():
        known = json.loads(line)
        source = (mutants.ROOT / "src" / "stylegan" / known["file"]).read_text()
        faults = [mutants.same_fault(m, mutants.ROOT) for m in mutants.mutants_of(source, known["file"])]
        assert (known["file"], known["code"], known["old"], known["new"]) in faults
        assert known["reason"]
