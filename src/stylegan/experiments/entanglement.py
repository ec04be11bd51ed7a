"""Is W less entangled than Z? Compares how both encode the same known factors, for each mapping network's depth."""

from collections.abc import Mapping, Sequence

from stylegan.experiments.study import Numbers, change, in_words
from stylegan.metrics.disentanglement import dci
from stylegan.metrics.measuring import fitting
from stylegan.metrics.subject import Subject

SPACES = ("z", "w")


def entanglement(subject: Subject, metrics: str) -> Numbers:
    """Title -> DCI of z or w, for the attributes of the subject's classifier and the pictures that ls_z or ls_w use.

    metrics: as in `measure`. Empty without ls_z and ls_w, and without a classifier.
    """
    counts = [metric.count for metric in fitting(metrics, subject) if metric.kind.startswith("ls")]
    if not counts or subject.classifier is None:
        return {}
    z, w, factors = subject.judged(max(counts), subject.classifier)
    varying = factors[:, factors.std(dim=0) > 0]
    return {
        f"{name} of {space}": value
        for space, codes in zip(SPACES, (z, w), strict=True)
        for name, value in dci(codes, varying)._asdict().items()
    }


def both_spaces(titles: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Name -> (title in Z, title in W), for numbers measured in both: "ls_5k" for "ls_z5k" and "ls_w5k"."""
    found = {}
    for title in titles:
        for of_z, of_w, of_both in ((" of z", " of w", ""), ("_z", "_w", "_")):
            other = title.replace(of_z, of_w, 1)
            if of_z in title and other in titles:
                found[title.replace(of_z, of_both, 1)] = (title, other)
    return found


def charts(numbers: Mapping[str, Sequence[Numbers]]) -> dict[str, dict[str, list[float]]]:
    """What `dots_svg` draws: name of a number -> "row, Z" and "row, W" for each row -> the value of each seed."""
    return {
        name: {
            f"{row}, {space.upper()}": [found[title] for found in each]
            for row, each in numbers.items()
            for space, title in zip(SPACES, pair, strict=True)
        }
        for name, pair in both_spaces(_titles(numbers)).items()
    }


def comparisons(numbers: Mapping[str, Sequence[Numbers]]) -> list[str]:
    """Lines that compare W with Z of the same networks, with the 95 % interval of the difference over seeds."""
    lines = []
    for name, (z, w) in both_spaces(_titles(numbers)).items():
        for row, each in numbers.items():
            if len(each) < 2:
                continue
            values = ([found[title] for found in each] for title in (z, w))
            lines.append(f"{name}, {row}, from Z to W: {in_words(name, change, *values)}")
    return lines or ["one seed: no difference can be told from chance"]


def _titles(numbers: Mapping[str, Sequence[Numbers]]) -> list[str]:
    return list(dict.fromkeys(title for each in numbers.values() for found in each for title in found))
