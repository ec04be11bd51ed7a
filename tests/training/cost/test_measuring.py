"""How fast a machine trains: a measurement keeps to its time, and on a GPU it times what training does."""

from types import SimpleNamespace

import pytest
import torch

from stylegan.config import CONFIG_F
from stylegan.training.cost import measuring
from stylegan.training.cost.measuring import Allowance, measure_levels, spread
from stylegan.training.machine.graphs import EAGER_STEPS
from stylegan.training.run.bar import image_cost_mflop

CPU = torch.device("cpu")
WIDE = CONFIG_F.but(img_resolution=256)


@pytest.fixture
def machine(monkeypatch):
    """machine(1e-6, cuda=False): steps take so many seconds for a million multiplications; gives (resolution, batch,
    penalized) of each.
    """

    def arrange(sec_per_mflop, *, cuda=False):
        steps = []

        class State:
            def __init__(self, config):
                self.config, self.device = config, SimpleNamespace(type="cuda" if cuda else "cpu")

            @classmethod
            def new(cls, config, device, **own):
                return cls(config)

        def timed_step(state, resolution, penalized, batch):
            steps.append((resolution, batch, penalized))
            return sec_per_mflop * batch * image_cost_mflop(state.config, resolution), 2**30

        monkeypatch.setattr(measuring, "TrainingState", State)
        monkeypatch.setattr(measuring, "_timed_step", timed_step)
        return steps

    return arrange


@pytest.mark.parametrize("sec_per_mflop", [1e-6, 1e-4, 1e-3, 1e-2])
def test_a_measurement_takes_at_most_what_it_is_allowed_on_any_machine(machine, sec_per_mflop):
    steps, allowance = machine(sec_per_mflop), Allowance(50.0)
    costs = measure_levels(WIDE, CPU, allowance=allowance)
    slowest = max(sec_per_mflop * batch * image_cost_mflop(WIDE, resolution) for resolution, batch, _ in steps)
    assert allowance.spent <= 50 + slowest
    assert costs.keys() == {8, 16, 32, 64, 128, 256}


def test_a_slow_machine_measures_small_batches_and_guesses_what_it_cannot_time(machine):
    machine(5e-3)
    costs = measure_levels(WIDE, CPU, allowance=Allowance(50.0))
    batches = [cost.batch for cost in costs.values()]
    assert 0 < batches[0] < 128 and batches[-1] == 0
    expected = {r: 5e-3 * image_cost_mflop(WIDE, r) for r in costs}
    assert {r: cost.sec_per_img for r, cost in costs.items()} == pytest.approx(expected)
    assert costs[8].peak_bytes is None  # of a whole batch it would be more


def test_without_a_limit_whole_batches_are_measured(machine):
    steps = machine(1e-9)
    costs = measure_levels(WIDE, CPU, trial_sec=1e-9)
    assert {resolution: cost.batch for resolution, cost in costs.items()} == {
        8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8
    }  # fmt: skip
    assert costs[8].peak_bytes == 2**30
    assert len(steps) == 2 * 6  # a step to warm up, and one that counts


def test_on_cuda_the_steps_that_count_come_after_the_recording_and_before_another_level(machine):
    """The first steps of a phase are no graphs yet, and a level's graphs are gone when another begins."""
    steps = machine(1e-9, cuda=True)
    config = CONFIG_F.but(img_resolution=16, r1_interval=4)
    measure_levels(config, SimpleNamespace(type="cuda"), trial_sec=1e-9, allowance=Allowance(50.0))
    resolutions = [resolution for resolution, _, _ in steps]
    assert resolutions == sorted(resolutions)
    for resolution in (8, 16):
        for penalized in (True, False):
            assert steps.count((resolution, 128, penalized)) > EAGER_STEPS + 1


@pytest.mark.parametrize(
    ("seconds", "expected"), [([1.0, 1.0, 1.0, 1.0], 0), ([1.0, 2.0, 3.0, 9.0], 0.2), ([1.0, 9.0], None)]
)
def test_the_spread_is_that_of_the_middle_half(seconds, expected):
    assert spread(seconds) == (None if expected is None else pytest.approx(expected))
