"""Augmentation in a run: chosen for few pictures, announced, resumed bit for bit, with no trace in G's pictures."""

import dataclasses
import json
import signal

import numpy as np
import pytest
import torch
from PIL import Image

from stylegan import CONFIG_F, InputError
from stylegan.checkpoint import load_networks
from stylegan.cli import training
from stylegan.data.dataset import ImageDataset
from stylegan.data.prepare import prepare
from stylegan.training import ada, fitted as fitting, loop
from stylegan.training.augment import AUGMENTATIONS, Augmentation
from stylegan.training.cost.dry_run import dry_run
from stylegan.training.fitted import fitted
from stylegan.training.objectives import LOSSES, Objectives, verdicts
from stylegan.training.run.first_lines import first_lines
from stylegan.training.run.folder import read_record, write_record
from stylegan.training.schedule import Phase
from stylegan.training.state import TrainingState
from stylegan.training.train import resume, train

from conftest import TINY

CPU = torch.device("cpu")
ADA = TINY.but(augment="ada", ada_kimg=0.1)
FAINTER = Augmentation("fainter", lambda images, u: images / 2)


def entered(config, **own):
    state = TrainingState.new(config, CPU, **own)
    state.enter(Phase(0.0, 16, 8, lrate=0.002, tick_kimg=1))
    return state


# Chosen, and said


def test_few_pictures_are_augmented_by_default_and_many_are_not(portraits, monkeypatch):
    assert fitted(portraits).augment == "diffaug"
    assert fitted(portraits, config=TINY.but(augment="ada")).augment == "ada"
    assert fitted(portraits, config=CONFIG_F.but(initial_resolution=4)).augment == "none"
    monkeypatch.setattr(fitting, "FEW_PICTURES", len(portraits))
    assert fitted(portraits).augment == "none"


def test_the_first_lines_give_the_reason_and_the_way_out(portraits):
    config = fitted(portraits, 1)
    (line,) = [line for line in first_lines(entered(config), portraits, 8) if "augmentation" in line]
    assert (
        "augmentation diffaug" in line
        and "64 pictures are fewer than 5,000" in line
        and "off with augment none" in line
    )
    assert not [line for line in first_lines(entered(TINY), portraits, 8) if "augmentation" in line]


@pytest.mark.parametrize("typed", [["--augment", "none"], ["--augment", "ada"], []])
def test_what_is_typed_wins(typed, portraits, tmp_path, stylegan):
    flags = ["--kimg", "0.008", "--batch", "8", "--channel-max", "8", "--device", "cpu", "--mapping-dim", "8", *typed]
    code, said = stylegan("train", "--data", portraits.path, "--out", tmp_path / "run", *flags)
    assert code == 0 and ("augmentation" in said) == (typed != ["--augment", "none"])
    written = json.loads((tmp_path / "run" / "config.json").read_text())["config"]
    assert written.get("augment", "none") == (typed[1] if typed else "diffaug")


@pytest.mark.parametrize("way", ["command", "python"])
def test_a_first_resolution_of_4_takes_the_place_of_the_automatic_augmentation(way, portraits, tmp_path, stylegan):
    out = tmp_path / "run"
    if way == "python":
        train(portraits.path, out, hours=0.001, fixed={"initial_resolution": 4, "batch": 4}, device=CPU)
    else:
        flags = [
            "--kimg",
            "0.008",
            "--batch",
            "4",
            "--channel-max",
            "8",
            "--device",
            "cpu",
            "--initial-resolution",
            "4",
        ]
        code, said = stylegan("train", "--data", portraits.path, "--out", out, *flags)
        assert code == 0 and "augmentation" not in said
        code, said = stylegan("train", "--data", portraits.path, "--out", out, *flags, "--augment", "diffaug")
        assert code == 2 and "augment diffaug: needs initial_resolution 8" in said
    assert json.loads((out / "config.json").read_text())["config"].get("augment", "none") == "none"


def test_a_budget_gives_ada_time_to_act():
    assert TINY.but(augment="ada").for_budget(100).ada_kimg == 25
    assert TINY.but(augment="ada").for_budget(25_000).ada_kimg == 500
    assert TINY.for_budget(100).ada_kimg == 500


@pytest.mark.parametrize(("typed", "kimg"), [([], 0.1), (["--ada-kimg", "3"], 3), (["--total-kimg", "1"], 500)])
def test_ada_that_is_typed_has_the_ada_kimg_of_the_budget(typed, kimg, portraits, monkeypatch):
    argv = ["--data", str(portraits.path), "--out", "run", "--augment", "ada", *typed]
    argv += [] if "--total-kimg" in typed else ["--kimg", "0.4"]
    started = []
    monkeypatch.setattr("stylegan.training.train.train", lambda data, out, *, config, **rest: started.append(config))
    assert training.train(argv) == 0
    assert (started[0].augment, started[0].ada_kimg) == ("ada", pytest.approx(kimg))


def test_ada_kimg_is_not_typed_for_nothing(portraits, tmp_path, stylegan):
    flags = ["--kimg", "0.004", "--batch", "4", "--channel-max", "8", "--device", "cpu", "--ada-kimg", "3"]
    code, said = stylegan("train", "--data", portraits.path, "--out", tmp_path / "run", *flags)
    assert code == 2 and "--ada-kimg 3: it has an effect only with augment ada, not diffaug" in said


def test_fields_of_a_wrong_type_are_refused_as_ever(portraits):
    with pytest.raises(InputError, match="initial_resolution '4': must be a whole number"):
        train(portraits.path, "run", hours=1, fixed={"initial_resolution": "4"}, device=CPU)


# Your own, from Python


@pytest.mark.parametrize("way", ["train", "resume", "dry_run"])
def test_a_name_is_not_an_augmentation_of_your_own(way, portraits, tmp_path):
    words = r"augment 'ada': must be a stylegan.Augmentation of your own.*CONFIG_F.but\(augment='ada'\)"
    if way == "resume":
        train(portraits.path, tmp_path / "run", config=TINY.but(total_kimg=0.004))
    call = {
        "train": lambda: train(portraits.path, tmp_path / "run", augment="ada", device=CPU),
        "resume": lambda: resume(tmp_path / "run", augment="ada"),
        "dry_run": lambda: dry_run(portraits.path, TINY, CPU, augment="ada"),
    }[way]
    with pytest.raises(InputError, match=words):
        call()


def test_your_own_takes_the_place_of_the_configurations(portraits, tmp_path):
    train(portraits.path, tmp_path / "run", hours=0.001, fixed={"batch": 4}, augment=FAINTER, device=CPU)
    record = json.loads((tmp_path / "run" / "config.json").read_text())
    assert record["augment"] == "fainter" and "augment" not in record["config"]  # not the automatic one
    with pytest.raises(InputError, match="augment fainter, and augment in fixed: give one of them"):
        train(portraits.path, tmp_path / "two", hours=0.001, fixed={"augment": "ada"}, augment=FAINTER, device=CPU)


def test_a_run_that_began_with_ada_and_your_own_goes_on(portraits, tmp_path):
    """As older versions wrote it: the configuration says ada, the state has no probability."""
    train(portraits.path, tmp_path / "run", config=TINY.but(total_kimg=0.008), augment=FAINTER)
    config = TINY.but(total_kimg=0.008, augment="ada")
    state, _ = TrainingState.load(tmp_path / "run/state.safetensors", CPU, augmentation=FAINTER)
    state.config = config
    state.save(tmp_path / "run/state.safetensors")
    write_record(tmp_path / "run", read_record(tmp_path / "run") | {"config": config.to_json()})
    with pytest.raises(InputError, match="was started with augment 'fainter', which only Python can pass on"):
        resume(tmp_path / "run", kimg=0.016)
    resume(tmp_path / "run", kimg=0.016, augment=FAINTER)
    assert TrainingState.load(tmp_path / "run/state.safetensors", CPU, augmentation=FAINTER)[0].cur_nimg == 16


def test_your_own_may_be_adaptive_without_random_numbers(portraits, tmp_path, signals_at):
    seen = []

    def fainter_by_p(images, u):
        seen.append(u.shape)
        return images * (1 - u[:, 0, None, None, None])

    by_p = Augmentation("by_p", fainter_by_p, numbers=0, adaptive=True)
    config = TINY.but(total_kimg=0.08, ada_kimg=0.05)
    train(portraits.path, tmp_path / "whole", config=config, augment=by_p)
    signals_at(7, signal.SIGTERM)
    train(portraits.path, tmp_path / "stopped", config=config, augment=by_p)
    resume(tmp_path / "stopped", augment=by_p)
    whole, stopped = ((tmp_path / run / "state.safetensors").read_bytes() for run in ("whole", "stopped"))
    assert stopped == whole and set(seen) == {(4, 1)}
    with pytest.raises(InputError, match="augment by_p: needs a loss whose logits tell real pictures by their sign"):
        train(portraits.path, tmp_path / "wgan", config=config.but(loss="wgan_gp"), augment=by_p)


# The controller in a run


def test_the_probability_reaches_every_picture_of_both_steps(portraits):
    state = entered(ADA)
    state.augment_p = 0.25
    for_d, for_g = loop.draw_batch(state, portraits, loop.DataOrder(np.arange(64), 0))
    for inputs in (for_d, for_g):
        assert inputs.augment_u.shape == (8, ada.NUMBERS + 1)
        assert (inputs.augment_u[:, -1] == 0.25).all()
        assert inputs.augment_u[:, :-1].std() > 0.2
    assert not torch.equal(for_d.augment_u, for_g.augment_u)


def test_it_moves_every_fourth_step_and_judges_anew_at_a_new_resolution():
    state = entered(ADA)
    shown = [state.adapt({"D_real_sign": sign})["augment_p"] for sign in [1.0, 1.0, 1.0, 1.0, -1.0, -1.0]]
    assert shown == [0, 0, 0, pytest.approx(0.32), pytest.approx(0.32), pytest.approx(0.32)]
    state.enter(state.phase)
    assert state.augment_signs == [-1.0, -1.0]
    state.enter(dataclasses.replace(state.phase, lod=0.5))
    assert state.augment_signs == [] and state.augment_p == pytest.approx(0.32)


def test_the_signs_are_those_of_single_real_pictures():
    real, fake = torch.tensor([[9.0], [-1.0], [-2.0], [-3.0]]), torch.tensor([[-9.0], [1.0], [1.0], [1.0]])
    stats = verdicts(real, fake)
    assert (stats["D_real_sign"], stats["D_fake_sign"]) == (-0.5, 0.5)  # of the means they would be +1 and -1


def test_a_loss_without_signs_is_refused():
    silent = Objectives("silent", LOSSES["logistic"].D, LOSSES["logistic"].G)
    with pytest.raises(InputError, match=r"needs the statistic D_real_sign, which objective silent does not give"):
        entered(ADA, objectives=silent).adapt({"D_loss": 1.0})


@pytest.mark.parametrize("augment", ["diffaug", "ada"])
def test_a_run_that_is_stopped_goes_on_to_the_bit(augment, portraits, tmp_path, signals_at, monkeypatch):
    monkeypatch.setattr(ada, "TARGET", -1.5)  # below all signs: the probability rises with every move
    config = TINY.but(total_kimg=0.12, augment=augment, ada_kimg=0.2, initial_resolution=8)
    train(portraits.path, tmp_path / "whole", config=config)
    signals_at(7, signal.SIGTERM)  # in the middle of four steps
    train(portraits.path, tmp_path / "stopped", config=config)
    resume(tmp_path / "stopped")
    whole, stopped = (
        TrainingState.load(tmp_path / name / "state.safetensors", CPU)[0] for name in ("whole", "stopped")
    )
    assert whole.checksum() == stopped.checksum()
    assert (whole.augment_p, whole.augment_signs) == (stopped.augment_p, stopped.augment_signs)
    lines = (json.loads(line) for line in (tmp_path / "stopped" / "stats.jsonl").read_text().splitlines())
    shown = [line.get("augment_p") for line in lines]
    assert (0 == shown[0] < shown[-1] <= 1) if augment == "ada" else set(shown) == {None}


def test_a_state_without_its_probability_is_damaged(portraits, tmp_path):
    state = entered(ADA)
    state.augment_p, state.augment_signs = 0.5, [0.25]
    state.save(tmp_path / "state.safetensors")
    back, _ = TrainingState.load(tmp_path / "state.safetensors", CPU)
    assert (back.augment_p, back.augment_signs) == (0.5, [0.25])
    state.augmentation = AUGMENTATIONS["none"]  # a writer that forgets them
    state.save(tmp_path / "forgotten.safetensors")
    with pytest.raises(InputError, match=r"counters .*: must be .*augment_p"):
        TrainingState.load(tmp_path / "forgotten.safetensors", CPU)


@pytest.mark.parametrize(("p", "signs"), [(1.5, []), (-0.1, []), ("0", []), (0.5, [1.0] * 4), (0.5, ["x"]), (0.5, 3)])
def test_impossible_counters_are_refused(p, signs, tmp_path):
    state = entered(ADA)
    state.augment_p, state.augment_signs = p, signs
    state.save(tmp_path / "state.safetensors")
    with pytest.raises(InputError, match=r"its counter augment_"):
        TrainingState.load(tmp_path / "state.safetensors", CPU)


# Nothing leaks


@pytest.mark.parametrize("augment", ["diffaug", "ada"])
def test_pictures_are_upright_whole_and_rightly_coloured(augment, tmp_path):
    """The data are blue above, orange below, dark at the left. G's pictures have the same mean."""
    (tmp_path / "pictures").mkdir()
    random = np.random.RandomState(0)
    for i in range(64):
        picture = np.empty((8, 8, 3))
        horizon = 4 + random.randint(-1, 2)
        picture[:horizon], picture[horizon:] = (40, 80, 220), (230, 140, 30)
        picture[:, :2] *= 0.2
        picture += random.uniform(-9, 9, (8, 8, 3))
        Image.fromarray((picture * random.uniform(0.8, 1)).clip(0, 255).astype(np.uint8)).save(
            tmp_path / "pictures" / f"{i}.png"
        )
    prepare(tmp_path / "pictures", tmp_path / "data", resolution=8)
    config = TINY.but(
        img_resolution=8, augment=augment, mirror=False, total_kimg=6, lrate=0.004, batch=16, ema_kimg=0.5,
        ada_kimg=2.0, channel_max=16, channel_base=128, initial_resolution=8, tick_kimg=3,
    )  # fmt: skip
    G = train(tmp_path / "data", tmp_path / "run", config=config)
    dataset = ImageDataset(tmp_path / "data")
    reals = torch.from_numpy(dataset.batch(8, np.arange(64))).float().mean(dim=0) / 127.5 - 1
    made = torch.cat([G.synthesis(G.broadcast(G.mapping(torch.randn(64, G.z_dim), None)), noise_mode="none")])
    fakes = made.clamp(-1, 1).mean(dim=0)
    apart = (fakes - reals).abs().mean()
    others = {"flipped": reals.flip(1), "mirrored": reals.flip(2), "gray": reals.mean(0, keepdim=True).expand_as(reals)}
    assert apart < 0.2
    assert all(apart < (fakes - other).abs().mean() / 2 for other in others.values())
    assert load_networks(tmp_path / "run").G_ema.resolution == 8
