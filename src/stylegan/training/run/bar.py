"""The progress of a training run: phase, resolution, speed, losses, and how long it will take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn

from stylegan.config import Config
from stylegan.networks.fade import fraction
from stylegan.training.run.voice import voice
from stylegan.training.schedule import Phase, level_starts, schedule

OVERHEAD_MFLOP = 3  # per picture, besides its convolutions; fitted to narrow networks, batch 16, one CPU thread


class Bar:
    """A live bar on stderr, or a line per tick if stderr is not a terminal."""

    def __init__(self, config: Config, cur_nimg: int) -> None:
        self.config = config
        self.eta = Eta(config)
        self._clock: tuple[float, int] = (time.monotonic(), cur_nimg)
        self._tick: tuple[float, int] = self._clock
        self._said = ""
        place = TextColumn("{task.percentage:.0f} %{task.fields[more]}")
        columns = [TextColumn("{task.description}"), BarColumn(), place]
        self.progress = Progress(*columns, console=voice(), redirect_stderr=False, refresh_per_second=4)
        self._task = self.progress.add_task("", total=1000 * config.total_kimg, completed=cur_nimg, more="")

    def __enter__(self) -> Self:
        if self.progress.console.is_terminal:
            self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def update(self, cur_nimg: int, phase: Phase, stats: dict[str, float]) -> None:
        """Show one more step."""
        now, (then, before) = time.monotonic(), self._clock
        self._clock = now, cur_nimg
        self.eta.step((now - then) / (cur_nimg - before), schedule(self.config, before))
        faded = fraction(phase.lod)
        fading = f"fading in {1 - faded:4.0%}" if faded else "training"
        self._said = (
            f"  {self.eta.img_per_sec:,.0f} img/s  D {stats['D_loss']:.2f} G {stats['G_loss']:.2f}"
            f"  {self.eta.words(cur_nimg)}"
        )
        description = f"{phase.resolution}x{phase.resolution} {fading}"
        self.progress.update(self._task, completed=cur_nimg, description=description, more=self._said)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A context whose time does not count as training. The bar is hidden within it."""
        start, is_live = time.monotonic(), self.progress.live.is_started
        self.progress.stop()
        try:
            yield
        finally:
            if is_live:
                self.progress.start()
            away = time.monotonic() - start
            self._clock, self._tick = ((then + away, nimg) for then, nimg in (self._clock, self._tick))

    def speed(self) -> dict[str, float]:
        """Images per second since the last tick. If stderr is not a terminal, also print the progress."""
        (now, cur_nimg), (then, before) = self._clock, self._tick
        self._tick = self._clock
        if not self.progress.console.is_terminal:
            task = self.progress.tasks[0]
            self.say(f"{cur_nimg / 1000:,.1f} kimg {task.percentage:.0f} %  {task.description}{self._said}")
        return {"img_per_sec": round((cur_nimg - before) / max(now - then, 1e-9), 3)}

    def say(self, text: str) -> None:
        """Print above the bar."""
        self.progress.console.print(text, soft_wrap=True, highlight=False, markup=False)


class Eta:
    """The time to the next level and to the end, from the measured seconds per image and the costs of later levels."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._sec_per_mflop = 0.0
        self._cost = 1.0

    @property
    def img_per_sec(self) -> float:
        """Images per second now."""
        return 1 / max(self._sec_per_mflop * self._cost, 1e-9)

    def step(self, sec_per_img: float, phase: Phase) -> None:
        """Take in one measured step."""
        self._cost = image_cost_mflop(self.config, phase.resolution)
        measured = sec_per_img / self._cost
        self._sec_per_mflop = measured if not self._sec_per_mflop else 0.95 * self._sec_per_mflop + 0.05 * measured

    def words(self, cur_nimg: int) -> str:
        """ "16x16 in 2:10, end in 9:05"."""
        starts = level_starts(self.config)
        later = [(start, resolution) for start, resolution in starts if start > cur_nimg]
        next_level = f"{later[0][1]}x{later[0][1]} in {clock(self.seconds(cur_nimg, later[0][0]))}, " if later else ""
        return f"{next_level}end in {clock(self.seconds(cur_nimg, round(1000 * self.config.total_kimg)))}"

    def seconds(self, start_nimg: int, end_nimg: int) -> float:
        """How long the images from `start_nimg` to `end_nimg` will take."""
        starts = level_starts(self.config)
        ends = [*(start for start, _ in starts[1:]), end_nimg]
        return (
            sum(
                max(min(end, end_nimg) - max(start, start_nimg), 0) * image_cost_mflop(self.config, resolution)
                for (start, resolution), end in zip(starts, ends, strict=True)
            )
            * self._sec_per_mflop
        )


def image_cost_mflop(config: Config, resolution: int) -> float:
    """The cost of an image at a level, in millions of multiplications of one pass of G, including overhead."""
    cost, H = float(OVERHEAD_MFLOP), 4
    while resolution >= H:
        channels, below = config.channels(H), config.channels(H // 2)
        cost += (9 * channels**2 + (4 if H > 4 else 9) * below * channels) * H * H / 1e6
        H *= 2
    return cost


def clock(seconds: float) -> str:
    """ "9:05", "1:09:05", "2 d 1:09:05"."""
    minutes, sec = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    short = f"{hours}:{minutes:02d}:{sec:02d}" if hours or days else f"{minutes}:{sec:02d}"
    return f"{days} d {short}" if days else short
