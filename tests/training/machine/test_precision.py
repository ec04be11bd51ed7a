"""bfloat16 where it is asked for and the device has it; mapping network and moments of AdaIN stay in float32."""

import pytest
import torch

from stylegan.networks.layers import adain
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
    assert line == "precision bf16: this CPU has no instructions for bfloat16: use --precision fp32 (or auto)"
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
