"""What a request must be before anything looks at it: from this page, for this server, and not too large.

Host and Origin are compared, as a page of another site can send requests to 127.0.0.1 through its visitor's browser.
"""

import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
API, UPLOADS = "/api/", "/api/uploads"
MOST_JSON = 2**17  # bytes
MOST_DISCARDED = 2**26  # bytes
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
)


class Guard:
    """Refuses what is not ours, limits what is read, and says so in JSON; adds the headers of a careful page.

    hosts: names that the server is reached by, without port; "*" for any. token: what the API asks for; None: nothing.
    most_bytes: of an uploaded picture.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Iterable[str], token: str | None, most_bytes: int, ancestors: str = "'none'"
    ) -> None:
        self.app, self.hosts, self.token, self.most_bytes = app, frozenset(hosts), token, most_bytes
        self.policy = POLICY.format(ancestors=ancestors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refused(scope["path"], headers)
        if refused is not None:
            await _discard(receive)
            await JSONResponse({"detail": refused[1]}, refused[0], self._headers())(scope, receive, send)
            return
        taken, most_bytes = 0, self._most_bytes(scope["path"])

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most_bytes:  # its length was not told
                raise HTTPException(413, _too_large(most_bytes), {"connection": "close"})
            return message

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                for name, value in self._headers().items():
                    MutableHeaders(scope=message)[name] = value
            await send(message)

        await self.app(scope, limited, careful)

    def _refused(self, path: str, headers: Headers) -> tuple[int, str] | None:
        """Status and words, or None."""
        host = headers.get("host", "")
        if "*" not in self.hosts and _name(host) not in self.hosts:
            return 421, "this server has another name: open the address that `stylegan explore` printed"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, "requests from pages of other sites are not answered"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > self._most_bytes(path):
            return 413, _too_large(self._most_bytes(path))
        if self.token is not None and path.startswith(API):
            given = headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self.token.encode()):
                return 401, "this server asks for its token: open the address that `stylegan explore` printed"
        return None

    def _most_bytes(self, path: str) -> int:
        """A picture may be large, and nothing else."""
        return self.most_bytes if path == UPLOADS else MOST_JSON

    def _headers(self) -> dict[str, str]:
        return {
            "content-security-policy": self.policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-resource-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "cache-control": "no-store",
        }


def _too_large(most_bytes: int) -> str:
    return f"more than {most_bytes:,} bytes: send less"


async def _discard(receive: Receive) -> None:
    """Read what a browser sends, within bounds, as it hears no answer before it has sent all."""
    taken = 0
    while taken < MOST_DISCARDED:
        message = await receive()
        taken += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return


def _name(host: str) -> str:
    """A Host header without its port, in lower case."""
    name = host.lower()
    return name[: name.index("]") + 1] if name.startswith("[") and "]" in name else name.split(":")[0]
