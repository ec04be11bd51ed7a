"""Do the tests find faults? Plant one fault at a time in a copy of the sources, and run the tests of its room.

    python tests/mutants.py --count 300 --seed 0 --out mutants.jsonl

The faults are a sample from networks/, training/ and sampling/, the same for the same seed and sources. First, all
tests of these rooms run once, to learn which of them run which line (kept in OUT.coverage). Then each fault becomes a
line of --out: killed, timeout (a test that no longer ends has found it too) or survived. It is tried with the tests of
its room that run its line, or with all of them if it runs on import. Started again, the script continues with what is
missing. Survivors that no test can find are listed, with the reason, in tests/equivalent_mutants.jsonl.
"""

import argparse
import ast
import copy
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from coverage import CoverageData

ROOT = Path(__file__).resolve().parents[1]
EQUIVALENT = ROOT / "tests" / "equivalent_mutants.jsonl"
ROOMS = ("networks", "training", "sampling")
QUICK = {"training": ["tests/training/test_golden_steps.py", "tests/training/test_what_d_sees.py"]}  # before the rest
CARRIED = ("src", "tests", "benchmarks", "examples", "docs", "pyproject.toml", "README.md", "CONTRIBUTING.md")

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq},
    **{ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And},
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div},
    **{ast.Mod: ast.Mult, ast.Pow: ast.Mult},
}


class Mutant(NamedTuple):
    """A fault: the bytes `start` to `stop` of a file become `text`."""

    file: str  # below src/stylegan
    line: int
    start: int
    stop: int
    old: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.file}:{self.line}:{self.start} {self.old!r} -> {self.text!r}"

    @property
    def room(self) -> str:
        return self.file.partition("/")[0]


def mutants_of(source: str, file: str = "") -> list[Mutant]:
    """All faults that can be planted in a source, from its top down."""
    lines = source.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:i])) for i in range(len(lines))]
    found = []
    for place in _code(ast.parse(source)):
        node = place.test if isinstance(place, ast.If) else place  # the indented lines stay as they are
        start, stop = (starts[line - 1] + column for line, column in _place(node))
        old = source.encode()[start:stop].decode()
        for changed in _changes(place):
            text = "pass" if changed is None else ast.unparse(ast.fix_missing_locations(changed))
            text = f"({text})" if isinstance(changed, ast.expr) else text
            found.append(Mutant(file, node.lineno, start, stop, old, text))
    return found


def _place(node: ast.stmt | ast.expr) -> list[tuple[int, int]]:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return [(node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)]


def _code(node: ast.AST) -> Iterator[ast.stmt | ast.expr]:
    """Statements and expressions that compute: without docstrings, messages, annotations, imports and decorators."""
    if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.arg):
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.stmt | ast.expr):
        yield node
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "bases", "op", "ops", "ctx"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _code(child)


def _changes(node: ast.stmt | ast.expr) -> Iterator[ast.AST | None]:
    """What may replace a node; None: nothing."""

    def but(**fields: object) -> ast.AST:
        changed = copy.copy(node)
        for field, value in fields.items():
            setattr(changed, field, value)
        return changed

    match node:
        case ast.Compare(ops=[op]) if type(op) in SWAPS:
            yield but(ops=[SWAPS[type(op)]()])
        case ast.BoolOp(op=op) | ast.BinOp(op=op) if type(op) in SWAPS:
            yield but(op=SWAPS[type(op)]())
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1 if isinstance(value, int) else value * 2 or 1.0)
        case ast.IfExp(body=body, orelse=orelse):
            yield but(body=orelse, orelse=body)
        case ast.If(test=test):
            yield ast.UnaryOp(ast.Not(), test)
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Expr() | ast.AugAssign() | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield None
        case ast.Call(func=ast.Name("isinstance")):  # with its arguments swapped no test needs to look for it
            pass
        case ast.Call(args=[first, second, *rest]) if not isinstance(first, ast.Starred):
            yield but(args=[second, first, *rest])
        case ast.Call(keywords=[ast.keyword(arg=str()), *rest]):
            yield but(keywords=rest)


def sample(count: int, seed: int, root: Path = ROOT) -> list[Mutant]:
    """`count` faults, drawn from all rooms."""
    package = root / "src" / "stylegan"
    files = sorted(path for room in ROOMS for path in (package / room).rglob("*.py"))
    mutants = [m for path in files for m in mutants_of(path.read_text(), path.relative_to(package).as_posix())]
    return random.Random(seed).sample(mutants, min(count, len(mutants)))


def learn(root: Path, data: Path) -> CoverageData:
    """Which tests of the rooms run which lines, from one run of all of them in the copy at `root`."""
    if not data.exists():
        config = root / "coverage.ini"
        config.write_text("[run]\nrelative_files = True\nsource = src/stylegan\n")
        words = ["--cov", f"--cov-config={config}", "--cov-context=test", "--cov-report="]
        folders = [f"tests/{room}" for room in ROOMS]
        if pytest(words + folders, root, COVERAGE_FILE=f"{data}.part").wait() != 0:
            raise SystemExit("the tests fail without a fault: mend that first")
        Path(f"{data}.part").rename(data)
    found = CoverageData(str(data))
    found.read()
    return found


def tests_of(mutant: Mutant, root: Path = ROOT, covered: CoverageData | None = None) -> list[str]:
    """The tests of its room that run its line, or all; those of its module first."""
    path = Path("tests", mutant.file)
    own = path.with_name(f"test_{path.name}").as_posix()
    if covered is not None and (at := tests_at(mutant, covered)):
        return sorted(at, key=lambda test: not test.startswith(f"{own}::"))
    return [*([own] if (root / own).exists() else []), *QUICK.get(mutant.room, []), f"tests/{mutant.room}"]


def tests_at(mutant: Mutant, covered: CoverageData) -> list[str]:
    """The tests of its room that run the line, or the nearest one above it that begins a statement; none on import."""
    lines = covered.contexts_by_lineno(f"src/stylegan/{mutant.file}")
    line = max((n for n in lines if n <= mutant.line), default=0)
    tests = (context.partition("|")[0] for context in lines.get(line, ()) if context)
    return list(dict.fromkeys(test for test in tests if test.startswith(f"tests/{mutant.room}/")))


def run(mutant: Mutant, root: Path, timeout_sec: float, covered: CoverageData | None = None) -> str:
    """Plant the fault in the copy at `root`, test, and take it out: killed, timeout or survived."""
    path = root / "src" / "stylegan" / mutant.file
    source = path.read_bytes()
    path.write_bytes(source[: mutant.start] + mutant.text.encode() + source[mutant.stop :])
    try:
        return "survived" if passes(tests_of(mutant, root, covered), root, timeout_sec) else "killed"
    except subprocess.TimeoutExpired:
        return "timeout"
    finally:
        path.write_bytes(source)


def passes(tests: list[str], root: Path, timeout_sec: float) -> bool:
    """Do these tests pass in the copy at `root`?"""
    chosen = root / "tests.txt"  # there may be too many for a command line
    chosen.write_text("\n".join(tests) + "\n")
    process = pytest(["-x", f"@{chosen}"], root)
    try:
        return process.wait(timeout_sec) == 0
    finally:
        if process.poll() is None:
            if os.name == "posix":
                os.killpg(process.pid, 9)  # its helpers too: it leads a group of its own
            process.kill()
            process.wait()


def pytest(words: list[str], root: Path, **environment: str) -> "subprocess.Popen[bytes]":
    """Start pytest in the copy at `root`, without its output."""
    return subprocess.Popen(
        [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root / "src"), "OMP_NUM_THREADS": "1"} | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=os.name == "posix",
    )


def carry(root: Path) -> None:
    """Copy what the tests need."""
    for name in CARRIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, root / name)


def key(mutant: Mutant, sources: Path) -> str:
    """Tells whether a line of --out is of this fault in these sources."""
    digest = hashlib.sha256((sources / "src" / "stylegan" / mutant.file).read_bytes()).hexdigest()[:12]
    return f"{digest} {mutant.name}"


def same_fault(mutant: Mutant, sources: Path) -> tuple[str, str, str, str]:
    """What equivalent_mutants.jsonl knows a fault by, wherever its line moves in its file."""
    lines = (sources / "src" / "stylegan" / mutant.file).read_text().splitlines()
    return mutant.file, lines[mutant.line - 1].partition("  # ")[0].strip(), mutant.old, mutant.text


def report(results: dict[str, dict[str, str]]) -> Iterator[str]:
    """The number of faults in each room, and the survivors."""
    for room in ROOMS:
        found = [r for r in results.values() if r["room"] == room]
        count = {state: sum(r["result"] == state for r in found) for state in ("killed", "timeout", "survived")}
        equivalent = sum(r["result"] == "equivalent" for r in found)
        seen, judged = count["killed"] + count["timeout"], len(found) - equivalent
        if found:
            part = f"{seen / judged:.0%}" if judged else "none"
            by_time = f"{count['timeout']} of them by time"
            yield f"{room}: {seen} of {judged} killed ({part}), {by_time}; {equivalent} equivalent"
    yield from (f"survived: {r['mutant']}" for r in results.values() if r["result"] == "survived")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--room", choices=ROOMS, help="only the faults of the sample that lie in this room")
    parser.add_argument("--out", type=Path, default=Path("mutants.jsonl"))
    parser.add_argument("--timeout-sec", type=float, default=1200.0)
    flags = parser.parse_args()
    known = EQUIVALENT.read_text().splitlines() if EQUIVALENT.exists() else []
    equivalent = {(r["file"], r["code"], r["old"], r["new"]) for r in map(json.loads, known)}
    lines = flags.out.read_text().splitlines() if flags.out.exists() else []
    done = {record["key"]: record for record in map(json.loads, lines)}
    results = {}
    with tempfile.TemporaryDirectory() as folder, flags.out.open("a") as out:
        root = Path(folder)
        carry(root)
        covered = learn(root, flags.out.with_suffix(".coverage").absolute())
        for mutant in sample(flags.count, flags.seed, root):
            if flags.room and mutant.room != flags.room:
                continue
            record, began = done.get(key(mutant, root)), time.monotonic()
            if record is None:
                result = run(mutant, root, flags.timeout_sec, covered)
                record = {"key": key(mutant, root), "mutant": mutant.name, "room": mutant.room, "result": result}
                record |= {"sec": round(time.monotonic() - began, 1), "seed": flags.seed}
                print(json.dumps(record), file=out, flush=True)
                print(f"{record['sec']:6.1f} s  {result:8}  {mutant.name}", flush=True)
            is_equivalent = record["result"] == "survived" and same_fault(mutant, root) in equivalent
            results[record["key"]] = record | ({"result": "equivalent"} if is_equivalent else {})
    print("\n".join(report(results)))


if __name__ == "__main__":
    main()
