"""Convolution with fewer products, in tiles of 4 x 4 outputs (Lavin and Gray, arXiv 1509.09308).

A tile is a bilinear map of its window of x and of the kernel w: y = A [(G w) (B x)], a product of matrices over the
channels at each of `points` frequencies. Both derivatives of a bilinear map are its own parts transposed, so that
`forward`, `transposed` and `gradient` are enough for any order of differentiation.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

TILE = 4
# By the taps of a row, besides infinity. Of those tried these lose fewest digits; 0 1 -1 2 -1/2 lose 1.5 times as many.
POINTS = {3: (0.0, 0.625, -0.625, 1.5, -1.5), 2: (0.0, 0.5, -1.0, 1.5)}
PART_BYTES = 2**24  # of frequencies at once: larger blocks leave the cache, and glibc maps them anew for every call


class Winograd:
    """A convolution with padding 1: stride 1 and a kernel of 3 x 3, or stride 2 and 4 x 4.

    The latter is 2 x 2 for each of the 4 parities of a row and a column. Products for an output and a channel: 36 / 16
    instead of 9, and 100 / 16 instead of 16.
    x: (N, C, stride H, stride W), y: (N, O, H, W), H and W multiples of 4; u: what `kernel` gives.
    """

    def __init__(self, stride: int) -> None:
        self.stride = stride
        self.taps = 3 if stride == 1 else 2  # of one parity
        self.window = TILE + self.taps - 1

    def kernel(self, w: Tensor) -> Tensor:
        """(O, C, k, k) -> (points, O, stride^2 C), by differentiable operations."""
        s, r = self.stride, self.taps
        split = w.reshape(*w.shape[:2], r, s, r, s).permute(2, 4, 0, 3, 5, 1)  # (r, r, O, s, s, C)
        return self._transformed("G", split).view(self.window**2, len(w), -1)

    def forward(self, x: Tensor, u: Tensor) -> Tensor:
        """The convolution."""
        parts = x.split(self._pictures(x, self.stride))
        return torch.cat([self._y(self._x_points(part) @ u.mT, part.shape) for part in parts])

    def transposed(self, y: Tensor, u: Tensor) -> Tensor:
        """The transposed convolution: the derivative of `forward` by x, applied to y."""
        parts = y.split(self._pictures(y, 1))
        return torch.cat([self._x(self._y_points(part) @ u, part.shape) for part in parts])

    def gradient(self, x: Tensor, y: Tensor) -> Tensor:
        """The derivative of `forward` by u, applied to y."""
        pictures = self._pictures(y, 1)
        found: Tensor | None = None
        for x_part, y_part in zip(x.split(pictures), y.split(pictures), strict=True):
            left, right = self._y_points(y_part).mT, self._x_points(x_part)
            found = left @ right if found is None else found.baddbmm_(left, right)
        assert found is not None
        return found

    def _pictures(self, x: Tensor, stride: int) -> int:
        """How many pictures are computed at once."""
        tiles = x.shape[2] * x.shape[3] // (TILE * stride) ** 2
        return max(1, PART_BYTES // (self.window**2 * tiles * x.shape[1] * stride**2 * x.element_size()))

    def _x_points(self, x: Tensor) -> Tensor:
        """(N, C, s H, s W) -> (points, tiles, s^2 C)."""
        x = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).contiguous()
        (N, H, W, C), (to_N, to_H, to_W, _) = x.shape, x.stride()
        s, n, step = self.stride, self.window, TILE * self.stride
        windows = x.as_strided(
            (n, n, N, (H - 2) // step, (W - 2) // step, s, s, C),
            (s * to_H, s * to_W, to_N, step * to_H, step * to_W, to_H, to_W, 1),
        )
        return self._transformed("B", windows).view(n * n, -1, s * s * C)

    def _x(self, points: Tensor, shape: torch.Size) -> Tensor:
        """The transpose of `_x_points`, with the N, H and W of `shape`: where windows overlap, their sum."""
        N, _, H, W = shape
        s, n, ty, tx = self.stride, self.window, H // TILE, W // TILE
        windows = self._transformed("BT", points.view(n, n, -1)).view(n, n, N, ty, tx, s, s, -1)
        x = windows.new_zeros(N, ty + 1, TILE, s, tx + 1, TILE, s, windows.shape[-1])
        to = x.permute(2, 5, 0, 1, 4, 3, 6, 7)  # (TILE, TILE, N, ty + 1, tx + 1, s, s, C)
        over = n - TILE
        to[:, :, :, :-1, :-1] = windows[:TILE, :TILE]
        to[:over, :, :, 1:, :-1] += windows[TILE:, :TILE]
        to[:, :over, :, :-1, 1:] += windows[:TILE, TILE:]
        to[:over, :over, :, 1:, 1:] += windows[TILE:, TILE:]
        x = x.view(N, s * (H + TILE), s * (W + TILE), -1)[:, 1 : 1 + s * H, 1 : 1 + s * W]
        return x.contiguous().permute(0, 3, 1, 2)

    def _y(self, points: Tensor, shape: torch.Size) -> Tensor:
        """(points, tiles, O) -> (N, O, H, W), of x in `shape`."""
        N, H, W = shape[0], shape[2] // self.stride, shape[3] // self.stride
        tiles = self._transformed("A", points.view(self.window, self.window, -1))
        y = tiles.view(TILE, TILE, N, H // TILE, W // TILE, -1)
        return y.permute(2, 3, 0, 4, 1, 5).reshape(N, H, W, -1).permute(0, 3, 1, 2)

    def _y_points(self, y: Tensor) -> Tensor:
        """The transpose of `_y`."""
        N, channels, H, W = y.shape
        tiles = y.permute(0, 2, 3, 1).reshape(N, H // TILE, TILE, W // TILE, TILE, channels).permute(2, 4, 0, 1, 3, 5)
        return self._transformed("AT", tiles).view(self.window**2, -1, channels)

    def _transformed(self, name: str, x: Tensor) -> Tensor:
        """(a, a, ...) -> (b, b, numbers): a matrix (b, a) in height and width."""
        matrix = MATRICES[self.taps][name].to(x.dtype)
        x = x.reshape(len(x), len(x), -1)
        for _ in range(2):  # one product per row, which threads share; they would not share one wide product
            x = matrix.expand(x.shape[1], -1, -1) @ x.transpose(0, 1)
        return x


def matrices(taps: int) -> dict[str, Tensor]:
    """A (4, n), B (n, n) and G (n, taps) for a row of n = 3 + taps samples (Toom and Cook), and A and B transposed.

    Evaluate polynomials at the points, multiply, interpolate.
    """
    n = TILE + taps - 1
    finite = torch.tensor(POINTS[taps], dtype=torch.float64)

    def evaluate(length: int) -> Tensor:
        at_infinity = torch.eye(length, dtype=torch.float64)[-1:]
        return torch.cat([finite[:, None] ** torch.arange(length), at_infinity])  # (n, length)

    A, G, B = evaluate(TILE).T, evaluate(taps), torch.linalg.inv(evaluate(n)).T
    size = G.abs().sum(dim=1, keepdim=True).log2().round().exp2()  # powers of two, without loss
    B, G = B * size, G / size
    return {name: m.contiguous() for name, m in {"A": A, "AT": A.T, "B": B, "BT": B.T, "G": G}.items()}


MATRICES = {taps: matrices(taps) for taps in POINTS}
