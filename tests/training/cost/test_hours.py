"""`stylegan train --hours`: what is chosen for a time, what is said of it, and what is refused."""

import json
import math
from functools import partial

import pytest
import torch

import stylegan
from stylegan.config import CONFIG_F
from stylegan.data.dataset import ImageDataset
from stylegan.errors import InputError
from stylegan.training.cost import hours as module, measuring
from stylegan.training.cost.budget import level_sec
from stylegan.training.cost.hours import Own, chosen_lines, plan_for, week_lines
from stylegan.training.cost.measuring import Cost
from stylegan.training.machine.environment import using_threads
from stylegan.training.rule import LADDER, LONG_KIMG, WIDE, ruled
from stylegan.training.run.bar import image_cost_mflop
from stylegan.training.run.folder import read_config
from stylegan.training.schedule import level_images, refused_batches

CPU = torch.device("cpu")
SMALL = CONFIG_F.but(img_resolution=64)
NOTHING = Own({})
TYPED = {"channel_base": 128, "channel_max": 8, "z_dim": 8, "w_dim": 8, "mapping_dim": 8, "batch": 4}


@pytest.fixture
def speed(monkeypatch):
    """speed(1e-5): the machine needs so many seconds for a million multiplications."""

    def arrange(sec_per_mflop, *, spread=0.0):
        def measure(config, device, *, allowance, **how):
            allowance.spent += 1.0
            return {
                r: Cost(sec_per_mflop * image_cost_mflop(config, r), None, spread=spread, batch=16)
                for r in level_images(config)
            }

        monkeypatch.setattr(module, "measure_levels", measure)

    return arrange


def plan(hours, config=SMALL, own=NOTHING):
    return plan_for(config, hours, CPU, own=own, say=lambda line: None)


def test_the_forecast_is_the_time_that_was_given(speed):
    speed(5e-4)
    for hours in (0.2, 1, 10, 200):
        found = plan(hours)
        assert found.training_sec + found.measured_sec == pytest.approx(3600 * hours, rel=0.02)


def test_the_time_of_choosing_is_taken_from_that_of_training(monkeypatch):
    def measure(config, device, *, allowance, **how):
        allowance.spent += 20.0
        return {r: Cost(1e-3, None, spread=0.0, batch=16) for r in level_images(config)}

    monkeypatch.setattr(module, "measure_levels", measure)
    found = plan(0.2)
    assert found.measured_sec >= 20
    assert found.training_sec + found.measured_sec == pytest.approx(720, rel=0.01)


def test_more_time_gives_a_wider_network_never_a_narrower_one_and_a_better_machine_too(speed):
    def widths():
        return [plan(hours).config.channel_max for hours in (0.1, 0.5, 2, 10, 50, 500, 5000)]

    speed(1e-3)
    slow = widths()
    speed(1e-5)
    fast = widths()
    assert slow == sorted(slow) and fast == sorted(fast)
    assert slow[0] == 32 and fast[-1] == 512
    assert all(a <= b for a, b in zip(slow, fast, strict=True))


def test_every_rung_sees_its_images(speed):
    speed(1e-4)
    for hours in (0.1, 0.5, 2, 10, 50, 500, 5000):
        config = plan(hours).config
        (rung,) = [r for r in LADDER if (r.width, r.short) == (config.channel_max, config.shared_fakes)]
        assert config.total_kimg >= rung.least_kimg


def test_a_short_time_has_no_noise_and_a_long_one_has(speed):
    speed(1e-4)
    short, long = plan(0.02).config, plan(20).config
    assert (short.noise, short.shared_fakes, short.total_kimg < LONG_KIMG) == (False, True, True)
    assert (long.noise, long.shared_fakes) == (True, False)


def test_fixed_fields_are_kept(speed):
    speed(1e-4)
    own = Own({"channel_max": 48, "lrate": 0.01, "mirror": False, "level_kimg": 7.0, "noise": True})
    config = plan(0.1, own=own).config
    assert {name: getattr(config, name) for name in own.fixed} == own.fixed
    assert config.lrate_at == {}


def test_what_refuses_shared_fakes_gets_none(speed):
    speed(1e-4)
    assert not plan(0.1, own=Own({"batch_gpu": 4})).config.shared_fakes


def test_a_network_that_the_gpu_cannot_hold_is_left_for_a_smaller_one(speed, monkeypatch):
    speed(1e-6)
    measure, tried = module.measure_levels, []

    def full(config, device, **how):
        tried.append(config.channel_max)
        if config.channel_max > 32:
            raise torch.OutOfMemoryError
        return measure(config, device, **how)

    monkeypatch.setattr(module, "measure_levels", full)
    assert plan(1).config.channel_max == 32
    assert max(tried) == 64  # and no wider one, once 64 channels were too many


def test_if_the_smallest_network_is_too_large_the_gpus_own_error_is_raised(speed, monkeypatch):
    def full(config, device, **how):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(module, "measure_levels", full)
    with pytest.raises(torch.OutOfMemoryError):
        plan(1)


@pytest.mark.parametrize("sec_per_mflop", [1e-5, 1e-4, 1e-3])
@pytest.mark.parametrize("H", [16, 256])
def test_choosing_takes_at_most_a_minute_on_any_machine(monkeypatch, sec_per_mflop, H):
    class State:
        def __init__(self, config):
            self.config, self.device = config, CPU

    def timed_step(state, resolution, penalized, batch):
        sec = sec_per_mflop * batch * image_cost_mflop(state.config, resolution) * (1.4 if penalized else 1.0)
        return sec, None

    monkeypatch.setattr(measuring.TrainingState, "new", lambda config, device, **own: State(config))
    monkeypatch.setattr(measuring, "_timed_step", timed_step)
    with using_threads(2):  # both one and two are tried
        found = plan(4, config=CONFIG_F.but(img_resolution=H))
    assert found.measured_sec < 60


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("H", [8, 16, 32, 64, 128, 256, 512, 1024])
@pytest.mark.parametrize("rung", LADDER)
def test_the_rule_has_a_network_for_every_resolution_and_rung(rung, H, gpu):
    config = ruled(CONFIG_F.but(img_resolution=H), rung, gpu=gpu)
    assert config.channels(H) >= 16
    assert (config.lrate_at == CONFIG_F.lrate_at) == (rung.width >= WIDE)


def test_the_rules_batches_can_be_shared_by_many_processes():
    for world in (2, 4, 8):
        assert refused_batches(ruled(CONFIG_F, LADDER[-1], gpu=True, world=world), world) == []


def test_the_rules_wide_network_is_the_papers_but_for_its_schedule():
    config = ruled(CONFIG_F, LADDER[-1], gpu=True)
    assert config.network == CONFIG_F.network


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"hours": 0}, r"hours 0: must be a number above 0"),
        ({"hours": -1.0}, "must be a number above 0"),
        ({"hours": math.nan}, "must be a number above 0"),
        ({"hours": math.inf}, "up to 20,000"),
        ({"hours": "1"}, "must be a number"),
        ({"hours": 1, "kimg": 5}, "the time decides how many images are shown, so give one of them"),
        ({"hours": 1, "fixed": {"total_kimg": 5}}, "give one of them"),
        ({"hours": 1, "fixed": {"lrat": 5}}, "lrat: no such field"),
        ({"hours": 1, "config": CONFIG_F}, "a config is used as it is"),
        ({"fixed": {"mirror": False}}, "give hours"),
        ({"hours": 1e-9, "fixed": TYPED}, "a single step takes .* seconds here, so the least is"),
    ],
)
def test_impossible_times_are_refused(portraits, tmp_path, how, words):
    with pytest.raises(InputError, match=words):
        stylegan.train(portraits.path, tmp_path / "run", **how)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--hours", "0"], "must be a number above 0"),
        (["--hours", "1", "--kimg", "5"], "give one of them"),
        (["--hours", "1", "--total-kimg", "5"], "give one of them"),
    ],
)
def test_the_command_refuses_them_too(portraits, tmp_path, stylegan, flags, words):
    code, said = stylegan("train", "--data", portraits.path, "--out", tmp_path / "run", *flags)
    assert code == 2
    assert words in " ".join(said.split())


def test_an_existing_run_is_refused_before_anything_is_measured(portraits, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "measure_levels", None)
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError, match="exists: continue it"):
        stylegan.train(portraits.path, tmp_path / "run", hours=1)


def test_the_command_trains_for_a_time_and_says_in_five_lines_what_it_chose(portraits, tmp_path, stylegan):
    flags = [part for name, value in TYPED.items() for part in (f"--{name.replace('_', '-')}", value)]
    code, said = stylegan("train", "--data", portraits.path, "--out", tmp_path / "run", "--hours", "0.001", *flags)
    assert code == 0, said
    lines = said.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("chosen for this time"))
    assert lines[0].startswith("measuring 8 channels on 1 thread: 8x8, ")
    assert [line.split(":")[0].split(",")[0] for line in lines[start : start + 5]] == [
        "chosen for this time", "images", "learning", "speed", "time"
    ]  # fmt: skip
    config, _ = read_config(tmp_path / "run")
    assert {name: getattr(config, name) for name in TYPED} == TYPED
    assert config.r1_interval == 4
    stats = [json.loads(line) for line in (tmp_path / "run" / "stats.jsonl").read_text().splitlines()]
    assert stats[-1]["cur_nimg"] >= 1000 * config.total_kimg


def test_a_dry_run_of_a_time_tells_what_it_would_choose(portraits, tmp_path, stylegan):
    flags = [part for name, value in TYPED.items() for part in (f"--{name.replace('_', '-')}", value)]
    code, said = stylegan("train", "--data", portraits.path, "--dry-run", "--hours", "0.01", *flags)
    assert code == 0
    assert "chosen for this time: at most 8 channels" in said
    assert "total" in said and not list(tmp_path.iterdir())


def test_a_row_of_table_1_stays_that_row(portraits, tmp_path, stylegan):
    typed = ["--channel-base", "128", "--channel-max", "8", "--batch", "4", "--batch-at", ""]
    args = ["--data", portraits.path, "--dry-run", "--hours", "0.01", "--config", "A", *typed]
    code, said = stylegan("train", *args)
    assert code == 0, said
    assert "no noise inputs" in said and "4x4" in said


def test_the_lines_say_what_is_done_and_how_sure_the_forecast_is(speed, portraits):
    speed(1e-4, spread=0.2)
    found = plan(10)
    said = "\n".join(chosen_lines(found, ImageDataset(portraits.path)))
    assert f"at most {found.config.channel_max} channels" in said
    assert f"images: {1000 * found.config.total_kimg:,.0f}, each of the 64 pictures" in said
    assert "rate 0.003, from 64x64 0.002; R1 2.5 in one of 4 steps" in said
    assert "give or take 30%, until " in said


def test_too_few_images_for_pictures_are_said_to_be_too_few(speed, portraits):
    speed(1.0)
    said = chosen_lines(plan(0.2), ImageDataset(portraits.path))
    assert "expect blobs" in said[-1] and "--resolution 32" in said[-1]


def test_a_run_of_more_than_a_week_is_reported_with_its_end_and_an_alternative(speed):
    speed(1e-2)
    (line,) = week_lines(SMALL, CPU, NOTHING)
    days = sum(level_sec(SMALL, {r: Cost(1e-2 * image_cost_mflop(SMALL, r), None) for r in (8, 16, 32, 64)}).values())
    assert f"about {days / 86400:,.0f} days" in line and "--hours" in line
    speed(1e-6)
    assert week_lines(SMALL, CPU, NOTHING) == []


def test_training_reports_it_before_it_starts(portraits, tmp_path, monkeypatch, capsys):
    seen = []
    monkeypatch.setattr("stylegan.training.train.week_lines", lambda *args: seen.append(args) or ["80 days"])
    monkeypatch.setattr("stylegan.training.train._go_on", lambda *args: print("began"))
    stylegan.train(portraits.path, tmp_path / "run")
    assert len(seen) == 1
    captured = capsys.readouterr()
    assert "80 days" in captured.err and captured.out == "began\n"
    stylegan.train(portraits.path, tmp_path / "short", kimg=1)
    assert len(seen) == 1


def test_the_faster_number_of_threads_is_taken_and_one_where_more_gain_little(monkeypatch):
    def measure(config, device, *, allowance, gain, **how):
        sec = 1.0 / (gain if torch.get_num_threads() > 1 else 1.0)
        return {r: Cost(sec, None, batch=16) for r in level_images(config)}

    monkeypatch.setattr(module.torch, "get_num_threads", lambda: numbers[-1])
    monkeypatch.setattr("stylegan.training.machine.environment.torch.set_num_threads", lambda n: numbers.append(n))
    for gain, expected in ((1.1, 1), (1.8, 4)):
        numbers = [4]
        monkeypatch.setattr(module, "measure_levels", partial(measure, gain=gain))
        assert plan(1).threads == expected
        assert numbers[-1] == 4  # as it was
