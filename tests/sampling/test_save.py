"""Files of pictures: their names, their contents, and that none is overwritten."""

import numpy as np
import pytest
from PIL import Image

from stylegan.errors import InputError
from stylegan.figures.save import save_figure, save_mix
from stylegan.sampling.controls import Controls
from stylegan.sampling.sampler import sample
from stylegan.sampling.save import save_samples


def test_pictures_are_named_by_their_seeds_and_hold_what_sample_makes(G, tmp_path):
    saved = save_samples(G, "3,12000", tmp_path / "new" / "folder")
    expected = np.concatenate(list(sample(G, [3, 12000], truncation_psi=0.7, truncation_cutoff=8)))
    assert [path.name for path in saved.paths] == ["seed0003.png", "seed12000.png"]
    for path, picture in zip(saved.paths, expected, strict=True):
        assert np.array_equal(np.asarray(Image.open(path)), picture.transpose(1, 2, 0))
    assert saved.note == "psi 0.7 on all styles, noise of each seed"


def test_a_grid_can_stand_beside_the_pictures_or_alone(G, tmp_path):
    both = save_samples(G, "0-19", tmp_path / "both", grid=True)
    alone = save_samples(G, "0-19", tmp_path / "alone", grid=True, images=False)
    assert len(both.paths) == 21
    assert [path.name for path in alone.paths] == ["grid.png"]
    assert Image.open(alone.paths[0]).size == (6 * 32, 4 * 32)


def test_nothing_is_overwritten(G, tmp_path):
    save_samples(G, "1-2", tmp_path)
    before = (tmp_path / "seed0001.png").read_bytes()
    with pytest.raises(
        InputError, match=r"seed0001.png, .*seed0002.png exists?, not made like this: choose another place"
    ):
        save_samples(G, "0-3", tmp_path, controls=Controls(psi=0))
    assert (tmp_path / "seed0001.png").read_bytes() == before
    assert not (tmp_path / "seed0000.png").exists()


def test_a_figure_and_a_mixture_are_written_once_with_their_words(G, tmp_path):
    saved = save_figure(G, "truncation", tmp_path / "figures" / "t.png", seeds="0")
    assert saved.note == "figure truncation: psi 1, 0.7, 0.5, 0, -0.5, -1 on all styles, noise of each seed"
    with pytest.raises(InputError, match="exist"):
        save_figure(G, "truncation", tmp_path / "figures" / "t.png", seeds="0")
    saved = save_mix(G, tmp_path / "m.png", a="0", b="1-2", levels=["coarse"])
    assert saved.note.startswith("coarse: layers 0-3 (4-8 px), the paper's levels; psi 0.7")
    assert save_mix(G, tmp_path / "s.png", sources=["0", "1=coarse"]).paths == [tmp_path / "s.png"]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"a": "0"},
        {"a": "0", "b": "1", "sources": ["0", "1=coarse"]},
        {"levels": ["coarse"], "sources": ["0", "1=coarse"]},
    ],
)
def test_a_mixture_of_nothing_or_of_too_much_is_refused(G, tmp_path, how):
    with pytest.raises(InputError, match="mix: "):
        save_mix(G, tmp_path / "m.png", **how)


def test_places_where_nothing_can_be_written_are_refused(G, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is not a folder"):
        save_samples(G, "0", tmp_path / "file")
    with pytest.raises(InputError, match=r"must end in .png"):
        save_figure(G, "uncurated", tmp_path / "figure.jpg")
    with pytest.raises(InputError, match="choose at least one"):
        save_samples(G, "0", tmp_path, images=False)
