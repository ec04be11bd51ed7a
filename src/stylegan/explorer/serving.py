"""Serves an explorer over HTTP: until Ctrl-C, or in the background of a notebook."""

import secrets
import socket
import threading
from collections.abc import Callable

import uvicorn

from stylegan.errors import InputError, printable
from stylegan.explorer.explorer import Explorer
from stylegan.explorer.guard import LOOPBACK
from stylegan.explorer.server import make_app

LOCAL = ("127.0.0.1", "localhost", "::1")
NOTEBOOKS = "http://localhost:* http://127.0.0.1:* https://localhost:* vscode-webview:"  # that may show it in a frame
MOST_CONNECTIONS = 512


class Serving:
    """A server, listening from when it is made. Raises InputError where it cannot listen there.

    Only this machine reaches it at `host` 127.0.0.1; others need its token, which is a part of its address.
    """

    def __init__(self, explorer: Explorer, *, host: str, port: int, in_notebook: bool = False) -> None:
        local = host in LOCAL
        self.explorer = explorer
        self.token = None if local and not in_notebook else secrets.token_urlsafe(24)
        self._socket = _listening(host, port)
        app = make_app(
            explorer,
            hosts=LOOPBACK if local else ("*",),
            token=self.token,
            ancestors=NOTEBOOKS if in_notebook else "'none'",
        )
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None
        shown = host if local or host not in ("0.0.0.0", "::") else socket.gethostname()
        shown = f"[{shown}]" if ":" in shown else shown
        self.port: int = self._socket.getsockname()[1]
        self.address = f"http://{shown}:{self.port}/" + (f"?token={self.token}" if self.token else "")

    def run(self, ready: Callable[[str], object]) -> None:
        """Serve until Ctrl-C. ready: gets the address."""
        ready(self.address)
        try:
            self._server.run(sockets=[self._socket])
        except KeyboardInterrupt:  # uvicorn raises it again when it has ended well
            pass
        finally:
            self.explorer.close()

    def start(self) -> None:
        """Serve in the background."""
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="stylegan explorer server", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self.explorer.close()
        self._socket.close()


def _listening(host: str, port: int) -> socket.socket:
    if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port < 2**16:
        raise InputError(f"port {printable(port, 60)}: must be 0 (any that is free) to 65535")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Named as TCP, or asyncio leaves Nagle's algorithm on, and a picture waits 40 ms for its headers to arrive.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(MOST_CONNECTIONS)  # from now on: requests wait for the server
    except (OSError, UnicodeError) as e:
        why = printable(getattr(e, "strerror", None) or e)
        raise InputError(
            f"cannot listen at {printable(host, 80)}:{port} ({why}): give another port, or 0 for any that is free"
        ) from e
    return listening
