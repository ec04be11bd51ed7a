"""Shared fakes: one pass of G serves the steps of D and G, and both steps stay as they were."""

import signal

import numpy as np
import pytest
import torch

from stylegan.config import CONFIG_F, TABLE_1
from stylegan.errors import InputError
from stylegan.training import batch, loop
from stylegan.training.averages import ema_beta, update_ema
from stylegan.training.cost import measuring
from stylegan.training.machine import memory
from stylegan.training.randomness import step_generator
from stylegan.training.schedule import Phase
from stylegan.training.state import TrainingState
from stylegan.training.step import step
from stylegan.training.train import resume, train

from conftest import TINY
from steps import NOISE, assert_same, inputs_for

CPU = torch.device("cpu")
SHARED = TINY.but(shared_fakes=True)
PHASE = Phase(0.5, 16, 8, lrate=0.002, tick_kimg=1)


def given(config):
    """A new state, fading, and what a step of it is given."""
    state = TrainingState.new(config, CPU)
    state.enter(PHASE)
    generator = step_generator(0, 0, CPU)
    reals = torch.randn(PHASE.batch, 3, 16, 16, generator=generator)
    c = torch.eye(2)[torch.arange(PHASE.batch) % 2].to(reals.dtype) if config.c_dim else None
    return state, inputs_for(state, reals, generator, c=c)


def found(state, stats):
    """Gradients, weights, averages and statistics after a step."""
    networks = {"G": state.G, "D": state.D, "G_ema": state.G_ema}
    tensors = {f"{n}.{key}": t.clone() for n, net in networks.items() for key, t in net.state_dict().items()}
    grads = {f"grad {n}.{k}": p.grad for n, net in networks.items() for k, p in net.named_parameters()}
    return {n: t for n, t in (tensors | grads | stats).items() if t is not None and not n.endswith(NOISE)}


@pytest.mark.parametrize("checkpointed_px", [512, 16], ids=["kept", "computed again"])
@pytest.mark.parametrize(
    "config", [SHARED, SHARED.but(loss="wgan_gp"), SHARED.but(c_dim=2)], ids=["logistic", "wgan_gp", "classes"]
)
def test_steps_with_shared_fakes_are_those_of_d_and_then_of_g_on_the_same_draw_and_labels(
    float64, config, checkpointed_px, monkeypatch
):
    monkeypatch.setattr(memory, "CHECKPOINTED_PX", checkpointed_px)
    state, inputs = given(config)
    ours = found(state, loop.take_steps(state, inputs, inputs))

    state, inputs = given(config)
    stats = step(state, "D", state.objectives.D, inputs)
    w_avg = state.G.w_avg.clone()
    update_ema(state.G_ema, state.G, ema_beta(PHASE.batch, config.ema_kimg))
    stats |= step(state, "G", state.objectives.G, inputs)
    theirs = found(state, stats) | {"G.w_avg": w_avg}  # which moves once for pictures that are shown twice
    assert_same(ours, theirs, 1e-9)  # float64; Adam divides by small gradients


@pytest.mark.parametrize(("config", "passes"), [(TINY, 2), (SHARED, 1)], ids=["two batches", "shared"])
def test_g_makes_the_pictures_of_an_iteration_once(config, passes, portraits, monkeypatch):
    made, drawn = [], []
    draw = batch.draw
    monkeypatch.setattr(batch, "draw", lambda *a, **k: (drawn.append(1), draw(*a, **k))[1])
    state = TrainingState.new(config.but(total_kimg=0.004), CPU)
    state.G.synthesis.register_forward_hook(lambda *_: made.append(1))
    loop.training_loop(state, portraits, np.arange(64), Nobody())
    assert (len(made), len(drawn)) == (passes, passes)


class Nobody:
    """Looks on."""

    stop = False

    def after_step(self, state, stats, tick):
        pass


def test_a_run_with_shared_fakes_gives_g_the_latents_and_labels_of_d(portraits, monkeypatch):
    seen = []
    take_steps = loop.take_steps
    monkeypatch.setattr(loop, "take_steps", lambda *a: (seen.append(a[1:]), take_steps(*a))[1])
    for config in (TINY, SHARED):
        state = TrainingState.new(config.but(total_kimg=0.004), CPU)
        loop.training_loop(state, portraits, np.arange(64), Nobody())
    (alone, for_g), (shared, shared_for_g) = seen
    assert torch.equal(alone.latents.z, shared.latents.z)
    assert not torch.equal(for_g.latents.z, alone.latents.z)
    assert shared_for_g is shared


def test_a_run_with_shared_fakes_resumes_bit_for_bit(portraits, tiny, tmp_path, signals_at):
    config = tiny.but(shared_fakes=True, total_kimg=0.2)  # with a fade in it
    train(portraits.path, tmp_path / "whole", config=config)
    steps = signals_at(30, signal.SIGTERM)
    train(portraits.path, tmp_path / "stopped", config=config)
    assert len(steps) == 30
    resume(tmp_path / "stopped")
    whole, stopped = (tmp_path / run / "state.safetensors" for run in ("whole", "stopped"))
    assert stopped.read_bytes() == whole.read_bytes()


def test_shared_fakes_are_off_in_every_row_of_table_1():
    assert [name for name, config in TABLE_1.items() if config.shared_fakes] == []


def test_shared_fakes_cannot_be_computed_in_parts():
    with pytest.raises(InputError, match="batch_gpu 8: must be None with shared_fakes, where G's whole batch stays"):
        CONFIG_F.but(shared_fakes=True, batch_gpu=8)


@pytest.mark.parametrize(("config", "passes"), [(TINY, 2), (SHARED, 1)], ids=["two batches", "shared"])
def test_the_time_of_a_step_is_measured_as_it_is_trained(config, passes):
    state, made = TrainingState.new(config, CPU), []
    state.G.synthesis.register_forward_hook(lambda *_: made.append(1))
    measuring._timed_step(state, 16, True, config.batch)
    assert len(made) == passes
