"""A job that benchmarks/speed.py measures, and the configurations that jobs use."""

from dataclasses import dataclass

from stylegan.config import CONFIG_F, Config


@dataclass(frozen=True)
class Job:
    """Something that is done with a batch of N pictures of a network, grown to `lod`."""

    section: str
    name: str
    config: Config
    N: int = 1
    lod: float = 0.0
    ways: tuple[str, ...] = ("floor", "plain", "fast")

    @property
    def title(self) -> str:
        """The job's unique name."""
        return f"{self.section} {self.name}"

    @property
    def resolution(self) -> int:
        """Height and width of its pictures."""
        return self.config.img_resolution >> int(self.lod)


WIDE = CONFIG_F.but(batch=4, batch_at={})
NARROW = CONFIG_F.but(
    **{"img_resolution": 32, "channel_base": 1024, "channel_max": 32, "z_dim": 128, "w_dim": 128, "mapping_dim": 128},
    **{"batch": 16, "batch_at": {}},
)
TINY = NARROW.but(img_resolution=16, channel_base=128, channel_max=8, mapping_layers=2, batch=4)
