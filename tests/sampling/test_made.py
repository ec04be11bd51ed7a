"""Jobs that were stopped go on: what is there and was made in the same way is kept, anything else is refused."""

import itertools

import numpy as np
import pytest
import torch

from stylegan.data.dataset import save_png
from stylegan.editing.save_projections import save_projections
from stylegan.editing.sheets import save_directions
from stylegan.errors import InputError
from stylegan.figures import save as figure_files, video
from stylegan.figures.save import save_figure
from stylegan.figures.video import save_video
from stylegan.sampling import made
from stylegan.sampling.controls import Controls
from stylegan.sampling.recipe import Recipe
from stylegan.sampling.sampler import recipe
from stylegan.sampling.save import save_samples


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}


def killed_after(monkeypatch, files):
    """The job stops where its next file but `files` would be written."""
    new, count = made.Made.new, itertools.count()

    def stopping(self, path):
        if next(count) == files:
            raise KeyboardInterrupt
        return new(self, path)

    monkeypatch.setattr(made.Made, "new", stopping)


def sampled(G, out):
    return save_samples(G, "0-19", out, grid=True, save_w=True)


def directions(G, out):
    return save_directions(G, out, count=1, seeds="0")


def projections(G, out):
    pictures = out.with_name("pictures")
    pictures.mkdir(exist_ok=True)
    from PIL import Image

    for name, color in (("a", "red"), ("b", "blue")):
        Image.new("RGB", (32, 32), color).save(pictures / f"{name}.png")
    files = sorted(pictures.iterdir())
    return save_projections(G, files, out, steps=2, video=False, perceptual=lambda images: [images])


@pytest.mark.parametrize("job", [sampled, directions, projections])
def test_a_job_that_was_stopped_goes_on_to_the_same_files_and_says_how_many_were_there(G, tmp_path, monkeypatch, job):
    whole = job(G, tmp_path / "whole")
    assert "were there" not in whole.note
    for count in (1, len(whole.paths) - 1):
        out = tmp_path / str(count)
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            killed_after(patch, count)
            job(G, out)
        assert len(contents(out)) == count
        assert f"{count} of {len(whole.paths)} files were there, made like this, and are kept" in job(G, out).note
        found, expected = contents(out), contents(tmp_path / "whole")
        assert found.keys() == expected.keys()
        same = [name for name in found if found[name] == expected[name]]
        assert len(same) >= (count if job is projections else len(found))  # a search for one picture rounds otherwise


def test_nothing_is_computed_for_what_is_there(G, tmp_path, monkeypatch):
    save_samples(G, "0-15", tmp_path)
    counts, pictures = [], Recipe.pictures
    monkeypatch.setattr(Recipe, "pictures", lambda self, G: counts.append(len(self)) or pictures(self, G))
    save_samples(G, "0-19", tmp_path)
    assert counts == [4]


@pytest.mark.parametrize("how", ["network", "psi", "contents", "stranger"])
def test_a_picture_that_was_made_otherwise_is_refused_by_name_and_left_alone(G, make, tmp_path, how):
    save_samples(G, "3", tmp_path)
    path, controls = tmp_path / "seed0003.png", Controls(psi=0.5 if how == "psi" else 0.7)
    if how == "contents":
        path.write_bytes(path.read_bytes()[:-1])
    if how == "stranger":
        (tmp_path / ".made").unlink()
    network = make(channel_max=4) if how == "network" else G
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"seed0003.png exists?, not made like this: choose another place"):
        save_samples(network, "2-3", tmp_path, controls=controls)
    assert contents(tmp_path) == {"seed0003.png": before}


def test_a_grid_of_other_seeds_is_another_grid(G, tmp_path):
    save_samples(G, "0-1", tmp_path, grid=True)
    with pytest.raises(InputError, match=r"grid.png exists?, not made like this"):
        save_samples(G, "0-2", tmp_path, grid=True)


def test_a_line_that_was_cut_hides_no_other(G, tmp_path):
    save_samples(G, "0", tmp_path)
    with (tmp_path / ".made").open("ab") as f:
        f.write(b"0123")
    save_samples(G, "1", tmp_path)
    assert "2 of 2 files were there" in save_samples(G, "0-1", tmp_path).note


def test_what_was_made_is_known_by_name_and_digest_and_damaged_lines_are_not_believed(G, tmp_path):
    save_samples(G, "0", tmp_path)
    with (tmp_path / ".made").open("ab") as f:
        f.write(b"\n0123456789abcdef 0123 other.png\n0123456789abcdef\n")
    assert made.recorded(tmp_path) == {"seed0000.png": {made.file_digest(tmp_path / "seed0000.png")}}


def test_a_projection_or_styles_with_other_contents_is_another_picture(G, tmp_path, write_projection):
    for name in ("face.safetensors", "mine.npy"):
        for seed in (0, 1):
            write_projection(G, tmp_path / "face.safetensors", seed=seed)
            np.save(tmp_path / "mine.npy", np.full((1, 16), seed, np.float32))
            if seed:
                with pytest.raises(InputError, match="not made like this"):
                    save_samples(G, tmp_path / name, tmp_path / "out")
            else:
                save_samples(G, tmp_path / name, tmp_path / "out")


def test_what_another_process_wrote_meanwhile_is_never_replaced(G, tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    picture = recipe(G, [0], Controls()).pictures(G)
    figure, frames = figure_files.figure, video.film_frames

    def slowly(function, path):
        def run(*args, **how):
            path.write_text("theirs")
            return function(*args, **how)

        return run

    monkeypatch.setattr(figure_files, "figure", slowly(figure, tmp_path / "a" / "f.png"))
    monkeypatch.setattr(video, "film_frames", slowly(frames, tmp_path / "a" / "v.webp"))
    monkeypatch.setattr(Recipe, "pictures", slowly(lambda self, G: picture, tmp_path / "a" / "seed0000.png"))
    with pytest.raises(InputError, match="exists"):
        save_samples(G, "0", tmp_path / "a")
    monkeypatch.setattr(Recipe, "pictures", lambda self, G: np.repeat(picture, len(self), axis=0))
    with pytest.raises(InputError, match="exists"):
        save_figure(G, "uncurated", tmp_path / "a" / "f.png", seeds="0")
    with pytest.raises(InputError, match="exists"):
        save_video(G, tmp_path / "a" / "v.webp", kind="noise", frames=1)
    assert set(contents(tmp_path / "a").values()) == {b"theirs"}


def test_a_png_is_not_written_over_another(tmp_path):
    from PIL import Image

    save_png(Image.new("L", (4, 4)), tmp_path / "a.png", exist_ok=False)
    with pytest.raises(InputError, match="exists already"):
        save_png(Image.new("L", (4, 4)), tmp_path / "a.png", exist_ok=False)


def test_a_home_folder_is_one_and_an_empty_place_is_none(G, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save_samples(G, "0", "~/out")
    save_figure(G, "uncurated", "~/f.png", seeds="0")
    assert (tmp_path / "out" / "seed0000.png").exists() and (tmp_path / "f.png").exists()
    for save in (save_samples, save_directions):
        with pytest.raises(InputError, match=r"give a name, or \. for the current folder"):
            save(G, **({"seeds": "0"} if save is save_samples else {"count": 1}), out="")
    assert torch.is_tensor(recipe(G, ["0"], Controls()).ws)


def test_what_a_job_left_that_was_killed_after_its_file_is_cleared_by_the_next(G, tmp_path):
    save_samples(G, [0, 1], tmp_path / "out")
    for name in (".seed0001.png.partial-0", ".mine.png.partial-0"):
        (tmp_path / "out" / name).mkdir()
        (tmp_path / "out" / name / "lock").touch()
    save_samples(G, [0, 1], tmp_path / "out")
    hidden = {path.name for path in (tmp_path / "out").glob(".*")}
    assert hidden == {made.RECORD, ".mine.png.partial-0"}
