"""Computes each kind of metric for a subject, and how far the number may be off."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from stylegan.metrics import efficientnet, perceptual
from stylegan.metrics.frechet import frechet_distance, frechet_infinity
from stylegan.metrics.kernel import kid
from stylegan.metrics.names import Metric
from stylegan.metrics.path_length import ppl
from stylegan.metrics.precision_recall import balls_around, inside_balls
from stylegan.metrics.separability import separability
from stylegan.metrics.sliced import mind
from stylegan.metrics.spread import JACKKNIFE, jackknife, standard_error
from stylegan.metrics.subject import Subject

SUBSETS, SUBSET_SIZE = 100, 1000  # for KID, as in torch-fidelity and dgm-eval
DIRECTIONS = 1000  # for MIND, as its authors use
PR_NEIGHBOURS, DC_NEIGHBOURS = 3, 5  # as in the papers
STANDARD_ERROR = "standard error of the mean"


class Number(NamedTuple):
    """A number of a metric. part: as in `Result`. spread: a standard deviation, and spread_of of what, in words.

    details: other numbers from which it was computed.
    """

    value: float
    spread: float
    spread_of: str
    part: str = ""
    details: dict[str, float] | None = None


def frechet(metric: Metric, subject: Subject) -> list[Number]:
    """The Frechet distance (fid, fd); see `frechet.frechet_distance`."""
    real, fake = subject.reals(metric.count)[0], subject.fakes(metric.count)
    return [Number(frechet_distance(real, fake), jackknife(frechet_distance, real, fake), JACKKNIFE)]


def infinity(metric: Metric, subject: Subject) -> list[Number]:
    """The Frechet distance for infinitely many pictures (fdinf); see `frechet.frechet_infinity`."""
    real, fake = subject.reals(metric.count)[0], subject.fakes(metric.count)
    found = frechet_infinity(real, fake, generator=generator(subject))
    return [Number(found.value, found.error, "standard error of the intercept over 1/N")]


def kernel(metric: Metric, subject: Subject) -> list[Number]:
    """KID (kid); see `kernel.kid`."""
    real, fake = subject.reals(metric.count)[0], subject.fakes(metric.count)
    size = min(SUBSET_SIZE, min(len(real), len(fake)) // 2)  # subsets of all rows would be equal and have no spread
    found = kid(real, fake, subsets=SUBSETS, subset_size=size, generator=generator(subject))
    return [Number(found.value, found.error, f"deviation of {SUBSETS} subsets of {size}")]


def sliced(metric: Metric, subject: Subject) -> list[Number]:
    """MIND (mind); see `sliced.mind`."""
    real, fake = subject.reals(metric.count)[0], subject.fakes(metric.count)

    def function(a: Tensor, b: Tensor) -> float:
        return mind(a, b, directions=DIRECTIONS, generator=generator(subject))

    return [Number(function(real, fake), jackknife(function, real, fake), JACKKNIFE)]


def precision_recall(metric: Metric, subject: Subject) -> list[Number]:
    """Precision and recall (pr); see `precision_recall.precision_recall`."""
    marks = inside_balls(subject.reals(metric.count)[0], subject.fakes(metric.count), k=PR_NEIGHBOURS)
    return [shares(part, found) for part, found in zip(("precision", "recall"), marks, strict=True)]


def density_coverage(metric: Metric, subject: Subject) -> list[Number]:
    """Density and coverage (dc); see `precision_recall.density_coverage`."""
    balls, covered = balls_around(subject.reals(metric.count)[0], subject.fakes(metric.count), k=DC_NEIGHBOURS)
    return [shares("density", balls / DC_NEIGHBOURS), shares("coverage", covered)]


def shares(part: str, marks: Tensor) -> Number:
    """The mean of marks (N,), with its standard error."""
    return Number(marks.double().mean().item(), standard_error(marks), STANDARD_ERROR, part)


def path_length(metric: Metric, subject: Subject) -> list[Number]:
    """Perceptual path length (ppl_*) by EfficientNet-Lite0, without a crop; see `path_length.ppl`."""
    where = metric.kind.removeprefix("ppl_")
    see = efficientnet.EfficientNetLite0().to(subject.device)

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return perceptual.distance(*(see(perceptual.to_seen(images)) for images in (a, b)))

    found = ppl(
        subject.G,
        pairs=metric.count,
        space="z" if where[0] == "z" else "w",
        sampling="full" if where[1:] == "full" else "end",
        distance=distance,
        generator=generator(subject),
        noise_mode=subject.noise_mode,
    )
    return [Number(found.value, found.error, STANDARD_ERROR)]


def linear_separability(metric: Metric, subject: Subject) -> list[Number]:
    """Linear separability (ls_z, ls_w) of the attributes of the subject's classifier; see `separability`."""
    classifier = subject.classifier
    assert classifier is not None
    z, w, logits = subject.judged(metric.count, classifier)
    codes = z if metric.kind == "ls_z" else w
    found = separability(codes, logits)
    bits = {f"bits, {name}": value for name, value in zip(classifier.attributes, found.entropies, strict=True)}
    error = jackknife(lambda a, b: separability(a, b).score, codes, logits)
    return [Number(found.score, error, JACKKNIFE, details=bits)]


MEASURES: dict[str, Callable[[Metric, Subject], list[Number]]] = {
    "fid": frechet,
    "fd": frechet,
    "fdinf": infinity,
    "kid": kernel,
    "mind": sliced,
    "pr": precision_recall,
    "dc": density_coverage,
    "ppl_zfull": path_length,
    "ppl_wfull": path_length,
    "ppl_zend": path_length,
    "ppl_wend": path_length,
    "ls_z": linear_separability,
    "ls_w": linear_separability,
}


def generator(subject: Subject) -> torch.Generator:
    """The generator of random subsets, directions and paths, from the subject's seed."""
    return torch.Generator().manual_seed(subject.seed)
