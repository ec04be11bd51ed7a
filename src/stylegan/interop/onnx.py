"""Exports G as one file for other programs: ONNX (OUT.onnx) or torch.export (OUT.pt2), checked after writing."""

import copy
import importlib.util
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.torch_version import TorchVersion

from stylegan.checkpoint import Networks
from stylegan.errors import FailedError, printable, refuse
from stylegan.files import user_path, whole_file
from stylegan.networks.classes import one_hot
from stylegan.networks.generator import Generator
from stylegan.networks.levels import noise_resolutions
from stylegan.networks.styles import truncate
from stylegan.opening import load_networks

Run = Callable[[dict[str, Tensor]], Tensor]  # inputs by name -> pictures

LARGEST_ERROR = 1e-3  # relative to the range of the pictures
TRACED_N, CHECKED_N = 2, (1, 3)  # tracing would treat a batch of 1 as a special case
ONNX_TORCH = "2.7"  # the exporter of older versions cannot broadcast over a batch of unknown size
LARGEST_N = 2**31 - 1  # torch 2.6 and 2.7 refuse a batch size without an upper bound
NEEDED = ("onnx", "onnxscript", "onnxruntime")
HOW_TO = """\
StyleGAN generator, arXiv 1812.04948. The picture of a seed, as `stylegan sample` draws it:
    random = np.random.RandomState(seed)
    feeds = {{"z": random.randn(1, {z_dim}).astype(np.float32), "truncation_psi": np.array(0.7, np.float32)}}{noise}{c}
    images = onnxruntime.InferenceSession(path).run(None, feeds)[0]  # (1, {channels}, {H}, {H})
    pixels = (images * 127.5 + 128).clip(0, 255).astype(np.uint8)
Stack rows for several pictures at once. psi 1 means no truncation, psi 0 gives the average picture."""
HOW_TO_NOISE = """
    feeds["noise"] = random.randn(1, {size}).astype(np.float32)  # zeros: no noise; another seed's: its details"""
HOW_TO_C = """
    feeds["c"] = np.eye({c_dim}, dtype=np.float32)[[label]]  # the class, 0 to {last}"""


def export(network: Path | str | Networks, out: Path | str, *, truncation_cutoff: int | None = None) -> float:
    """Write the mapping, truncation and synthesis of G_ema, as far as it has grown, to OUT.onnx or OUT.pt2.

    Inputs by name, float32: z (N, z_dim); c (N, c_dim), if there are classes; truncation_psi, a scalar; noise (N,
    pixels of all maps from 4x4 up), if there are noise inputs: a row for each picture, drawn from the seed's stream
    after z. Output: images (N, C, H, H), nominally in [-1, 1]. truncation_cutoff, the number of styles to truncate, is
    fixed in the file; None means all. The file needs no other file. It holds its configuration, growth and metadata
    (JSON; ONNX: key "stylegan", .pt2: extra file stylegan.json) and, as ONNX, how to use it (doc_string).

    Returns the largest difference from torch's pictures as a part of their range, measured on the written file.
    Raises InputError if `out` exists or ends otherwise or a package is missing, FailedError for a difference above
    1e-3.
    """
    out = user_path(out)
    refuse(list(_problems(out, truncation_cutoff)))
    networks = network if isinstance(network, Networks) else load_networks(network)
    G = Exported(networks.G_ema, truncation_cutoff)
    facts = json.dumps(_facts(networks, truncation_cutoff))
    with whole_file(out) as partial:
        with _quiet():
            run = WRITERS[out.suffix](G, partial, facts)
        error = largest_error(G, run)
        if not error <= LARGEST_ERROR:  # so that NaN fails too
            raise FailedError(
                f"{out} was not written: its pictures differ from torch's by {error:.1e} of their range, "
                f"more than {LARGEST_ERROR:g}; please report this, with the versions of torch, onnx and onnxruntime"
            )
    return error


class Exported(nn.Module):
    """What is exported: a frozen copy of G on the CPU. Everything that a picture depends on is an argument."""

    def __init__(self, G: Generator, truncation_cutoff: int | None) -> None:
        super().__init__()
        self.G = copy.deepcopy(G).cpu().float().eval().requires_grad_(False)
        self.truncation_cutoff = truncation_cutoff
        self.resolutions = noise_resolutions(G, G.lod)

    def forward(
        self, z: Tensor, truncation_psi: Tensor, c: Tensor | None = None, noise: Tensor | None = None
    ) -> Tensor:
        G = self.G
        psi: float = truncation_psi  # type: ignore[assignment]  # a tensor of one number, so that it stays an input
        ws = truncate(G.broadcast(G.mapping(z, c)), G.w_avg, psi, self.truncation_cutoff)
        if noise is None:
            return G.synthesis(ws, noise_mode="none")
        parts = noise.split([H * H for H in self.resolutions], dim=1)
        maps = [part.reshape(-1, 1, H, H) for part, H in zip(parts, self.resolutions, strict=True)]
        return G.synthesis(ws, noise=maps)

    def inputs(self, N: int, psi: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Random inputs by name, in the order of the file."""
        config = self.G.config
        inputs = {"z": torch.randn(N, config.z_dim, generator=generator)}
        if config.c_dim:
            inputs["c"] = one_hot(torch.randint(config.c_dim, (N,), generator=generator), config.c_dim)
        inputs["truncation_psi"] = torch.tensor(psi)
        if self.resolutions:
            inputs["noise"] = torch.randn(N, sum(H * H for H in self.resolutions), generator=generator)
        return inputs


def largest_error(G: Exported, run: Run) -> float:
    """The largest difference of `run` from torch, relative to the range of torch's pictures.

    Measured with two batch sizes and two values of psi.
    """
    generator = torch.Generator().manual_seed(0)
    errors = []
    for N, psi in product(CHECKED_N, (0.5, 1.0)):
        inputs = G.inputs(N, psi, generator)
        wanted = G(**inputs)
        errors.append((run(inputs) - wanted).abs().max() / (wanted.max() - wanted.min()))
    return torch.stack(errors).max().item()


def _trace(G: Exported) -> ExportedProgram:
    inputs = G.inputs(TRACED_N, 0.7, torch.Generator().manual_seed(0))
    batch = Dim("batch", max=LARGEST_N)
    dynamic = {name: {0: batch} if t.ndim else None for name, t in inputs.items()}
    # strict: otherwise len(z) in the networks, and with it the batch size, becomes a constant.
    return torch.export.export(G, (), inputs, dynamic_shapes=dynamic, strict=True)


def onnx_model(program: ExportedProgram, output: str) -> Any:
    """Convert an exported program with one output, named `output`, to ONNX's ModelProto."""
    from onnxscript import optimizer

    with _quiet():
        # Not optimize=True: onnxscript 0.7 takes "+ 1e-8" for "+ 0" and drops it from every normalization.
        found = torch.onnx.export(program, dynamo=True, optimize=False, verbose=False, output_names=[output])
    assert found is not None
    optimizer.fold_constants(found.model)
    optimizer.remove_unused_nodes(found.model)
    return found.model_proto


def onnx_problems() -> list[str]:
    """What this machine lacks for an export to ONNX, one line each."""
    problems = []
    if missing := [name for name in NEEDED if not _is_installed(name)]:
        problems.append(f"to export ONNX, {', '.join(missing)} must be installed: pip install 'stylegan[onnx]'")
    if TorchVersion(torch.__version__) < ONNX_TORCH:
        problems.append(f"to export ONNX, torch {ONNX_TORCH} or newer is needed, and this is {torch.__version__}")
    return problems


def _write_onnx(G: Exported, path: Path, facts: str) -> Run:
    import onnx
    import onnxruntime

    model = onnx_model(_trace(G), "images")
    model.doc_string = _how_to(G)
    data = json.loads(facts)["metadata"]
    own = {name: str(data[name]) for name in ("license", "source") if name in data}  # where other programs show them
    onnx.helper.set_model_props(model, {"stylegan": facts, **own})
    path.write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda inputs: torch.from_numpy(session.run(None, {name: t.numpy() for name, t in inputs.items()})[0])


def _write_pt2(G: Exported, path: Path, facts: str) -> Run:
    buffer = io.BytesIO()  # writing to a file on a full disk, torch would end the process
    torch.export.save(_trace(G), buffer, extra_files={"stylegan.json": facts})
    path.write_bytes(buffer.getbuffer())
    with path.open("rb") as f:
        module = torch.export.load(f).module()
    return lambda inputs: module(**inputs)


WRITERS: dict[str, Callable[[Exported, Path, str], Run]] = {".onnx": _write_onnx, ".pt2": _write_pt2}


def _facts(networks: Networks, truncation_cutoff: int | None) -> dict[str, object]:
    G = networks.G_ema
    return {
        "config": networks.config_json(),
        "lod": G.lod,
        "truncation_cutoff": truncation_cutoff,
        "noise_resolutions": noise_resolutions(G, G.lod),
        "metadata": networks.metadata,
    }


def _how_to(G: Exported) -> str:
    config, pixels = G.G.config, sum(H * H for H in G.resolutions)
    return HOW_TO.format(
        z_dim=config.z_dim,
        channels=config.img_channels,
        H=G.G.resolution,
        noise=HOW_TO_NOISE.format(size=pixels) if pixels else "",
        c=HOW_TO_C.format(c_dim=config.c_dim, last=config.c_dim - 1) if config.c_dim else "",
    )


def _problems(out: Path, truncation_cutoff: int | None) -> Iterator[str]:
    if out.suffix not in WRITERS:
        yield f"{out}: the name must end in {' or '.join(WRITERS)}"
    if out.exists():
        yield f"{out} exists already: give another name, or delete it first"
    if not out.parent.is_dir():
        yield f"{out}: there is no folder {out.parent}; make it first"
    if truncation_cutoff is not None and (type(truncation_cutoff) is not int or truncation_cutoff < 0):
        yield f"truncation_cutoff {printable(repr(truncation_cutoff), 60)}: must be 0 or above, or None for all styles"
    if out.suffix == ".onnx":
        yield from (f"{problem}; or name OUT.pt2" for problem in onnx_problems())


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's warnings about torchvision, which is not needed, about its own deprecated names, and about
    groups of one tensor."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        logger.setLevel(level)
