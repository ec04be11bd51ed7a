"""Finds directions in W: from the weights, from the covariance of W, or from marked pictures."""

from collections.abc import Sequence

import torch
from torch import Tensor

from stylegan.editing.boundary import linear_boundary
from stylegan.errors import InputError, printable, refuse
from stylegan.networks.generator import Generator
from stylegan.networks.levels import Levels, require_styles, style_indices
from stylegan.sampling.controls import Controls
from stylegan.sampling.direction import Direction, Kind
from stylegan.sampling.fingerprint import fingerprint
from stylegan.sampling.latents import check_labels
from stylegan.sampling.noise import checked_levels
from stylegan.sampling.numbers import whole_number
from stylegan.sampling.sampler import Sampler, check_network
from stylegan.sampling.seeds import MAX_SEED
from stylegan.sampling.sources import Source, Sources, label, parse_sources
from stylegan.sampling.spread import Spread, spread
from stylegan.sampling.truncation import SAMPLES

MOST_SAMPLES = 10_000_000  # 20 GB of w of 512 numbers


def closed_form(G: Generator, count: int = 10, *, levels: Levels = "all") -> list[Direction]:
    """The directions of w that change the styles of these levels most, the strongest first; no picture is needed.

    Eigenvectors of A^T A, where A is the stacked weights of the learned affines of Equation 1 (the idea of SeFa, Shen
    and Zhou, arXiv 2007.06600). Their names are closed-1, closed-2 ...
    """
    check_network(G)
    count = whole_number(count, "count", least=1)
    require_styles(G, "directions in closed form")
    layers = moved_layers(levels, G)
    A = torch.cat([_affine(G, i).detach().cpu().double() for i in layers])  # (2 channels of each, w_dim)
    values, vectors = torch.linalg.eigh(A.T @ A)
    return _strongest_first(G, "closed-form", values, vectors, spread(G), layers)[:count]


def _affine(G: Generator, layer: int) -> Tensor:
    """The weights of a layer's learned affine, (2 channels, w_dim)."""
    affine = G.synthesis.layers()[layer].style_affine()
    if affine is None:
        raise InputError(
            f"directions in closed form: layers of norm {G.config.norm} do not name their learned affine: give "
            "the class a style_affine(), or find principal components instead"
        )
    return affine.weight


def principal_components(
    G: Generator, count: int = 10, *, samples: int = SAMPLES, seed: int = 0, levels: Levels = "all"
) -> list[Direction]:
    """The directions in which W varies most, the widest first, from `samples` random w.

    The idea of GANSpace (Härkönen et al., arXiv 2004.02546). Their names are component-1, component-2 ...
    """
    check_network(G)
    count, samples = whole_number(count, "count", least=1), whole_number(samples, "samples", least=2, most=MOST_SAMPLES)
    W = spread(G, samples=samples, seed=whole_number(seed, "seed", most=MAX_SEED))
    values, vectors = torch.linalg.eigh(W.covariance)
    return _strongest_first(G, "component", values, vectors, W, moved_layers(levels, G))[:count]


def boundary(
    G: Generator, name: str, *, yes: Sources, no: Sources, c: Tensor | None = None, levels: Levels = "all"
) -> Direction:
    """The direction across the linear boundary from pictures marked no to pictures marked yes.

    20 of each are enough to begin with; `score` is the accuracy on held-out marks. c: the label (1, c_dim) of the
    seeds' pictures. yes, no: seeds or projection files. Projections lie off W: mark some yes and some no, or the
    boundary learns that difference. The idea of InterFaceGAN (Shen et al., arXiv 1907.10786), with logistic regression.
    """
    check_network(G)
    c = None if c is None else check_labels(G, c, 1)
    marked_yes, marked_no = marked(yes), marked(no)
    layers = moved_layers(levels, G)
    refuse(_misfits(marked_yes, marked_no))
    w = _w_of(G, [*marked_yes, *marked_no], layers, c)
    marks = torch.tensor([True] * len(marked_yes) + [False] * len(marked_no))
    normal, score = linear_boundary(w, marks)
    vector = normal * spread(G, c=c).deviation(normal)
    return Direction(name, vector.float(), tuple(layers), "boundary", fingerprint(G), score)


def moved_layers(levels: Levels, G: Generator) -> list[int]:
    """The styles that a direction moves. Raises InputError for none."""
    layers = style_indices(checked_levels(levels), G)
    if not layers:
        raise InputError(f"levels {printable(repr(levels), 60)}: a direction moves at least one style")
    return layers


def marked(sources: Sources) -> list[Source]:
    """The pictures with one mark; empty if the marks are given elsewhere."""
    empty = isinstance(sources, str | list | tuple) and not any(part != "" for part in sources)
    return [] if empty else parse_sources(sources)


def _strongest_first(
    G: Generator, kind: Kind, values: Tensor, vectors: Tensor, W: Spread, layers: Sequence[int]
) -> list[Direction]:
    """Directions from eigenvectors, the columns of `vectors`, given in ascending order of eigenvalues."""
    network, scores = fingerprint(G), (values / values.sum()).tolist()
    found: list[Direction] = []
    for i in reversed(range(len(values))):
        v = vectors[:, i]
        v = v * v[v.abs().argmax()].sign()  # the sign of an eigenvector is arbitrary: make its largest entry positive
        name = f"{kind.split('-')[0]}-{len(found) + 1}"
        found.append(Direction(name, (v * W.deviation(v)).float(), tuple(layers), kind, network, scores[i]))
    return found


def _misfits(yes: Sequence[Source], no: Sequence[Source]) -> list[str]:
    problems = [f"{label(source)} is marked yes and no" for source in dict.fromkeys(yes) if source in no]
    for word, sources in (("yes", yes), ("no", no)):
        if len(set(sources)) < 2:
            problems.append(
                f"{len(set(sources))} pictures are marked {word}: a boundary needs at least 2, preferably 20"
            )
    return problems


def _w_of(G: Generator, sources: Sequence[Source], layers: Sequence[int], c: Tensor | None) -> Tensor:
    """One w for each source, (N, w_dim): of a projection, which may have one for each layer, the mean over `layers`."""
    labels = None if c is None else c.expand(len(sources), -1)
    ws = Sampler(G, Controls(psi=1)).ws(sources, c=labels)
    return ws[:, layers].mean(dim=1).cpu()
