"""What saves memory changes nothing else."""

import pytest
import torch

from stylegan.config import CONFIG_F
from stylegan.errors import InputError
from stylegan.networks.layers import minibatch_stddev
from stylegan.training import loop, losses
from stylegan.training.machine import memory
from stylegan.training.machine.memory import activations_for, micro_batches
from stylegan.training.randomness import step_generator
from stylegan.training.schedule import Phase, schedule
from stylegan.training.state import TrainingState
from stylegan.training.train import train

from conftest import TINY
from steps import NOISE, assert_same, inputs_for

CPU = torch.device("cpu")


def step(config, N=16, lod=0.5):
    """Gradients, w_avg and statistics of a step of D and of G, fading."""
    state = TrainingState.new(config, CPU)
    state.enter(Phase(lod, 16, N, lrate=0.002, tick_kimg=1))
    generator = step_generator(0, 0, CPU)
    reals = torch.randn(N, 3, 16, 16, generator=generator)
    for_d, for_g = (inputs_for(state, reals, generator) for _ in range(2))
    found = loop.step(state, "D", state.objectives.D, for_d) | {"w_avg": state.G.w_avg.clone()}
    found |= loop.step(state, "G", state.objectives.G, for_g)
    named = [*state.D.named_parameters("D"), *state.G.named_parameters("G")]
    return found | {n: p.grad for n, p in named if p.grad is not None and n != NOISE}


@pytest.mark.parametrize("batch_gpu", [4, 8])
@pytest.mark.parametrize("config", [TINY, TINY.but(loss="wgan_gp")], ids=["logistic", "wgan_gp"])
def test_micro_batches_change_nothing_but_memory(float64, config, batch_gpu):
    assert_same(step(config.but(batch_gpu=batch_gpu)), step(config), 1e-10)


@pytest.mark.parametrize("config", [TINY, TINY.but(loss="wgan_gp")], ids=["logistic with R1", "wgan_gp"])
def test_activations_computed_again_give_the_same_gradients(float64, config, monkeypatch):
    plain = step(config)
    calls = []
    monkeypatch.setattr(memory, "CHECKPOINTED_PX", 16)
    monkeypatch.setattr(memory, "checkpoint", lambda *a, **k: (calls.append(1), CHECKPOINT(*a, **k))[1])
    assert_same(step(config), plain, 1e-12)
    assert calls


CHECKPOINT = memory.checkpoint


def test_activations_are_computed_again_from_512_on_and_the_networks_stay_as_they_were():
    state = TrainingState.new(TINY, CPU)
    blocks = [*state.G.synthesis.blocks, *state.D.blocks]
    with activations_for(256, state.G, state.D):
        assert all("forward" not in vars(block) for block in blocks)
    with activations_for(512, state.G, state.D):
        assert all("forward" in vars(block) for block in blocks)
    assert all("forward" not in vars(block) for block in blocks)


@pytest.mark.parametrize(
    ("N", "batch_gpu", "sizes"),
    [
        (16, None, [16]),
        (16, 16, [16]),
        (16, 4, [4] * 4),
        (16, 12, [8, 8]),
        (24, 8, [8] * 3),
        (3, 4, [3]),
        (20, 8, [4] * 5),
    ],
)
def test_a_batch_falls_into_equal_parts_of_at_most_batch_gpu(N, batch_gpu, sizes):
    parts = [torch.arange(N)[i] for i in micro_batches(N, batch_gpu)]
    assert [len(part) for part in parts] == sizes
    assert sorted(torch.cat(parts).tolist()) == list(range(N))


@pytest.mark.parametrize("batch_gpu", [4, 8])
def test_pictures_that_share_a_deviation_group_still_do(batch_gpu):
    x = torch.randn(16, 3, 4, 4)
    whole = minibatch_stddev(x)
    for i in micro_batches(16, batch_gpu):
        torch.testing.assert_close(minibatch_stddev(x[i]), whole[i])


@pytest.mark.parametrize("value", [0, 2, 6, -4])
def test_a_batch_gpu_that_splits_groups_is_refused_with_the_reason(value):
    with pytest.raises(InputError, match=rf"batch_gpu {value}: must be a multiple of 4, because the minibatch"):
        CONFIG_F.but(batch_gpu=value)


def test_lazy_r1_is_as_strong_on_average_and_a_function_of_the_image_count():
    penalties = []
    r1 = losses.r1

    def seen(*args, gamma, lod):
        penalties.append(gamma)
        return r1(*args, gamma=gamma, lod=lod)

    state = TrainingState.new(TINY.but(r1_interval=4, r1_gamma=3.0), CPU)
    with pytest.MonkeyPatch.context() as m:
        m.setattr(losses, "r1", seen)
        for cur_nimg in range(0, 32, 4):
            phase = state.enter(schedule(state.config, cur_nimg))
            reals = torch.randn(phase.batch, 3, phase.resolution, phase.resolution)
            inputs = inputs_for(state, reals, step_generator(0, cur_nimg, CPU))
            loop.step(state, "D", state.objectives.D, inputs)
    assert penalties == [12.0, 12.0]


def test_lazy_r1_needs_r1(portraits, tiny, tmp_path):
    config = tiny.but(loss="wgan_gp", r1_interval=16)
    with pytest.raises(InputError, match="r1_interval 16: must be 1 with loss wgan_gp, which has no R1"):
        train(portraits.path, tmp_path / "run", config=config)
    assert not (tmp_path / "run").exists()


def test_a_weight_of_r1_is_refused_where_the_loss_has_none(portraits, tiny, tmp_path):
    config = tiny.but(loss="wgan_gp", r1_gamma=5.0)
    with pytest.raises(InputError, match="r1_gamma 5: must not be given with loss wgan_gp, which has no R1"):
        train(portraits.path, tmp_path / "run", config=config)
    assert not (tmp_path / "run").exists()
