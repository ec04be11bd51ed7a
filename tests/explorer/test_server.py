"""The HTTP API: what it answers, what it refuses, and that many at once get what is theirs."""

import http.client
import io
import socket
import threading
import time

import numpy as np
import pytest
from PIL import Image

from stylegan.errors import InputError
from stylegan.explorer.explorer import Explorer
from stylegan.explorer.serving import Serving

from served import ask, served

STATE = {"a": {"seeds": [1, 2, 3, 4], "x": 0.5}}


def pixels(answer):
    """Of a picture in an answer, (C, H, W)."""
    assert answer.status == 200, answer.body
    return np.atleast_3d(np.asarray(Image.open(io.BytesIO(answer.body)))).transpose(2, 0, 1)


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_a_picture_is_that_of_the_explorer_to_the_bit(server, explorer, kind):
    answer = ask(server, "api/picture", {"state": STATE, "format": kind})
    assert answer.headers["content-type"] == f"image/{kind}"
    assert np.array_equal(pixels(answer), explorer.picture(STATE))


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("kind", ["png", "webp"])
def test_pictures_of_other_channels_come_without_loss(make, channels, kind):
    explorer = Explorer(make(img_channels=channels))
    with served(explorer) as serving:
        found = pixels(ask(serving, "api/picture", {"state": STATE, "format": kind}))
    assert np.array_equal(found[: channels or 3], explorer.picture(STATE))


def test_a_small_picture_is_the_mean_of_squares(server, explorer):
    found = pixels(ask(server, "api/picture", {"state": STATE, "size": 16}))
    expected = explorer.picture(STATE).reshape(3, 16, 2, 16, 2).mean(axis=(2, 4))
    assert np.abs(found - expected).max() <= 1


def test_styles_are_those_of_the_state(server, explorer):
    found = np.load(io.BytesIO(ask(server, "api/styles", {"state": STATE}).body))
    assert np.array_equal(found, explorer.recipe(STATE).ws.numpy())


def test_the_network_is_described(server, labelled):
    info = ask(server, "api/info").json
    assert (info["resolution"], info["num_ws"], info["channels"], info["classes"]) == (32, 8, 3, None)
    assert [level["name"] for level in info["levels"]] == ["coarse", "middle"] and not info["measured"]
    with served(Explorer(labelled, network=None)) as serving:
        assert ask(serving, "api/info").json["classes"] == ["0", "1", "2"]


def test_styles_without_a_measured_level_are_told_too(make):
    G = make()
    G.levels = {"pose": [0, 2]}
    assert Explorer(G).info()["levels"] == [
        {"name": "pose", "layers": [0, 1, 2]},
        {"name": "others", "layers": [3, 4, 5, 6, 7]},
    ]


def test_measured_levels_are_told(make):
    G = make()
    G.levels = {"pose": [0, 2], "rest": [3, 7]}
    with served(Explorer(G)) as serving:
        info = ask(serving, "api/info").json
    assert info["measured"] and info["levels"][0] == {"name": "pose", "layers": [0, 1, 2]}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 422, "state: Field required"),
        ({"state": {"a": {"seeds": -1}}}, 422, "greater than or equal to 0"),
        ({"state": {"a": {"seeds": 1}, "mix": [1]}}, 422, "this network takes 8"),
        ({"state": STATE, "size": 0}, 422, "greater than or equal to 1"),
        ({"state": STATE, "place": "../x"}, 422, "pattern"),
        ({"state": STATE, "format": "gif"}, 422, "'png' or 'webp'"),
        (b"{", 422, "JSON"),
        (b"[" * 50_000, 400, "parsing"),
        (b"x" * 200_000, 413, "more than 131,072 bytes"),
        (b"x" * 20_000_000, 413, "more than 131,072 bytes"),
    ],
)
def test_what_is_wrong_is_said(server, body, status, words):
    headers = {"content-type": "application/json"}
    answer = ask(server, "api/picture", body, headers=headers)
    assert answer.status == status and words in answer.json["detail"] and len(answer.body) < 2000


def test_a_body_that_hides_its_length_is_cut_off(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    pieces = (b"x" * 10_000 for _ in range(20))
    headers = {"content-type": "application/json"}
    try:
        connection.request("POST", "/api/picture", pieces, headers, encode_chunked=True)
        answer = connection.getresponse()
    except (ConnectionResetError, BrokenPipeError):  # cut off while it was sending: the answer is lost on the way
        pass
    else:
        assert answer.status == 413 and b"more than 131,072 bytes" in answer.read()
    assert ask(server, "api/info").status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": ""}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "localhost"}, 200),
        ({"Host": "[::1]:8000"}, 200),
    ],
)
def test_a_request_from_another_site_is_refused(server, headers, status):
    assert ask(server, "api/info", headers=headers).status == status


def test_its_own_page_may_ask(server):
    own = server.address.rstrip("/")
    assert ask(server, "api/info", headers={"Origin": own}).status == 200
    assert ask(server, "api/info", headers={"Origin": own + "0"}).status == 403


def test_a_server_for_others_asks_for_its_token(explorer):
    with served(explorer, host="0.0.0.0") as serving:
        token = serving.address.split("?token=")[1]
        assert len(token) >= 32
        serving.address = f"http://127.0.0.1:{serving.port}/"
        assert ask(serving, "api/info").status == 401
        assert ask(serving, "api/info", headers={"Authorization": "Bearer x"}).status == 401
        assert ask(serving, "api/picture", {"state": STATE}).status == 401
        assert ask(serving, "api/info", headers={"Authorization": f"Bearer {token}"}).status == 200
        assert ask(serving, "").status == 200  # the page is not secret, and takes the token from its address


@pytest.mark.parametrize("path", ["..%2f..%2fetc%2fpasswd", "%2e%2e/state.py", "state.py", "api/uploads/..%2f..%2fx"])
def test_no_path_reaches_the_file_system(server, path):
    assert ask(server, path).status in (404, 405, 422)


def test_the_page_and_its_modules_are_served_with_a_strict_policy(server):
    page = ask(server, "")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for name, kind in [("boot.js", "text/javascript"), ("main.js", "text/javascript"), ("style.css", "text/css")]:
        assert ask(server, name).headers["content-type"].startswith(kind)


def test_20_clients_at_once_get_their_own_pictures(server, explorer):
    states = {f"client{i}": [{"a": {"seeds": 10 * i + k}} for k in range(5)] for i in range(20)}
    found, problems = {client: {} for client in states}, []

    def work(client):
        for k, state in enumerate(states[client]):
            answer = ask(server, "api/picture", {"state": state, "client": client})
            if answer.status == 200:
                found[client][k] = pixels(answer)
            else:
                problems.append(answer.body)

    threads = [threading.Thread(target=work, args=[client]) for client in states]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems and time.perf_counter() - begun < 60
    for client, each in states.items():
        assert all(np.array_equal(found[client][k], explorer.picture(state)) for k, state in enumerate(each))


def test_a_stale_request_is_answered_with_409(server, explorer):
    """The thread is held while three requests for one place arrive."""
    go, begun = threading.Event(), threading.Event()
    explorer.turns.submit("other", "main", lambda: (begun.set(), go.wait(60)))
    begun.wait(60)
    answers = {}

    def work(seed):
        answers[seed] = ask(server, "api/picture", {"state": {"a": {"seeds": seed}}, "client": "ann"})

    threads = []
    for seed in (1, 2, 3):
        threads.append(threading.Thread(target=work, args=[seed]))
        threads[-1].start()
        time.sleep(0.3)
    go.set()
    for thread in threads:
        thread.join()
    assert [answers[seed].status for seed in (1, 2, 3)] == [409, 409, 200]
    assert np.array_equal(pixels(answers[3]), explorer.picture({"a": {"seeds": 3}}))


def test_a_picture_does_not_wait_for_its_headers_to_arrive(server):
    """Of sockets that are not named as TCP, asyncio leaves Nagle's algorithm on: 40 ms for each answer."""
    assert server._socket.proto == socket.IPPROTO_TCP


def test_a_port_that_is_taken_is_said(server, explorer):
    with pytest.raises(InputError, match="give another port"):
        Serving(explorer, host="127.0.0.1", port=server.port)
    with pytest.raises(InputError, match=r"0 \(any that is free\) to 65535"):
        Serving(explorer, host="127.0.0.1", port=70000)
