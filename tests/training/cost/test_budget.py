"""What a given time allows, and what a long training takes: laws, no absolute times."""

from functools import partial
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings, strategies as st

from stylegan.config import CONFIG_A, CONFIG_F
from stylegan.errors import InputError
from stylegan.training import losses
from stylegan.training.augment import Augmentation
from stylegan.training.cost import budget, dry_run as cost_of_a_run, measuring
from stylegan.training.cost.budget import affordable_kimg, config_in, level_sec
from stylegan.training.cost.dry_run import dry_run, pays, table
from stylegan.training.cost.measuring import Cost, measure_levels
from stylegan.training.objectives import LOSSES, Objectives
from stylegan.training.schedule import schedule

from conftest import TINY

CPU = torch.device("cpu")
SMALL = CONFIG_F.but(img_resolution=32)
COSTS = {8: Cost(0.001, 2**29), 16: Cost(0.004, 2**30), 32: Cost(0.02, 3 * 2**30)}


def whole_sec(config, costs=COSTS):
    return sum(level_sec(config, costs).values())


@settings(deadline=None, max_examples=50)
@given(st.floats(1, 1e6))
def test_the_budget_takes_the_time_that_was_given_and_no_more(seconds):
    kimg = affordable_kimg(SMALL, seconds, COSTS)
    assert whole_sec(SMALL.for_budget(kimg + 0.1)) > seconds
    assert whole_sec(SMALL.for_budget(kimg)) <= seconds or kimg == 0.1


def test_twice_the_time_allows_twice_the_images_while_the_schedule_scales():
    assert affordable_kimg(SMALL, 2000, COSTS) == pytest.approx(2 * affordable_kimg(SMALL, 1000, COSTS), rel=0.01)


def test_a_machine_twice_as_fast_allows_twice_the_images():
    fast = {r: Cost(c.sec_per_img / 2, None) for r, c in COSTS.items()}
    assert affordable_kimg(SMALL, 500, fast) == affordable_kimg(SMALL, 1000, COSTS)


def test_a_long_run_keeps_its_first_levels_and_spends_the_rest_at_full_size():
    config = SMALL.for_budget(affordable_kimg(SMALL, 10**6, COSTS))
    assert (config.level_kimg, config.fade_kimg) == (600, 600)
    assert level_sec(config, COSTS)[32] == pytest.approx(10**6 - 600 - 4 * 1200, rel=0.01)


def test_each_level_is_measured_with_the_batch_of_the_schedule(monkeypatch):
    seen = {}

    def steps(state, for_d, for_g):
        seen[state.phase.resolution] = len(for_d.reals)
        return {"G_loss": torch.zeros(())}

    monkeypatch.setattr(measuring, "take_steps", steps)
    config = CONFIG_A.but(
        img_resolution=16, channel_base=64, channel_max=4, z_dim=4, w_dim=4, max_batch_per_gpu={16: 8}, lrate_at={}
    )
    measure_levels(config, CPU, trial_sec=0.001)
    assert seen == {4: 128, 8: 128, 16: 8}
    assert schedule(config, 10**9).batch == 8


def test_a_disturbance_of_some_steps_does_not_count(monkeypatch):
    calls = []

    def timed_step(state, resolution, penalized, batch):
        calls.append(resolution)
        disturbed = 10 < len(calls) < 20  # a neighbour is busy for a while
        return (0.5 if disturbed else 0.1) * resolution / 4, None

    monkeypatch.setattr(measuring, "_timed_step", timed_step)
    costs = measure_levels(TINY, CPU, trial_sec=40.0)
    assert {r: round(cost.sec_per_img * TINY.batch, 6) for r, cost in costs.items()} == {4: 0.1, 8: 0.2, 16: 0.4}


@pytest.mark.parametrize(("r1_interval", "mean_sec"), [(1, 3.0), (2, 2.0), (16, 1.125)])
def test_a_step_takes_the_mean_of_a_cycle_in_which_one_pays_r1(monkeypatch, r1_interval, mean_sec):
    clock, r1, take_steps = SimpleNamespace(sec=0.0), losses.r1, measuring.take_steps

    def taking(sec, function):
        def call(*args, **kwargs):
            clock.sec += sec
            return function(*args, **kwargs)

        return call

    monkeypatch.setattr(measuring, "time", SimpleNamespace(perf_counter=lambda: clock.sec))
    monkeypatch.setattr(measuring, "take_steps", taking(1.0, take_steps))
    monkeypatch.setattr(losses, "r1", taking(2.0, r1))
    costs = measure_levels(TINY.but(r1_interval=r1_interval), CPU)
    assert {r: cost.sec_per_img * TINY.batch for r, cost in costs.items()} == dict.fromkeys((4, 8, 16), mean_sec)


def test_more_time_never_gives_a_narrower_network(monkeypatch):
    def costs(config, device):
        return {r: Cost(c.sec_per_img * config.channel_max**2 / 1000, None) for r, c in COSTS.items()}

    monkeypatch.setattr(budget, "measure_levels", costs)
    found = [config_in(SMALL, seconds, CPU) for seconds in (10, 100, 1000, 10_000, 100_000, 10**6)]
    widths = [config.channel_max for config in found]
    assert widths == sorted(widths)
    assert (widths[0], widths[-1]) == (32, 512)
    assert all(config.total_kimg >= budget.ENOUGH_KIMG for config in found[2:])


def test_a_dry_run_tells_every_level_and_the_total_and_writes_nothing(portraits, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = dry_run(portraits.path, tiny, CPU).splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["level", "4x4", "8x8", "16x16", "total"]
    assert all(float(line.split()[-2]) > 0 and line.endswith("GiB") for line in lines[1:5])
    assert "Each of the 64 pictures is shown 4.7 times." in lines
    assert list(tmp_path.iterdir()) == []


def test_the_total_of_a_dry_run_is_the_sum_of_its_levels():
    lines = [line.split() for line in table(SMALL.for_budget(50), COSTS).splitlines()]
    assert [line[0] for line in lines] == ["level", "8x8", "16x16", "32x32", "total"]
    assert lines[3] == ["32x32", "64", "50.0", "9:10", "3.0", "GiB"]  # 27.5 kimg at 20 ms
    assert lines[4] == ["total", "81.0", "10:18", "3.0", "GiB"]  # 7.5 + 60 + 550 s


def test_a_dry_run_says_whether_compiling_pays():
    config = SMALL.for_budget(50)
    half = {r: Cost(c.sec_per_img / 2, None, compile_sec=60) for r, c in COSTS.items()}
    assert pays(config, half, COSTS) == "compile pays: 8:09, of which compiling takes 3:00; 10:18 without"
    slow = {r: Cost(c.sec_per_img / 2, None, compile_sec=120) for r, c in COSTS.items()}
    assert pays(config, slow, COSTS) == "compile does not pay: 11:09, of which compiling takes 6:00; 10:18 without"


def test_compiling_does_not_count_as_step_time(monkeypatch):
    compiled = set()

    def timed_step(state, resolution, penalized, batch):
        is_new = (resolution, penalized) not in compiled
        compiled.add((resolution, penalized))
        return 1.0 + 30 * (is_new and state.config.compile), None

    monkeypatch.setattr(measuring, "_timed_step", timed_step)
    config = TINY.but(compile=True, level_kimg=20, fade_kimg=10, total_kimg=100)
    costs = measure_levels(config, CPU)
    assert {r: (c.sec_per_img * TINY.batch, c.compile_sec) for r, c in costs.items()} == {
        4: (1.0, 30.0),
        8: (1.0, 0.0),  # 7,500 steps: too few for two programs
        16: (1.0, 60.0),
    }


def test_a_dry_run_refuses_what_the_training_would(portraits, tiny):
    with pytest.raises(InputError, match="img_resolution 32: the data set"):
        dry_run(portraits.path, tiny.but(img_resolution=32), CPU)


def test_a_dry_run_measures_your_own_loss_and_augmentation_and_leaves_the_random_state_alone(
    portraits, tiny, monkeypatch
):
    seen = set()

    def d(G, D, batch):
        seen.add("objective")
        return LOSSES["logistic"].D(G, D, batch)

    augment = Augmentation("watched", lambda images, u: (seen.add(u.shape[1]), images)[1], numbers=3)
    monkeypatch.setattr(cost_of_a_run, "measure_levels", partial(measure_levels, trial_sec=0.001))
    before = torch.random.get_rng_state()
    dry_run(portraits.path, tiny, CPU, objectives=Objectives("own", d, LOSSES["logistic"].G), augment=augment)
    assert seen == {"objective", 3}
    assert torch.equal(torch.random.get_rng_state(), before)
