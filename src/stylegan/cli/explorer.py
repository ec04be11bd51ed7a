"""The explorer: a page in the browser that steers a network."""

import os
import webbrowser
from typing import Annotated

import tyro

from stylegan.cli.console import Device, say
from stylegan.errors import InputError


def explore(
    network: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NETWORK")] = "portraits",
    *,
    port: int = 8000,
    host: str = "127.0.0.1",
    open_browser: Annotated[bool, tyro.conf.arg(name="open")] = False,
    state: str | None = None,
    out: str | None = None,
    static: str | None = None,
    device: Device = "auto",
) -> None:
    """Steer a network in the browser: drag, mix, truncate, breed, edit (extra `explorer`). Ctrl-C ends it.

    Args:
        network: A network's file, a run folder, a name in the box, or hf://USER/NAME.
        port: The port where the page is served; 0 takes any free one.
        host: 127.0.0.1 serves only this machine; 0.0.0.0 serves everyone who has the token that is then printed.
        open_browser: Also open the page in this machine's browser.
        state: With --out: the text of a link to the page, or a file that it saved (.json). No page is served.
        out: The PNG file for the picture of --state.
        static: Write a page that contains the network: a file OUT.html, which needs no server, or a folder for a web
            server (extra `onnx`). It cannot project photos.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported: docs/decisions.md, "Explorer"
    if static is not None:
        from stylegan.explorer.extra import need_extra

        need_extra()
        from stylegan.explorer.static import save_static

        say(f"{network}: {save_static(network, static)}")
        return
    from stylegan.explorer.explore import save_state, serve

    if state is not None and out is not None:
        say(save_state(network, state, out, device=device))
        return
    if state is not None or out is not None:
        raise InputError("--state and --out belong together: give both to write the picture of a state to a file")

    def ready(address: str) -> None:
        say(f"{network}: open {address} (Ctrl-C ends it)")
        if open_browser:
            webbrowser.open(address)

    serve(network, device=device, host=host, port=port, ready=ready)
