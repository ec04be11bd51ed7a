"""The rule of `stylegan train --hours`: what suits a network of a given width that is trained for a short or long time.

Its widths, rates, batches, R1, fakes, noise and growth are defined only here, each with its evidence. `cost/hours.py`
measures how many images a time allows on this machine; docs/training.md says what to expect.
"""

from typing import Any, NamedTuple

from stylegan.config import BATCHES, GROUP_SIZE, Config


class Rung(NamedTuple):
    """A width in channels, the images it needs to beat the rung below, and whether it trains as for a short time."""

    width: int
    least_kimg: float
    short: bool


LONG_KIMG = 150.0  # from here on, noise inputs and fakes for G alone: a guess between the demo's 70 and the box's 344
LADDER = (
    Rung(32, 0, short=True),
    Rung(64, 50, short=True),  # the demo: 64 channels draw portraits with eyes from 40 to 50 thousand images on
    Rung(64, LONG_KIMG, short=False),  # the box: still improving at 1,100 thousand images
    Rung(128, 1500, short=False),  # from here on not measured: steps between that and the paper's 25,000 at 512
    Rung(256, 5000, short=False),
    Rung(512, 12_000, short=False),
)
WIDE = 256  # from this width on, the paper's own rates and levels


def ruled(config: Config, rung: Rung, *, gpu: bool, lazy: bool = True, world: int = 1) -> Config:
    """`config` as the rule trains a network of this rung; `Config.for_budget` then scales it to the number of images.

    gpu: True for CUDA. lazy: True if the loss has R1, which may be skipped in some steps. world: the number of
    processes, each of which takes whole groups of 4 pictures.

    - Widths: `channel_base` is 32 times the width (the paper: 16384 for 512), and at least 16 channels at full size,
      as in the paper at 1024. z, w and the mapping network have 128 numbers, or the width if that is more.
    - Batch 16 on a CPU: within minutes, many small steps beat few large ones (the demo, faces at 32 px). 64 on a GPU,
      where a narrow network's step of 64 takes as long as one of 16 (benchmarks/results.md); the last part of the
      box's training had it. Both become smaller from 128 or 256 px on, like the paper's.
    - Rate 0.004 for a short time, otherwise 0.003, and 0.002 from 64 px on with small batches. On portraits, 0.003 kept
      D's logits apart throughout. On photographs 0.002 and 0.004 did, and the demo's 0.016 did not (docs/results.md).
    - R1 by the default of `gamma` (1.8 at 32 px, 2.5 at 64) every 4th step, as in the box. Every step or every 8th step
      made no difference to D's silence, and a step without R1 takes less time.
    - For a short time, D and G share fakes, which leaves time for more images, and there are no noise inputs, because
      within 50 thousand images G draws noise instead of eyes (docs/results.md, What failed). The box had separate fakes
      and noise.
    - Levels of 60 and fades of 40 thousand images, as in the box, if growth takes less than 60 % of the run
      (`for_budget`).
    """
    H, width, latent = config.img_resolution, rung.width, max(128, rung.width)
    most, authors, whole = (64, 4, GROUP_SIZE * world) if gpu else (16, 1, GROUP_SIZE * world)
    batches = {r: min(most, authors * batch) for r, batch in BATCHES[1][1].items()}
    batches = {r: max(batch - batch % whole, whole) for r, batch in batches.items()}
    changed: dict[str, Any] = {
        "channel_max": width,
        "channel_base": max(32 * width, 16 * H),
        "batch": min(batches.values()),
        "batch_at": batches,
        "shared_fakes": rung.short,
        "noise": config.noise and not rung.short,
        "r1_interval": 4 if lazy else 1,
        **({} if config.mapping_layers == 0 else dict.fromkeys(("z_dim", "w_dim", "mapping_dim"), latent)),
    }
    if width < WIDE:
        rate = 0.004 if rung.short else 0.003
        changed |= {"lrate": rate, "lrate_at": {} if gpu else dict.fromkeys((64, 128, 256, 512, 1024), 0.002)}
        changed |= {"level_kimg": 60.0, "fade_kimg": 40.0}
    return config.but(**changed)
