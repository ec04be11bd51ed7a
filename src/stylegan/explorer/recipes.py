"""From a state to what its picture is made of: styles and noise (the formulas of docs/explorer.md, in their order)."""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

import torch
from torch import Tensor

from stylegan.errors import printable, refuse
from stylegan.explorer.explorer import default_cutoff
from stylegan.explorer.state import MOST_PARTS, Along, Crossing, Mutation, Source, State, Upload
from stylegan.networks.generator import Generator
from stylegan.networks.levels import num_layers
from stylegan.networks.styles import truncate
from stylegan.sampling.controls import Controls
from stylegan.sampling.direction import Direction, move
from stylegan.sampling.latents import labels_of, seed_ws
from stylegan.sampling.noise import seed_noise, stored_noise
from stylegan.sampling.recipe import Recipe
from stylegan.sampling.sampler import DEFAULT

W_BYTES, NOISE_BYTES = 2**24, 2**28  # of seeds that are remembered
Table = dict[int | str, float]
"""Own noise of a layer: how much of each seed's or upload's map, the squares adding up to 1."""
T = TypeVar("T")


class Remembered(Generic[T]):
    """The results of a function that were used last, up to a number of bytes. Threads share it."""

    def __init__(self, most_bytes: int, size: Callable[[T], int]) -> None:
        self.most_bytes, self.size, self.bytes = most_bytes, size, 0
        self._found: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, find: Callable[[], T]) -> T:
        """What is remembered under this key, or what `find` gives."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        found = find()
        with self._lock:
            self.bytes -= self.size(self._found.pop(key)) if key in self._found else 0
            self._found[key] = found
            self.bytes += self.size(found)
            while self.bytes > self.most_bytes and len(self._found) > 1:
                self.bytes -= self.size(self._found.popitem(last=False)[1])
        return found


@dataclass(frozen=True)
class Projected:
    """A projected picture: ws (1, num_ws, w_dim) and noise maps (1, 1, H, H), or none, where G is."""

    ws: Tensor
    noise: Sequence[Tensor]


class Recipes:
    """Turns states of one network into recipes. uploads, directions: what states name, looked up when it is needed."""

    def __init__(self, G: Generator, uploads: dict[str, Projected], directions: dict[str, Direction]) -> None:
        self.G, self.uploads, self.directions = G, uploads, directions
        self._ws = Remembered[Tensor](W_BYTES, _bytes)
        self._noise = Remembered[list[Tensor]](NOISE_BYTES, lambda maps: sum(map(_bytes, maps)))

    def recipe(self, state: State) -> Recipe:
        """Styles ws (1, num_ws, w_dim) and noise, where G is. Raises InputError for a state of another network."""
        self.check(state)
        return Recipe(self.ws(state), self.noise(state))

    def check(self, state: State) -> None:
        """Raise InputError naming everything in the state that this network does not have."""
        G, problems = self.G, []
        for words, given, count in [
            ("mix", state.mix, G.num_ws),
            ("noise", state.noise, num_layers(G) if G.config.noise else 0),
        ]:
            if given is not None and len(given) != count:
                problems.append(f"{words} of {len(given)} numbers: this network takes {count}")
        if state.cutoff is not None and state.cutoff > G.num_ws:
            problems.append(f"cutoff {state.cutoff}: this network has {G.num_ws} styles; null is all of them")
        parts = [part for source in (state.a, state.b) if source is not None for part in _parts(source)]
        if len(parts) > MOST_PARTS:
            problems.append(f"{len(parts)} sources and steps: at most {MOST_PARTS} are allowed")
        problems += [words for part in parts for words in self._part_problems(part)]
        problems += [words for along in state.directions for words in self._along_problems(along)]
        names = [along.name for along in state.directions]
        problems += [f"direction {printable(n, 60)} is given twice" for n in sorted(set(names)) if names.count(n) > 1]
        refuse([f"state: {'; '.join(dict.fromkeys(problems))}"] if problems else [])

    def psi(self, state: State) -> float:
        """How strongly it is truncated."""
        return float(state.psi if state.psi is not None else _number(DEFAULT))

    def cutoff(self, state: State) -> int | None:
        """How many of its styles are truncated; None: all."""
        return state.cutoff if "cutoff" in state.model_fields_set else default_cutoff(self.G)

    def ws(self, state: State) -> Tensor:
        """Its styles, (1, num_ws, w_dim)."""
        ws = self._source_ws(state.a, state)
        if state.b is not None and state.mix is not None and any(state.mix):
            ws = lerp(ws, self._source_ws(state.b, state), state.mix)
        return move(ws, [self._move(along) for along in state.directions])

    def noise(self, state: State) -> list[Tensor] | None:
        """Its noise, one map (1, 1, H, H) for each layer; None for a network without."""
        G = self.G
        if not G.config.noise:
            return None
        given = state.noise or ["own"] * num_layers(G)
        return [self._map(i, each, state) for i, each in enumerate(given)]

    def _source_ws(self, source: Source, state: State) -> Tensor:
        if isinstance(source, Upload):
            ws = self.uploads[source.upload].ws
        else:
            corners = [self._truncated(seed, source, state, cut=False) for seed in source.corners]
            top, bottom = (lerp(a, b, source.x) for a, b in (corners[:2], corners[2:]))
            ws = self._cut(lerp(top, bottom, source.y), state)
        for step in source.steps:
            if isinstance(step, Crossing):
                ws = lerp(ws, self._source_ws(step.source, state), step.t)
            else:
                ws = turn(ws, self._truncated(step.seed, source, state), step.t, around=self.G.w_avg)
        return ws

    def _truncated(self, seed: int, source: Source, state: State, *, cut: bool = True) -> Tensor:
        G, number = self.G, self._class(source)
        found = self._ws.get((seed, number), lambda: seed_ws(G, [seed], c=labels_of(G, number, 1)))
        return self._cut(found, state) if cut else found

    def _cut(self, ws: Tensor, state: State) -> Tensor:
        psi = self.psi(state)
        return ws if psi == 1 else truncate(ws, self.G.w_avg, psi, self.cutoff(state))

    def _class(self, source: Source) -> int | None:
        return (source.class_index or 0) if self.G.c_dim else None

    def _move(self, along: Along) -> tuple[Direction, float]:
        found, (first, last) = self.directions[along.name], along.layers
        layers = tuple(range(first, last + 1))
        return Direction(found.name, found.vector, layers, found.kind, found.network, found.score), along.strength

    def _map(self, layer: int, given: str | int, state: State) -> Tensor:
        if given == "const":
            return stored_noise(self.G)[layer]
        if given == "none":
            return torch.zeros_like(stored_noise(self.G)[layer])
        if isinstance(given, int):
            return self._map_of(given, layer)
        table = self._table(state.a, layer)
        if state.b is not None and state.mix is not None:
            table = blend(table, self._table(state.b, layer), state.mix[self._style(layer)])
        (first, g), *others = table.items()
        if not others:
            return self._map_of(first, layer)
        total = g * self._map_of(first, layer)
        for key, g in others:
            total = total + g * self._map_of(key, layer)
        return total

    def _table(self, source: Source, layer: int) -> Table:
        if isinstance(source, Upload):
            table: Table = {source.upload if self.uploads[source.upload].noise else 0: 1.0}
        else:
            x, y = source.x, source.y
            weights = [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y]
            table = unit([*zip(source.corners, weights, strict=True)])
        for step in source.steps:
            if isinstance(step, Crossing):
                table = blend(table, self._table(step.source, layer), step.t[self._style(layer)])
        return table

    def _style(self, layer: int) -> int:
        return layer if self.G.has_styles else 0

    def _map_of(self, key: int | str, layer: int) -> Tensor:
        if isinstance(key, str):
            return self.uploads[key].noise[layer]
        G = self.G
        return self._noise.get(key, lambda: [map_.to(G.w_avg) for map_ in seed_noise(key, G)])[layer]

    def _part_problems(self, part: Source | Mutation | Crossing) -> list[str]:
        G = self.G
        if isinstance(part, Crossing):
            words = f"crossing of {len(part.t)} numbers: this network takes {G.num_ws}"
            return [words] if len(part.t) != G.num_ws else []
        if isinstance(part, Mutation):
            return []
        problems = []
        if isinstance(part, Upload) and part.upload not in self.uploads:
            problems.append(f"picture {part.upload} is not in the memory of this explorer: upload it again")
        if part.class_index is not None and not part.class_index < G.c_dim:
            there = f"has the classes 0 to {G.c_dim - 1}" if G.c_dim else "has no classes"
            problems.append(f"class {part.class_index}: this network {there}")
        return problems

    def _along_problems(self, along: Along) -> list[str]:
        first, last = along.layers
        if along.name not in self.directions:
            return [f"direction {printable(along.name, 60)!r}: this explorer has {_some(self.directions)}"]
        if not first <= last < self.G.num_ws:
            return [
                f"layers {first} to {last} of a direction: must be within 0 to {self.G.num_ws - 1}, the first first"
            ]
        return []


def lerp(a: Tensor, b: Tensor, t: float | Sequence[float]) -> Tensor:
    """From a (t 0, exactly) to b (t 1, exactly), styles (1, num_ws, w_dim). t: one number, or one for each style."""
    return torch.lerp(a, b, torch.tensor(t, dtype=a.dtype, device=a.device).expand(a.shape[1])[:, None])


def turn(ws: Tensor, towards: Tensor, t: float, *, around: Tensor) -> Tensor:
    """From ws (t 0) to `towards` (t 1) around a mean, so that independent styles keep their distance from it."""
    if t in (0, 1):
        return ws if t == 0 else towards
    return around + ((1 - t) * (ws - around) + t * (towards - around)) / math.hypot(1 - t, t)


def blend(a: Table, b: Table, t: float) -> Table:
    """From a (t 0) to b (t 1)."""
    return unit([*((key, (1 - t) * g) for key, g in a.items()), *((key, t * g) for key, g in b.items())])


def unit(weights: Sequence[tuple[int | str, float]]) -> Table:
    """The weights without zeros, those of equal keys added: scaled so that independent maps add up to deviation 1."""
    table: Table = {}
    for key, g in weights:
        table[key] = table.get(key, 0.0) + g
    table = {key: g for key, g in table.items() if g}
    if len(table) == 1:
        return dict.fromkeys(table, 1.0)
    length = math.sqrt(sum(g * g for g in table.values()))
    return {key: g / length for key, g in table.items()}


def _parts(source: Source) -> list[Source | Mutation | Crossing]:
    """The source with all that it is made of."""
    parts: list[Source | Mutation | Crossing] = [source]
    for step in source.steps:
        parts += [step, *(_parts(step.source) if isinstance(step, Crossing) else [])]
    return parts


def _some(directions: dict[str, Direction]) -> str:
    names = [printable(name, 60) for name in directions]
    return f"{', '.join(names[:10])}{' and more' if len(names) > 10 else ''}" if names else "none"


def _number(controls: Controls) -> float:
    assert isinstance(controls.psi, float)
    return controls.psi


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
