"""Table 1: each row is the row above with one change."""

import dataclasses

from stylegan.config import CONFIG_A, CONFIG_B, CONFIG_C, CONFIG_D, CONFIG_E, CONFIG_F, Config


def changed_fields(before: Config, after: Config) -> set[str]:
    return {f.name for f in dataclasses.fields(Config) if getattr(before, f.name) != getattr(after, f.name)}


def test_a_is_progressive_gan():
    assert (CONFIG_A.norm, CONFIG_A.resample, CONFIG_A.loss, CONFIG_A.mapping_layers) == (
        "pixel",
        "nearest",
        "wgan_gp",
        0,
    )
    assert (CONFIG_A.const_input, CONFIG_A.noise, CONFIG_A.initial_resolution) == (False, False, 4)


def test_b_tunes_a():
    tuned = {"resample", "loss", "total_kimg", "initial_resolution", "lrate_at", "max_batch_per_gpu"}
    assert changed_fields(CONFIG_A, CONFIG_B) == tuned
    assert CONFIG_B.resample == "bilinear"


def test_c_adds_the_mapping_network_and_styles_to_b():
    assert changed_fields(CONFIG_B, CONFIG_C) == {"mapping_layers", "norm"}


def test_d_replaces_the_traditional_input_of_c():
    assert changed_fields(CONFIG_C, CONFIG_D) == {"const_input"}


def test_e_adds_only_noise_to_d():
    assert changed_fields(CONFIG_D, CONFIG_E) == {"noise"}


def test_f_adds_only_mixing_regularization_to_e():
    assert changed_fields(CONFIG_E, CONFIG_F) == {"style_mixing_prob"}


def test_f_is_the_default():
    assert Config() == CONFIG_F


def test_r1_has_the_papers_weight_at_1024():
    assert {c.gamma for c in (CONFIG_B, CONFIG_C, CONFIG_D, CONFIG_E, CONFIG_F)} == {10.0}
