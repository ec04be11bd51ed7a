"""bfloat16 where it is asked for and the device has it; mapping network and moments of AdaIN stay in float32."""

import pytest
import torch

from stylegan.networks.layers import adain
from stylegan.training import step as step_module
from stylegan.training.loop import take_steps
from stylegan.training.machine import precision
from stylegan.training.machine.precision import precision_of, refused_precision
from stylegan.training.randomness import step_generator
from stylegan.training.schedule import Phase
from stylegan.training.state import TrainingState

from conftest import TINY
from steps import inputs_for

CPU = torch.device("cpu")
HAS_BF16 = refused_precision(TINY.but(precision="bf16"), CPU) == []


def test_auto_is_float32_on_the_cpu_and_a_choice_is_taken():
    assert precision_of(TINY, CPU) == "fp32"
    assert [precision_of(TINY.but(precision=p), CPU) for p in ("fp32", "bf16")] == ["fp32", "bf16"]


def test_bf16_is_refused_with_the_reason_where_the_device_has_none(monkeypatch):
    monkeypatch.setattr(precision.torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False, raising=False)
    (line,) = refused_precision(TINY.but(precision="bf16"), CPU)
    assert line == "precision bf16: this CPU has no instructions for bfloat16: use precision fp32 (or auto)"
    assert "not on mps" in refused_precision(TINY.but(precision="bf16"), torch.device("mps"))[0]
    assert refused_precision(TINY, CPU) == []


def test_moments_of_bfloat16_features_are_those_of_float32():
    x = (100 + torch.randn(2, 3, 16, 16, generator=torch.manual_seed(0))).bfloat16()
    y_s, y_b = torch.ones(2, 3, 1, 1), torch.zeros(2, 3, 1, 1)
    made = adain(x, y_s, y_b)
    assert made.dtype == torch.bfloat16
    torch.testing.assert_close(made.float(), adain(x.float(), y_s, y_b), rtol=0.01, atol=0.01)


@pytest.mark.skipif(not HAS_BF16, reason="this CPU has no bfloat16")
def test_a_step_in_bfloat16_is_one_in_float32_to_its_digits_with_w_exact(monkeypatch):
    from stylegan.training import step

    kinds = []
    mapping = step.mix
    monkeypatch.setattr(step, "mix", lambda ws, *a: (kinds.append(ws.dtype), mapping(ws, *a))[1])
    found = {}
    for chosen in ("fp32", "bf16"):
        state = TrainingState.new(TINY.but(precision=chosen), CPU)
        state.enter(Phase(0.5, 16, 8, lrate=0.002, tick_kimg=1))
        generator = step_generator(0, 0, CPU)
        reals = torch.randn(8, 3, 16, 16, generator=generator)
        stats = take_steps(state, *(inputs_for(state, reals, generator) for _ in range(2)))
        found[chosen] = (stats["D_loss"].item(), stats["G_loss"].item())
    assert found["bf16"] == pytest.approx(found["fp32"], rel=0.05)
    assert found["bf16"] != found["fp32"]
    assert set(kinds) == {torch.float32}


@pytest.mark.parametrize(
    ("loss", "in_full"),
    [("logistic", [True, False, False]), ("wgan_gp", [False, False, True, False])],
    ids=["logistic: the reals, for R1", "wgan_gp: the pictures between"],
)
def test_the_passes_of_d_that_are_differentiated_twice_and_no_others_are_in_full_precision_and_keep_activations(
    monkeypatch, loss, in_full
):
    """The passes of a step: real, fake and, for WGAN-GP, between; then G's fakes."""
    found = []

    def precision(state, *, enabled=True):
        return torch.autocast("cpu", torch.bfloat16, enabled=False), found.append(("precision", not enabled))

    monkeypatch.setattr(step_module, "precision", lambda *a, **k: precision(*a, **k)[0])
    keeping = step_module.activations_for
    monkeypatch.setattr(
        step_module, "activations_for", lambda px, *n: (found.append(("kept", not n)), keeping(px, *n))[1]
    )
    state = TrainingState.new(TINY.but(loss=loss), CPU)
    state.enter(Phase(0.0, 16, 4, lrate=0.002, tick_kimg=1))
    generator = step_generator(0, 0, CPU)
    reals = torch.randn(4, 3, 16, 16, generator=generator)
    take_steps(state, *(inputs_for(state, reals, generator) for _ in range(2)))
    by_g = [0, len(in_full)]  # G makes the fakes of each step first
    for kind in ("precision", "kept"):
        flags = [flag for name, flag in found if name == kind]
        assert len(flags) == len(in_full) + 2
        assert [flag for i, flag in enumerate(flags) if i not in by_g] == in_full
