"""Which layer controls what: measured, with how sure one may be. `stylegan.probe(G)` calls `measure.probe`."""

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stylegan.probe.attributes import Attributes
    from stylegan.probe.report import Report
    from stylegan.probe.subject import Subject


class _Room(ModuleType):
    """The room has the name of its one function, so it can be called as that."""

    def __call__(
        self, G: "Subject", *, pairs: int = 256, factors: "Attributes | Path | str | None" = None, seed: int = 0
    ) -> "Report":
        from stylegan.probe.measure import probe

        return probe(G, pairs=pairs, factors=factors, seed=seed)


sys.modules[__name__].__class__ = _Room
