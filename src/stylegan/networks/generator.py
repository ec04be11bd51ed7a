"""The style-based generator: Figure 1b from top to bottom. With traditional layers, that of Figure 1a."""

import math
from collections.abc import Sequence
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from stylegan.config import NORMS, NetworkConfig, NoiseMode
from stylegan.errors import InputError, printable
from stylegan.networks import fast
from stylegan.networks.fade import fade
from stylegan.networks.fast.layout import lay_out
from stylegan.networks.layers import (
    SQRT2,
    AdaIN,
    Bias,
    Blur,
    EqualizedConv2d,
    EqualizedConv2dUp,
    EqualizedLinear,
    leaky_relu,
    noisy_leaky_relu,
    pixel_norm,
    upsample,
)
from stylegan.networks.styles import broadcast, truncate

RESAMPLES = {"bilinear": Blur, "nearest": nn.Identity}


class Generator(nn.Module):
    """G: latents z to pictures, through the mapping network and the synthesis network.

    lod: how far it has grown: 0 is full size, each 1 more halves the resolution, a fraction fades a resolution in.
    w_avg: (w_dim,) the mean of w, towards which truncation pulls.
    """

    w_avg: Tensor

    def __init__(self, config: NetworkConfig, lod: float = 0.0) -> None:
        super().__init__()
        self.config = config.network
        self.z_dim, self.w_dim, self.c_dim = config.z_dim, config.w_dim, config.c_dim
        self.img_resolution, self.img_channels = config.img_resolution, config.img_channels
        self.num_ws = config.num_ws
        self.levels: dict[str, list[int]] | None = None  # measured: name -> [first, last] style; None: the paper's
        self.class_names: tuple[str, ...] | None = None  # in the order of the labels; None: not known
        self.mapping = Mapping(config)
        self.synthesis = Synthesis(config, lod)
        self.register_buffer("w_avg", torch.zeros(config.w_dim))
        lay_out(self)

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        *,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        noise_mode: NoiseMode = "random",
        noise: Sequence[Tensor] | None = None,
        generator: torch.Generator | None = None,
        lod: float | None = None,
    ) -> Tensor:
        """z: (N, z_dim), c: (N, c_dim) -> pictures (N, img_channels, H, H), nominally in [-1, 1], not clamped.

        H = img_resolution / 2^floor(lod). The other arguments are those of `truncate` and of `Synthesis`.
        """
        ws = self.broadcast(self.mapping(z, c))  # (N, num_ws, w_dim)
        if truncation_psi != 1:
            ws = truncate(ws, self.w_avg, truncation_psi, truncation_cutoff)
        return self.synthesis(ws, noise_mode=noise_mode, noise=noise, generator=generator, lod=lod)

    @property
    def has_styles(self) -> bool:
        """Do styles control its layers? The traditional generator has one w, which enters at 4x4."""
        return self.config.has_styles

    @property
    def resolution(self) -> int:
        """Height and width of the pictures that the network makes so far, in pixels: `img_resolution` at lod 0."""
        return self.config.resolution_at(self.lod)

    def broadcast(self, w: Tensor) -> Tensor:
        """(N, w_dim) -> ws (N, num_ws, w_dim): the same w for every layer."""
        return broadcast(w, self.num_ws)

    @property
    def lod(self) -> float:
        """The growth that the network has reached, a plain number: the default of every call."""
        return self.synthesis.lod

    @lod.setter
    def lod(self, lod: float) -> None:
        self.synthesis.lod = lod


class Mapping(nn.Module):
    """f: Z -> W, fully connected layers that learn 100 times slower than the rest (Section 2, Appendix C).

    z: (N, z_dim), c: (N, c_dim), needed if and only if the network has classes -> w: (N, w_dim).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.z_dim, self.c_dim = config.z_dim, config.c_dim
        self.embedding = nn.Parameter(torch.randn(config.c_dim, config.z_dim)) if config.c_dim else None
        widths = [config.z_dim * (2 if config.c_dim else 1)]
        widths += [config.mapping_dim] * (config.mapping_layers - 1) + [config.w_dim]
        self.layers = nn.ModuleList(
            EqualizedLinear(widths[i], widths[i + 1], lrmul=0.01) for i in range(config.mapping_layers)
        )

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        like = cast(EqualizedLinear, self.layers[0]).weight if len(self.layers) else self.embedding
        z, c = as_input(z, "z", like), None if c is None else as_input(c, "c", like)
        if z.ndim != 2 or z.shape[1] != self.z_dim:
            raise ValueError(f"z of shape {tuple(z.shape)}: must be (N, {self.z_dim})")
        check_c(c, z.shape[0], self.c_dim)
        if self.embedding is not None and c is not None:
            z = torch.cat([z, c @ self.embedding], dim=1)  # (N, 2 z_dim)
        w = pixel_norm(z)
        for layer in self.layers:
            w = leaky_relu(layer(w))  # (N, mapping_dim), at last (N, w_dim)
        return w


class Synthesis(nn.Module):
    """g: styles to pictures, from 4x4 up: a block of two layers for each resolution, each with its picture output."""

    def __init__(self, config: NetworkConfig, lod: float = 0.0) -> None:
        super().__init__()
        self.config = config.network
        self.lod = lod
        resolutions = [2**i for i in range(2, int(math.log2(config.img_resolution)) + 1)]
        self.blocks = nn.ModuleList(Block(config, resolution) for resolution in resolutions)

    def forward(
        self,
        ws: Tensor,
        *,
        noise_mode: NoiseMode = "random",
        noise: Sequence[Tensor] | None = None,
        generator: torch.Generator | None = None,
        lod: float | None = None,
    ) -> Tensor:
        """ws: (N, num_ws, w_dim) -> pictures (N, img_channels, H, H).

        noise_mode: "random" draws from `generator`, "const" takes the stored maps, "none" adds none.
        noise: maps to use instead, one a layer, (N or 1, 1, H, H). lod None: the growth reached.
        """
        lod = self.lod if lod is None else lod
        check_lod(lod, self.config)
        like = cast(Block, self.blocks[0]).torgb.bias
        ws = as_input(ws, "ws", like)
        noise = None if noise is None else [as_input(map_, f"noise map {i}", like) for i, map_ in enumerate(noise)]
        if ws.ndim != 3 or ws.shape[1:] != (self.config.num_ws, self.config.w_dim):
            raise ValueError(f"ws of shape {tuple(ws.shape)}: must be (N, {self.config.num_ws}, {self.config.w_dim})")
        maps = self.noise_maps(ws.shape[0], noise_mode, noise, generator, lod)
        ws = ws.expand(-1, max(self.config.num_ws, 2 * len(self.blocks)), -1)  # without styles, one w for all layers

        blocks = self.grown_blocks(lod)
        x = ws[:, 0]  # (N, w_dim): the latent input uses w; the constant uses only its batch size
        img = None
        for i, block in enumerate(blocks):
            if lod % 1 and block is blocks[-1]:  # now, or x would be kept while the largest block is computed
                img = upsample(blocks[-2].torgb(x))  # (N, img_channels, H, H)
            x = block(x, ws[:, 2 * i : 2 * i + 2], maps[2 * i : 2 * i + 2])  # (N, C, 4 * 2^i, 4 * 2^i)
        grown = blocks[-1].torgb(x)  # (N, img_channels, H, H)
        return grown if img is None else torch.lerp(grown, img, fade(lod))

    def grown_blocks(self, lod: float) -> list["Block"]:
        """The blocks that take part at `lod`, from 4x4 up."""
        return [cast(Block, block) for block in self.blocks[: len(self.blocks) - math.floor(lod)]]

    def layers(self, lod: float = 0.0) -> list["Layer"]:
        """The layers that take part at `lod`, from 4x4 up; by default all."""
        return [cast(Layer, layer) for block in self.grown_blocks(lod) for layer in block.layers]

    def noise_maps(
        self,
        N: int,
        noise_mode: NoiseMode,
        noise: Sequence[Tensor] | None,
        generator: torch.Generator | None,
        lod: float,
    ) -> list[Tensor | None]:
        """The noise of every layer that is grown at `lod`, from 4x4 up; None where there is none."""
        layers = self.layers(lod)
        if noise is not None:
            return check_noise(noise, N, [layer.resolution for layer in layers], self.config)
        if noise_mode not in ("random", "const", "none"):
            raise ValueError(f"noise_mode {noise_mode!r}: must be one of random, const, none")
        if noise_mode == "none" or not self.config.noise:
            return [None] * len(layers)
        if noise_mode == "const":
            return [layer.noise_const for layer in layers]
        like = layers[0].noise_const
        return [
            torch.randn(N, 1, H, H, generator=generator, device=like.device, dtype=like.dtype)
            for H in (layer.resolution for layer in layers)
        ]


class Block(nn.Module):
    """Two layers at one resolution, and the picture output (torgb) used while this resolution is the last."""

    def __init__(self, config: NetworkConfig, resolution: int) -> None:
        super().__init__()
        channels = config.channels(resolution)
        first: nn.Module
        if resolution > 4:
            up = EqualizedConv2dUp(config.channels(resolution // 2), channels)
            bias = [Bias(channels)] if config.up_bias else []
            first = nn.Sequential(up, *bias, RESAMPLES[config.resample]())
        else:
            first = ConstantInput(channels) if config.const_input else LatentInput(config.w_dim, channels)
        second = EqualizedConv2d(channels, channels)
        layer = LAYERS[config.norm]
        self.layers = nn.ModuleList([layer(config, op, channels, resolution) for op in (first, second)])
        self.is_chain = layer.is_chain
        self.torgb = ToRGB(channels, config.img_channels)

    @fast.chain
    def forward(self, x: Tensor, ws: Tensor, maps: Sequence[Tensor | None]) -> Tensor:
        for i, layer in enumerate(self.layers):
            x = layer(x, ws[:, i], maps[i])  # (N, channels, H, H)
        return x

    @fast.chain
    def one(self, x: Tensor, w: Tensor, noise: Tensor | None, *, i: int) -> Tensor:
        """Its layer i alone, for those who keep x: the same, to the bit, as within `forward`."""
        x = x.clone() if i else x  # within `forward`, the second layer may overwrite it
        out: Tensor = self.layers[i](x, w, noise)
        return out  # (N, channels, H, H)


class Layer(nn.Module):
    """What all kinds of layer share: a convolution (or the input), noise, bias, leaky ReLU.

    A kind is a subclass with forward(x, w, noise): x is what `op` takes, w (N, w_dim), noise (N or 1, 1, H, H) or None;
    it returns (N, channels, H, H). See `register_layer`.
    """

    is_chain: ClassVar[bool] = False  # True: each step reads its input once, so the input may be overwritten
    noise_const: Tensor

    def __init__(self, config: NetworkConfig, op: nn.Module, channels: int, resolution: int) -> None:
        super().__init__()
        self.resolution = resolution
        self.op = op
        self.noise_strength = nn.Parameter(torch.zeros(channels)) if config.noise else None  # B in Figure 1b
        if config.noise:
            self.register_buffer("noise_const", torch.randn(1, 1, resolution, resolution))
        self.bias = nn.Parameter(torch.zeros(channels))

    def activated(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """x: what op takes -> (N, channels, H, H)."""
        return noisy_leaky_relu(self.op(x), self.bias, noise, self.noise_strength)

    def style_affine(self) -> EqualizedLinear | None:
        """The learned affine A, where w acts on this layer through it alone; else None. Directions in closed form need
        it, and the fingerprint of a network hashes it instead of all weights."""
        return None


class StyledLayer(Layer):
    """Figure 1b: convolution, noise, bias, leaky ReLU, then the style by AdaIN."""

    is_chain = True

    def __init__(self, config: NetworkConfig, op: nn.Module, channels: int, resolution: int) -> None:
        super().__init__(config, op, channels, resolution)
        self.norm = AdaIN(channels, config.w_dim, eps=config.norm_eps)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        x = self.activated(x, noise)  # (N, channels, H, H)
        return self.norm(x, w)  # (N, channels, H, H)

    def style_affine(self) -> EqualizedLinear:
        return self.norm.affine


class TraditionalLayer(Layer):
    """Figure 1a: convolution, bias, leaky ReLU, then the norm of every pixel. w is not used."""

    is_chain = True

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        return pixel_norm(self.activated(x, noise))  # (N, channels, H, H)


LAYERS: dict[str, type[Layer]] = {"adain": StyledLayer, "pixel": TraditionalLayer}
"""The kinds of layer, by the `norm` of a configuration. `register_layer` adds a row, here and in `config.NORMS`."""


def register_layer(name: str, layer: type[Layer], *, has_styles: bool) -> None:
    """Make `CONFIG_F.but(norm=name)` a network of `layer`s, a subclass of `Layer`, for as long as Python runs.

    has_styles: does w control each layer (a style for each), or enter at 4x4 only? As `op` is the layer's own, a style
    may also act before or in the convolution, as in modulation and demodulation. A file holds only the name: register
    the layer again before the network is loaded. Registering a name again replaces the layer of your own; those of the
    paper stay. Raises InputError for a bad name or class.
    """
    if not isinstance(name, str) or not name.isidentifier() or name in ("adain", "pixel"):
        raise InputError(f"layer {printable(name, 60)!r}: must be a name such as demod, and not adain or pixel")
    if not isinstance(layer, type) or not issubclass(layer, Layer):
        raise InputError(f"layer {name}: {printable(layer, 80)} must be a subclass of stylegan.Layer")
    LAYERS[name], NORMS[name] = layer, has_styles


class ConstantInput(nn.Module):
    """The learned 4x4 constant: the picture is controlled by the styles alone."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.const = nn.Parameter(torch.ones(1, channels, 4, 4))

    def forward(self, w: Tensor) -> Tensor:
        return self.const.repeat(w.shape[0], 1, 1, 1)  # (N, channels, 4, 4)


class LatentInput(nn.Module):
    """The traditional input: a dense layer on w, reshaped to 4x4."""

    def __init__(self, w_dim: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.weight = nn.Parameter(torch.randn(channels * 16, w_dim))
        self.weight_gain = SQRT2 / 4 / math.sqrt(w_dim)  # the 4 is from the authors' code, not in the paper

    def forward(self, w: Tensor) -> Tensor:
        x = nn.functional.linear(w, self.weight * self.weight_gain)  # (N, channels * 16)
        return x.reshape(w.shape[0], self.channels, 4, 4)  # (N, channels, 4, 4)


class ToRGB(nn.Module):
    """Features to picture channels: a 1x1 convolution with bias and no activation."""

    def __init__(self, in_channels: int, img_channels: int) -> None:
        super().__init__()
        self.conv = EqualizedConv2d(in_channels, img_channels, 1, gain=1)
        self.bias = nn.Parameter(torch.zeros(img_channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) + self.bias[:, None, None]  # (N, img_channels, H, H)


def as_input(value: Tensor, name: str, like: Tensor | None) -> Tensor:
    """`value`, a tensor or anything that torch makes one of, with the type and on the device of the weights `like`.

    Raises ValueError for what holds no real numbers. like None: a network without weights takes every floating type.
    """
    if not isinstance(value, Tensor):
        try:
            value = torch.as_tensor(value)
        except (TypeError, ValueError, RuntimeError) as e:
            raise ValueError(f"{name} of type {type(value).__name__}: must be a tensor or an array of numbers") from e
    if value.is_complex():
        raise ValueError(f"{name} of {value.dtype}: must be real numbers")
    if value.is_meta and like is not None and not like.is_meta:
        raise ValueError(f"{name} on the meta device: holds no numbers; make it on a device that does, such as cpu")
    if like is None:
        return value if value.is_floating_point() else value.float()
    if value.dtype == like.dtype and value.device == like.device:  # or an exported program would record a cast
        return value
    return value.to(like.device, like.dtype)


def check_lod(lod: float, config: NetworkConfig) -> None:
    """Raise ValueError for a lod that is not between full size and 4x4."""
    if not 0 <= lod <= config.max_lod:
        raise ValueError(f"lod {lod}: must be 0 (full size, {config.img_resolution} px) to {config.max_lod:g} (4 px)")


def check_c(c: Tensor | None, N: int, c_dim: int) -> None:
    """Raise ValueError for labels that are missing, unwanted or of a wrong shape."""
    if c is None and c_dim:
        raise ValueError(f"c is missing: this network has {c_dim} classes and needs labels of shape (N, {c_dim})")
    if c is not None and tuple(c.shape) != (N, c_dim):
        how = ", one-hot: torch.nn.functional.one_hot(classes, c_dim)" if c_dim else ", or None"
        raise ValueError(f"c of shape {tuple(c.shape)}: must be ({N}, {c_dim}){how}")


def check_noise(noise: Sequence[Tensor], N: int, resolutions: list[int], config: NetworkConfig) -> list[Tensor | None]:
    """The maps of the grown layers. Raises ValueError for maps that do not fit, all at once."""
    if not config.noise:
        raise ValueError("noise was given, and this network has no noise inputs")
    if len(noise) < len(resolutions):
        raise ValueError(f"noise of {len(noise)} maps: must be {len(resolutions)}, one a layer")
    problems = [
        f"noise map {i} of shape {tuple(map_.shape)}: must be ({N} or 1, 1, {H}, {H})"
        for i, (map_, H) in enumerate(zip(noise, resolutions, strict=False))
        if map_.shape[1:] != (1, H, H) or map_.shape[0] not in (1, N)
    ]
    if problems:
        raise ValueError("\n".join(problems))
    return list(noise[: len(resolutions)])
