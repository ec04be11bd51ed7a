"""StyleGAN 1 as other programs saved it: genforce, huangzh13, lernapparat, rosinality. `layouts` has the names."""

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from stylegan.checkpoint import Networks, check_finite
from stylegan.config import NetworkConfig
from stylegan.errors import InputError, printable, refuse
from stylegan.interop.layouts import BLUR_OF_D, LAYOUTS, SAME, Form, Layout, channels_name, discriminator_names
from stylegan.interop.others import other_by_globals, refuse_other
from stylegan.interop.parts import generator_part, parts
from stylegan.interop.pickles import Malformed
from stylegan.interop.records import Record
from stylegan.interop.torch_files import TorchFile, read_torch_file
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator
from stylegan.sampling.truncation import SAMPLES, estimate_w_avg

MOST_BLOCKS = 10  # 2048 px
BINOMIAL = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
Tensors = dict[str, Record]
Names = dict[str, tuple[str, Form]]


@dataclass
class Port:
    """Networks of another program. layout: its name in LAYOUTS. said: what was guessed, made or left out, in words."""

    layout: str
    networks: Networks
    said: list[str] = field(default_factory=list)


def read_port(path: Path, *, resolution: int | None = None) -> Port:
    """The networks of a file of torch.save, on the CPU, float32. Nothing in the file is executed.

    resolution: of the pictures, where the file does not tell (rosinality's). Raises InputError naming all that is
    unknown, missing or of another shape, and for a network that is not StyleGAN 1.
    """
    file = read_torch_file(path)
    try:
        return _read(file, path, resolution)
    except (InputError, Malformed) as e:
        raise InputError(f"{path} cannot be imported:\n{e}") from e
    except (ValueError, TypeError, ArithmeticError, KeyError, IndexError) as e:  # it is the file that decides
        raise InputError(f"{path} cannot be imported: damaged, or of no known program: {printable(e)}") from e


def _read(file: TorchFile, path: Path, resolution: int | None) -> Port:
    found = parts(file.value)
    name = generator_part(found)
    if name is None:
        raise InputError(_what(file, found))
    for part in found.values():
        if sum(record.nbytes for record in part.values()) > file.nbytes:
            raise InputError("its tensors are larger than the file: they share their bytes")
    held = found[name]
    layout = find_layout(held)
    port = Port(layout, Networks(Generator(TINY)))
    config = config_of(LAYOUTS[layout], held, resolution, port.said, file)
    lod = _lod(LAYOUTS[layout], held, config, path, file)
    networks = Networks(_generator(LAYOUTS[layout], held, config, lod, port.said, file))
    if layout == "genforce":
        raw = found.get("generator")
        if name == "generator_smooth" and raw is not None:
            networks.G = _generator(LAYOUTS[layout], raw, config, lod, [], file)
        if "discriminator" in found:
            networks.D = _discriminator(found["discriminator"], config, lod, file)
    if networks.D is None:
        port.said.append("D: the file has none that fits; training from it starts a new one")
    check_finite(networks.tensors(), path)
    port.networks = networks
    return port


TINY = NetworkConfig(img_resolution=4, channel_base=4, channel_max=1, z_dim=1, w_dim=1, mapping_dim=1, mapping_layers=1)


def _what(file: TorchFile, found: dict[str, Tensors]) -> str:
    """What a file without a generator is, as far as it is known."""
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
    return f"no generator of a known program.{there}{calls} `stylegan inspect` lists a file"


def find_layout(held: Tensors) -> str:
    """The layout of these tensors. Raises InputError for none, for two, and for the networks of other programs."""
    found = [name for name, layout in LAYOUTS.items() if any(re.fullmatch(layout.sign, key) for key in held)]
    if len(found) > 1:
        makers = " and ".join(LAYOUTS[name].maker for name in found)
        raise InputError(f"its names are those of {makers} at once: a file has one layout")
    if found:
        return found[0]
    refuse_other(held)
    known = ", ".join(layout.maker for layout in LAYOUTS.values())
    raise InputError(
        f"no names of a known layout ({known}); the first are {printable(', '.join(sorted(held)[:4]), 200)}"
    )


def config_of(layout: Layout, held: Tensors, resolution: int | None, said: list[str], file: TorchFile) -> NetworkConfig:
    """The configuration, from the shapes of the tensors."""
    count = next((b for b in range(MOST_BLOCKS) if channels_name(layout, b) not in held), MOST_BLOCKS)
    if not count:
        raise InputError(f"{channels_name(layout, 0)} is missing")
    widths = [math.prod(held[channels_name(layout, b)].shape) for b in range(count)]
    if layout.up_bias:
        count = _blocks_of_rosinality(layout, held, widths, resolution, said, file)
    size = 4 << (count - 1)
    if resolution is not None and resolution != size:
        raise InputError(f"resolution {resolution}: the file holds a network of {size} px; leave it out")
    top = widths[-1] if layout.up_bias else widths[count - 1]
    most, full = max(widths), 4 << (len(widths) - 1)
    layers = next((k for k in range(8) if layout.mapping.format(k=k, k2=2 * k + 1) not in held), 8)
    first = held[layout.mapping.format(k=0, k2=1)].shape if layers else (0, 0)
    labels = held[layout.labels].shape if layout.labels in held else None
    w_dim = held[layout.style].shape[1]
    return NetworkConfig(
        img_resolution=size,
        img_channels=held[layout.torgb].shape[0],
        c_dim=labels[0] if labels else 0,
        z_dim=labels[1] if labels else first[1],
        w_dim=w_dim,
        mapping_dim=first[0] if layers > 1 else w_dim,
        mapping_layers=layers,
        channel_base=top * full,
        channel_max=most,
        const_input=layout.latent not in held,
        resample="bilinear" if any(re.fullmatch(layout.blur, name) for name in held) or count == 1 else "nearest",
        norm_eps=layout.norm_eps,
        up_bias=layout.up_bias,
    )


def _blocks_of_rosinality(
    layout: Layout, held: Tensors, widths: list[int], resolution: int | None, said: list[str], file: TorchFile
) -> int:
    """How many blocks were trained: the file has all nine whatever its size, and does not tell."""
    allowed = [4 << b for b in range(len(widths))]
    if resolution is not None:
        if resolution not in allowed:
            raise InputError(f"resolution {resolution}: must be one of {', '.join(map(str, allowed))}")
        return allowed.index(resolution) + 1
    trained = [
        b
        for b in range(len(widths))
        for j in (1, 2)
        if file.tensor(held[f"generator.progression.{b}.noise{j}.weight_orig"]).any()
    ]
    if not trained:
        raise InputError("the file does not tell its resolution, and no noise was trained: give the resolution")
    said.append(
        f"resolution: {allowed[max(trained)]}, a guess: no noise of a larger size was trained; "
        "if it is another, give the resolution"
    )
    return max(trained) + 1


def _lod(layout: Layout, held: Tensors, config: NetworkConfig, path: Path, file: TorchFile) -> float:
    """The growth: of the file, or of huangzh13's file name."""
    lod = 0.0
    if layout.lod is not None and layout.lod in held:
        lod = float(file.tensor(held[layout.lod]).reshape(-1)[0])
    match = re.match(r"GAN_GEN_(?:SHADOW_)?(\d+)_\d+", path.name)
    if layout.maker.startswith("huangzh13") and match:
        lod = max(config.max_lod - int(match[1]), 0.0)
    if not 0 <= lod <= config.max_lod:
        raise InputError(f"lod {lod}: must be 0 to {config.max_lod:g}")
    return lod


def _generator(
    layout: Layout, held: Tensors, config: NetworkConfig, lod: float, said: list[str], file: TorchFile
) -> Generator:
    names = layout.names(config)
    with torch.device("meta"):  # sizes in a file cost nothing before they are compared
        ours = Generator(config).state_dict()
    if layout.w_avg is not None and layout.w_avg in held:
        names["w_avg"] = (layout.w_avg, SAME)
    if "w_avg" in names and names["w_avg"][0] in held and held[names["w_avg"][0]].shape != (config.w_dim,):
        raise InputError("its truncation has a w_avg for each layer (repeat_w False): no network here has")
    _refuse_problems(layout, held, names, ours, config)
    _check_blurs(layout.blur, held, file)
    G = Generator(config, lod).eval().requires_grad_(False)
    state = G.state_dict()
    state |= {name: torch.zeros_like(state[name]) for name in state.keys() - names.keys()}
    state |= _tensors(names, held, file)
    state |= _noise(state, names, layout, said)
    G.load_state_dict(state)
    if "w_avg" not in names:
        G.w_avg.copy_(estimate_w_avg(G))
        said.append(f"w_avg: the file has none to trust; the mean of {SAMPLES:,} w of seed 0")
    if layout.one_torgb and config.max_lod:
        said.append("the picture outputs below full size: the file has none; they are 0")
    if layout.note:
        said.append(layout.note)
    return G


def _tensors(names: Names, held: Tensors, file: TorchFile) -> dict[str, Tensor]:
    return {ours: form.ours(file.tensor(held[theirs])).contiguous() for ours, (theirs, form) in names.items()}


def _noise(state: dict[str, Tensor], names: Names, layout: Layout, said: list[str]) -> dict[str, Tensor]:
    """Noise maps of a fixed seed, where the file has none."""
    missing = [name for name in state if name.endswith(".noise_const") and name not in names]
    generator, made = torch.Generator().manual_seed(0), {}
    for name in missing:
        made[name] = torch.randn(state[name].shape, generator=generator)
        if layout.shared_noise and ".layers.1." in name:
            made[name] = made[name.replace(".layers.1.", ".layers.0.")].clone()
    if missing:
        one = ", one for both layers of a size as in that program" if layout.shared_noise else ""
        said.append(f"noise maps: the file has none; drawn with seed 0{one}")
    return made


def _refuse_problems(
    layout: Layout, held: Tensors, names: Names, ours: dict[str, Tensor], config: NetworkConfig
) -> None:
    """Name all that is missing, of another shape, or not part of such a network."""
    problems = _misfits(names, held, ours)
    known = {theirs for theirs, _ in names.values()} | {layout.lod}
    left = [
        name
        for name in held
        if name not in known
        and not re.fullmatch(layout.blur, name)
        and not re.fullmatch(layout.ignored, name)
        and not (layout.up_bias and _beyond(name, config))
    ]
    problems += [f"{printable(name, 100)} is not part of a network of {layout.maker}" for name in left]
    refuse(_few(problems))


def _beyond(name: str, config: NetworkConfig) -> bool:
    """Does the tensor belong to a size of rosinality's module that the network does not have?"""
    match = re.match(r"generator\.(?:progression|to_rgb)\.(\d+)\.", name)
    return match is not None and int(match[1]) > config.max_lod


def _misfits(names: Names, held: Tensors, ours: dict[str, Tensor]) -> list[str]:
    problems = []
    for name, (theirs, form) in names.items():
        wanted = tuple(form.shape(tuple(ours[name].shape)))
        if theirs not in held:
            problems.append(f"{theirs} is missing")
        elif held[theirs].shape != wanted:
            problems.append(f"{theirs} is {held[theirs].shape}: must be {wanted}")
    return problems


def _few(problems: list[str], most: int = 12) -> list[str]:
    rest = len(problems) - most
    return problems if rest <= 0 else [*sorted(problems)[:most], f"and {rest} more"]


def _check_blurs(pattern: str, held: Tensors, file: TorchFile) -> None:
    """Raise InputError for a blur that is not [1, 2, 1] in height and width."""
    for name, record in held.items():
        if re.fullmatch(pattern, name):
            fits = record.shape[-2:] == (3, 3) and record.numel <= 9 * 2**12
            if not fits or not torch.allclose(file.tensor(record), BINOMIAL, atol=1e-6):
                raise InputError(f"{name}: must be the filter [1, 2, 1] in height and width")


def _discriminator(held: Tensors, config: NetworkConfig, lod: float, file: TorchFile) -> Discriminator:
    """genforce's D, which is the authors'."""
    names = discriminator_names(config)
    with torch.device("meta"):
        ours: nn.Module = Discriminator(config)
    known = {theirs for theirs, _ in names.values()} | {"lod"}
    left = [name for name in held if name not in known and not BLUR_OF_D.fullmatch(name)]
    problems = _misfits(names, held, ours.state_dict())
    problems += [f"{printable(name, 100)} is not part of genforce's discriminator" for name in left]
    refuse([f"discriminator: {problem}" for problem in _few(problems)])
    _check_blurs(BLUR_OF_D.pattern, held, file)
    if "lod" in held:
        lod = float(file.tensor(held["lod"]).reshape(-1)[0])
    D = Discriminator(config, min(max(lod, 0.0), config.max_lod)).eval().requires_grad_(False)
    D.load_state_dict(_tensors(names, held, file))
    return D
