"""Reads StyleGAN 1 as genforce, huangzh13, lernapparat and rosinality saved it. `layouts` has the names."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from stylegan.checkpoint import Networks, check_finite
from stylegan.config import NetworkConfig
from stylegan.errors import InputError, printable, refuse
from stylegan.interop.layouts import LAYOUTS, SAME, Form, Layout
from stylegan.interop.others import other_by_globals, refuse_other
from stylegan.interop.parts import generator_part, parts
from stylegan.interop.pickles import Malformed
from stylegan.interop.port_config import Source, Tensors, config_of, find_layout, lod_of
from stylegan.interop.port_discriminator import BLUR_OF_D, few, misfits, read_discriminator
from stylegan.interop.tensor_files import is_safetensors, read_safetensors
from stylegan.interop.torch_files import TorchFile, read_torch_file
from stylegan.networks.generator import Generator
from stylegan.sampling.truncation import SAMPLES, estimate_w_avg

BINOMIAL = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
Names = dict[str, tuple[str, Form]]


@dataclass(frozen=True)
class Port:
    """Networks of another program. layout: its name in LAYOUTS. said: what was guessed, made or left out, in words."""

    layout: str
    networks: Networks
    said: list[str]


def read_port(path: Path, *, resolution: int | None = None) -> Port:
    """The networks of a torch.save or safetensors file, float32, on the CPU. Nothing in the file is executed.

    resolution: of the pictures, in pixels, if the file does not state it (rosinality's). Raises InputError that names
    everything unknown, missing or of the wrong shape, and for a network that is not StyleGAN 1.
    """
    file = read_safetensors(path)[0] if is_safetensors(path) else read_torch_file(path)
    source = Source(file, path, resolution)
    try:
        return _read(source)
    except (InputError, Malformed) as e:
        raise InputError(f"{path} cannot be imported:\n{e}") from e
    except (ValueError, TypeError, ArithmeticError, LookupError) as e:  # the file decides which
        raise InputError(f"{path} cannot be imported: damaged, or of no known program: {printable(e)}") from e


def _read(source: Source) -> Port:
    found = parts(source.file.value)
    name = generator_part(found)
    if name is None:
        raise InputError(_what(source.file, found))
    if any(sum(record.nbytes for record in part.values()) > source.file.nbytes for part in found.values()):
        raise InputError("its tensors are larger than the file: they share their bytes")
    layout = find_layout(found[name])
    config = config_of(LAYOUTS[layout], found[name], source)
    lod = lod_of(LAYOUTS[layout], found[name], config=config, source=source)

    def generator(part: str, source: Source) -> Generator:
        return _generator(LAYOUTS[layout], found[part], Generator(config, lod), source)

    _refuse_problems(LAYOUTS[layout], found[name], config)
    networks = Networks(generator(name, source))
    if layout == "genforce" and name == "generator_smooth" and "generator" in found:
        _refuse_problems(LAYOUTS[layout], found["generator"], config)
        networks.G = generator("generator", replace(source, said=[]))
    said = "D: the file has none that fits; training from this file starts with a new one"
    if "discriminator" in found:
        networks.D, said = read_discriminator(layout, found["discriminator"], config, source.file)
        _check_blurs(BLUR_OF_D, found["discriminator"], source.file)
    if said:
        source.said.append(said)
    check_finite(networks.tensors(), source.path)
    return Port(layout, networks, source.said)


def _what(file: TorchFile, found: dict[str, Tensors]) -> str:
    """What a file without a known generator is. Raises InputError if it is a network of OTHERS."""
    for names in (*found.values(), file.value if isinstance(file.value, dict) else {}):
        refuse_other(f"{name}" for name in names)
    if other := other_by_globals(file.named):
        return other
    if isinstance(file.value, dict) and {"GAN", "version"} <= file.value.keys():
        refuse_other(["G.blocks"])
    if isinstance(file.value, dict) and "params_ema" in file.value:
        refuse_other(["decoder.style_conv"])
    foreign = sorted(name for name in file.named if not name.startswith(("torch.", "collections.")))
    calls = f" It names {printable(', '.join(foreign), 200)}, which was not run." if foreign else ""
    there = f" It holds {printable(', '.join(found) or 'no dict of tensors', 200)}."
    return f"no generator of a known program.{there}{calls} `stylegan inspect` lists what a file holds"


def _generator(layout: Layout, held: Tensors, G: Generator, source: Source) -> Generator:
    """G with the tensors of the file. What the file lacks is made and noted in `source.said`."""
    names = _names(layout, held, G.config)
    _check_blurs(layout.blur, held, source.file)
    state = G.eval().requires_grad_(False).state_dict()
    state |= {name: torch.zeros_like(state[name]) for name in state.keys() - names.keys()}
    state |= _tensors(names, held, source.file)
    state |= _noise(state, names, layout, source)
    G.load_state_dict(state)
    if "w_avg" not in names:
        G.w_avg.copy_(estimate_w_avg(G))
        source.said.append(f"w_avg: the file has no reliable one; it is now the mean of {SAMPLES:,} w of seed 0")
    if layout.one_torgb and G.config.max_lod:
        source.said.append("the picture outputs below full size: the file has none; they are 0")
    if layout.note:
        source.said.append(layout.note)
    return G


def _names(layout: Layout, held: Tensors, config: NetworkConfig) -> Names:
    names = layout.names(config)
    if layout.w_avg is not None and layout.w_avg in held:
        names["w_avg"] = (layout.w_avg, SAME)
    return names


def _tensors(names: Names, held: Tensors, file: TorchFile) -> dict[str, Tensor]:
    return {ours: form.ours(file.tensor(held[theirs])).contiguous() for ours, (theirs, form) in names.items()}


def _noise(state: dict[str, Tensor], names: Names, layout: Layout, source: Source) -> dict[str, Tensor]:
    """Noise maps of seed 0 in place of those that the file lacks."""
    missing = [name for name in state if name.endswith(".noise_const") and name not in names]
    generator, made = torch.Generator().manual_seed(0), {}
    for name in missing:
        made[name] = torch.randn(state[name].shape, generator=generator)
        if layout.shared_noise and ".layers.1." in name:
            made[name] = made[name.replace(".layers.1.", ".layers.0.")].clone()
    if missing:
        one = ", one for both layers of a size as in that program" if layout.shared_noise else ""
        source.said.append(f"noise maps: the file has none; they are drawn with seed 0{one}")
    return made


def _refuse_problems(layout: Layout, held: Tensors, config: NetworkConfig) -> None:
    """Raise InputError that names every missing, misshapen or foreign tensor, before memory is allocated."""
    with torch.device("meta"):
        ours = Generator(config).state_dict()
    names = _names(layout, held, config)
    if "w_avg" in names and (record := held.get(names["w_avg"][0])) and record.shape != (config.w_dim,):
        raise InputError(f"its w_avg is {record.shape}: a w_avg for each layer (repeat_w False) fits no network here")
    known = {theirs for theirs, _ in names.values()} | {layout.lod}
    told = re.compile(f"(?:{layout.blur})|(?:{layout.ignored})")
    left = [
        name
        for name in held
        if name not in known and not told.fullmatch(name) and not (layout.up_bias and _beyond(name, config))
    ]
    problems = [f"{printable(name, 100)} is not part of a network of {layout.maker}" for name in left]
    refuse(few([*misfits(names, held, ours), *problems]))


def _beyond(name: str, config: NetworkConfig) -> bool:
    """Does the tensor belong to a size of rosinality's module that the network does not have?"""
    match = re.match(r"generator\.(?:progression|to_rgb)\.(\d+)\.", name)
    return match is not None and int(match[1]) > config.max_lod


def _check_blurs(pattern: str, held: Tensors, file: TorchFile) -> None:
    """Raise InputError for a blur that is not [1, 2, 1] in height and width."""
    for name, record in held.items():
        if re.fullmatch(pattern, name):
            fits = record.shape[-2:] == (3, 3) and record.numel <= 9 * 2**12
            if not fits or not torch.allclose(file.tensor(record), BINOMIAL, atol=1e-6):
                raise InputError(f"{name}: must be the filter [1, 2, 1] in height and width")
