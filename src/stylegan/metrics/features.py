"""The networks whose features are compared. Every result states their name and checksum."""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from stylegan.data.pixels import to_float
from stylegan.errors import InputError, printable
from stylegan.files import user_path
from stylegan.metrics import efficientnet, inception
from stylegan.metrics.fetch import cache_folder, fetch
from stylegan.metrics.perceptual import over_white

OFFLINE = "efficientnet-lite0"
STATE_DICT_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
STATE_DICT_URL = (
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"
)
TORCHSCRIPT_SHA256 = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"
INCEPTION = "inception-2015-12-05"
HOW_TO_GET = (
    "get pt_inception-2015-12-05-6726825d.pth from the release fid_weights of github.com/mseitzer/pytorch-fid "
    "(96 MB; or inception-2015-12-05.pt, the TorchScript of the StyleGAN2-ADA authors) and give the file as features; "
    f"with an internet connection, {INCEPTION} fetches it"
)


@dataclass(frozen=True)
class FeatureNetwork:
    """function: pictures (N, 3, H, H) in [-1, 1] -> features (N, width), on the pictures' device.

    resizing: what is done to pictures before the network sees them, in words. sha256: of the weights, 64 hex digits.
    fid: whether the Frechet distance of these features is the FID. peers: with whose numbers theirs may be compared.
    """

    name: str
    function: Callable[[Tensor], Tensor]
    width: int
    resizing: str
    sha256: str
    fid: bool = False
    peers: str = ""


def find_features(features: FeatureNetwork | Path | str = OFFLINE) -> FeatureNetwork:
    """The feature network for a name or for a file of Inception's weights. A FeatureNetwork is returned as it is.

    "efficientnet-lite0" needs no download. "inception-2015-12-05" is downloaded once, and kept in the user's cache if
    its checksum is right. Raises InputError for an unknown name, for a file that is not byte for byte one of the two
    published ones, and if weights are missing.
    """
    if isinstance(features, FeatureNetwork):
        return features
    if features == OFFLINE:
        return offline()
    if features == INCEPTION:
        return inception_state_dict(fetched())
    path = user_path(features)
    if not path.is_file():
        raise InputError(
            f"features {printable(features)}: must be {OFFLINE}, {INCEPTION}, or a file of Inception's: {HOW_TO_GET}"
        )
    found = file_sha256(path)
    if found == STATE_DICT_SHA256:
        return inception_state_dict(path)
    if found == TORCHSCRIPT_SHA256:
        return inception_torchscript(path)
    raise InputError(
        f"{printable(path)} has the checksum {found[:16]}..., and must have {STATE_DICT_SHA256[:16]}... (.pth) or "
        f"{TORCHSCRIPT_SHA256[:16]}... (.pt); nothing in it was read. It is damaged, or another network: {HOW_TO_GET}"
    )


def offline() -> FeatureNetwork:
    """EfficientNet-Lite0, which needs no download."""
    path, px = efficientnet.weights_path(), efficientnet.SIDE_PX
    net = efficientnet.EfficientNetLite0()
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on a CPU

    def function(images: Tensor) -> Tensor:
        images = resized(images, px).contiguous(memory_format=torch.channels_last)
        return net.to(images.device).features(images)

    return FeatureNetwork(OFFLINE, function, efficientnet.FEATURES, words(px), file_sha256(path))


def fetched() -> Path:
    """The state dict of Inception in the user's cache. It is downloaded first if it is missing or damaged."""
    path = cache_folder() / Path(STATE_DICT_URL).name
    if not path.is_file() or file_sha256(path) != STATE_DICT_SHA256:
        fetch(STATE_DICT_URL, path, sha256=STATE_DICT_SHA256, otherwise=HOW_TO_GET)
    return path


def inception_state_dict(path: Path) -> FeatureNetwork:
    """Inception from the state dict that pytorch-fid and torch-fidelity use."""
    net = inception.Inception()
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=True)
    net.eval().requires_grad_(False)
    px = inception.SIDE_PX

    def function(images: Tensor) -> Tensor:
        features: Tensor = net.to(images.device)(resized(images, px))
        return features

    peers = (
        "FIDs of the same pictures by tools that read this state dict and resize in the same way; pytorch-fid and "
        "torch-fidelity resize differently, except for pictures of 299 px"
    )
    return FeatureNetwork(
        "inception-2015-12-05.pth", function, inception.FEATURES, words(px), STATE_DICT_SHA256, True, peers
    )


def inception_torchscript(path: Path) -> FeatureNetwork:
    """Inception from the TorchScript file of the StyleGAN2-ADA authors, which resizes the pictures itself."""
    net = torch.jit.load(str(path), map_location="cpu").eval()

    def function(images: Tensor) -> Tensor:
        features: Tensor = net.to(images.device)((images + 1) * 127.5, return_features=True)
        return features

    resizing = "bilinear to 299 px inside the file, as TensorFlow 1 did (not antialiased)"
    peers = "FIDs that the StyleGAN2-ADA and StyleGAN3 code prints for the same pictures"
    return FeatureNetwork(
        "inception-2015-12-05.pt", function, inception.FEATURES, resizing, TORCHSCRIPT_SHA256, True, peers
    )


@torch.no_grad()
def extract(
    network: FeatureNetwork, batches: Iterable[NDArray[np.uint8]], *, device: torch.device | str = "cpu"
) -> Tensor:
    """Features (N, width), float32 on the CPU, of batches of uint8 pictures (n, C, H, H).

    Raises InputError if the network gives NaN, infinity or another width than it declares.
    """
    found = []
    for batch in batches:
        images = over_white(to_float(torch.from_numpy(np.ascontiguousarray(batch)).to(device)))
        features = network.function(images)
        if features.shape != (len(images), network.width):
            raise InputError(
                f"{network.name} gives features of shape {tuple(features.shape)} for {len(images)} pictures: "
                f"must be ({len(images)}, {network.width})"
            )
        if not features.isfinite().all():
            raise InputError(f"{network.name} gives NaN or infinity for pictures: the network is broken")
        found.append(features.float().cpu())
    return torch.cat(found)


def resized(images: Tensor, px: int) -> Tensor:
    """The pictures at px x px: bilinear, antialiased if they are reduced, not rounded to 8 bits."""
    return F.interpolate(images, size=(px, px), mode="bilinear", antialias=True, align_corners=False)


def words(px: int) -> str:
    """`resized` in words."""
    return f"antialiased bilinear to {px} px"


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def file_name(text: str) -> str:
    """The text with everything that does not belong in a file's name replaced by "-"."""
    return re.sub(r"[^\w.-]+", "-", text)
