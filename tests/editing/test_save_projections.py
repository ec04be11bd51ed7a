"""The command `project`: files in, files out, notes about what was resized, one message for every bad file."""

import numpy as np
import pytest
from PIL import Image

from stylegan.editing.projection import Projection
from stylegan.editing.save_projections import path_frames, read_pictures, save_projections
from stylegan.errors import InputError


def write(path, size=(16, 16), mode="RGB", color=None):
    pixels = np.random.RandomState(0).randint(256, size=(size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(pixels) if color is None else Image.new(mode, size, color)
    image.convert(mode).save(path)
    return path


def test_each_picture_becomes_a_file_a_sheet_and_a_film(G, tmp_path, seeing):
    pictures = [write(tmp_path / "a.png"), write(tmp_path / "b.jpg", (40, 30))]
    saved = save_projections(G, pictures, tmp_path / "out", steps=3, perceptual=seeing)
    assert {path.stem for path in saved.paths} == {"a", "b"}
    assert {path.suffix for path in saved.paths} - {".mp4", ".webp"} == {".safetensors", ".png"}
    assert len(saved.paths) == 6
    assert all(path.is_file() for path in saved.paths)
    assert "a: distance " in saved.note
    assert "b.jpg is 40 x 30: its middle square resized to 16 x 16" in saved.note
    assert len(Projection.load(tmp_path / "out" / "b.safetensors", G)) == 1


def test_a_film_starts_at_the_mean_picture_and_ends_at_the_projection_beside_the_target(G, tmp_path, seeing):
    save_projections(G, [write(tmp_path / "a.png")], tmp_path / "out", steps=3, video=False, perceptual=seeing)
    found = Projection.load(tmp_path / "out" / "a.safetensors", G)
    target, _ = read_pictures([tmp_path / "a.png"], G)
    *_, last = path_frames(G, found, target[0])
    assert len(list(path_frames(G, found, target[0]))) == 4
    left, right = (np.asarray(last.crop(box).reduce(16)) for box in ((0, 0, 256, 256), (256, 0, 512, 256)))
    assert np.array_equal(left, target[0].transpose(1, 2, 0))
    assert np.array_equal(right, found.recipe.pictures(G)[0].transpose(1, 2, 0))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / "a.png")), np.asarray(last))


def test_a_picture_of_the_right_size_is_taken_as_it_is_without_a_note(G, tmp_path):
    images, notes = read_pictures([write(tmp_path / "a.png")], G)
    assert np.array_equal(images[0], np.asarray(Image.open(tmp_path / "a.png")).transpose(2, 0, 1))
    assert notes == []


@pytest.mark.parametrize("size", [(64, 64), (5, 5), (100, 20), (7, 30)])
def test_a_picture_of_another_size_is_resized_with_a_note(G, tmp_path, size):
    images, notes = read_pictures([write(tmp_path / "a.png", size, color=(200, 100, 50))], G)
    assert images.shape == (1, 3, 16, 16)
    assert np.abs(images[0].mean(axis=(1, 2)) - [200, 100, 50]).max() < 1
    assert f"a.png is {size[0]} x {size[1]}" in notes[0]
    assert notes[0].endswith("resized to 16 x 16")


@pytest.mark.parametrize(("channels", "mode"), [(1, "RGB"), (1, "L"), (3, "L"), (4, "RGB"), (4, "RGBA")])
def test_any_picture_becomes_what_the_network_makes(make, tmp_path, channels, mode):
    images, _ = read_pictures([write(tmp_path / "a.png", (9, 12), mode)], make(img_channels=channels))
    assert images.shape == (1, channels, 16, 16)


def test_every_file_that_is_no_picture_is_named_before_anything_is_written(G, tmp_path, seeing):
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").touch()
    paths = [write(tmp_path / "good.png"), tmp_path / "text.png", tmp_path / "empty.png", tmp_path / "none.png"]
    words = r"(?s)text.png: not an image.*empty.png: an empty file.*none.png: unreadable: No such file"
    with pytest.raises(InputError, match=words):
        save_projections(G, paths, tmp_path / "out", perceptual=seeing)
    assert not (tmp_path / "out").exists()


def test_two_pictures_of_one_name_and_none_at_all_are_refused(G, tmp_path, seeing):
    (tmp_path / "x").mkdir()
    twice = [write(tmp_path / "a.png"), write(tmp_path / "x" / "a.png")]
    with pytest.raises(InputError, match="several pictures are called a"):
        save_projections(G, twice, tmp_path / "out", perceptual=seeing)
    with pytest.raises(InputError, match="name at least one file"):
        save_projections(G, [], tmp_path / "out", perceptual=seeing)


def test_nothing_is_overwritten(G, tmp_path, seeing):
    (tmp_path / "a.safetensors").touch()
    with pytest.raises(InputError, match=r"a.safetensors.* exist"):
        save_projections(G, [write(tmp_path / "a.png")], tmp_path, perceptual=seeing)
