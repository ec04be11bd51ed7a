"""Steps as compiled programs: the same numbers, one program for all steps that differ in numbers alone."""

import shutil
import signal
import sysconfig

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from stylegan.config import CONFIG_F, TABLE_1
from stylegan.errors import InputError
from stylegan.networks.fast import when
from stylegan.networks.generator import Generator
from stylegan.training.loop import take_steps
from stylegan.training.machine import compiler, programs
from stylegan.training.machine.environment import environment
from stylegan.training.machine.programs import missing_compiler, plan, why_not
from stylegan.training.randomness import step_generator
from stylegan.training.schedule import Phase
from stylegan.training.state import TrainingState
from stylegan.training.step import step
from stylegan.training.train import resume, train

from conftest import TINY
from steps import NOISE, assert_same, inputs_for

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
        penalized = i % config.r1_interval == 0
        state.enter(Phase(lod, 16 >> int(lod), N, lrate=0.002, tick_kimg=1, penalized=penalized))
        generator = step_generator(0, i, CPU)
        reals = torch.randn(N, 3, 16 >> int(lod), 16 >> int(lod), generator=generator)
        c = torch.eye(2)[torch.arange(N) % 2].to(reals.dtype) if config.c_dim else None
        mixing = float(config.style_mixing_prob > 0)
        inputs = [inputs_for(state, reals, generator, c=c, mixing=mixing) for _ in range(2)]
        found |= {f"{i} {name}": value for name, value in take_steps(state, *inputs).items()}
    tensors = {f"{n}.{k}": t for n, net in state.networks().modules().items() for k, t in net.state_dict().items()}
    return found | {name: t for name, t in tensors.items() if not name.endswith(NOISE.removeprefix("G."))}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_a_recorded_step_is_the_step(float64, records, config):
    lods = [0.75, 0.5, 0.25, 0.0, 0.0]
    assert_same(after_steps(config.but(compile=True), lods=lods), after_steps(config, lods=lods), 1e-8)
    kinds_of_d = 2 if config.r1_interval > 1 else 1
    assert len(records) == 2 * (kinds_of_d + 1)  # fading and not; of D and of G


@pytest.mark.skipif(bool(compiler.missing()), reason="needs a C++ compiler")
def test_a_compiled_step_is_the_step(float64, monkeypatch):
    monkeypatch.setattr(programs, "MIN_STEPS", 0)
    assert_same(after_steps(TINY.but(compile=True), lods=[1.5, 1.25]), after_steps(TINY, lods=[1.5, 1.25]), 1e-8)


def test_a_run_with_programs_resumes_bit_for_bit(portraits, tiny, tmp_path, signals_at, records):
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
    ("config", "resolution", "device", "reason"),
    [
        (NARROW, 8, "cpu", ""),
        (NARROW.but(level_kimg=79), 8, "cpu", "4,938 steps, and compiling costs as much time as 5,000 of them save"),
        (
            NARROW.but(level_kimg=79, fade_kimg=79),
            16,
            "cpu",
            "9,875 steps, and compiling costs as much time as 10,000 of them save",
        ),
        (NARROW.but(level_kimg=80, fade_kimg=80), 16, "cpu", ""),
        (NARROW.but(level_kimg=80, fade_kimg=0), 16, "cpu", ""),
        (NARROW.but(total_kimg=1), 8, "cpu", "62 steps, and compiling costs as much time as 5,000 of them save"),
        (NARROW.but(total_kimg=1), 32, "cpu", "0 steps, and compiling costs as much time as 10,000 of them save"),
        (NARROW, 8, "mps", "not for mps"),
        (CONFIG_F, 32, "cpu", "with 256 channels or more, convolutions take nearly all the time"),
        (CONFIG_F, 32, "cuda", ""),
        (CONFIG_F, 1024, "cuda", "its activations are computed twice, to save memory"),
    ],
)
def test_a_program_is_made_where_it_pays(config, resolution, device, reason):
    assert why_not(config, resolution, torch.device(device)) == reason


def test_the_plan_tells_every_resolution():
    assert plan(NARROW.but(level_kimg=90, fade_kimg=50), CPU) == [
        "compile 8x8: yes, for 1 phase, each 1 to 3 minutes",
        "compile 16x16: no, 8,750 steps, and compiling costs as much time as 10,000 of them save",
        "compile 32x32: yes, for 2 phases, each 1 to 3 minutes",
    ]


def test_no_bands_are_recorded(float64, monkeypatch):
    monkeypatch.setattr(when, "LARGE_BYTES", 0)
    G = Generator(TINY).requires_grad_(False)
    with torch.no_grad():
        assert when.large_unrecorded(torch.zeros(1, 8, 16, 16))
        graph = make_fx(G)(torch.zeros(1, G.z_dim)).graph
    assert not [node for node in graph.nodes if node.target is torch.ops.aten.batch_norm_update_stats.default]


def test_a_step_leaves_its_pictures_as_they_were():
    state, reals = TrainingState.new(TINY, CPU), torch.zeros(4, 3, 16, 16)
    state.enter(Phase(0.0, 16, 4, lrate=0.002, tick_kimg=1))
    step(state, "D", state.objectives.D, inputs_for(state, reals, step_generator(0, 0, CPU)))
    assert not reals.requires_grad


def test_what_cannot_be_compiled_is_refused(monkeypatch, portraits, tiny, tmp_path):
    with pytest.raises(InputError, match="compile True: must be False with shared_fakes"):
        CONFIG_F.but(compile=True, shared_fakes=True)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    assert missing_compiler(tiny.but(compile=True), CPU) == []  # too short to compile anything
    monkeypatch.setattr(programs, "MIN_STEPS", 0)
    assert missing_compiler(tiny, CPU) == []
    with pytest.raises(InputError, match=r"(?s)needs \S+, .* in the variable CXX.*needs Python\.h, .*python3-dev"):
        train(portraits.path, tmp_path / "run", config=tiny.but(compile=True))
    assert not (tmp_path / "run").exists()


def test_a_state_names_the_compiler_of_its_programs():
    assert "compiler" not in environment(CPU, TINY)
    assert environment(CPU, TINY.but(compile=True))["compiler"]


def test_ctrl_c_while_compiling_says_how_to_go_on(portraits, tiny, tmp_path, monkeypatch, capsys):
    class Killed(torch._dynamo.exc.BackendCompilerFailed):
        def __init__(self):
            Exception.__init__(self, "g++ was killed by SIGINT")

    def compiling(state, dataset, indices, watcher):
        watcher.stop = stop
        raise Killed

    monkeypatch.setattr("stylegan.training.train.training_loop", compiling)
    stop = True
    with pytest.raises(KeyboardInterrupt):
        train(portraits.path, tmp_path / "stopped", config=tiny)
    assert f"--resume {tmp_path / 'stopped'}" in capsys.readouterr().err.replace("\n", "")
    stop = False
    with pytest.raises(Killed):
        train(portraits.path, tmp_path / "failed", config=tiny)
