"""A configuration is checked when it is made, and survives JSON."""

import copy
import dataclasses
import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from stylegan.config import CONFIG_F, TABLE_1, Config, NetworkConfig
from stylegan.errors import InputError
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator
from stylegan.training.schedule import schedule


@pytest.mark.parametrize("name", TABLE_1)
def test_json_brings_every_row_of_table_1_back(name):
    text = json.dumps(TABLE_1[name].to_json())
    assert Config.from_json(json.loads(text)) == TABLE_1[name]


def test_the_json_of_the_first_version_is_read_and_written_letter_by_letter():
    """tests/data/table-1.json was written when a configuration was one flat class."""
    text = (Path(__file__).parent / "data" / "table-1.json").read_text()
    rows = {name: Config.from_json(data) for name, data in json.loads(text).items()}
    assert rows == TABLE_1
    assert json.dumps({name: row.to_json() for name, row in rows.items()}, indent=1) + "\n" == text


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("img_resolution", 48, "a power of two from 4 up"),
        ("img_resolution", "64", "a whole number"),
        ("img_channels", 2, "1, 3 or 4"),
        ("mapping_layers", 9, "0 to 8"),
        ("mapping_layers", True, "a whole number"),
        ("norm", "batch", "one of pixel, adain"),
        ("noise", 1, "True or False"),
        ("lrate", float("nan"), "a finite number"),
        ("lrate", 0.0, "above 0"),
        ("r1_gamma", -1.0, "0 or above"),
        ("style_mixing_prob", 1.5, "0 to 1"),
        ("batch", 6, "a multiple of 4"),
        ("batch_at", {32: 5}, "a multiple of 4"),
        ("batch_at", {33: 4}, "resolution:value pairs, resolutions powers of two from 4 up"),
        ("batch_at", [4], "each value a whole number"),
        ("lrate", 10**400, "a finite number"),
        ("seed", -1, "0 to 4294967295"),
        ("seed", 2**32, "0 to 4294967295"),
        ("channel_base", 512, "at least img_resolution 1024"),
        ("initial_resolution", 2048, "at most img_resolution 1024"),
    ],
)
def test_an_impossible_value_names_the_field_the_value_and_what_is_allowed(field, value, allowed):
    with pytest.raises(InputError) as error:
        CONFIG_F.but(**{field: value})
    assert str(error.value).startswith(f"{field} {value!r}")
    assert allowed in str(error.value)


@pytest.mark.parametrize("row", TABLE_1)
@pytest.mark.parametrize(
    ("name", "value", "tables"),
    [
        ("lrate", 1e-6, ["lrate_at"]),
        ("lrate", CONFIG_F.lrate, ["lrate_at"]),
        ("batch", 12, ["batch_at", "max_batch_per_gpu"]),
        ("tick_kimg", 1.0, ["tick_kimg_at"]),
    ],
)
def test_a_value_for_all_resolutions_given_alone_holds_at_all_of_them(row, name, value, tables):
    config = TABLE_1[row].but(**{name: value})
    assert (getattr(config, name), [getattr(config, table) for table in tables]) == (value, [{} for _ in tables])
    for nimg in range(0, 10_000_000, 600_000):
        phase = schedule(config, nimg)
        assert getattr(phase, name) == value


def test_a_value_given_with_its_table_leaves_the_table():
    config = CONFIG_F.but(lrate=0.002, lrate_at={64: 0.1}, seed=3)
    assert (config.lrate, config.lrate_at) == (0.002, {64: 0.1})
    assert config.but(lrate_at={8: 0.2}).lrate == 0.002
    assert config.but(seed=4).lrate_at == {64: 0.1}


def test_a_file_has_a_later_field_only_if_it_is_not_its_default():
    assert "precision" not in CONFIG_F.to_json()
    config = CONFIG_F.but(precision="bf16")
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config
    with pytest.raises(InputError, match="precision 'fp16': must be one of auto, fp32, bf16"):
        CONFIG_F.but(precision="fp16")


def test_the_largest_seed_of_32_bits_is_fine():
    assert CONFIG_F.but(seed=2**32 - 1).seed == 4294967295


@pytest.mark.parametrize("kimg", [0, -1, float("nan")])
def test_a_budget_is_above_0_and_nothing_else_is_blamed(kimg):
    with pytest.raises(InputError, match=rf"^total_kimg {kimg}: must be above 0$"):
        CONFIG_F.for_budget(kimg)


def test_a_configuration_keeps_its_own_copy_of_a_dict():
    mine = {8: 4}
    config = CONFIG_F.but(batch_at=mine)
    mine[8] = 8
    config.to_json()["batch_at"][8] = 16
    assert config.batch_at == {8: 4}


@pytest.mark.parametrize("name", TABLE_1)
def test_nobody_can_change_a_row_of_table_1(name):
    config, before = TABLE_1[name], json.dumps(TABLE_1[name].to_json())
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.batch = 8
    with pytest.raises(TypeError, match="item assignment"):
        config.lrate_at[1024] = 99
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.lrate_at.pairs = ()
    with pytest.raises(TypeError, match="item assignment"):
        TABLE_1[name] = CONFIG_F.but(batch=8)
    assert json.dumps(config.to_json()) == before


def test_equal_configurations_have_equal_hashes():
    other = CONFIG_F.but(lrate_at=dict(reversed([*CONFIG_F.lrate_at.items()])))
    assert other == CONFIG_F and hash(other) == hash(CONFIG_F)
    assert len({*TABLE_1.values(), *TABLE_1.values()}) == 6
    assert CONFIG_F.but(lrate_at={8: 0.5}) != CONFIG_F


def test_a_configuration_survives_pickle_and_copies():
    for other in (pickle.loads(pickle.dumps(CONFIG_F)), copy.deepcopy(CONFIG_F)):
        assert other == CONFIG_F and hash(other) == hash(CONFIG_F)


def test_networks_keep_what_they_are_built_from_and_nothing_of_training():
    config = CONFIG_F.but(img_resolution=32, channel_max=8, z_dim=8, w_dim=8, mapping_dim=8, lrate=0.5)
    for kind in (Generator, Discriminator):
        assert type(kind(config).config) is NetworkConfig
        assert kind(config).config == kind(config.network).config == config.network
    assert not {"lrate", "loss", "batch"} & config.network.to_json().keys()
    assert NetworkConfig.from_json(json.loads(json.dumps(config.network.to_json()))) == config.network
    with pytest.raises(InputError, match="lrate: no such field"):
        config.network.but(lrate=0.1)


def test_without_time_for_any_level_nothing_grows():
    with pytest.raises(InputError, match=r"^level_kimg 0 and fade_kimg 0: one must be above 0 to grow from .* 8 to"):
        CONFIG_F.but(level_kimg=0.0, fade_kimg=0.0)
    assert CONFIG_F.but(level_kimg=0.0, fade_kimg=0.0, initial_resolution=1024).level_kimg == 0
    assert CONFIG_F.but(fade_kimg=0.0).fade_kimg == 0


def test_all_impossible_values_are_named_at_once():
    with pytest.raises(InputError) as error:
        CONFIG_F.but(batch=5, lrate=-1.0, norm="none")
    assert [line.split()[0] for line in str(error.value).splitlines()] == ["norm", "lrate", "batch"]


def test_an_unknown_field_is_refused_and_the_known_ones_are_listed():
    with pytest.raises(InputError, match=r"fmap_base: no such field; the fields are .*channel_base"):
        CONFIG_F.but(fmap_base=8192)
    with pytest.raises(InputError, match="fmap_base: no such field"):
        Config.from_json(CONFIG_F.to_json() | {"fmap_base": 8192})


def test_a_field_that_is_newer_than_the_file_takes_its_default():
    data = CONFIG_F.but(z_dim=64).to_json()
    del data["mirror"]
    assert Config.from_json(data) == CONFIG_F.but(z_dim=64)


def test_without_mapping_layers_w_is_as_long_as_the_normalised_z():
    with pytest.raises(InputError, match="w_dim 256: must be 512 with mapping_layers 0"):
        CONFIG_F.but(mapping_layers=0, w_dim=256)
    with pytest.raises(InputError, match=r"w_dim 512: must be 1024 .* and embedded label"):
        CONFIG_F.but(mapping_layers=0, c_dim=10)
    assert CONFIG_F.but(mapping_layers=0, c_dim=10, w_dim=1024).w_dim == 1024


def test_a_network_keeps_its_own_widths_in_another_run():
    old = CONFIG_F.but(img_resolution=64, z_dim=64, w_dim=64, channel_max=32, lrate=0.5)
    new = CONFIG_F.but(img_resolution=256).continuing(old, 64)
    assert (new.z_dim, new.channel_max, new.initial_resolution) == (64, 32, 64)
    assert (new.img_resolution, new.lrate) == (256, 0.001)
    assert CONFIG_F.continuing(TABLE_1["A"], 1024).style_mixing_prob == 0


def test_mixing_needs_styles():
    with pytest.raises(InputError, match=r"style_mixing_prob 0\.9: must be 0 with norm pixel"):
        CONFIG_F.but(norm="pixel")


def test_without_styles_z_must_come_in_by_the_input():
    with pytest.raises(
        InputError, match=r"const_input True: must be False with norm pixel, .* would give the same picture"
    ):
        CONFIG_F.but(norm="pixel", style_mixing_prob=0.0)
    assert not CONFIG_F.but(norm="pixel", style_mixing_prob=0.0, const_input=False).const_input


@settings(deadline=None)
@given(st.sampled_from([4, 8, 16, 64, 256, 1024]), st.integers(1, 64), st.integers(0, 8))
def test_widths_and_sizes_are_independent(resolution, width, mapping_layers):
    config = CONFIG_F.but(
        img_resolution=resolution,
        initial_resolution=4,
        z_dim=width,
        w_dim=width if mapping_layers == 0 else width + 1,
        mapping_dim=2 * width,
        mapping_layers=mapping_layers,
        batch_at={},
    )
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert config.num_ws == 2 * (resolution.bit_length() - 2)


@pytest.mark.parametrize("num_gpus", [1, 2, 4, 8])
def test_the_authors_batch_sizes_are_multiples_of_the_gpus(num_gpus):
    config = CONFIG_F.for_gpus(num_gpus)
    assert all(batch % num_gpus == 0 for batch in [config.batch, *config.batch_at.values()])


def test_other_numbers_of_gpus_have_no_preset():
    with pytest.raises(InputError, match="num_gpus 3: the authors give batch sizes only for 1, 2, 4, 8 GPUs"):
        CONFIG_F.for_gpus(3)
