"""A watcher changes nothing: what a run records depends on the training, never the other way round."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stylegan.training.loop import training_loop
from stylegan.training.run.folder import Follower, Run, create
from stylegan.training.schedule import Phase
from stylegan.training.state import COUNTERS, TrainingState

CPU = torch.device("cpu")


def everything(state):
    """All tensors of a state, and its counters."""
    return {name: tensor.clone() for name, tensor in state._tensors().items()}, [getattr(state, n) for n in COUNTERS]


def trained(config, dataset, watcher, state=None):
    state = state or TrainingState.new(config, CPU)
    training_loop(state, dataset, np.arange(len(dataset)), watcher)
    return everything(state)


def test_a_run_that_is_recorded_equals_one_that_nobody_watches(portraits, tiny, tmp_path):
    config = tiny.but(total_kimg=0.06)  # with a fade in it, and ticks
    state = TrainingState.new(config, CPU)
    create(tmp_path / "run", portraits, state)
    recorder = Run(tmp_path / "run", portraits, state_sec=0)
    with recorder.watching(state):
        recorded, counters = trained(config, portraits, recorder, state)
    for watcher in (SimpleNamespace(stop=False, after_step=lambda *_: None), Follower()):
        alone, expected = trained(config, portraits, watcher)
        assert counters == expected and counters[COUNTERS.index("tick")] > 3
        assert [name for name, tensor in alone.items() if not torch.equal(tensor, recorded[name])] == []


def test_a_step_shown_to_the_recorder_leaves_the_state_as_it_was(portraits, tiny, tmp_path):
    state = TrainingState.new(tiny, CPU)
    create(tmp_path / "run", portraits, state)
    recorder = Run(tmp_path / "run", portraits, state_sec=0)
    with recorder.watching(state):
        state.enter(Phase(1.5, 8, 4, lrate=0.002, tick_kimg=1))
        state.cur_nimg, state.G_ema.lod = 4, 1.5
        tensors, counters = everything(state)
        stats = {"D_loss": 1.0, "G_loss": 2.0}
        recorder.after_step(state, stats, stats)
        after, counters_after = everything(state)
    assert counters_after == counters
    assert all(torch.equal(tensor, after[name]) for name, tensor in tensors.items())


def test_a_tick_gives_the_means_of_its_steps_the_first_one_at_once(tiny):
    state, ticks = TrainingState.new(tiny, CPU), []
    state.enter(Phase(2.0, 4, 4, lrate=0.002, tick_kimg=0.008))
    for loss in (5.0, 1.0, 3.0, 7.0):
        state.cur_nimg += 4
        ticks.append(state.tally({"D_loss": loss}))
    assert ticks == [{"D_loss": 5.0}, None, {"D_loss": 2.0}, None]
    assert (state.tick, state.tick_nimg, state.sums) == (2, 12, {"D_loss": 7.0, "steps": 1.0})


def test_the_last_step_ends_a_tick(tiny):
    state = TrainingState.new(tiny, CPU)
    state.enter(Phase(0.0, 16, 4, lrate=0.002, tick_kimg=100))
    state.tick, state.cur_nimg = 1, 296
    assert state.tally({"D_loss": 1.0}) is None and not state.done
    state.cur_nimg = 300
    assert state.tally({"D_loss": 3.0}) == {"D_loss": pytest.approx(2.0)} and state.done
