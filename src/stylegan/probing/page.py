"""The page: what was found, in plain sentences, with every number they rest on."""

from collections.abc import Sequence
from html import escape

import numpy as np
from PIL import Image

from stylegan.probing.charts import heat_map, png
from stylegan.probing.report import Report
from stylegan.probing.sharpness import Cut, least_at_once

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:1080px;margin:2em auto;padding:0 1em;color:#222}
h1{font-size:1.7em}h2{margin-top:2em}svg{font:12px sans-serif;display:block;margin:.5em 0;max-width:none}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9em}td,th{padding:.2em .7em;text-align:left;
border-bottom:1px solid #ccc;vertical-align:top}
.verdict{font-size:1.15em;border-left:5px solid #1c528c;padding:.4em 1em;
background:#eef3f8}.cut{stroke:#c1121f;stroke-width:3}.span{fill:#c1121f;opacity:.35}.note{color:#666}
figure{margin:1em 0}figcaption{font-size:.9em;color:#555}img{max-width:100%;image-rendering:pixelated}"""


def page(report: Report, name: str, sheets: Sequence[Image.Image]) -> str:
    """The whole page as HTML that loads nothing. sheets: one for each layer."""
    parts = [
        f"<h1>Which layer controls what: {escape(name)}</h1>",
        f'<p class="verdict">{escape(report.verdict())}</p>',
        *summary(report),
        *kinds_of_change(report),
        *evidence(report),
        *(
            inherited(report)
            if report.inheritance is not None
            else ["<h2>Attributes</h2><p>Not measured: no factors were given (<code>factors</code>).</p>"]
        ),
        *noise(report),
        *contact(report, sheets),
        "<h2>How it was measured</h2>",
        METHOD.format(pairs=report.pairs, once=least_at_once(report.num_ws)),
        *(f'<p class="note">{escape(note)}</p>' for note in report.notes),
    ]
    head = f'<meta charset="utf-8"><title>Levels of {escape(name)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


METHOD = """<p>From {pairs} pairs of random styles A and B, the style of one layer at a time was copied from B into A,
with the noise fixed and without truncation. What changed in the picture was described by its kind, apart from
its size: the share of the change that lies in each octave of a Laplacian pyramid, in colour differences, that
one map of colours explains, that a smooth warp explains, and the share of the picture it covers. Roots of the
shares are shown, so that a blend of two kinds moves evenly from one to the other. Layers were cut into 2, 3 and
4 runs with the least scatter of these numbers, each number scaled by its deviation over layers.</p><p>That a
cut comes out the same for other pairs does not make it a boundary: a gradual network has a stable best cut too.
So a boundary must pass two more tests. Few random orders of the layers may be explained as well. And the one step
across the boundary must cover {once:.0%} or more of the way from one group to the next, and more than it does in
95 % of ramps made of the same groups.</p>"""


def summary(report: Report) -> list[str]:
    found = []
    for boundary, (low, high) in zip(report.boundaries, report.intervals, strict=True):
        sure = "in 95 % of resamples of the pairs it is this one" if low == high else f"95 %: {low} to {high}"
        found.append(
            f"<li>Between layers {boundary - 1} and {boundary} "
            f"({pixels(report, boundary - 1)} and {pixels(report, boundary)}); {sure}.</li>"
        )
    if found:
        return ["<p>The kind of change jumps here:</p><ul>", *found, "</ul>"]
    if report.gradual:
        return [
            "<p>Cuts can be drawn below, but a ramp explains the layers just as well: where one group ends and the "
            "next begins is a matter of taste. There are no levels to write into the network's file.</p>"
        ]
    return ["<p>Copying one layer or another makes the same kind of change, or kinds in no order over depth.</p>"]


def pixels(report: Report, layer: int) -> str:
    """The resolution of a layer, where the network has two for each power of two from 4 up, as StyleGAN has."""
    usual = report.num_ws == 2 * (int(np.log2(report.img_resolution)) - 1)
    return f"{4 * 2 ** (layer // 2)} px" if usual else f"layer {layer}"


def layer_names(report: Report) -> list[str]:
    return [str(layer) for layer in range(report.num_ws)]


def kinds_of_change(report: Report) -> list[str]:
    chart = heat_map(
        report.signature.T, report.features, layer_names(report), cuts=report.boundaries, spans=report.intervals, top=1
    )
    effect = heat_map(report.effect[None], ["size"], layer_names(report), cuts=report.boundaries)
    return [
        "<h2>What kind of change each layer makes</h2><p>A column for each layer, from the first to the last. "
        "1 means that the whole change is of this kind; a change may be of several kinds. Red lines: boundaries; "
        "the bar above: where 95 % of resamples put them.</p>",
        f'<div class="scroll">{chart}</div>',
        "<h2>How large the change is</h2><p>1 is the change of copying all layers. A layer of little effect still has "
        f'a kind.</p><div class="scroll">{effect}</div>',
    ]


def evidence(report: Report) -> list[str]:
    rows = "".join(cut_row(cut) for cut in report.cuts)
    return [
        "<h2>Is it a boundary, or only the best cut?</h2><table><tr><th>groups<th>first layers<th>95 %<th>explained"
        "<th>covered in one step<th>of a ramp, at most<th>random orders as good<th>verdict</tr>",
        f"{rows}</table>",
    ]


def cut_row(cut: Cut) -> str:
    spans = ", ".join(f"{low}-{high}" if low < high else str(low) for low, high in cut.intervals)
    steps = ", ".join(f"{step:.0%}" for step in cut.at_once)
    verdict = "; ".join(cut.problems) or "sharp"
    return (
        f"<tr><td>{cut.groups}<td>{', '.join(map(str, cut.boundaries))}<td>{spans}<td>{cut.explained:.0%}<td>{steps}"
        f"<td>{cut.ramp:.0%}<td>{cut.order:.1%}<td>{escape(verdict)}</tr>"
    )


def inherited(report: Report) -> list[str]:
    assert report.inheritance is not None and report.surface is not None and report.blocks is not None
    names = [f"{a} ({report.accuracy[a]:.0%})" if a in report.accuracy else a for a in report.attributes]
    table = heat_map(report.inheritance, names, layer_names(report), cuts=report.boundaries)
    blocks = report.blocks
    found = [
        "<h2>Which layer each attribute comes from</h2><p>T: the share of the difference between A and B in an "
        "attribute that is inherited from B when this layer is copied from B. 0: it stays A's. 1: it becomes B's. In "
        "brackets: how much of the attribute the regressor reads correctly in pictures it has not seen.</p>",
        f'<div class="scroll">{table}</div>',
        intervals(report),
    ]
    if report.left_out:
        found.append(f"<p>Left out, as the regressor did not learn them: {escape(', '.join(report.left_out))}.</p>")
    if blocks["best"] is None:
        return [*found, "<p>No two boundaries give each of three blocks its own attribute.</p>"]
    marks = [(b1, b2, "#e09f3e") for b1, b2 in blocks["likely"]] + [(*blocks["best"], "#c1121f")]
    if "paper" in blocks:
        marks.append((*blocks["paper"], "#111"))
    surface = heat_map(report.surface, [f"b1 = {i}" for i in range(report.num_ws)], layer_names(report), marks=marks)
    return [
        *found,
        "<h2>Every choice of two boundaries</h2><p>J(b1, b2): how much more of each attribute comes from its best "
        "block of layers than from the second best, added over attributes; rows b1, columns b2 (the first layers of "
        "middle and fine). Red frame: the maximum among choices in which each block is the best of some attribute, as "
        "J is high too where one block owns everything. Amber: the maxima of 95 % of resamples. Black: the paper's "
        "(4, 8).</p>",
        f'<div class="scroll">{surface}</div><p>{escape(compared(report))}</p>',
    ]


def intervals(report: Report) -> str:
    """T and its 95 % over pairs as a table: a row for each attribute, a column for each layer."""
    assert report.inheritance is not None and report.inheritance_low is not None and report.inheritance_high is not None
    head = "".join(f"<th>{layer}" for layer in range(report.num_ws))
    rows = []
    for name, T, low, high in zip(
        report.attributes, report.inheritance, report.inheritance_low, report.inheritance_high, strict=True
    ):
        cells = "".join(f"<td>{t:.2f}<br>{a:.2f} to {b:.2f}" for t, a, b in zip(T, low, high, strict=True))
        rows.append(f"<tr><td>{escape(name)}{cells}</tr>")
    return (
        "<details><summary>T with its 95 % intervals over pairs</summary>"
        f'<div class="scroll"><table><tr><th>attribute{head}</tr>{"".join(rows)}</table></div></details>'
    )


def compared(report: Report) -> str:
    """The maximum of J and the paper's boundaries, in sentences."""
    assert report.blocks is not None
    b = report.blocks
    text = f"The maximum is at {tuple(b['best'])} with J = {b['J']:.2f}, from {b['pairs']} pairs."
    if "paper" in b:
        low, high = b["paper_less"]
        text += f" The paper's (4, 8) has J = {b['paper_J']:.2f}, "
        if not b["paper_eligible"]:
            text += "but one of its blocks is the best of no attribute."
        elif b["paper"] == b["best"]:
            text += "which is the maximum."
        else:
            text += f"less by {low:.2f} to {high:.2f} (95 %): "
            text += "it is rejected." if low > 0 else "it cannot be told from the maximum."
    else:
        text += " The paper's (4, 8) needs more layers than this network has."
    return f"{text} A block's T is at most {b['non_additivity']:.2f} from the sum of its layers'."


def noise(report: Report) -> list[str]:
    if report.noise is None:
        return ["<h2>Noise</h2><p>Not measured; see the notes at the end.</p>"]
    bands = np.array([report.noise["effect"], *np.array(report.noise["octaves"]).T])
    layers = [str(layer) for layer in range(bands.shape[1])]
    chart = heat_map(bands[1:], report.noise["octave_names"], layers, top=1)
    size = heat_map(bands[:1], ["size"], layers)
    maps = [Image.fromarray((255 * np.array(m)).astype(np.uint8)).resize((96, 96), 0) for m in report.noise["where"]]
    figures = "".join(f"<td>{png(m, f'where the noise of layer {i} acts')}<br>layer {i}" for i, m in enumerate(maps))
    return [
        "<h2>What the noise of each layer changes</h2><p>New noise in one layer, everything else held. Its size (1 is "
        "the change of copying all styles), its octaves (roots of shares), and where it acts (white: most).</p>",
        f'<div class="scroll">{size}{chart}<table><tr>{figures}</tr></table></div>',
    ]


def contact(report: Report, sheets: Sequence[Image.Image]) -> list[str]:
    figures = [
        f"<figure>{png(sheet, f'pairs with layer {layer} swapped')}<figcaption>Layer {layer}.</figcaption></figure>"
        for layer, sheet in enumerate(sheets)
    ]
    return [
        "<h2>See for yourself</h2><p>For each layer: A, A with this layer's style from B, B, and the size of the "
        "change (white: large).</p>",
        *figures,
    ]
