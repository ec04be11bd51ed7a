"""Five real training steps of the authors' code (golden/train_steps.npz): D, average, G, with resets and a fade."""

import math

import pytest
import torch

from stylegan.networks.layers import downsample
from stylegan.training.averages import ema_beta, update_ema
from stylegan.training.batch import Inputs
from stylegan.training.randomness import Latents
from stylegan.training.schedule import Phase
from stylegan.training.state import TrainingState
from stylegan.training.step import step

import golden

DATA, META = golden.load("train_steps")


def authors_inputs(state: TrainingState, reals: torch.Tensor, key: str) -> Inputs:
    """The pictures, the latents and the crossover of the authors' step, with stored noise."""
    active = state.G.num_ws - 2 * int(state.G.lod)
    maps = state.G.synthesis.noise_maps(META["minibatch"], "const", None, None, state.G.lod)
    latents = Latents(
        c=None,
        z=golden.tensor(DATA[f"{key}/lat"]),
        z2=golden.tensor(DATA[f"{key}/lat2"]),
        crossover=int(DATA[f"{key}/cut"]) if DATA[f"{key}/u"] < 0.9 else active,
        noise=list(maps),
    )
    N = META["minibatch"]
    return Inputs(reals, None, latents, u=torch.zeros(N, 1, 1, 1), augment_u=torch.zeros(N, 0))


def run_the_five_steps() -> dict[str, dict[str, torch.Tensor]]:
    """Our weights at the start and after steps 0, 1 and 4, and the losses of each step."""
    config = golden.config(META["config"]).but(r1_gamma=10.0)
    state = TrainingState.new(config, torch.device("cpu"))
    golden.fill(state.G, DATA, "init/G/")
    golden.fill(state.D, DATA, "init/D/")
    state.G_ema.load_state_dict(state.G.state_dict())
    found = {"init": weights(state)}
    for i, given in enumerate(META["steps"]):
        lod = given["lod"]
        phase = state.enter(Phase(lod, 16 >> math.floor(lod), META["minibatch"], META["lr"], tick_kimg=1))
        assert given["reset"] == (state.adam_steps == 0)
        reals = downsample(golden.tensor(DATA[f"step{i}/D/reals"]), 2 ** math.floor(phase.lod))
        d_stats = step(state, "D", state.objectives.D, authors_inputs(state, reals, f"step{i}/D"))
        w_avg = state.G.w_avg.clone()
        beta = ema_beta(META["minibatch"], META["G_smoothing_kimg"])
        assert beta == pytest.approx(META["Gs_beta"])
        update_ema(state.G_ema, state.G, beta)
        g_stats = step(state, "G", state.objectives.G, authors_inputs(state, reals, f"step{i}/G"))
        found[f"step{i}"] = {"D_loss": d_stats["D_loss"], "G_loss": g_stats["G_loss"], "w_avg": w_avg}
        found[f"after{i}"] = weights(state)
    return found


def weights(state: TrainingState) -> dict[str, torch.Tensor]:
    return {
        f"{name}.{key}": value.clone()
        for name, network in state.networks().modules().items()
        for key, value in network.state_dict().items()
    }


OURS = run_the_five_steps()


@pytest.mark.parametrize("i", range(5))
def test_the_losses_of_each_step_are_the_authors(i):
    for name in ("D_loss", "G_loss"):
        assert OURS[f"step{i}"][name].item() == pytest.approx(DATA[f"step{i}/{name}"].mean(), rel=1e-3), name
    assert golden.relative_error(OURS[f"step{i}"]["w_avg"], DATA[f"step{i}/after_D/dlatent_avg"]) < 1e-3


@pytest.mark.parametrize("i", [0, 1, 4])
@pytest.mark.parametrize("network", ["G", "D", "G_ema"])
def test_the_change_of_every_weight_is_the_authors(i, network):
    state = TrainingState.new(golden.config(META["config"]), torch.device("cpu"))
    authors_name = "Gs" if network == "G_ema" else network
    theirs = golden.our_arrays(state.networks().modules()[network], DATA, f"after{i}/{authors_name}/")
    bad = {}
    for name, after in theirs.items():
        initial = OURS["init"][f"{network}.{name}"]
        error = (OURS[f"after{i}"][f"{network}.{name}"] - after).abs().max()
        largest = (after - initial).abs().max()
        if error > 1e-2 * largest:
            bad[name] = (error / largest).item()
    assert bad == {}  # no tensor's gradient is rounding noise: epsilon is added where the authors add it
