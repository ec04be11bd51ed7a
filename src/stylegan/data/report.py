"""The report of `prepare`: a reason for every bad file, and every decision it made itself."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from stylegan.data.decode import Crop, Original, square_side
from stylegan.errors import printable

EXTREME = 0.5  # pictures that lose more than this fraction are named
NAMED = 8  # of a kind, at most
SHOWN_CLASSES = 100


@dataclass
class Cut:
    """Counts how much of the kept pictures the centre square leaves out."""

    pictures: int = 0
    parts: float = 0.0  # sum of the parts cut away, each from 0 to 1
    extreme: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, name: str, size: tuple[int, int], crop: Crop) -> None:
        """Count a picture of this size, upright."""
        part = 1 - square_side(size, crop) ** 2 / (size[0] * size[1])
        if part <= 0:  # square, or padded
            return
        self.pictures += 1
        self.parts += part
        if part > EXTREME:
            self.extreme += 1
            if len(self.named) < NAMED:
                self.named.append(f"{printable(name, 80)} ({part:.0%} of {size[0]} x {size[1]})")

    def lines(self, kept: int) -> Iterator[str]:
        """How much was cut from how many pictures, and the remedy for those that lost most."""
        if self.pictures:
            mean = self.parts / self.pictures
            yield f"cut to the centre square: {self.pictures:,} of {kept:,} pictures, {mean:.0%} of each on average"
        if self.extreme:
            more = f" and {self.extreme - NAMED:,} more" if self.extreme > NAMED else ""
            yield f"more than half is cut from {', '.join(self.named)}{more}: `crop pad` keeps whole pictures"


@dataclass
class Findings:
    """Findings on the kept pictures. Strings are escaped when they are printed."""

    cut: Cut = field(default_factory=Cut)
    notes: list[tuple[str, str]] = field(default_factory=list)  # (name, what is odd about a picture that was kept)
    profiles: Counter[str] = field(default_factory=Counter)  # what was converted to sRGB

    def add(self, name: str, original: Original, crop: Crop) -> None:
        """Record a picture that is kept."""
        self.cut.add(name, original.size, crop)
        if original.note:
            self.notes.append((name, original.note))
        if original.profile:
            self.profiles[original.profile] += 1

    def lines(self, kept: int) -> Iterator[str]:
        """One line per note, then one for each change that was made to many pictures."""
        yield from (f"{printable(name)}: {note}" for name, note in self.notes)
        if self.profiles:
            told = ", ".join(f"{count:,} from {name}" for name, count in self.profiles.most_common())
            yield f"colours converted to sRGB: {told}"
        yield from self.cut.lines(kept)


@dataclass(frozen=True)
class Report:
    """What `prepare` found. Names are escaped where needed, so that each fits on one line."""

    kept: int
    bad: tuple[tuple[str, str], ...]  # (name, reason), sorted by name
    path: Path
    img_resolution: int
    img_channels: int
    classes: tuple[tuple[str, int], ...]  # (name, pictures), in the order of the labels
    classes_reason: str  # where the classes come from, or why there are none
    findings: Findings = field(default_factory=Findings)

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the labels; empty if there are no classes."""
        return tuple(name for name, _ in self.classes)

    def lines(self) -> Iterator[str]:
        """One line per bad file, then the decisions, then the summary."""
        yield from (f"{name}: {reason}" for name, reason in self.bad)
        total = f"kept {self.kept:,} of {self.kept + len(self.bad):,} pictures"
        if not self.kept:
            yield f"{total}: {printable(self.path)} is not written"
            return
        yield from self.findings.lines(self.kept)
        yield self._classes_line()
        size = f"{self.img_resolution}x{self.img_resolution}"
        classes = f", {len(self.classes)} classes" if self.classes else ""
        yield f"{total} at {size} in {printable(self.path)}{classes}"

    def _classes_line(self) -> str:
        if not self.classes:
            return f"no classes: {self.classes_reason}"
        told = ", ".join(f"{printable(name, 60)} {count:,}" for name, count in self.classes[:SHOWN_CLASSES])
        more = len(self.classes) - SHOWN_CLASSES
        return f"classes ({self.classes_reason}): {told}" + (f" and {more:,} more" if more > 0 else "")
