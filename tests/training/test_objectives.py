"""Only objectives say what is learned. Others can replace them, and pictures can be augmented before D sees them."""

import ast
import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch

from stylegan.config import Loss
from stylegan.errors import DivergedError, InputError
from stylegan.training import loop, losses, objectives
from stylegan.training.augment import Augmentation
from stylegan.training.objectives import LOSSES, Batch, Objectives, d_logistic
from stylegan.training.randomness import Fakes, Latents, step_generator
from stylegan.training.schedule import Phase
from stylegan.training.state import TrainingState
from stylegan.training.step import step
from stylegan.training.train import resume, train

from conftest import TINY
from steps import NOISE, assert_same, inputs_for

CPU = torch.device("cpu")
ROOM = Path(objectives.__file__).parent
PHASE = Phase(0.5, 16, 8, lrate=0.002, tick_kimg=1)
BRIGHTER = Augmentation("brighter", lambda images, u: images + u[:, :1, None, None] - 0.5, numbers=2)


def d_hinge(G, D, batch):
    real, fake = D(batch.augment(batch.reals), batch.c), D(batch.augment(G(batch.latents)), batch.latents.c)
    return torch.relu(1 - real) + torch.relu(1 + fake), {"D_gap": (real - fake).mean()}


def g_hinge(G, D, batch):
    return -D(batch.augment(G(batch.latents)), batch.latents.c), {}


HINGE = Objectives("hinge", d_hinge, g_hinge)


def entered(config=TINY, **own):
    state = TrainingState.new(config, CPU, **own)
    state.enter(PHASE)
    return state


def a_step_of_each(state):
    """The statistics and gradients of a step of D and of one of G, on the same inputs in every state."""
    generator = step_generator(0, 0, CPU)
    reals = torch.randn(PHASE.batch, 3, 16, 16, generator=generator)
    for_d, for_g = (inputs_for(state, reals, generator) for _ in range(2))
    found = step(state, "D", state.objectives.D, for_d) | step(state, "G", state.objectives.G, for_g)
    named = [*state.D.named_parameters("D"), *state.G.named_parameters("G")]
    return found | {n: p.grad for n, p in named if p.grad is not None and n != NOISE}


# The seam


def called_names(path):
    """Whatever is called in a module, as it is written there."""
    return {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}


def test_d_is_called_by_the_objectives_alone():
    """run/health.py asks D too: it measures and trains nothing. `judge` in step.py is the D that objectives call."""
    callers = {path.name for path in ROOM.rglob("*.py") if called_names(path) & {"D", "state.D", "self.D"}}
    assert callers == {"objectives.py", "step.py", "health.py"}
    assert "judge" not in called_names(ROOM / "step.py")


def test_an_objective_knows_nothing_of_how_it_is_computed():
    tree = ast.parse((ROOM / "objectives.py").read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in modules if name.startswith("stylegan")} == {
        *("stylegan.config", "stylegan.training", "stylegan.training.randomness")
    }


def test_every_loss_of_a_configuration_is_an_entry_of_the_table_and_named_nowhere_else():
    assert list(LOSSES) == [loss.name for loss in LOSSES.values()]
    assert set(LOSSES) == set(get_args(Loss))
    compared = [
        path.name
        for path in ROOM.parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare) and ast.unparse(node.left).endswith(".loss")
    ]
    assert compared == []


def batch_of_two(gamma=None, augment=lambda images: images):
    reals = torch.tensor([1.0, 2.0])[:, None, None, None].expand(2, 1, 4, 4).clone().requires_grad_(gamma is not None)
    return Batch(reals, None, Latents(None, *[torch.zeros(2)] * 3, None), torch.zeros(2, 1, 1, 1), augment, 0, gamma)


def mean_of(images, c):
    """A discriminator whose gradient at a picture of 16 pixels has the length 1/4."""
    return images.mean(dim=(1, 2, 3))[:, None]


def test_r1_counts_at_the_pictures_as_they_are_and_differentiates_the_augmentation():
    G = torch.zeros(2, 1, 4, 4)
    for factor in (1.0, 3.0):
        scale = lambda images, factor=factor: factor * images  # noqa: E731
        plain, _ = d_logistic(lambda latents: G, mean_of, batch_of_two(None, scale))
        loss, _ = d_logistic(lambda latents: G, mean_of, batch_of_two(10.0, scale))
        torch.testing.assert_close(loss - plain, torch.full((2, 1), 10 / 2 * factor**2 / 16))


def test_wgan_gp_looks_between_the_pictures_through_the_augmentation():
    double = lambda images: 2 * images  # noqa: E731
    loss, _ = objectives.d_wgan_gp(lambda latents: torch.zeros(2, 1, 4, 4), mean_of, batch_of_two(1.0, double))
    reals = 2 * torch.tensor([[1.0], [2.0]])
    torch.testing.assert_close(loss, -reals + 10 * (2 / 4 - 1) ** 2 + 0.001 * reals**2)


def test_weights_that_are_frozen_stay_so_and_get_no_gradient():
    state = entered()
    frozen = [next(state.D.parameters()), next(state.G.parameters())]
    for p in frozen:
        p.requires_grad_(False)
    before = [p.clone() for p in frozen]
    gradients = a_step_of_each(state).keys()
    assert [p.requires_grad for p in frozen] == [False, False]
    assert all(torch.equal(p, q) for p, q in zip(frozen, before, strict=True))
    learning = [p for p in [*state.D.parameters(), *state.G.parameters()] if all(p is not q for q in frozen)]
    assert all(p.requires_grad for p in learning)
    assert gradients and all(p.grad is None for p in frozen)


# Gradients that are not finite


def infinite(objective):
    """The same values; the gradient is infinite, or no number, where the values say nothing of it."""

    def with_infinite_gradient(G, D, batch):
        loss, stats = objective(G, D, batch)
        return loss + (loss - loss.detach()).abs().sqrt(), stats

    return with_infinite_gradient


@pytest.mark.parametrize("learner", ["D", "G"])
def test_an_update_whose_gradient_is_not_finite_changes_neither_weights_nor_adam(learner):
    state = entered()
    a_step_of_each(state)  # Adam has something to lose
    network, optimizer = (state.D, state.D_opt) if learner == "D" else (state.G, state.G_opt)
    before = {name: p.clone() for name, p in network.named_parameters()}
    moments = [{key: t.clone() for key, t in of_p.items()} for of_p in optimizer.state.values()]
    inputs = inputs_for(state, torch.randn(8, 3, 16, 16), step_generator(0, 1, CPU))
    stats = step(state, learner, infinite(getattr(state.objectives, learner)), inputs)
    assert stats[f"{learner}_loss"].isfinite() and not stats[f"{learner}_gradient"].isfinite()
    assert all(torch.equal(p, before[name]) for name, p in network.named_parameters())
    for of_p, then in zip(optimizer.state.values(), moments, strict=True):
        assert all(torch.equal(t, then[key]) for key, t in of_p.items())


@pytest.mark.parametrize("learner", ["D", "G"])
def test_a_run_ends_at_the_step_whose_gradient_is_not_finite_and_keeps_the_state_before_it(
    portraits, tiny, tmp_path, learner
):
    calls, sound = [], LOSSES["logistic"]
    objective = getattr(sound, learner)

    def fifth_is_infinite(G, D, batch):
        calls.append(1)
        return (infinite(objective) if len(calls) == 5 else objective)(G, D, batch)

    own = replace(sound, **{learner: fifth_is_infinite})
    with pytest.raises(DivergedError, match=rf"at 20 images diverged: {learner}_gradient is (inf|nan)\. The last"):
        train(portraits.path, tmp_path / "run", config=tiny, objectives=own, state_sec=0)
    kept, _ = TrainingState.load(tmp_path / "run/state.safetensors", CPU)
    assert kept.cur_nimg == 16
    assert all(t.isfinite().all() for t in kept._tensors().values())
    assert "D_gradient" not in kept.sums


# The augmentation


def test_reals_and_fakes_of_a_step_of_d_meet_the_same_numbers_and_the_fakes_of_g_others():
    seen = []
    watching = Augmentation("watching", lambda images, u: (seen.append((images.detach(), u)), images)[1], numbers=3)
    state = entered(augmentation=watching)
    shown = []
    state.D.register_forward_pre_hook(lambda _, args: shown.append(args[0].detach().clone()))
    a_step_of_each(state)
    assert len(seen) == len(shown) == 3  # real and fake of D, fake of G: each passes before D sees it
    assert all(torch.equal(images, judged) for (images, _), judged in zip(seen, shown, strict=True))
    (real, u_real), (fake, u_fake), (_, u_g) = seen
    assert not torch.equal(real, fake)
    assert torch.equal(u_real, u_fake) and u_real.shape == (8, 3)
    assert not torch.equal(u_real, u_g)


@pytest.mark.parametrize("config", [TINY, TINY.but(loss="wgan_gp")], ids=["logistic", "wgan_gp"])
def test_micro_batches_of_augmented_pictures_change_nothing(float64, config):
    whole = a_step_of_each(entered(config, augmentation=BRIGHTER))
    assert_same(a_step_of_each(entered(config.but(batch_gpu=4), augmentation=BRIGHTER)), whole, 1e-9)


def test_g_learns_through_the_augmentation():
    seeing, blind = (
        a_step_of_each(entered(augmentation=Augmentation("scaled", lambda images, u, scale=scale: scale * images)))
        for scale in (1, 0)
    )
    assert any(gradient.any() for name, gradient in seeing.items() if name.startswith("G."))
    assert not any(gradient.any() for name, gradient in blind.items() if name.startswith("G."))


def test_an_augmentation_takes_no_random_number_from_the_rest(portraits):
    drawn = []
    for own in ({}, {"augmentation": BRIGHTER}):
        state = TrainingState.new(TINY.but(total_kimg=0.004), CPU, **own)
        state.enter(Phase(0.0, 16, 4, lrate=0.002, tick_kimg=1))
        drawn.append(loop.draw_batch(state, portraits, loop.DataOrder(torch.arange(64).numpy(), 0)))
    for plain, augmented in zip(*drawn, strict=True):
        assert torch.equal(plain.reals, augmented.reals) and torch.equal(plain.latents.z, augmented.latents.z)
        assert (plain.augment_u.shape, augmented.augment_u.shape) == ((4, 0), (4, 2))


# One's own, in a run


def test_your_own_loss_and_augmentation_train_and_resume_bit_for_bit(portraits, tiny, tmp_path, signals_at):
    config, own = tiny.but(total_kimg=0.12), {"objectives": HINGE, "augment": BRIGHTER}
    train(portraits.path, tmp_path / "whole", config=config, **own)
    signals_at(12, signal.SIGTERM)
    train(portraits.path, tmp_path / "stopped", config=config, **own)
    resume(tmp_path / "stopped", **own)
    whole, stopped = ((tmp_path / run / "state.safetensors").read_bytes() for run in ("whole", "stopped"))
    assert stopped == whole
    line = json.loads((tmp_path / "whole/stats.jsonl").read_text().splitlines()[-1])
    assert line.keys() >= {"D_loss", "D_gap", "G_loss"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"augment": BRIGHTER}, r"started with objectives 'hinge', which only Python can pass on.*objectives=\.\.\."),
        ({"objectives": Objectives("lsgan", d_hinge, g_hinge), "augment": BRIGHTER}, "objectives 'hinge', not 'lsgan'"),
        ({"objectives": LOSSES["wgan_gp"], "augment": BRIGHTER}, "objectives 'hinge', not 'wgan_gp'"),
        ({"objectives": HINGE}, r"augment 'brighter', which only Python can pass on.*augment=\.\.\."),
    ],
)
def test_a_run_goes_on_with_its_own_loss_and_augmentation_only(portraits, tiny, tmp_path, given, words):
    config = tiny.but(total_kimg=0.004)
    train(portraits.path, tmp_path / "run", config=config, objectives=HINGE, augment=BRIGHTER)
    with pytest.raises(InputError, match=words):
        resume(tmp_path / "run", **given)


def test_a_run_of_the_packages_loss_goes_on_without_another(portraits, tiny, tmp_path):
    train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.004))
    kept = json.loads((tmp_path / "run/config.json").read_text())
    assert kept.keys() == {"config", "data", "keep_snapshots", "metrics", "record_sha256"}
    with pytest.raises(InputError, match="was started without objectives='hinge': continue without it"):
        resume(tmp_path / "run", objectives=HINGE)


def test_shared_fakes_go_through_your_own_objectives():
    state = entered(TINY.but(shared_fakes=True), objectives=HINGE)
    inputs, made = inputs_for(state, torch.randn(8, 3, 16, 16), step_generator(0, 0, CPU)), []
    state.G.synthesis.register_forward_hook(lambda *_: made.append(1))
    stats = loop.take_steps(state, inputs, inputs)
    assert len(made) == 1 and stats.keys() == {"D_loss", "D_gap", "D_gradient", "G_loss", "G_gradient"}


def test_fakes_of_d_carry_no_gradient_and_those_of_g_do():
    seen = []

    def d(G, D, batch):
        seen.append((G(batch.latents), batch.reals.requires_grad, batch.gamma))
        return D(seen[-1][0], None), {}

    state = entered(TINY.but(r1_interval=4, r1_gamma=3.0))
    inputs = inputs_for(state, torch.randn(8, 3, 16, 16), step_generator(0, 0, CPU))
    for learner in ("D", "G"):
        step(state, learner, d, inputs)
    (of_d, penalized, gamma), (of_g, *in_g) = seen
    assert (of_d.requires_grad, penalized, gamma) == (False, True, 12.0)
    assert (of_g.requires_grad, *in_g) == (True, False, None)
    made = inputs._replace(latents=inputs.latents._replace(made=Fakes(of_g, None)))
    assert made.part(slice(0, None, 1)).latents.made is made.latents.made


def test_the_public_losses_are_those_of_the_objectives():
    import stylegan

    assert stylegan.losses is losses and stylegan.Objectives is Objectives
