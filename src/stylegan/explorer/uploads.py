"""Pictures of the visitors: decoded by the data doctor's decoder, projected one after the other, kept in memory."""

import io
import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stylegan.data.decode import decode, read_size, square_side
from stylegan.data.whole import BadPictureError
from stylegan.editing.projection import Projection, Search, project
from stylegan.errors import InputError
from stylegan.explorer.recipes import Projected
from stylegan.explorer.turns import BusyError
from stylegan.networks.generator import Generator
from stylegan.sampling.latents import labels_of

if TYPE_CHECKING:
    from stylegan.explorer.explorer import Explorer

MOST_BYTES = 2**24  # of a file: 16 MiB
MOST_PIXELS = 2**26  # of a picture: 67 million
MOST_STEPS = 2000
MOST_WAITING, MOST_KEPT = 8, 32  # pictures
PREVIEW_STEPS = 5  # between two previews

Stage = Literal["waiting", "searching", "done", "canceled", "failed"]


class CanceledError(Exception):
    """Nobody wants the projection any more."""


@dataclass
class Job:
    """A picture on its way into the network. preview: the picture of the styles so far, uint8 (C, H, H)."""

    name: str
    target: NDArray[np.uint8]
    steps: int
    class_index: int | None
    done: int = 0
    stage: Stage = "waiting"
    problem: str | None = None
    preview: NDArray[np.uint8] | None = None
    projection: Projection | None = None
    canceled: threading.Event = field(default_factory=threading.Event)


class Uploads:
    """The projections of an explorer. projected: those that are done, by name, which states may use."""

    def __init__(self, explorer: "Explorer", name: Callable[[], str]) -> None:
        self.explorer, self.new_name = explorer, name
        self.jobs: OrderedDict[str, Job] = OrderedDict()
        self.projected: dict[str, Projected] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, data: bytes, *, steps: int, class_index: int | None = None) -> Job:
        """Begin to project the picture of a file. Raises InputError for what is no picture, BusyError for too many."""
        G = self.explorer.G
        class_index = class_index or 0 if G.c_dim else class_index
        labels_of(G, class_index, 1)
        target = read_picture(data, G)
        with self._lock:
            if sum(job.stage in ("waiting", "searching") for job in self.jobs.values()) >= MOST_WAITING:
                raise BusyError(f"{MOST_WAITING} pictures are being projected: try again in a few minutes")
            job = Job(self.new_name(), target, steps, class_index)
            self.jobs[job.name] = job
            self._forget()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stylegan projections", daemon=True)
                self._thread.start()
        return job

    def cancel(self, name: str) -> None:
        """End its projection, or forget it where it is done."""
        with self._lock:
            job = self.jobs.get(name)
            if job is None:  # somebody else has forgotten it
                return
            job.canceled.set()
            if job.stage == "waiting":
                job.stage = "canceled"
            if job.stage != "searching":
                self.jobs.pop(name)
                self.projected.pop(name, None)

    def _forget(self) -> None:
        """Keep the last MOST_KEPT."""
        old = [name for name, job in self.jobs.items() if job.stage not in ("waiting", "searching")]
        for name in itertools.islice(old, max(0, len(self.jobs) - MOST_KEPT)):
            self.jobs.pop(name)
            self.projected.pop(name, None)

    def _run(self) -> None:
        while True:
            with self._lock:
                job = next((job for job in self.jobs.values() if job.stage == "waiting"), None)
                if job is None:
                    self._thread = None
                    return
                job.stage = "searching"
            self._project(job)

    def _project(self, job: Job) -> None:
        G = self.explorer.G

        def watch(search: Search, step: int) -> None:
            if job.canceled.is_set():
                raise CanceledError
            job.done = step
            if step % PREVIEW_STEPS == 0:
                job.preview = self.explorer.picture_of(search.ws(), search.noise)
            self.explorer.wait_for_others()

        try:
            c = labels_of(G, job.class_index, 1)
            found = project(G, job.target[None], steps=job.steps, c=c, watch=watch)
        except CanceledError:
            job.stage = "canceled"
        except Exception as e:
            job.stage, job.problem = "failed", str(e) if isinstance(e, InputError) else f"{type(e).__name__}: {e}"
        else:
            job.projection, job.preview = found, self.explorer.picture_of(found.ws, found.noise)
            self.projected[job.name] = Projected(found.ws, found.noise or [])
            job.stage = "done"


def read_picture(data: bytes, G: Generator) -> NDArray[np.uint8]:
    """The middle square of a picture file, as G's size and channels, uint8 (C, H, H).

    Raises InputError for what is no picture, or a too large one, and says why.
    """
    H, channels = G.resolution, G.img_channels
    if len(data) > MOST_BYTES:
        raise InputError(f"a file of {len(data):,} bytes: at most {MOST_BYTES:,} are allowed; make it smaller first")
    try:
        size = read_size(io.BytesIO(data))
        if size[0] * size[1] > MOST_PIXELS:
            raise InputError(f"a picture of {size[0]} x {size[1]}: at most {MOST_PIXELS:,} pixels are allowed")
        side = min(H, square_side(size, "center"))
        pixels = decode(data, side, crop="center", img_channels=channels).pixels  # type: ignore[arg-type]
    except BadPictureError as e:
        raise InputError(f"this is no picture that can be used: {e}") from e
    if side < H:  # decode() only reduces
        small = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
        pixels = np.atleast_3d(np.asarray(small.resize((H, H), Image.Resampling.LANCZOS)))
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
