"""How a convolution is computed: directly, or with fewer products.

On the CPU features lie in memory as channels_last. Convolutions with many channels take fewer products (`winograd`).
A convolution and its transpose are closed under differentiation: gradients of any order, which R1 needs, run through
the same few functions.
"""

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.nn.grad import conv2d_weight

from stylegan.networks.fast.when import EXACT, large_unrecorded, ours
from stylegan.networks.fast.winograd import TILE, Winograd

_will_execute = getattr(torch._C, "_will_engine_execute_node", None)  # private: without it every gradient is computed
WIDE = 128  # channels from which our ways gain more than functions in Python cost: docs/decisions.md


def conv2d(x: Tensor, w: Tensor) -> Tensor:
    """(N, C, H, W) with (O, C, k, k), k 1 or 3 -> (N, O, H, W)."""
    if w.shape[-1] == 1 and ours(x):
        if len(w) < x.shape[1] and large_unrecorded(x):  # torgb
            return F.conv2d(x, w)  # at 1024 px, on two threads, half the time of the product of matrices below
        return F.linear(x.permute(0, 2, 3, 1), w[:, :, 0, 0]).permute(0, 3, 1, 2)
    # "same", as to torch 2.6 half the kernel is a tensor while it traces
    return _apply(_Forward, x, w, stride=1) if _wide(x, w) else F.conv2d(x, w, padding="same")


def conv2d_down(x: Tensor, w: Tensor) -> Tensor:
    """(N, C, 2H, 2W) with (O, C, 4, 4), stride 2 -> (N, O, H, W)."""
    return _apply(_Forward, x, w, stride=2) if _wide(x, w) else F.conv2d(x, w, stride=2, padding=1)


def conv2d_up(y: Tensor, w: Tensor) -> Tensor:
    """The transpose of `conv2d_down`: (N, O, H, W) with (O, C, 4, 4) -> (N, C, 2H, 2W)."""
    return _apply(_Transposed, y, w, stride=2) if _wide(y, w) else F.conv_transpose2d(y, w, stride=2, padding=1)


def blur(x: Tensor, kernel: Tensor) -> Tensor:
    """Each channel by the binomial kernel (3, 3): (N, C, H, W) -> (N, C, H, W)."""
    exported = torch.compiler.is_compiling() or torch.jit.is_tracing() or torch.is_autocast_enabled("cpu")
    return _depthwise(x, kernel) if exported else _Blur.apply(x, kernel)


def for_each_channel(kernel: Tensor, x: Tensor) -> Tensor:
    """The weights (C, 1, 3, 3) that apply the kernel (3, 3) to each channel of x."""
    return kernel.to(x.dtype).expand(x.shape[1], 1, 3, 3)


class Method(Protocol):
    """A bilinear map (x, w) -> y, and its derivatives by x and by w, applied to y."""

    def forward(self, x: Tensor, w: Tensor) -> Tensor: ...

    def transposed(self, y: Tensor, w: Tensor) -> Tensor: ...

    def gradient(self, x: Tensor, y: Tensor) -> Tensor: ...


class Direct:
    """The sum of all products."""

    def __init__(self, stride: int, kernel_size: int) -> None:
        self.stride, self.kernel_size = stride, kernel_size

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        return F.conv2d(x, _channels_last(w), stride=self.stride, padding=1)

    def transposed(self, y: Tensor, w: Tensor) -> Tensor:
        return F.conv_transpose2d(y, _channels_last(w), stride=self.stride, padding=1)

    def gradient(self, x: Tensor, y: Tensor) -> Tensor:
        if self.stride == 2:  # there oneDNN is twice as fast with pictures channel by channel
            x, y = x.contiguous(), y.contiguous()
        shape = (y.shape[1], x.shape[1], self.kernel_size, self.kernel_size)
        return conv2d_weight(x, shape, y, stride=self.stride, padding=1)


class _Bilinear(Function):
    """One of the three maps of a method: (a, b, method) -> a tensor that is linear in a and in b."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Method], output: Tensor) -> None:
        a, b, ctx.method = inputs
        ctx.save_for_backward(a, b)
        ctx.save_for_forward(a, b)

    @classmethod
    def jvp(cls, ctx: Any, da: Tensor | None, db: Tensor | None, _: None) -> Tensor:
        a, b = ctx.saved_tensors
        terms = [] if da is None else [cls.apply(da, b, ctx.method)]
        return sum(terms if db is None else [*terms, cls.apply(a, db, ctx.method)])

    @classmethod
    def vmap(
        cls, info: Any, in_dims: tuple[int | None, ...], a: Tensor, b: Tensor, method: Method
    ) -> tuple[Tensor, int]:
        many = (
            [t] * info.batch_size if dim is None else t.unbind(dim) for t, dim in zip((a, b), in_dims[:2], strict=True)
        )
        return torch.stack([cls.apply(*pair, method) for pair in zip(*many, strict=True)]), 0


def _asked(ctx: Any) -> list[bool]:
    """Which of its two tensors need a gradient in this backward pass.

    ctx.needs_input_grad says only which could have one. R1 needs that of the pictures alone, and the gradient of the
    weights would double its cost. For a leaf torch does not say, so it gets one.
    """
    nodes = [node for node, _ in ctx.next_functions[:2]]
    return [
        node is not None and (node.name().endswith("AccumulateGrad") or _will_execute is None or _will_execute(node))
        for node in nodes
    ]


class _Forward(_Bilinear):
    @staticmethod
    def forward(x: Tensor, w: Tensor, method: Method) -> Tensor:
        return method.forward(_channels_last(x), w)

    @staticmethod
    def backward(ctx: Any, y: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (x, w), method, (x_asks, w_asks) = ctx.saved_tensors, ctx.method, _asked(ctx)
        return (
            _Transposed.apply(y, w, method) if x_asks else None,
            _Gradient.apply(x, y, method) if w_asks else None,
            None,
        )


class _Transposed(_Bilinear):
    @staticmethod
    def forward(y: Tensor, w: Tensor, method: Method) -> Tensor:
        return method.transposed(_channels_last(y), w)

    @staticmethod
    def backward(ctx: Any, x: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (y, w), method, (y_asks, w_asks) = ctx.saved_tensors, ctx.method, _asked(ctx)
        return (
            _Forward.apply(x, w, method) if y_asks else None,
            _Gradient.apply(x, y, method) if w_asks else None,
            None,
        )


class _Gradient(_Bilinear):
    @staticmethod
    def forward(x: Tensor, y: Tensor, method: Method) -> Tensor:
        return method.gradient(_channels_last(x), _channels_last(y))

    @staticmethod
    def backward(ctx: Any, w: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (x, y), method, (x_asks, y_asks) = ctx.saved_tensors, ctx.method, _asked(ctx)
        return (
            _Transposed.apply(y, w, method) if x_asks else None,
            _Forward.apply(x, w, method) if y_asks else None,
            None,
        )


class _Blur(Function):
    """Linear in x, and its own transpose, as the kernel is symmetric.

    torch differentiates a convolution of single channels channel by channel, which on a GPU took 5 times as long as the
    rest of a step. There [1, 2, 1] / 4 is the mean of two neighbours, taken twice.
    """

    @staticmethod
    def forward(x: Tensor, kernel: Tensor) -> Tensor:
        x = _channels_last(x)
        return _depthwise(x, kernel) if x.device.type == "cpu" else _two_means(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.kernel = inputs[1]

    @staticmethod
    def backward(ctx: Any, y: Tensor) -> tuple[Tensor, None]:
        return _Blur.apply(y, ctx.kernel), None

    @staticmethod
    def jvp(ctx: Any, dx: Tensor, _: None) -> Tensor:
        return _Blur.apply(dx, ctx.kernel)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], x: Tensor, kernel: Tensor) -> tuple[Tensor, int]:
        x = x.movedim(in_dims[0], 0)
        return _Blur.apply(x.flatten(0, 1), kernel).unflatten(0, x.shape[:2]), 0


def _apply(function: Any, given: Tensor, w: Tensor, *, stride: int) -> Tensor:
    shrinks = stride if function is _Forward else 1
    H, W = given.shape[2] // shrinks, given.shape[3] // shrinks  # of the smaller side
    if _many_products(len(given), H, W, w):
        fast = Winograd(stride)
        return function.apply(given, fast.kernel(w), fast)
    return function.apply(given, w, Direct(stride, w.shape[-1]))


def _wide(x: Tensor, w: Tensor) -> bool:
    return ours(x) and min(w.shape[:2]) >= WIDE


def _many_products(N: int, H: int, W: int, w: Tensor) -> bool:
    """Do the saved products pay for the transforms? Measured on a CPU with AVX-512: docs/decisions.md."""
    whole, exact = H % TILE == W % TILE == 0, w.dtype in EXACT
    tiles = N * H * W // TILE**2
    return whole and exact and min(w.shape[:2]) >= 256 and tiles >= (64 if w.shape[-1] == 3 else 256)


def _channels_last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)  # vmap knows no memory_format


def _depthwise(x: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(x, for_each_channel(kernel, x), padding=1, groups=x.shape[1])


def _two_means(x: Tensor) -> Tensor:
    return F.avg_pool2d(F.avg_pool2d(x, 2, stride=1, padding=1), 2, stride=1)
