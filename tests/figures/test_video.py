"""Films: closed loops, and the files that hold them."""

import importlib.util

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from stylegan.errors import InputError
from stylegan.figures.loops import loop, slerp, smooth, straight
from stylegan.figures.video import film_frames, save_video
from stylegan.sampling.controls import Controls
from stylegan.sampling.sampler import Sampler, recipe

SEEDS = {"z": [1, 2, 3], "w": [1, 2, 3], "smooth": [1, 2, 3], "mix": [1, 2, 3], "noise": [1]}


def picture(made, G):
    return made.pictures(G).astype(int)


@pytest.mark.parametrize("kind", SEEDS)
def test_the_frame_after_the_last_is_the_first(G, kind):
    at = loop(Sampler(G, Controls()), kind, SEEDS[kind], levels="middle")
    assert np.array_equal(picture(at(1.0), G), picture(at(0.0), G))


@pytest.mark.parametrize("kind", SEEDS)
def test_a_film_starts_with_the_picture_of_its_first_seed_and_moves_without_a_jump(G, kind):
    at = loop(Sampler(G, Controls()), kind, SEEDS[kind], levels="all")
    first = picture(recipe(G, [1], Controls()), G)
    assert np.abs(picture(at(0.0), G) - first).max() <= 1
    assert np.abs(picture(at(1 / 6), G) - first).max() > 5
    for t in (1 / 3, 2 / 3, 1.0):  # at the seeds, and at the seam
        assert np.abs(picture(at(t - 1e-4), G) - picture(at(t + 1e-4), G)).max() <= 2


@pytest.mark.parametrize("kind", ["z", "w", "smooth"])
def test_a_film_passes_through_every_seed(G, kind):
    at = loop(Sampler(G, Controls()), kind, [1, 2, 3, 4], levels="all")
    assert_close(at(0.75).ws, recipe(G, [4], Controls()).ws)


def test_a_mixing_film_moves_the_named_styles_only(G):
    at = loop(Sampler(G, Controls()), "mix", [1, 2, 3], levels="4-5")
    still, moved = at(0.0).ws, at(0.4).ws
    changed = [i for i in range(8) if not torch.equal(still[:, i], moved[:, i])]
    assert changed == [4, 5]


def test_a_noise_film_keeps_the_styles_and_the_strength_of_the_noise(G):
    at = loop(Sampler(G, Controls()), "noise", [1], levels="all")
    assert torch.equal(at(0.0).ws, at(0.3).ws)
    assert abs(float(at(0.125).noise[7].std()) - 1) < 0.1


def test_the_frames_are_evenly_spread_over_the_loop_and_the_seam_is_shown_once(G):
    at = loop(Sampler(G, Controls()), "smooth", [1, 2, 3], levels="all")
    frames = list(film_frames(G, at, 10, batch=4))
    assert len(frames) == 10
    for k in (0, 3, 9):
        small = np.asarray(frames[k])[::8, ::8].transpose(2, 0, 1).astype(int)
        assert np.abs(small - picture(at(k / 10), G)).max() <= 1


def test_slerp_stays_at_the_length_of_its_ends():
    a, b = torch.randn(2, 1, 16, generator=torch.Generator().manual_seed(0))
    a, b = a / a.norm(), b / b.norm()
    middle = slerp(a, b, 0.5)
    assert_close(middle.norm(), torch.tensor(1.0))
    assert_close((middle * a).sum(), (middle * b).sum())
    assert_close(slerp(a, a, 0.5), a)


def test_the_smooth_curve_has_no_corners_where_the_straight_one_has():
    points = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    step = 1e-3

    def bend(curve):
        return (curve(points, 0.25 + step) - 2 * curve(points, 0.25) + curve(points, 0.25 - step)).norm()

    assert bend(smooth) < 0.05 * bend(straight)


def test_an_animated_webp_has_the_frames_and_the_time_asked_for(G, tmp_path):
    saved = save_video(G, tmp_path / "film.webp", seeds="0-2", frames=12, fps=24)
    with Image.open(saved.paths[0]) as film:
        assert (film.n_frames, film.size) == (12, (256, 256))
    assert saved.note == "12 frames, 0.5 s, kind smooth; psi 0.7 on all styles, noise of the first seed"


def test_an_mp4_has_the_frames_and_the_time_asked_for(G, tmp_path):
    av = pytest.importorskip("av", reason="extra video")
    save_video(G, tmp_path / "film.mp4", kind="noise", frames=12, fps=24)
    with av.open(str(tmp_path / "film.mp4")) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        assert film.streams.video[0].average_rate == 24
    assert len(frames) == 12
    first = np.kron(recipe(G, [0], Controls()).pictures(G)[0].transpose(1, 2, 0), np.ones((8, 8, 1)))
    assert np.abs(frames[0] - first).mean() < 12  # colour at half resolution


def test_without_pyav_an_mp4_becomes_a_webp_and_the_note_says_so(G, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    saved = save_video(G, tmp_path / "film.mp4", kind="noise", frames=2)
    assert saved.paths == [tmp_path / "film.webp"]
    assert "film.webp instead of MP4, because PyAV is missing (pip install 'stylegan[video]')" in saved.note


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"kind": "w", "seeds": "3"}, "give at least 2"),
        ({"kind": "noise", "seeds": "0-1"}, "give one seed, not 2"),
        ({"kind": "spiral"}, "must be one of z, w, smooth, mix, noise"),
        ({"kind": "mix", "levels": "fine"}, "names no layer"),
        ({"kind": "noise", "controls": Controls(noise="none")}, "would stand still"),
        ({"frames": 0}, "0 frames: give 1 to 1,000,000"),
        ({"frames": 10**12}, "frames: give 1 to 1,000,000"),
        ({"frames": 2.5}, "2.5 frames at 30 a second: give whole numbers"),
        ({"kind": "mix", "levels": "none"}, "would stand still"),
        ({"kind": "smooth", "levels": "coarse"}, "levels 'coarse' with kind smooth: only kind mix has levels"),
        ({"fps": 0}, "1 to 120 a second"),
        ({"controls": Controls(psi="x"), "kind": "z"}, "psi 'x'"),
    ],
)
def test_a_film_that_cannot_be_is_refused_and_leaves_no_file(G, tmp_path, how, words):
    with pytest.raises(InputError, match=words):
        save_video(G, tmp_path / "film.webp", **how)
    assert list(tmp_path.iterdir()) == []


def test_a_film_is_not_overwritten_and_has_a_known_suffix(G, tmp_path):
    (tmp_path / "film.webp").write_text("mine")
    with pytest.raises(InputError, match="exist"):
        save_video(G, tmp_path / "film.webp")
    with pytest.raises(InputError, match=r"must end in .mp4 or .webp"):
        save_video(G, tmp_path / "film.gif")


@pytest.mark.parametrize("kind", ["mix", "noise"])
def test_the_traditional_generator_has_no_films_of_styles_and_noise(traditional, tmp_path, kind):
    with pytest.raises(InputError, match=r"no styles|no noise inputs"):
        save_video(traditional, tmp_path / "film.webp", kind=kind)
