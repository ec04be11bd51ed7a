"""The way to all pictures: a network and its controls, prepared once for any seeds, projections and styles."""

import hashlib
import operator
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylegan.config import NoiseMode
from stylegan.errors import InputError, printable, refuse
from stylegan.networks.generator import Generator
from stylegan.networks.levels import Levels
from stylegan.networks.styles import truncate
from stylegan.sampling.controls import Controls
from stylegan.sampling.describe import describe_noise, describe_styles
from stylegan.sampling.direction import find_moves, move
from stylegan.sampling.fingerprint import fingerprint, full_fingerprint
from stylegan.sampling.latents import check_class, check_labels, labels_of, numbers_of, seed_ws
from stylegan.sampling.noise import concatenate, noisy_layers, only_layers, seed_noise, stored_noise
from stylegan.sampling.numbers import whole_number
from stylegan.sampling.projected import projected
from stylegan.sampling.recipe import CHUNK, Recipe
from stylegan.sampling.sources import Source, Sources, Style, files_among, parse_sources, seeds_among, styles_among
from stylegan.sampling.truncation import check_cutoff, find_center, parse_psi, parse_towards

DEFAULT = Controls()
Files = dict[Path, tuple[Tensor, list[Tensor]]]
"""The styles (1, num_ws, w_dim) and the noise maps (1, 1, H, H) of projections."""


class Sampler:
    """A prepared G and its controls: text is parsed once, and slow results (clusters of W) are computed once.

    A seed gives the same picture in any batch and on any device, up to rounding. A sampler is valid for the current
    weights of G: make a new one after a training step. Raises InputError for controls that G does not
    support; for a missing class only when seeds are sampled, since projections need none.
    """

    def __init__(
        self,
        G: Generator,
        controls: Controls = DEFAULT,
        *,
        center: Tensor | None = None,
        like: "Sampler | None" = None,
    ) -> None:
        """center: what truncation pulls to instead of `controls.towards`, a mean (w_dim,) or centres (K, w_dim).

        like: a sampler of G whose results to share.
        """
        check_network(G)
        if not isinstance(controls, Controls):
            raise InputError(f"controls {printable(controls, 80)}: must be stylegan.Controls(psi=0.7, ...)")
        self.G, self.controls = G, controls
        self.own_center = None if center is None else _own_center(G, center)
        self._found: dict[Hashable, Any] = {} if like is None else like._found
        self.psi = parse_psi(controls.psi, G)
        self.cutoff = check_cutoff(controls.cutoff)
        self.target = parse_towards(controls.towards)
        if center is not None and self.target != ("mean", 0):
            raise InputError(f"towards {controls.towards!r} and a center of your own: give one of them")
        self.noisy_layers = noisy_layers(G, controls)
        self.class_number = check_class(G, controls.class_index)
        steps, folder = controls.direction, controls.directions_from
        self.moves = find_moves(steps, G, folder=folder, network=self.network) if steps else []

    def but(self, **changes: Any) -> "Sampler":
        """The same with some controls changed. Clusters of W that both need are computed once.

        Raises InputError for another `towards` where the sampler was given a center.
        """
        if "towards" in changes and self.own_center is not None:
            raise InputError(
                f"towards {printable(repr(changes['towards']), 80)}: this sampler has a center of its own; "
                "make a new Sampler without it"
            )
        return Sampler(self.G, self.controls.but(**changes), center=self.own_center, like=self)

    def pictures(
        self, sources: Sources | Tensor, *, c: Tensor | None = None, batch: int | None = None
    ) -> Iterator[NDArray[np.uint8]]:
        """Pictures in order, in batches: uint8 (n, C, H, H). For sources and c see `recipe`.

        batch: n; by default 16, or fewer above 512 px. Whatever n is, the network computes at most 2^22 pixels at once.
        Everything is checked at the call, not at the first batch.
        """
        if batch is not None:
            batch = whole_number(batch, "batch", least=1, words=", or None for what fits into the memory")
        own = _styles(sources)
        found = parse_sources(sources) if own is None else self._own(own)  # type: ignore[arg-type]
        if not isinstance(found, Tensor):
            c = None if c is None else check_labels(self.G, c, len(found))
            self.check(found, c)
        n = CHUNK if batch is None else batch
        parts = (slice(start, start + n) for start in range(0, len(found), n))
        made = (self.recipe(found[part], c=None if c is None else c[part]) for part in parts)
        if batch is None:
            return (pictures for each in made for pictures in each.batches(self.G))
        return (np.concatenate(list(each.batches(self.G, batch))) for each in made)

    def recipe(self, sources: Sources | Tensor, *, c: Tensor | None = None) -> Recipe:
        """What pictures are made of: those of seeds, projections and styles.

        sources: see `Sources`. c: (number of sources, c_dim), labels instead of the controls' class. The styles of
        seeds are truncated; those of seeds and of files are moved along the directions. Where each seed has its own
        noise, a projection brings its own too, and styles have that of seed 0.
        A tensor or array, ws (N, num_ws, w_dim) or w (N, w_dim), is taken as it is, neither truncated nor moved, so
        `sampler.ws` can be changed and given back. `Recipe(ws, sampler.noise([3]))` gives it the noise of seed 3.
        """
        own = _styles(sources)
        if own is not None:
            return Recipe(self._own(own), self._noise_of_styles)
        found = parse_sources(sources)  # type: ignore[arg-type]
        files = self._read(found)
        return Recipe(self._ws(found, files, c), self._noise(found, files))

    def ws(self, sources: Sources, *, c: Tensor | None = None) -> Tensor:
        """The styles of `recipe` alone, (N, num_ws, w_dim) where G is."""
        found = parse_sources(sources)
        c = None if c is None else check_labels(self.G, c, len(found))
        self.check(found, c)
        parts = (slice(start, start + CHUNK) for start in range(0, len(found), CHUNK))
        each = ((found[part], None if c is None else c[part]) for part in parts)
        return torch.cat([self._ws(some, self._read(some), labels) for some, labels in each])

    def noise(self, sources: Sources) -> list[Tensor] | None:
        """The noise of `recipe` alone: a map (N or 1, 1, H, H) for each layer, where G is; None for no noise at all."""
        found = parse_sources(sources)
        return self._noise(found, self._read(found) if self._same_noise is None else {})

    def truncate(self, ws: Tensor) -> Tensor:
        """Styles (N, num_ws, w_dim), truncated as the controls say."""
        return ws if self.psi == 1 else truncate(ws, self.center, self.psi, self.cutoff)

    def check(self, sources: Sequence[Source], c: Tensor | None = None) -> None:
        """Raise InputError where `recipe` would, naming all bad files at once, before any picture is made."""
        self._check_class(sources, c)
        for style in styles_among(sources)[:1]:  # those of a file have one shape
            self._own(torch.from_numpy(style.values)[None])
        for start in range(0, len(sources), CHUNK):  # a projection at 1024 px holds 15 MB
            self._read(sources[start : start + CHUNK])

    def describe(self, sources: Sequence[Source] = ()) -> str:
        """The controls in words: "psi 0.7 on all styles, noise of each seed"; with projections, what does not apply to
        them.
        """
        return ", ".join([*describe_styles(self, sources), *describe_noise(self, sources)])

    def made_of(self) -> dict[str, Any]:
        """What a source's picture depends on besides the source, as JSON data: the network and the controls."""
        moves = [
            {"name": d.name, "strength": strength, "layers": list(d.layers), "sha256": _sha256(d.vector)}
            for d, strength in self.moves
        ]
        controls, layers = self.controls, self.controls.noise_layers
        seed = controls.noise_seed
        return {
            "network": full_fingerprint(self.G),
            "psi": self.psi,
            "cutoff": self.cutoff,
            "towards": controls.towards if self.own_center is None else _sha256(self.own_center),
            "noise": controls.noise,
            "noise_seed": None if seed is None else operator.index(seed),
            "noise_layers": layers if layers is None or isinstance(layers, str) else self.noisy_layers,
            "class_index": self.class_number,
            "direction": moves,
        }

    @property
    def center(self) -> Tensor:
        """The target of truncation: a mean (w_dim,), or centres (K, w_dim).

        It is estimated within the controls' class; without one, classes are drawn evenly.
        """
        if self.own_center is not None:
            return self.own_center
        towards, number = self.controls.towards, self.class_number
        if towards == "mean":
            return self.G.w_avg
        c = None if number is None else labels_of(self.G, number, 1)
        found: Tensor = self._once((towards, number), lambda: find_center(self.G, towards, c))
        return found

    @property
    def network(self) -> str:
        """The fingerprint of G, to which projections and directions belong."""
        found: str = self._once("network", lambda: fingerprint(self.G))
        return found

    def _once(self, what: Hashable, find: Callable[[], Any]) -> Any:
        if what not in self._found:
            self._found[what] = find()
        return self._found[what]

    def _ws(self, found: Sequence[Source], files: Files, c: Tensor | None) -> Tensor:
        c = None if c is None else check_labels(self.G, c, len(found))
        self._check_class(found, c)
        of_seeds = iter(())
        if seeds := seeds_among(found):
            at = [i for i, source in enumerate(found) if isinstance(source, int)]
            labels = labels_of(self.G, self.controls.class_index, len(seeds)) if c is None else c[at]
            of_seeds = iter(self.truncate(seed_ws(self.G, seeds, c=labels)).split(1))
        rows = []
        for source in found:
            if isinstance(source, Path):
                rows.append(files[source][0].to(self.G.w_avg))
            elif isinstance(source, Style):
                rows.append(self._own(torch.from_numpy(source.values)[None]))
            else:
                rows.append(next(of_seeds))
        return move(torch.cat(rows), self.moves)

    def _noise(self, found: Sequence[Source], files: Files) -> list[Tensor] | None:
        if not self.G.config.noise or self.controls.noise == "none":
            return None
        if self._same_noise is not None:
            return self._same_noise
        return self._placed(concatenate([self._own_noise(source, files) for source in found]))

    def _own_noise(self, source: Source, files: Files) -> list[Tensor]:
        if isinstance(source, Path):
            return files[source][1]
        return seed_noise(source if isinstance(source, int) else 0, self.G)

    @cached_property
    def _same_noise(self) -> list[Tensor] | None:
        """The noise shared by all pictures, or None."""
        if self.controls.noise == "const":
            return self._placed(stored_noise(self.G))
        seed = self.controls.noise_seed
        return None if seed is None else self._placed(seed_noise(seed, self.G))

    @cached_property
    def _noise_of_styles(self) -> list[Tensor] | None:
        return self.noise([0])

    def _placed(self, maps: Sequence[Tensor]) -> list[Tensor]:
        return [m.to(self.G.w_avg) for m in only_layers(maps, self.noisy_layers)]

    def _own(self, ws: Tensor) -> Tensor:
        """Styles of the user's own as (N, num_ws, w_dim), where G is."""
        G = self.G
        if tuple(ws.shape[1:]) not in ((G.w_dim,), (G.num_ws, G.w_dim)):
            raise InputError(
                f"styles of shape {tuple(ws.shape)}: must be w (N, {G.w_dim}) or ws (N, {G.num_ws}, {G.w_dim})"
            )
        if not len(ws):
            raise InputError("no styles: give at least one")
        if ws.is_complex() or not ws.isfinite().all():
            raise InputError("styles that are not real and finite numbers: make them again")
        ws = ws.to(G.w_avg)
        return ws if ws.ndim == 3 else G.broadcast(ws)

    def _check_class(self, found: Sequence[Source], c: Tensor | None) -> None:
        """Raise InputError where seeds need a class and none is given."""
        if c is None and seeds_among(found):
            labels_of(self.G, self.controls.class_index, 1)

    def _read(self, found: Sequence[Source]) -> Files:
        """The projections among the sources. Raises InputError for all the bad files at once."""
        files, problems = {}, []
        for path in dict.fromkeys(files_among(found)):
            try:
                files[path] = projected(path, self.G, self.network)
            except InputError as e:
                problems.append(str(e))
        refuse(problems)
        return files


def check_network(G: object) -> None:
    """Raise InputError for anything but a generator, such as the name of a file."""
    if not isinstance(G, Generator):
        raise InputError(f"G is {printable(G, 80)}: must be a network, such as stylegan.load(PATH) returns")


def _sha256(tensor: Tensor) -> str:
    return hashlib.sha256(tensor.cpu().numpy().tobytes()).hexdigest()


def _styles(sources: object) -> Tensor | None:
    """Styles given as a tensor or array. None for other sources, an array of seeds among them."""
    if not isinstance(sources, Tensor | np.ndarray):
        return None
    if isinstance(sources, np.ndarray) and sources.dtype.kind not in "fiub":
        raise InputError(f"an array of {sources.dtype}: give seeds, or styles as real numbers")
    given = torch.as_tensor(sources)
    return None if given.ndim < 2 and not given.is_floating_point() else given


def _own_center(G: Generator, given: Tensor) -> Tensor:
    """What truncation pulls to, where G is."""
    center = numbers_of(given, "towards")
    if center.shape[-1:] != (G.w_dim,) or center.ndim > 2 or not center.numel() or not center.isfinite().all():
        raise InputError(
            f"towards of shape {tuple(center.shape)}: must be a mean ({G.w_dim},) or centres (K, {G.w_dim}), "
            "of finite numbers"
        )
    return center.to(G.w_avg)


def sample(
    G: Generator,
    seeds: Sources | Tensor,
    *,
    c: Tensor | None = None,
    truncation_psi: float | Sequence[float] = 1.0,
    truncation_cutoff: int | None = None,
    towards: Tensor | None = None,
    noise_mode: NoiseMode = "random",
    noise_seed: int | None = None,
    noise_layers: Levels | None = None,
    batch: int | None = None,
) -> Iterator[NDArray[np.uint8]]:
    """Pictures of the seeds, in order, in batches: uint8 (n, C, H, H). `Sampler.pictures`, in one call.

    c: (len(seeds), c_dim) labels for a network with classes. towards: what truncation pulls to, a mean (w_dim,) or
    centres (K, w_dim) of which each w takes the nearest; by default w_avg. batch: n, by default 16, fewer above 512 px.
    """
    controls = Controls(
        psi=truncation_psi,
        cutoff=truncation_cutoff,
        noise=noise_mode,
        noise_seed=noise_seed,
        noise_layers=noise_layers,
    )
    return Sampler(G, controls, center=towards).pictures(seeds, c=c, batch=batch)


def recipe(G: Generator, sources: Sources, controls: Controls) -> Recipe:
    """What the pictures of seeds and projections are made of. `Sampler.recipe`, in one call."""
    return Sampler(G, controls).recipe(sources)
