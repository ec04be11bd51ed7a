"""Servers of explorers in the background, and what they answer."""

import json
import urllib.error
import urllib.request
from contextlib import contextmanager

from stylegan.explorer.serving import Serving


@contextmanager
def served(explorer, **how):
    """A server of an explorer in the background."""
    serving = Serving(explorer, **({"host": "127.0.0.1", "port": 0} | how))
    serving.start()
    try:
        yield serving
    finally:
        serving.close()


class Answer:
    """Status, headers and body of an answer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


def ask(serving, path, body=None, *, method=None, headers=None):
    """Ask a server. body: JSON data, or bytes."""
    is_json = body is not None and not isinstance(body, bytes)
    data = json.dumps(body).encode() if is_json else body
    headers = ({"content-type": "application/json"} if is_json else {}) | (headers or {})
    address = serving.address.split("?")[0] + path
    request = urllib.request.Request(address, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as e:
        return Answer(e.code, e.headers, e.read())
