"""The authors' schedule, row by row (golden/schedule.json), and what a budget makes of it."""

import json

import pytest

from stylegan.config import CONFIG_A, CONFIG_B, CONFIG_F, Config
from stylegan.training.schedule import level_starts, schedule

import golden

TABLES = json.loads((golden.FOLDER / "schedule.json").read_text())
THE_AUTHORS_DEFAULTS = CONFIG_F.but(batch=16, batch_at={}, lrate_at={}, initial_resolution=4)


def config_of(name: str) -> tuple[Config, int]:
    """Our configuration and the number of GPUs of one of the authors' tables."""
    if name.startswith("stylegan_"):
        gpus, resolution = name.removeprefix("stylegan_").split("gpu_res")
        return CONFIG_F.but(img_resolution=int(resolution)).for_gpus(int(gpus)), int(gpus)
    ours = {
        "defaults_3gpu_res128": {},
        "rampup_res128": {"lrate_rampup_kimg": 100.0},
        "nogrow_res128": {"initial_resolution": 128, "level_kimg": 0.0, "fade_kimg": 0.0},
        "notransition_res128": {"fade_kimg": 0.0},
        "maxmb_res128": {"max_batch_per_gpu": {32: 2}},
    }[name]
    return THE_AUTHORS_DEFAULTS.but(img_resolution=128, **ours), TABLES[name]["num_gpus"]


@pytest.mark.parametrize("name", TABLES)
def test_every_row_of_the_authors_schedule_is_ours(name):
    config, num_gpus = config_of(name)
    for row in TABLES[name]["rows"]:
        phase = schedule(config, row["cur_nimg"], num_gpus)
        assert phase.lod == pytest.approx(row["lod"], abs=1e-12)
        assert (phase.resolution, phase.batch) == (row["resolution"], row["minibatch"])
        assert phase.lrate == pytest.approx(row["G_lrate"])
        assert phase.tick_kimg == row["tick_kimg"]


def test_the_papers_budget_changes_nothing_but_adds_no_growth_beyond_it():
    assert CONFIG_F.for_budget(25000) == CONFIG_F


@pytest.mark.parametrize("config", [CONFIG_A, CONFIG_B, CONFIG_F])
@pytest.mark.parametrize("kimg", [1, 50, 5000])
def test_any_budget_is_fully_grown_after_60_percent(config, kimg):
    budget = config.but(img_resolution=64).for_budget(kimg)
    assert schedule(budget, int(600 * kimg) + 1).lod == 0
    assert schedule(budget, 0).resolution == config.initial_resolution
    assert budget.total_kimg == kimg


def test_level_starts_are_where_the_resolution_of_the_schedule_changes():
    config = CONFIG_F.but(img_resolution=32).for_budget(50)
    starts = level_starts(config)
    assert [resolution for _, resolution in starts] == [8, 16, 32]
    for start, resolution in starts[1:]:
        assert schedule(config, start).resolution == resolution // 2
        assert schedule(config, start + 1).resolution == resolution


def test_growth_changes_when_a_fade_begins_and_when_it_ends():
    config = CONFIG_F.but(img_resolution=16).for_budget(10)  # 3,000 images of 8x8, 3,000 of fading
    growths = [schedule(config, nimg).growth for nimg in (0, 3000, 3001, 5999, 6000)]
    assert growths == [(1, 1), (1, 1), (0, 1), (0, 1), (0, 0)]
