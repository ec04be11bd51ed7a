"""What D is shown while it trains, seen from outside: a data set whose pictures can be told apart, and D's own inputs.

Nothing here names a part of the loop: only `stylegan.train`, the networks, and Adam.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import stylegan

import golden
from conftest import TINY

CPU = torch.device("cpu")


class Call(NamedTuple):
    """One pass of D: the pictures, in the numbers of the data set where they are real, and their classes."""

    img: Tensor
    classes: list[int] | None
    lod: float
    learning: bool  # False where D is only measured

    @property
    def pixels(self) -> np.ndarray:
        """float64 (N, H, H, C), 0 to 255."""
        return ((self.img.double() + 1) * 127.5).permute(0, 2, 3, 1).numpy()


@pytest.fixture
def calls(monkeypatch):
    """A list that gets every pass of D."""
    seen, forward = [], stylegan.Discriminator.forward

    def recorded(D, img, c=None, *, lod=None):
        classes = None if c is None else c.argmax(dim=1).tolist()
        seen.append(Call(img.detach().clone(), classes, D.lod if lod is None else lod, torch.is_grad_enabled()))
        return forward(D, img, c, lod=lod)

    monkeypatch.setattr(stylegan.Discriminator, "forward", recorded)
    return seen


@pytest.fixture
def dataset(tmp_path):
    """dataset(pictures, classes): the folder of a data set of uint8 (N, H, H, 3), in order, with classes or without."""

    def write(pictures, classes=None):
        for i, picture in enumerate(pictures):
            folder = tmp_path / "pictures" / (f"class{classes[i]}" if classes is not None else "")
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(folder / f"{i:05d}.png", compress_level=1)
        stylegan.prepare(str(tmp_path / "pictures"), tmp_path / "data", resolution=pictures.shape[1])
        return tmp_path / "data"

    return write


def checks(count, H, seed=0):
    """Pictures of pixels 0 and 255 by chance: no two alike, nor one like its mirror image; fading shows in each."""
    return np.random.RandomState(seed).randint(2, size=(count, H, H, 3)).astype(np.uint8) * 255


def places(pixels, pictures):
    """For each of `pixels` (N, H, H, C), which of the pictures it is, or None."""
    errors = np.abs(pixels[:, None] - pictures[None].astype(float)).max(axis=(2, 3, 4))
    return [int(row.argmin()) if row.min() < 0.01 else None for row in errors]


def reals_among(calls, pictures):
    """(call, places) for each pass that D learned from pictures of the data set."""
    found = [(call, places(call.pixels, pictures)) for call in calls if call.learning]
    return [(call, where) for call, where in found if None not in where]


def test_half_of_the_pictures_are_mirrored(calls, dataset, tmp_path):
    pictures = checks(16, 8)
    config = TINY.but(img_resolution=8, initial_resolution=8, total_kimg=0.4, batch=16, mirror=True)
    stylegan.train(dataset(pictures), tmp_path / "run", config=config, device=CPU)
    both = np.concatenate([pictures, pictures[:, :, ::-1]])
    shown = [place for _, where in reals_among(calls, both) for place in where]
    assert len(shown) == 400
    assert 0.4 < np.mean([place >= 16 for place in shown]) < 0.6  # four deviations
    assert set(shown) == set(range(32))


def test_without_mirroring_no_picture_is_mirrored(calls, dataset, tmp_path):
    pictures = checks(16, 8)
    config = TINY.but(img_resolution=8, initial_resolution=8, total_kimg=0.08, mirror=False)
    stylegan.train(dataset(pictures), tmp_path / "run", config=config, device=CPU)
    shown = [place for _, where in reals_among(calls, pictures) for place in where]
    assert sorted(shown) == sorted([*range(16)] * 5)  # five epochs, each picture once in each


def test_d_never_learns_from_the_pictures_that_are_held_out(calls, dataset, tmp_path):
    pictures = checks(1600, 4)
    config = TINY.but(img_resolution=4, initial_resolution=4, total_kimg=1.6, batch=32, mirror=False)
    stylegan.train(dataset(pictures), tmp_path / "run", config=config, device=CPU)
    shown = {place for _, where in reals_among(calls, pictures) for place in where}
    held_out = set(range(1600)) - shown
    assert len(held_out) == 32  # one in 50; the others were all shown
    measured = {place for call in calls if not call.learning for place in places(call.pixels, pictures)}
    assert held_out <= measured


def test_reals_fade_in_as_the_pictures_of_g_do(calls, dataset, tmp_path):
    """Half way through a fade, pictures of the new and the old resolution are mixed half and half (Progressive GAN)."""
    pictures = checks(16, 8).astype(float)
    config = TINY.but(img_resolution=8, total_kimg=0.12, level_kimg=0.02, fade_kimg=0.08, mirror=False)
    stylegan.train(dataset(pictures.astype(np.uint8)), tmp_path / "run", config=config, device=CPU)
    coarse = pictures.reshape(16, 4, 2, 4, 2, 3).mean(axis=(2, 4)).repeat(2, axis=1).repeat(2, axis=2)
    fading = sorted({call.lod for call in calls if call.lod % 1})
    assert fading == pytest.approx([i / 20 for i in range(1, 20)])
    reals = {
        lod: reals_among([call for call in calls if call.lod == lod], pictures + lod % 1 * (coarse - pictures))
        for lod in [*fading, 0.0]
    }
    assert {lod: len(passes) for lod, passes in reals.items()} == dict.fromkeys(fading, 1) | {0.0: 5}


def test_d_is_measured_on_pictures_that_are_faded_as_those_it_learns_from_and_never_mirrored(calls, dataset, tmp_path):
    pictures = checks(1600, 8).astype(float)
    config = TINY.but(img_resolution=8, total_kimg=0.096, level_kimg=0, fade_kimg=0.128, batch=32, tick_kimg=0.032)
    stylegan.train(dataset(pictures.astype(np.uint8)), tmp_path / "run", config=config.but(mirror=True), device=CPU)
    coarse = pictures.reshape(1600, 4, 2, 4, 2, 3).mean(axis=(2, 4)).repeat(2, axis=1).repeat(2, axis=2)
    measured = [call for call in calls if not call.learning]
    assert {call.lod for call in measured} == {1.0, 0.75, 0.5}
    for lod in (0.75, 0.5):
        faded = pictures + lod * (coarse - pictures)
        of_this_tick = [call for call in measured if call.lod == lod]
        shown = {place for call in of_this_tick for place in places(call.pixels, faded)} - {None}
        assert len(shown) == 64 + 32  # all that are seen and all that are held out, each like its own self


@pytest.mark.parametrize("mirror", [False, True])
def test_reals_are_processed_as_the_authors_process_them(calls, dataset, tmp_path, mirror):
    """reals/* of golden/ops.npz: process_reals of the authors' code, at a lod of 0.25."""
    data, _ = golden.load("ops")
    pictures = data["reals/x"].transpose(0, 2, 3, 1)
    config = TINY.but(img_resolution=8, total_kimg=0.02, level_kimg=0.004, fade_kimg=0.016, mirror=mirror)
    stylegan.train(dataset(pictures), tmp_path / "run", config=config, device=CPU)
    theirs = [data["reals/lod0.25"], *([data["reals/mirror_lod0.25"], data["reals/lod0.25"][..., ::-1]] * mirror)]
    as_pixels = (np.concatenate(theirs).transpose(0, 2, 3, 1) + 1) * 127.5
    (shown,) = reals_among([call for call in calls if call.lod == 0.25], as_pixels)
    assert sorted(place % 4 for place in shown[1]) == [0, 1, 2, 3]


@pytest.fixture
def steps(monkeypatch, calls):
    """A list that gets, at every step of Adam, how many weights it has, the lod, and how many steps it remembers."""
    taken, step = [], torch.optim.Adam.step

    def recorded(optimizer, *args, **kwargs):
        remembered = max((int(state["step"]) for state in optimizer.state.values() if state), default=0)
        weights = sum(p.numel() for group in optimizer.param_groups for p in group["params"])
        taken.append((weights, calls[-1].lod, remembered))
        return step(optimizer, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", recorded)
    return taken


def test_both_optimizers_forget_when_layers_begin_or_cease_to_take_part_and_at_no_other_time(
    steps, portraits, tmp_path
):
    config = TINY.but(total_kimg=0.128, level_kimg=0.028, fade_kimg=0.02)  # 4x4, fade, 8x8, fade, 16x16
    stylegan.train(portraits.path, tmp_path / "run", config=config, device=CPU)
    sizes = {weights for weights, _, _ in steps}
    assert len(sizes) == 2  # G's and D's
    grown = [(math.floor(lod), math.ceil(lod)) for _, lod, _ in steps[::2]]
    lengths = [len(list(group)) for _, group in itertools.groupby(grown)]
    assert len(lengths) == 5
    expected = [i for length in lengths for i in range(length)]
    assert [[step for weights, _, step in steps if weights == size] for size in sizes] == [expected, expected]


@pytest.fixture
def made_for(monkeypatch):
    """A list that gets the classes for which G makes w, while it learns or D does."""
    made, mapping = [], type(stylegan.Generator(TINY).mapping)
    forward = mapping.forward

    def recorded(self, z, c=None):
        made.append(None if c is None else c.argmax(dim=1).tolist())
        return forward(self, z, c)

    monkeypatch.setattr(mapping, "forward", recorded)
    return made


@pytest.mark.parametrize("shared_fakes", [False, True])
def test_d_is_told_the_class_of_each_picture_and_sees_fakes_of_all_classes(
    calls, made_for, dataset, tmp_path, shared_fakes
):
    pictures, classes = checks(24, 8), np.arange(24) // 4 % 3  # files of one class lie together in the data set
    order = np.argsort(classes, kind="stable")
    config = TINY.but(img_resolution=8, initial_resolution=8, total_kimg=0.24, batch=12, c_dim=3, mirror=False)
    path = dataset(pictures, classes)
    stylegan.train(path, tmp_path / "run", config=config.but(shared_fakes=shared_fakes), device=CPU)
    reals = reals_among(calls, pictures[order])
    assert len(reals) == 20
    for call, where in reals:
        assert call.classes == classes[order][where].tolist()
    real_calls = {id(call) for call, _ in reals}
    fakes = [call for call in calls if call.learning and id(call) not in real_calls]
    assert len(fakes) == 40  # for D and for G, in each of 20 steps
    for of_d, of_g in zip(fakes[::2], fakes[1::2], strict=True):
        assert of_d.classes in made_for  # D is told the classes that G was told
        assert of_g.classes in made_for
        assert (of_d.classes == of_g.classes) or not shared_fakes
    for found in (fakes[::2], fakes[1::2]):
        shown = [i for call in found for i in call.classes]
        assert np.bincount(shown, minlength=3) == pytest.approx([80, 80, 80], abs=30)


def test_fakes_have_the_classes_of_the_reals_beside_them(calls, dataset, tmp_path):
    pictures = checks(24, 8)
    config = TINY.but(img_resolution=8, initial_resolution=8, total_kimg=0.08, c_dim=2, mirror=False)
    stylegan.train(dataset(pictures, np.arange(24) % 2), tmp_path / "run", config=config, device=CPU)
    learned = [call for call in calls if call.learning]
    known = reals_among(calls, pictures)
    for call, _ in known:
        after = learned[next(i for i, each in enumerate(learned) if each is call) + 1]
        assert after.classes == call.classes
    assert len(known) == 20
