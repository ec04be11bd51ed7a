"""Steps as compiled programs: the same numbers, one program for all steps that differ in numbers alone."""

import shutil
import signal

import pytest
import torch

from stylegan.config import CONFIG_F, TABLE_1
from stylegan.errors import InputError
from stylegan.training import programs
from stylegan.training.loop import Recipe, take_steps
from stylegan.training.programs import missing_compiler, plan, why_not
from stylegan.training.randomness import draw, step_generator
from stylegan.training.schedule import Phase, schedule
from stylegan.training.state import TrainingState
from stylegan.training.train import resume, train

from conftest import TINY
from steps import NOISE, assert_same

CPU = torch.device("cpu")
CONFIGS = {
    "logistic": TINY,
    "lazy R1": TINY.but(r1_interval=2),
    "wgan_gp": TINY.but(loss="wgan_gp"),
    "classes": TINY.but(c_dim=2),
    "in parts": TINY.but(batch_gpu=4),
    "pixel": TINY.but(norm="pixel", const_input=False, style_mixing_prob=0.0),
}


@pytest.fixture
def records(monkeypatch):
    """Recorded programs run as they are, without a compiler, however few steps there are; a list of all that were."""
    made = []
    monkeypatch.setattr(programs, "MIN_STEPS", 0)
    monkeypatch.setattr(torch, "compile", lambda program, **_: (made.append(program), program)[1])
    return made


def after_steps(config, *, lods, N=8):
    """Weights, averages and statistics after a step at each lod, with other pictures and another crossover."""
    state, found = TrainingState.new(config, CPU), {}
    for i, lod in enumerate(lods):
        state.G.lod = state.D.lod = lod
        generator = step_generator(0, i, CPU)
        reals = torch.randn(N, 3, 16 >> int(lod), 16 >> int(lod), generator=generator)
        c = torch.eye(2)[torch.arange(N) % 2].to(reals.dtype) if config.c_dim else None
        mixing = float(config.style_mixing_prob > 0)
        recipes = [Recipe(c, draw(state.G, N, style_mixing_prob=mixing, generator=generator)) for _ in range(2)]
        phase = Phase(lod, 16 >> int(lod), N, lrate=0.002, tick_kimg=1)
        found |= {f"{i} {name}": value for name, value in take_steps(state, phase, reals, *recipes).items()}
        state.cur_nimg += N
    tensors = {f"{n}.{k}": t for n, net in state.networks().modules().items() for k, t in net.state_dict().items()}
    return found | {name: t for name, t in tensors.items() if not name.endswith(NOISE.removeprefix("G."))}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_a_recorded_step_is_the_step(float64, records, config):
    lods = [0.75, 0.5, 0.25, 0.0, 0.0]
    assert_same(after_steps(config.but(compile=True), lods=lods), after_steps(config, lods=lods), 1e-8)
    kinds_of_d = 2 if config.r1_interval > 1 else 1
    assert len(records) == 2 * (kinds_of_d + 1)  # fading and not; of D and of G


@pytest.mark.skipif(not shutil.which("g++"), reason="needs a C++ compiler")
def test_a_compiled_step_is_the_step(float64, monkeypatch):
    monkeypatch.setattr(programs, "MIN_STEPS", 0)
    assert_same(after_steps(TINY.but(compile=True), lods=[1.5, 1.25]), after_steps(TINY, lods=[1.5, 1.25]), 1e-8)


def test_a_training_by_programs_resumes_bit_for_bit(portraits, tiny, tmp_path, signals_at, records):
    config = tiny.but(compile=True, total_kimg=0.12)  # with a fade in it
    train(portraits.path, tmp_path / "whole", config=config)
    signals_at(12, signal.SIGINT)
    train(portraits.path, tmp_path / "stopped", config=config)
    resume(tmp_path / "stopped")
    states = [(tmp_path / name / "state.safetensors").read_bytes() for name in ("whole", "stopped")]
    assert states[0] == states[1]
    assert records


def test_no_row_of_table_1_compiles():
    assert [name for name, config in TABLE_1.items() if config.compile] == []


NARROW = CONFIG_F.but(img_resolution=32, channel_base=1024, channel_max=32, batch=16, batch_at={})


@pytest.mark.parametrize(
    ("config", "nimg", "device", "reason"),
    [
        (NARROW, 0, "cpu", ""),
        (NARROW.but(level_kimg=8), 0, "cpu", "500 steps, and compiling costs as much as 1,000 of them save"),
        (NARROW.but(level_kimg=8), 9_000, "cpu", ""),
        (NARROW.but(fade_kimg=15), 601_000, "cpu", "938 steps, and compiling costs as much as 1,000 of them save"),
        (CONFIG_F, 0, "cpu", "with 256 channels or more convolutions take nearly all the time"),
        (CONFIG_F, 0, "cuda", ""),
        (CONFIG_F, 25_000_000, "cuda", "its activations are computed twice, to save memory"),
    ],
)
def test_a_program_is_made_where_it_pays(config, nimg, device, reason):
    assert why_not(config, schedule(config, nimg), torch.device(device)) == reason


def test_the_plan_tells_every_resolution_and_every_fade():
    assert plan(NARROW.but(fade_kimg=8), CPU) == [
        "compile 8x8: yes, which takes about a minute",
        "compile 16x16, fading: no, 500 steps, and compiling costs as much as 1,000 of them save",
        "compile 16x16: yes, which takes about a minute",
        "compile 32x32, fading: no, 500 steps, and compiling costs as much as 1,000 of them save",
        "compile 32x32: yes, which takes about a minute",
    ]


def test_what_cannot_be_compiled_is_refused(monkeypatch, portraits, tiny, tmp_path):
    with pytest.raises(InputError, match="compile True: must be False with shared_fakes"):
        CONFIG_F.but(compile=True, shared_fakes=True)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("CXX", raising=False)
    assert missing_compiler(tiny) == []
    with pytest.raises(InputError, match="compile: needs a C\\+\\+ compiler"):
        train(portraits.path, tmp_path / "run", config=tiny.but(compile=True))
    assert not (tmp_path / "run").exists()
