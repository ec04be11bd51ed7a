"""The explorer with no server: the page, the network as two ONNX graphs, and the runtime that computes them."""

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stylegan.data.pixels import to_uint8
from stylegan.errors import FailedError, InputError, printable, refuse
from stylegan.explorer.explorer import Explorer
from stylegan.files import user_path, whole_file, whole_folder
from stylegan.interop.onnx import onnx_model, onnx_problems
from stylegan.networks.classes import one_hot
from stylegan.networks.generator import Generator
from stylegan.networks.levels import noise_resolutions
from stylegan.opening import load
from stylegan.sampling.noise import stored_noise

RUNTIME = {"ort.mjs": "ort.wasm.bundle.min.mjs.gz", "ort.wasm": "ort-wasm-simd-threaded.wasm.gz"}
"""Names in the page, and the files of the package; tools/onnxruntime_web.sh has put them there."""
MOST_LEVELS = 1  # of 255, between a picture here and torch's
LOADER = """
const modules = JSON.parse(document.getElementById("modules").textContent);
const urls = {};
for (const [name, text] of modules) {
  const linked = text.replace(/from "\\.\\/([\\w.]+)";/g, (_, of) => `from "${urls[of]}";`);
  urls[name] = URL.createObjectURL(new Blob([linked], { type: "text/javascript" }));
}
import(urls["boot.js"]);
"""
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; style-src 'unsafe-inline'; "
    "img-src blob: data:; connect-src blob: data:"
)
"""Of the single file: it can ask nobody for anything."""


def save_static(network: Generator | Path | str, out: Path | str) -> Path:
    """Write the explorer of a network as one file OUT.html that opens from disk, or as the folder OUT for a web server.

    Needs the extras `explorer` and `onnx`. Projection of photos is left out. Raises InputError for an OUT that exists,
    FailedError if the graphs' picture of a seed differs from torch's by more than a level of 255.
    """
    out = user_path(out)
    refuse([*onnx_problems(), *([f"{printable(out)} exists: give another name"] if out.exists() else [])])
    explorer = Explorer(load(network, "cpu"), network=network) if isinstance(network, str | Path) else Explorer(network)
    assets = assets_of(explorer)
    files = page_files()
    if out.suffix == ".html":
        with whole_file(out, exist_ok=False) as partial:
            partial.write_text(single_page(files, assets), encoding="utf-8")
        return out
    if out.suffix:
        raise InputError(f"{printable(out)}: must end in .html, for one file, or have no ending, for a folder")
    with whole_folder(out, last="index.html", remedy="give another name") as partial:
        for name, data in assets.items():  # not .gz, which some web servers unpack on the way
            (partial / f"{name}.bin").write_bytes(data)
        for name, text in files.items():
            (partial / name).write_text(text, encoding="utf-8")
    return out


def page_files() -> dict[str, str]:
    """The page's own files by name, with the engine of this page in place of the server's."""
    here = resources.files("stylegan.explorer")
    found = {file.name: file.read_text(encoding="utf-8") for file in (here / "page").iterdir() if file.is_file()}
    del found["engine.js"]
    return found | {file.name: file.read_text(encoding="utf-8") for file in (here / "page_static").iterdir()}


def single_page(files: Mapping[str, str], assets: Mapping[str, bytes]) -> str:
    """All of it as one HTML text."""
    page = files["index.html"]
    modules = json.dumps([[name, files[name]] for name in in_order(files)]).replace("</", "<\\/")
    data = "".join(
        f'<script type="application/gzip" id="asset-{name}">{base64.b64encode(packed).decode()}</script>\n'
        for name, packed in assets.items()
    )
    policy = f'<meta http-equiv="Content-Security-Policy" content="{html.escape(POLICY)}">\n'
    for old, new in [
        ('<meta charset="utf-8">\n', f'<meta charset="utf-8">\n{policy}'),
        ('<link rel="stylesheet" href="./style.css">', f"<style>\n{files['style.css']}</style>"),
        ('<script type="module" src="./boot.js"></script>\n', ""),
        (
            "</body>",
            f'{data}<script type="application/json" id="modules">{modules}</script>\n'
            f'<script type="module">{LOADER}</script>\n</body>',
        ),
    ]:
        if page.count(old) != 1:
            raise FailedError(f"index.html has {old!r} {page.count(old)} times")
        page = page.replace(old, new)
    return page


def in_order(files: Mapping[str, str]) -> list[str]:
    """The modules, each after those that it imports."""
    found: list[str] = []

    def visit(name: str) -> None:
        for other in re.findall(r'from "\./([\w.]+)";', files[name]):
            if other not in found:
                visit(other)
        if name not in found:
            found.append(name)

    visit("boot.js")
    return found


def assets_of(explorer: Explorer) -> dict[str, bytes]:
    """Everything beside the code, by name, compressed: facts, numbers, graphs and runtime."""
    G = explorer.G.cpu().float().eval().requires_grad_(False)
    graphs = {name: model.SerializeToString() for name, model in graphs_of(G).items()}
    check_graphs(G, graphs)
    info = explorer.info() | {"device": "cpu", "can": {"project": False}}
    noise_px = noise_resolutions(G, G.lod) if G.config.noise else []
    facts = {"info": info, "zDim": G.z_dim, "noisePx": noise_px}
    maps = stored_noise(G)[: len(noise_px)]
    vectors = [direction.vector for direction in explorer.directions.values()]
    numbers = torch.cat([t.detach().float().cpu().flatten() for t in (G.w_avg, *maps, *vectors)])
    ours = {"facts.json": json.dumps(facts).encode(), "numbers.f32": numbers.numpy().tobytes()} | graphs
    return {name: gzip.compress(data, 9, mtime=0) for name, data in ours.items()} | dict(runtime())


def runtime() -> Iterator[tuple[str, bytes]]:
    """The files of onnxruntime-web. Raises FailedError if one was changed."""
    folder = resources.files("stylegan.explorer") / "runtime"
    sums = (folder / "SHA256SUMS").read_text("utf-8").splitlines()
    for name, file in RUNTIME.items():
        data = (folder / file).read_bytes()
        if f"{hashlib.sha256(data).hexdigest()}  {file}" not in sums:
            raise FailedError(f"{file} of the package is damaged: install the package again")
        yield name, data


class Mapped(nn.Module):
    """z (1, z_dim), c (1, c_dim) -> w (1, w_dim)."""

    def __init__(self, G: Generator) -> None:
        super().__init__()
        self.mapping = G.mapping

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        w: Tensor = self.mapping(z, c)
        return w


class Pictured(nn.Module):
    """ws (1, num_ws, w_dim), noise (1, pixels of all maps) -> image (1, C, H, H)."""

    def __init__(self, G: Generator) -> None:
        super().__init__()
        self.synthesis = G.synthesis
        self.noise_px = noise_resolutions(G, G.lod) if G.config.noise else []

    def forward(self, ws: Tensor, noise: Tensor | None = None) -> Tensor:
        if noise is None:
            plain: Tensor = self.synthesis(ws, noise_mode="none")
            return plain
        parts = noise.split([H * H for H in self.noise_px], dim=1)
        maps = [part.reshape(1, 1, H, H) for part, H in zip(parts, self.noise_px, strict=True)]
        image: Tensor = self.synthesis(ws, noise=maps)
        return image


def graphs_of(G: Generator) -> dict[str, Any]:
    """The mapping and the synthesis network, each as ONNX's ModelProto."""
    given = inputs_of(G, seed=0)
    mapped: dict[str, Any] = {name: given[name] for name in ("z", "c") if name in given}
    pictured: dict[str, Any] = {name: given[name] for name in ("ws", "noise") if name in given}
    return {
        "mapping.onnx": onnx_model(torch.export.export(Mapped(G), (), mapped, strict=True), "w"),
        "synthesis.onnx": onnx_model(torch.export.export(Pictured(G), (), pictured, strict=True), "image"),
    }


def inputs_of(G: Generator, *, seed: int) -> dict[str, Tensor]:
    """Random inputs of both graphs by name."""
    generator = torch.Generator().manual_seed(seed)
    inputs = {"z": torch.randn(1, G.z_dim, generator=generator)}
    if G.c_dim:
        inputs["c"] = one_hot(torch.tensor([seed % G.c_dim]), G.c_dim)
    inputs["ws"] = G.broadcast(G.mapping(inputs["z"], inputs.get("c")))
    if G.config.noise:
        inputs["noise"] = torch.randn(1, sum(H * H for H in noise_resolutions(G, G.lod)), generator=generator)
    return inputs


def check_graphs(G: Generator, graphs: Mapping[str, bytes]) -> None:
    """Raise FailedError if a picture by onnxruntime differs from torch's by more than MOST_LEVELS."""
    import onnxruntime

    given = inputs_of(G, seed=1)
    with torch.no_grad():
        expected = to_uint8(Pictured(G)(given["ws"], given.get("noise"))).numpy().astype(int)

    def run(name: str, feeds: dict[str, Tensor]) -> NDArray[np.float32]:
        session = onnxruntime.InferenceSession(graphs[name], providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {key: value.numpy() for key, value in feeds.items()})
        return np.asarray(found)

    w = torch.from_numpy(run("mapping.onnx", {name: given[name] for name in ("z", "c") if name in given}))
    feeds = {"ws": G.broadcast(w)} | ({"noise": given["noise"]} if "noise" in given else {})
    image = torch.from_numpy(run("synthesis.onnx", feeds))
    worst = np.abs(to_uint8(image).numpy().astype(int) - expected).max()
    if worst > MOST_LEVELS:
        raise FailedError(
            f"the page was not written: its pictures differ from torch's by {worst} levels of 255; please report this, "
            "with the versions of torch, onnx and onnxruntime"
        )
