"""Where coarse, middle and fine lie in several networks: how far training seeds agree, and which law they follow.

    python benchmarks/levels.py OUT --group mixing DATA RUN RUN ... --group half DATA2 RUN RUN ...

Probes every network (kept as OUT/GROUP-i.json; started again, it goes on) with a regressor trained on DATA, a data set
of portraits with known factors. Writes OUT/levels.md: the boundaries of each network, the inheritance T of each
attribute by resolution with its spread over networks, the agreement of (a) with (b), and the laws of docs/levels.md
tested on each group against the first one.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import torch

from stylegan.checkpoint import load
from stylegan.experiments.study import difference
from stylegan.files import write_text
from stylegan.probing.attributes import Attributes, attributes_of
from stylegan.probing.measure import probe
from stylegan.probing.report import Report

OF_THE_HEAD = 1.0  # octaves that law 3 moves what belongs to the head, where heads are half as large
BACKGROUND = ("background_hue", "background_lightness")  # not of the head: no law moves them for smaller heads
LEAST_PX = 4


@dataclass(frozen=True)
class Group:
    """Networks of one kind. half: their portraits are half as large."""

    name: str
    reports: list[Report]
    half: bool

    @property
    def octaves(self) -> float:
        """From the first resolution to the last."""
        return float(np.log2(self.reports[0].img_resolution / LEAST_PX))

    def places(self) -> dict[str, list[float]]:
        """Attribute -> its place in each network that has it."""
        found: dict[str, list[float]] = {}
        for report in self.reports:
            for attribute, place in places(report).items():
                found.setdefault(attribute, []).append(place)
        return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--group", nargs="+", action="append", required=True, metavar=("NAME", "DATA RUN ..."))
    parser.add_argument("--pairs", type=int, default=256)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    groups = [probed(name, Path(data), runs, args.out, args.pairs) for name, data, *runs in args.group]
    write_text(args.out / "levels.md", "\n".join(page(groups)) + "\n")
    print((args.out / "levels.md").read_text(encoding="utf-8"))


def probed(name: str, data: Path, runs: Sequence[str], out: Path, pairs: int) -> Group:
    """The group's reports, from their files or measured now."""
    learned: Attributes | None = None
    reports = []
    for i, run in enumerate(runs):
        path = out / f"{name}-{i}.json"
        if not path.exists():
            G = load(run)
            learned = learned or attributes_of(data, G)
            write_text(path, json.dumps(probe(G, pairs=pairs, factors=learned).to_json(), indent=1) + "\n")
        reports.append(Report.from_json(json.loads(path.read_text(encoding="utf-8"))))
    source = json.loads((data / "manifest.json").read_text(encoding="utf-8"))["provenance"]["source"]
    return Group(name, reports, half=source.endswith(":half"))


def places(report: Report) -> dict[str, float]:
    """Where each attribute lies: log2 of the layers' px, averaged with T as weight over layers that surely carry it."""
    assert report.inheritance is not None and report.inheritance_low is not None
    weights = np.where(report.inheritance_low > 0, report.inheritance, 0)
    at = np.log2(LEAST_PX) + np.arange(report.num_ws) // 2
    sums = weights.sum(axis=1)
    return {
        name: float(w @ at / total) for name, w, total in zip(report.attributes, weights, sums, strict=True) if total
    }


def page(groups: Sequence[Group]) -> Iterator[str]:
    for group in groups:
        yield from (
            f"## {group.name}: {len(group.reports)} networks\n",
            *boundaries(group),
            "",
            *inheritance(group),
            "",
        )
    for other in groups[1:]:
        yield from laws(groups[0], other)


def boundaries(group: Group) -> Iterator[str]:
    yield "| network | verdict of (a) | (a), two groups | (a), three groups | (b), best cut | as likely |"
    yield "|---|---|---|---|---|---|"
    for i, report in enumerate(group.reports):
        cuts = [f"{cut.boundaries} in {cut.intervals}" for cut in report.cuts if cut.groups in (2, 3)]
        blocks = report.blocks or {}
        verdict = "gradual" if report.gradual else report.boundaries or "no levels"
        yield f"| {i} | {verdict} | {' | '.join(map(str, cuts))} | {blocks.get('best')} | {blocks.get('likely')} |"
    yield f"\nKappa of (a) and (b), three groups, all layers of all networks: {kappa(*assigned(group.reports)):.2f}"


def assigned(reports: Iterable[Report]) -> tuple[list[int], list[int]]:
    """The group of each layer by (a) and by (b), where both cut into three."""
    by_kind: list[int] = []
    by_attribute: list[int] = []
    for report in reports:
        cut = next((cut for cut in report.cuts if cut.groups == 3), None)
        best = (report.blocks or {}).get("best")
        if cut and best:
            layers = np.arange(report.num_ws)
            by_kind += np.searchsorted(cut.boundaries, layers, side="right").tolist()
            by_attribute += np.searchsorted(best, layers, side="right").tolist()
    return by_kind, by_attribute


def kappa(first: Sequence[int], second: Sequence[int]) -> float:
    """Cohen's kappa of two assignments of the same things: 1 where they agree, 0 where they do so by chance."""
    a, b = np.array(first), np.array(second)
    if not len(a):
        return float("nan")
    labels = np.union1d(a, b)
    chance = sum((a == label).mean() * (b == label).mean() for label in labels)
    return float(((a == b).mean() - chance) / (1 - chance)) if chance < 1 else 1.0


def inheritance(group: Group) -> Iterator[str]:
    """T summed over the layers of a resolution, mean and deviation over networks, and the place."""
    resolutions = [LEAST_PX * 2**k for k in range(int(group.octaves) + 1)]
    yield "| attribute | read | " + " | ".join(f"{px} px" for px in resolutions) + " | place, log2 px |"
    yield "|---|---|" + "---|" * (len(resolutions) + 1)
    found = group.places()
    for attribute in group.reports[0].attributes:
        rows = []
        for report in group.reports:
            assert report.inheritance is not None
            rows.append(report.inheritance[report.attributes.index(attribute)].reshape(-1, 2).sum(axis=1))
        cells = [spread([float(row[k]) for row in rows]) for k in range(len(resolutions))]
        read = group.reports[0].accuracy.get(attribute, float("nan"))
        where = spread(found[attribute]) if attribute in found else "none"
        yield f"| {attribute.replace('_', ' ')} | {read:.2f} | {' | '.join(cells)} | {where} |"


def laws(base: Group, other: Group) -> Iterator[str]:
    """How far each attribute's place moves from `base` to `other`, and which laws that refutes."""
    a, b = base.places(), other.places()
    yield f"## From {base.name} to {other.name}: octaves that places move\n"
    yield "| attribute | moved, 95 % over networks | law 1 | law 2 | law 3 |"
    yield "|---|---|---|---|---|"
    errors: dict[int, list[float]] = {1: [], 2: [], 3: []}
    refuted = dict.fromkeys(errors, 0)
    tested = 0
    for attribute in a:
        if len(a[attribute]) < 2 or len(b.get(attribute, [])) < 2:
            continue
        moved, error = difference(a[attribute], b[attribute])
        said = predicted(attribute, mean(a[attribute]), base, other)
        tested += 1
        for law, value in said.items():
            errors[law].append(abs(moved - value))
            refuted[law] += abs(moved - value) > error
        cells = [f"{value:+.2f}{' refuted' if abs(moved - value) > error else ''}" for value in said.values()]
        yield f"| {attribute.replace('_', ' ')} | {moved:+.2f} +- {error:.2f} | {' | '.join(cells)} |"
    if tested:
        cells = [f"{mean(errors[law]):.2f}; {refuted[law]} of {tested} refuted" for law in errors]
        yield f"| **mean error of the law** | | {' | '.join(cells)} |"
    yield ""


def predicted(attribute: str, place: float, base: Group, other: Group) -> Mapping[int, float]:
    """Octaves that each law moves an attribute at `place` in `base` (docs/levels.md)."""
    depth = (place - np.log2(LEAST_PX)) / base.octaves
    smaller = (other.half - base.half) * (0.0 if attribute in BACKGROUND else OF_THE_HEAD)
    return {1: 0.0, 2: float(depth * (other.octaves - base.octaves)), 3: float(smaller)}


def spread(values: Sequence[float]) -> str:
    return f"{mean(values):.2f}" + (f" +- {stdev(values):.2f}" if len(values) > 1 else "")


if __name__ == "__main__":
    main()
