"""Write the files of this folder anew, with the sources of commit a71d001 (README.md says how)."""

import hashlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import safetensors.numpy
import torch
import torch.nn.functional as F
from PIL import Image

import stylegan
from stylegan import CONFIG_A, CONFIG_F
from stylegan.training import loop

from old_files import command, environment

TINY = {
    **{"img_resolution": 16, "channel_base": 64, "channel_max": 8, "z_dim": 8, "w_dim": 8, "mapping_dim": 8},
    **{"mapping_layers": 2, "batch": 4, "batch_at": {}, "initial_resolution": 4, "lrate_at": {}},
}
STOPPED_AT, TOTAL = 148, 200  # of images: 16x16 is fading in; the fade ends at 180


def stop_at(cur_nimg: int) -> None:
    """Ask the run to stop, as Ctrl-C does, in the step that ends at `cur_nimg` images."""
    g_step = loop.g_step

    def interrupted(state, phase, *args):
        if state.cur_nimg + phase.batch == cur_nimg:
            os.kill(os.getpid(), signal.SIGINT)
        return g_step(state, phase, *args)

    loop.g_step = interrupted


def pictures(folder: Path) -> None:
    """Three classes of eight drawn portraits, as PNG files."""
    stylegan.prepare("portraits:24", folder / "drawn", resolution=16)
    drawn = stylegan.ImageDataset(folder / "drawn").batch(16, range(24))
    for i, picture in enumerate(drawn.transpose(0, 2, 3, 1)):
        (folder / "pictures" / f"class{i % 3}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / "pictures" / f"class{i % 3}" / f"{i:02d}.png")


def write(out: Path, scratch: Path) -> None:
    torch.set_num_threads(1)
    pictures(scratch)
    data = out / "data"
    stylegan.prepare(str(scratch / "pictures"), data, resolution=16)
    stylegan.prepare(str(scratch / "pictures"), scratch / "rgba-data", resolution=16, img_channels=4)

    for name, source, config in [
        ("classes", data, CONFIG_F.but(**TINY, c_dim=3)),
        ("rgba", scratch / "rgba-data", CONFIG_F.but(**TINY, img_channels=4)),
        ("A", data, CONFIG_A.but(**(TINY | {"mapping_layers": 0}))),
    ]:
        stylegan.train(source, scratch / name, config=config.for_budget(0.1), device=torch.device("cpu"))
        if name == "classes":
            shutil.copy(scratch / name / "snapshot-000000100.safetensors", out / f"{name}.safetensors")
        else:
            stylegan.save(out / f"{name}.safetensors", stylegan.load(scratch / name))  # G_ema alone

    config = CONFIG_F.but(**TINY).for_budget(0.3).but(total_kimg=TOTAL / 1000)
    stop_at(STOPPED_AT)
    stylegan.train(data, out / "run", config=config, device=torch.device("cpu"))
    network = out / "run" / f"snapshot-{STOPPED_AT:09d}.safetensors"
    for path in (out / "run").iterdir():
        if path.name.startswith(("snapshot-", "fakes-", "lock")) and path != network:
            path.unlink()

    G = stylegan.load(out / "run")
    for direction in stylegan.closed_form(G, 1) + stylegan.principal_components(G, 1, samples=1000):
        (out / "run" / "directions").mkdir(exist_ok=True)
        direction.save(out / "run" / "directions" / f"{direction.name}.safetensors")
    face = stylegan.ImageDataset(data).batch(16, [3])
    stylegan.project(G, face, steps=5, perceptual=lambda x: [x, F.avg_pool2d(x, 4)]).save(out / "face.safetensors")

    expected = out / "expected"
    expected.mkdir()
    cases = json.loads((Path(__file__).parent / "cases.json").read_text())
    os.chdir(out)
    for name, argv in cases.items():
        command(*argv, "--out", str(scratch / "made" / name) + (".png" if argv[0] in ("mix", "figure") else ""))
        made = scratch / "made" / name
        if made.is_dir():
            shutil.copytree(made, expected / name)
        else:
            Image.open(made.with_suffix(".png")).save(expected / f"{name}.png", optimize=True)

    shutil.copytree(out / "run", scratch / "resumed")
    stylegan.resume(scratch / "resumed", data=data, device=torch.device("cpu"))
    shutil.copy(scratch / "resumed" / f"snapshot-{TOTAL:09d}.safetensors", expected / "end.safetensors")
    state = safetensors.numpy.load_file(scratch / "resumed" / "state.safetensors")
    sums = {name: hashlib.sha256(array.tobytes()).hexdigest()[:16] for name, array in sorted(state.items())}
    (expected / "state.json").write_text(json.dumps(sums, indent=2) + "\n")
    (expected / "environment.json").write_text(json.dumps(environment(), indent=2) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())
