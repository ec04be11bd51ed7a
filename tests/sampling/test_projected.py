"""A projection in place of a seed, in every command."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from stylegan.checkpoint import read_tensors, save, write_tensors
from stylegan.editing.projection import Projection
from stylegan.errors import InputError
from stylegan.figures.loops import loop
from stylegan.figures.mixing import compose, composed, mixing_grid
from stylegan.figures.paper import FIGURES, figure
from stylegan.figures.save import save_figure, save_mix
from stylegan.figures.video import save_video
from stylegan.networks.levels import style_indices
from stylegan.sampling.controls import Controls
from stylegan.sampling.sampler import Sampler, recipe, sample
from stylegan.sampling.save import save_samples

NOISES = [Controls(), Controls(noise="const"), Controls(noise="none"), Controls(noise_seed=5)]
NOISES += [Controls(noise_layers="coarse")]


def own_picture(G, path):
    """The picture as the projection itself makes it."""
    return Projection.load(path, G).recipe.pictures(G)[0]


def differ(a, b):
    """The greatest difference in levels; above 1 it is not rounding."""
    return int(np.abs(a.astype(int) - b).max())


def of_file(path):
    return np.asarray(Image.open(path)).transpose(2, 0, 1)


# Sample


@pytest.mark.parametrize("psi", [0.7, 0, "coarse=0.1"])
def test_a_projection_as_the_only_source_gives_its_own_picture_whatever_psi(G, face, tmp_path, psi):
    saved = save_samples(G, face, tmp_path / "out", controls=Controls(psi=psi))
    assert [path.name for path in saved.paths] == ["face.png"]
    assert np.array_equal(of_file(saved.paths[0]), own_picture(G, face))
    assert saved.note == "face as projected, not truncated, noise of each projection"


def test_seeds_and_projections_in_one_text_keep_their_order_and_their_pictures(G, face, tmp_path):
    saved = save_samples(G, f"3,{face},1", tmp_path / "out", grid=True)
    assert [path.name for path in saved.paths] == ["seed0003.png", "face.png", "seed0001.png", "grid.png"]
    alone = next(sample(G, [3, 1], truncation_psi=0.7, truncation_cutoff=8))
    for path, picture in zip(saved.paths, [alone[0], own_picture(G, face), alone[1]], strict=False):
        assert differ(of_file(path), picture) <= 1
    assert saved.note == ("psi 0.7 on all styles, face as projected, not truncated, noise of each seed and projection")


@pytest.mark.parametrize("controls", NOISES[1:])
def test_the_noise_that_is_asked_for_is_that_of_projections_too(G, face, controls):
    made = recipe(G, [3, face], controls)
    seed = recipe(G, [3], controls)
    if made.noise is None:
        assert seed.noise is None
    elif controls.noise_layers:
        assert [bool(m[1].any()) for m in made.noise] == [True] * 4 + [False] * 4
    else:
        assert all(torch.equal(a, b) for a, b in zip(made.noise, seed.noise, strict=True))


def test_a_conditional_network_needs_no_class_for_projections_alone(labelled, tmp_path, write_projection):
    write_projection(labelled, tmp_path / "a.safetensors")
    assert len(recipe(labelled, tmp_path / "a.safetensors", Controls())) == 1
    with pytest.raises(InputError, match="say which as class_index"):
        recipe(labelled, [0, tmp_path / "a.safetensors"], Controls())


def test_a_network_without_noise_takes_projections_too(make, tmp_path, write_projection):
    G = make(noise=False)
    write_projection(G, tmp_path / "a.safetensors")
    assert np.array_equal(
        recipe(G, tmp_path / "a.safetensors", Controls()).pictures(G)[0], own_picture(G, tmp_path / "a.safetensors")
    )


# Mixing


@pytest.mark.parametrize("controls", NOISES)
def test_copying_no_layer_changes_nothing_and_copying_all_gives_b_also_between_seeds_and_projections(G, face, controls):
    for a, b in [(1, face), (face, 1)]:
        from_a, from_b = recipe(G, [a], controls), recipe(G, [b], controls)
        for levels, expected in [("none", from_a), ("all", from_b)]:
            mixed = from_a.with_layers_of(from_b, style_indices(levels, G))
            assert np.array_equal(mixed.pictures(G), expected.pictures(G))


def test_a_projection_mixed_with_itself_stays_what_it_is(G, face, count_of):
    assert (
        count_of(own_picture(G, face), mixing_grid(G, face, face)) == 5
    )  # B, and for coarse and middle A and the mixture
    _, made = composed(Sampler(G), [str(face), f"{face}=coarse", f"{face}=4-5"])
    assert np.array_equal(made.pictures(G)[0], own_picture(G, face))


def test_a_composition_takes_projections_by_their_files(G, face, tmp_path, count_of):
    parsed, made = composed(Sampler(G), ["1", f"{face}=coarse", "3=4-7"])
    assert parsed == [(1, ""), (face, "coarse"), (3, "4-7")]
    assert torch.equal(made.ws[0, :4], Projection.load(face, G).ws[0, :4])
    assert count_of(own_picture(G, face), compose(G, [str(face), "1=none"])) == 2
    saved = save_mix(G, tmp_path / "m.png", sources=["1", f"{face}=coarse"])
    assert "face as projected, not truncated" in saved.note
    assert "face as projected" in save_mix(G, tmp_path / "n.png", a=f"1,{face}", b="2").note


# Figures and films


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_takes_projections(G, face, name):
    seeds_b = {"seeds_b": [face, 1]} if name in ("mixing", "levels") else {}
    assert figure(G, name, seeds=f"0,{face}", **seeds_b).mode == "RGB"


@pytest.mark.parametrize("name", ["uncurated", "mixing", "truncation", "levels"])
def test_a_projection_is_in_the_figures_its_own_picture(G, face, count_of, name):
    seeds_b = {"seeds_b": "1"} if name in ("mixing", "levels") else {}
    assert count_of(own_picture(G, face), figure(G, name, seeds=face, **seeds_b)) == 1


def test_figure_eight_shows_a_projection_at_every_psi_and_the_note_does_not_deny_it(G, face, tmp_path, count_of):
    saved = save_figure(G, "truncation", tmp_path / "t.png", seeds=[face, 0], controls=Controls(noise="const"))
    average = recipe(G, [0], Controls(psi=0, cutoff=None, noise="const")).pictures(G)[0]
    assert count_of(average, np.asarray(Image.open(saved.paths[0]))) == 2
    assert saved.note == "figure truncation: psi 1, 0.7, 0.5, 0, -0.5, -1 on all styles, stored noise"


@pytest.mark.parametrize("kind", ["w", "smooth", "mix", "noise"])
def test_a_film_passes_through_a_projection(G, face, kind):
    at = loop(Sampler(G, Controls()), kind, [face] if kind == "noise" else [face, 1, 2], levels="all")
    assert differ(at(0.0).pictures(G)[0], own_picture(G, face)) <= 1


def test_a_film_says_what_it_shows_and_a_film_through_z_has_no_place_for_projections(G, face, tmp_path):
    saved = save_video(G, tmp_path / "a.webp", kind="w", seeds=[face, 1], frames=2)
    assert saved.note.endswith("psi 0.7 on all styles, face as projected, not truncated, noise of the first projection")
    with pytest.raises(InputError, match=r"goes through Z, and files have no z \(face\): give kind w, smooth or mix"):
        save_video(G, tmp_path / "z.webp", kind="z", seeds=[face, 1])


# Files


def test_pictures_of_one_name_are_refused_before_anything_is_written(G, face, tmp_path):
    (tmp_path / "x").mkdir()
    for name in ("FACE", "seed0003", "grid"):
        shutil.copy(face, tmp_path / "x" / f"{name}.safetensors")
    clashes = [([face, tmp_path / "x" / "FACE.safetensors"], "face.png"), (f"3,{tmp_path}/x/seed0003.safetensors", "3")]
    for sources, words in [*clashes, ([tmp_path / "x" / "grid.safetensors"], "grid.png")]:
        with pytest.raises(InputError, match=f"several pictures would be called .*{words}"):
            save_samples(G, sources, tmp_path / "out", grid=True)
    assert not (tmp_path / "out").exists()
    assert len(save_samples(G, [face, face, 3, 3], tmp_path / "out").paths) == 2  # the same twice is one


def test_what_exists_is_not_overwritten_by_a_projection(G, face, tmp_path):
    (tmp_path / "face.png").write_text("mine")
    with pytest.raises(InputError, match=r"face.png exist"):
        save_samples(G, face, tmp_path)
    assert (tmp_path / "face.png").read_text() == "mine"


def test_every_file_that_is_no_projection_into_this_network_is_named_before_anything_is_written(
    G, make, face, tmp_path, write_projection, write_direction
):
    save(tmp_path / "net.safetensors", G)
    write_direction(G, tmp_path / "age.safetensors")
    write_projection(make(img_resolution=64), tmp_path / "other.safetensors")
    write_projection(G, tmp_path / "two.safetensors", N=2)
    (tmp_path / "text.safetensors").write_text("hello")
    bad = [tmp_path / f"{name}.safetensors" for name in ("net", "age", "other", "two", "text", "none")]
    words = [
        "net.safetensors holds network, not a stylegan projection",
        "age.safetensors holds direction, not a stylegan projection",
        "other.safetensors was made for another network.*`stylegan project`",
        "two.safetensors holds 2 projections; a source is one",
        "text.safetensors is not a safetensors file",
        "none.safetensors: no such file",
    ]
    with pytest.raises(InputError, match="(?s)" + ".*".join(words)):
        save_samples(G, [*range(20), face, *bad], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_projection_is_refused(G, face, tmp_path):
    tensors, header = read_tensors(face, kind="projection")
    write_tensors(tmp_path / "a.safetensors", {"ws": tensors["ws"]}, kind="projection", header=header)
    with pytest.raises(InputError, match="its tensors are not those of 1 projections into this network"):
        recipe(G, tmp_path / "a.safetensors", Controls())
    del header["space"]
    write_tensors(tmp_path / "b.safetensors", tensors, kind="projection", header=header)
    with pytest.raises(InputError, match="its header has no space; the file is damaged"):
        recipe(G, tmp_path / "b.safetensors", Controls())


def test_a_psi_that_is_no_number_is_refused_also_for_projections_alone(G, face, tmp_path):
    with pytest.raises(InputError, match="psi 'x'"):
        save_samples(G, face, tmp_path / "out", controls=Controls(psi="x"))
    assert not (tmp_path / "out").exists()


def test_projections_are_said_in_words(G, face):
    assert Sampler(G, Controls(noise="const")).describe([face]) == "face as projected, not truncated, stored noise"
