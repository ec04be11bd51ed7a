"""Pictures of visitors: what is taken, how it is projected, and how much of it is kept."""

import io
import threading
import time

import numpy as np
import pytest
from PIL import Image

from stylegan.editing.projection import project
from stylegan.errors import InputError
from stylegan.explorer import uploads
from stylegan.explorer.explorer import Explorer, encode
from stylegan.explorer.turns import BusyError
from stylegan.explorer.uploads import read_picture
from stylegan.sampling.sampler import Sampler

from conftest import wait_until
from served import ask, served

STEPS = 3


def png(G, seed=3):
    return encode(next(Sampler(G).pictures([seed]))[0])


def done(job):
    wait_until(lambda: job.stage not in ("waiting", "searching"))
    return job


def test_a_picture_is_projected_as_by_project(explorer, G):
    job = done(explorer.uploads.add(png(G), steps=STEPS))
    assert (job.stage, job.done, job.problem) == ("done", STEPS, None)
    expected = project(G, read_picture(png(G), G)[None], steps=STEPS)
    assert np.array_equal(explorer.picture({"a": {"upload": job.name}}), expected.recipe.pictures(G)[0])
    assert np.array_equal(job.preview, expected.recipe.pictures(G)[0])


def test_it_is_mixed_by_style_and_never_truncated(explorer, G):
    job = done(explorer.uploads.add(png(G), steps=STEPS))
    state = {"a": {"upload": job.name}, "b": {"seeds": 5}, "mix": [0, 0, 0, 0, 1, 1, 1, 1]}
    found = explorer.recipe(state | {"psi": 0.3}).ws
    assert np.array_equal(found[:, :4], explorer.uploads.projected[job.name].ws[:, :4])
    assert np.array_equal(found[:, 4:], explorer.recipe({"a": {"seeds": 5}, "psi": 0.3}).ws[:, 4:])


def test_a_class_is_taken_for_the_search(labelled):
    explorer = Explorer(labelled)
    target = encode(next(Sampler(labelled).pictures([3], c=np.eye(3)[[2]]))[0])
    jobs = [done(explorer.uploads.add(target, steps=STEPS, class_index=i)) for i in (0, 2)]
    assert [job.stage for job in jobs] == ["done", "done"]
    assert not np.array_equal(jobs[0].projection.ws, jobs[1].projection.ws)
    with pytest.raises(InputError, match="class 3"):
        explorer.uploads.add(target, steps=STEPS, class_index=3)


def test_a_search_is_canceled_between_two_steps(explorer, G):
    job = explorer.uploads.add(png(G), steps=2000)
    wait_until(lambda: job.done > 0)
    explorer.uploads.cancel(job.name)
    assert done(job).stage == "canceled" and job.done < 2000
    assert job.name not in explorer.uploads.projected


def test_only_so_many_wait_and_a_waiting_one_is_canceled_at_once(explorer, G):
    jobs = [explorer.uploads.add(png(G), steps=2000) for _ in range(uploads.MOST_WAITING)]
    with pytest.raises(BusyError, match="8 pictures are being projected"):
        explorer.uploads.add(png(G), steps=1)
    explorer.uploads.cancel(jobs[-1].name)
    assert jobs[-1].stage == "canceled" and jobs[-1].name not in explorer.uploads.jobs
    for job in jobs[:-1]:
        explorer.uploads.cancel(job.name)


def test_only_the_last_are_kept(explorer, G, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_KEPT", 2)
    jobs = [done(explorer.uploads.add(png(G, seed), steps=1)) for seed in range(4)]
    assert list(explorer.uploads.projected) == [job.name for job in jobs[-2:]]
    with pytest.raises(InputError, match="upload it again"):
        explorer.picture({"a": {"upload": jobs[0].name}})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no picture"),
        (b"MZ not a picture", "no picture"),
        (b"<svg></svg>", "no picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "no picture"),
        (b"\0" * (uploads.MOST_BYTES + 1), "at most 16,777,216"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(explorer, data, words):
    with pytest.raises(InputError, match=r"file of|no picture") as refused:
        explorer.uploads.add(data, steps=1)
    assert words in str(refused.value)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(explorer):
    file = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(file, format="PNG")
    begun = time.perf_counter()
    with pytest.raises(InputError, match="9000 x 9000: at most 67,108,864 pixels"):
        explorer.uploads.add(file.getvalue(), steps=1)
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("size", [(5, 9), (32, 32), (64, 40)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_of_any_size_and_channels_are_cut_and_resized(make, size, channels):
    G = make(img_channels=channels)
    file = io.BytesIO()
    Image.new("RGBA", size, (255, 0, 0, 128)).save(file, format="PNG")
    assert read_picture(file.getvalue(), G).shape == (channels, 32, 32)


def test_the_api_uploads_tells_shows_and_gives_the_projection(server, explorer, G, tmp_path):
    begun = ask(server, f"api/uploads?steps={STEPS}", png(G), headers={"content-type": "image/png"}).json
    assert begun["stage"] in ("waiting", "searching") and begun["steps"] == STEPS
    name = begun["upload"]
    assert ask(server, f"api/uploads/{name}/picture").headers["content-type"] == "image/png"
    done(explorer.uploads.jobs[name])
    now = ask(server, f"api/uploads/{name}").json
    assert (now["stage"], now["done"]) == ("done", STEPS) and now["distance"] > 0
    path = tmp_path / "photo.safetensors"
    path.write_bytes(ask(server, f"api/uploads/{name}/projection").body)
    state = {"a": {"upload": name}}
    assert np.array_equal(next(Sampler(G).pictures([path]))[0], explorer.picture(state))
    assert ask(server, f"api/uploads/{name}", method="DELETE").status == 200
    assert ask(server, f"api/uploads/{name}").status == 404
    assert ask(server, "api/picture", {"state": state}).status == 422


def test_the_api_takes_a_class_and_refuses_one_that_is_not_there(labelled):
    explorer = Explorer(labelled)
    with served(explorer) as serving:
        headers = {"content-type": "image/png"}
        data = encode(explorer.picture({"a": {"seeds": 3}}))
        assert ask(serving, "api/uploads?steps=1&class=2", data, headers=headers).status == 200
        assert ask(serving, "api/uploads?steps=1&class=7", data, headers=headers).status == 422
        assert ask(serving, "api/uploads?steps=0", data, headers=headers).status == 422


def test_a_projection_waits_while_pictures_are_wanted(explorer, G):
    go = threading.Event()
    explorer.turns.submit("ann", "main", lambda: go.wait(60))
    waiting = explorer.turns.submit("bob", "main", lambda: None)
    job = explorer.uploads.add(png(G), steps=STEPS)
    wait_until(lambda: job.done == 1)
    time.sleep(0.5)
    assert job.done == 1 and not waiting.done()
    go.set()
    assert done(job).stage == "done"


def test_pictures_come_while_a_photo_is_projected(server, explorer, G):
    job = explorer.uploads.add(png(G), steps=2000)
    wait_until(lambda: job.done > 0)
    for seed in range(10):
        assert ask(server, "api/picture", {"state": {"a": {"seeds": seed}}}).status == 200
    assert job.stage == "searching"
    explorer.uploads.cancel(job.name)
