"""Says what a number was measured with, and therefore which other numbers it may be compared with."""

from typing import NamedTuple

from stylegan.metrics import efficientnet, perceptual
from stylegan.metrics.features import OFFLINE, file_sha256
from stylegan.metrics.names import Metric
from stylegan.metrics.subject import Subject


class Compared(NamedTuple):
    """Fields of `Result` that say what was compared, and how."""

    features: str
    features_sha256: str
    resizing: str
    comparable_with: str
    not_comparable_with: str
    psi: float = 1.0
    real: int = 0
    real_resolution: int | None = None
    mirrored: bool = False
    cached: bool = False


def compared(metric: Metric, subject: Subject) -> Compared:
    """What a metric compares in this subject, and how."""
    if metric.of_features:
        return by_features(metric, subject)
    return by_distance(subject) if metric.kind.startswith("ppl") else by_classifier(subject)


def by_features(metric: Metric, subject: Subject) -> Compared:
    """For the metrics that compare features of real and generated pictures."""
    network, H = subject.network, subject.resolution
    features, cached = subject.reals(metric.count)
    mirrored = ", mirrored too" if subject.mirror else ", not mirrored"
    number = "" if metric.kind == "kid" else f", {metric.count:,} generated"  # KID is unbiased, whatever their number
    same = f"{metric.kind} by {network.name} of the same data set at {H} px, {len(features):,} real{mirrored}{number}"
    others = f"other data sets, resolutions, feature networks{', numbers of pictures' if number else ''}"
    if not network.fid:
        others = f"the FID, which is Inception's alone; {others}"
    if subject.G.img_resolution > H:
        others += f"; the network once it is grown: it has reached {H} of {subject.G.img_resolution} px"
    return Compared(
        features=network.name,
        features_sha256=network.sha256,
        resizing=network.resizing,
        comparable_with=f"{same}, psi {subject.psi:g}" + (f"; {network.peers}" if network.peers else ""),
        not_comparable_with=others,
        psi=subject.psi,
        real=len(features),
        real_resolution=H,
        mirrored=subject.mirror,
        cached=cached,
    )


def by_distance(subject: Subject) -> Compared:
    """For path length."""
    return Compared(
        features=f"distance by {OFFLINE}",
        features_sha256=file_sha256(efficientnet.weights_path()),
        resizing=f"box means to 256 px at most, bilinear to {perceptual.MIN_SIDE_PX} px at least",
        comparable_with=f"path lengths at {subject.resolution} px by the same distance, without a crop",
        not_comparable_with="path lengths by VGG16 or LPIPS, so none of the paper's; other resolutions",
    )


def by_classifier(subject: Subject) -> Compared:
    """For separability."""
    classifier = subject.classifier
    assert classifier is not None
    return Compared(
        features=classifier.name,
        features_sha256="",
        resizing="the classifier's own",
        comparable_with=f"separability of the same {len(classifier.attributes)} attributes by the same classifier",
        not_comparable_with="the paper's, which is of 40 attributes of CelebA",
    )
