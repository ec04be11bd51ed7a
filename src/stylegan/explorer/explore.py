"""The explorer as a function: in a notebook, beneath the cell; from the command, on its own page."""

import html
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from stylegan.data.dataset import save_png
from stylegan.errors import InputError
from stylegan.explorer.explorer import Explorer, image_of
from stylegan.explorer.extra import need_extra
from stylegan.networks.generator import Generator
from stylegan.opening import load

if TYPE_CHECKING:
    from stylegan.explorer.serving import Serving


class Inline:
    """The page of an explorer beneath a notebook's cell, served by this process until `close`."""

    def __init__(self, serving: "Serving", height: int) -> None:
        self.serving, self.height = serving, height

    @property
    def address(self) -> str:
        """The address of the page, with its token: open it in its own window."""
        return self.serving.address

    @property
    def explorer(self) -> Explorer:
        """The explorer behind the page."""
        return self.serving.explorer

    def close(self) -> None:
        """End the server."""
        self.serving.close()

    def _repr_html_(self) -> str:
        address = html.escape(self.address, quote=True)
        return (
            f'<iframe src="{address}" width="100%" height="{self.height}" title="StyleGAN explorer" '
            f'style="border:0" allow="clipboard-write"></iframe>'
        )


def explore(G: Generator | Path | str, *, port: int = 0, height: int = 900) -> Inline:
    """Show the explorer of a network beneath a notebook's cell, and serve it in the background (extra `explorer`).

    G: a network, or its name as of `load`. port: 0 for any that is free. height: of the frame, in pixels. The browser
    must reach this machine as 127.0.0.1: with a notebook on another machine, forward the port.
    """
    need_extra()
    from stylegan.explorer.serving import Serving

    explorer = Explorer(load(G, "auto"), network=G) if isinstance(G, str | Path) else Explorer(G)
    serving = Serving(explorer, host="127.0.0.1", port=port, in_notebook=True)
    serving.start()
    return Inline(serving, height)


def serve(
    network: Path | str,
    *,
    device: str = "auto",
    host: str = "127.0.0.1",
    port: int = 8000,
    ready: Callable[[str], object],
) -> None:
    """Serve the page of a network until Ctrl-C. ready: called with its address."""
    need_extra()
    from stylegan.explorer.serving import Serving

    Serving(Explorer(load(network, device), network=network), host=host, port=port).run(ready)


def save_state(network: Path | str, state: str, out: Path | str, *, device: str = "auto") -> str:
    """Write the picture of a state as the PNG file `out`; say how it was made.

    state: the text of a link, JSON, or the name of a .json file that the page has saved.
    """
    from stylegan.sampling.save import png_path

    path = png_path(out)
    text = state
    if state.endswith(".json"):
        try:
            text = Path(state).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as e:
            raise InputError(f"{state}: no file of a state that can be read: {e}") from e
    picture = Explorer(load(network, device), network=network).picture(text)
    save_png(image_of(picture), path, exist_ok=False)
    return f"the picture of this state, {picture.shape[1]} x {picture.shape[2]}: {path}"
