"""Measures a network with metrics that are given by name: fd5k, kid50k, ppl_wend, ..."""

import time
from collections.abc import Sequence
from pathlib import Path

from stylegan.config import NoiseMode
from stylegan.data.dataset import ImageDataset
from stylegan.errors import InputError, refuse
from stylegan.metrics.comparable import compared
from stylegan.metrics.efficientnet import weights_path
from stylegan.metrics.features import HOW_TO_GET, OFFLINE, FeatureNetwork, find_features
from stylegan.metrics.kinds import DC_NEIGHBOURS, MEASURES, PR_NEIGHBOURS
from stylegan.metrics.names import LEAST_FRECHET, Metric, parse_metrics
from stylegan.metrics.results import Result, finite
from stylegan.metrics.subject import Classifier, Subject
from stylegan.networks.generator import Generator
from stylegan.sampling.fingerprint import full_fingerprint


def measure(
    G: Generator,
    dataset: ImageDataset | Path | str,
    names: str | Sequence[str],
    *,
    features: FeatureNetwork | Path | str = OFFLINE,
    seed: int = 0,
    psi: float = 1.0,
    noise_mode: NoiseMode = "random",
    mirror: bool = False,
    classifier: Classifier | None = None,
) -> list[Result]:
    """Measure G against a data set, on G's device. Returns a Result for each number, in the order of `names`.

    names: each a kind and a number of pictures, as "fd5k,kid5k,mind5k" or as a list; `names.DEFAULT_COUNTS` has the
    kinds. features: see `find_features`. seed: pictures are those of the seeds from seed * 1,000,000 on, so two values
    share no picture. psi: truncates all styles; path length and separability are measured without truncation. mirror:
    also use mirror images of the real pictures. classifier: tells the attributes for separability (ls_z, ls_w).
    If stderr is a terminal, a bar shows the progress.
    Raises InputError for names, sizes, features and numbers that do not fit, before anything is computed.
    """
    subject = Subject(
        G,
        dataset if isinstance(dataset, ImageDataset) else ImageDataset(dataset),
        find_features(features),
        seed=seed,
        psi=psi,
        noise_mode=noise_mode,
        mirror=mirror,
        classifier=classifier,
    )
    return [result for metric in fitting(names, subject) for result in results_of(metric, subject)]


def fitting(names: str | Sequence[str], subject: Subject) -> list[Metric]:
    """The metrics of these names. Raises InputError, naming every problem, if one cannot be measured."""
    metrics = parse_metrics(names)
    refuse([problem for metric in metrics for problem in problems_of(metric, subject)])
    return metrics


def results_of(metric: Metric, subject: Subject) -> list[Result]:
    """The results of one metric, one for each of its numbers. Raises InputError if one is not finite."""
    start = time.perf_counter()
    numbers = MEASURES[metric.kind](metric, subject)
    seconds = time.perf_counter() - start
    if bad := [number.part or metric.name for number in numbers if finite(number.value) is None]:
        raise InputError(f"{', '.join(bad)} is not finite: the features are too large, or the network is broken")
    shared = compared(metric, subject)._asdict()
    return [
        Result(
            metric=metric.name,
            part=number.part,
            value=number.value,
            spread=finite(number.spread),
            spread_of=number.spread_of,
            fake=metric.count * (2 if metric.kind.startswith("ppl") else 1),
            seed=subject.seed,
            noise_mode=subject.noise_mode,
            fake_resolution=subject.resolution,
            seconds=seconds,
            dataset=subject.dataset.fingerprint,
            network=full_fingerprint(subject.G),
            details=number.details or {},
            **shared,
        )
        for number in numbers
    ]


def problems_of(metric: Metric, subject: Subject) -> list[str]:
    """Why the metric cannot be measured, one line for each reason. Raises InputError if weights are missing."""
    network, name, count = subject.network, metric.name, metric.count
    if metric.kind.startswith("ls") and subject.classifier is None:
        return [f"{name}: separability needs a classifier of attributes, and none was given"]
    if metric.kind.startswith("ppl"):
        weights_path()  # raises InputError if they are missing
    if not metric.of_features:
        return []
    if metric.kind == "fid" and not network.fid:
        instead = f"fd{name.removeprefix('fid')}"
        return [
            f"{name}: only the Frechet distance of Inception's features is the FID, and {network.name} is another "
            f"network: {HOW_TO_GET}; or take {instead}, which is printed as `{instead} ({network.name})`"
        ]
    real = min(count, len(subject.dataset)) * (2 if subject.mirror else 1)
    found = f"{name} of {real:,} real and {count:,} generated pictures"
    least = max(LEAST_FRECHET, network.width)
    if metric.kind in ("fid", "fd", "fdinf") and min(real, count) < least:
        return [
            f"{found}: must be {least:,} or more of each, or the covariance is singular and the number mostly bias; "
            f"take kid{count} or mind{count}"
        ]
    least = {"kid": 4, "pr": PR_NEIGHBOURS + 1, "dc": DC_NEIGHBOURS + 1}.get(metric.kind, 2)
    return [f"{found}: must be {least} or more of each"] if min(real, count) < least else []
