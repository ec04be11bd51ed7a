"""A network on the Hugging Face hub (extra `hub`): its file, a card and a sheet of pictures.

This is the only module that cannot be imported without its extra. `push` imports it when it is called.
"""

import json
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from stylegan.checkpoint import Networks, load_networks, save
from stylegan.data.dataset import image_grid, save_png
from stylegan.errors import InputError
from stylegan.files import write_text
from stylegan.interop.license import is_known, license_id
from stylegan.networks.classes import describe_classes, one_hot
from stylegan.networks.generator import Generator
from stylegan.opening import HOW_TO_INSTALL, HUB_FILE
from stylegan.sampling.sampler import sample

try:
    from huggingface_hub import (
        HfApi as HfApi,  # with `as`: for `push`
        ModelCard,
        ModelCardData,
        PyTorchModelHubMixin,
        hf_hub_download,
    )
except ImportError as e:
    raise InputError(HOW_TO_INSTALL) from e

NETWORK, PICTURES, CARD = HUB_FILE, "samples.png", "README.md"
PICTURE_SEEDS, PICTURE_PSI, PICTURE_CUTOFF = range(16), 0.7, 8
PICTURE_PX = (64, 256)  # pictures on the sheet are enlarged to at least the first and reduced to at most the second
LICENSES = ("apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "openrail")
TRAINING_FIELDS = ("loss", "style_mixing_prob", "mirror")  # shown on the card if they are known


class HubNetworks(PyTorchModelHubMixin):
    """Networks with the hub's methods from_pretrained, save_pretrained and push_to_hub. `.G_ema` makes pictures.

    Only this package's own file is loaded, strictly. The card and config.json are for people and are never read.
    """

    # Unless this is set, the library takes the Networks dataclass, weights included, for the configuration.
    _hub_mixin_config = {}  # noqa: RUF012  (the library declares it so)

    def __init__(self, networks: Networks) -> None:
        self.networks = networks

    @property
    def G_ema(self) -> Generator:
        return self.networks.G_ema

    def _save_pretrained(self, save_directory: Path) -> None:
        save(save_directory / NETWORK, self.networks)
        write_text(save_directory / "config.json", json.dumps(self.networks.config_json(), indent=2))
        _save_pictures(self.G_ema, save_directory / PICTURES)

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        **only_in_old_versions: Any,  # proxies, resume_download
    ) -> Self:
        path = Path(model_id) / NETWORK
        if not Path(model_id).is_dir():
            path = Path(
                hf_hub_download(
                    model_id,
                    NETWORK,
                    revision=revision,
                    cache_dir=cache_dir,
                    force_download=force_download,
                    local_files_only=local_files_only,
                    token=token,
                )
            )
        return cls(load_networks(path))

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Push as the mixin does, with a card that names the repository. Returns the address of the commit."""
        return super().push_to_hub(repo_id, model_card_kwargs={"repo_id": repo_id}, **options)

    def generate_model_card(self, repo_id: str = "USER/NAME") -> ModelCard:  # type: ignore[override]
        """The README.md: what the network is, how to use it, its configuration and its licence."""
        return model_card(self.networks, repo_id)


def model_card(networks: Networks, repo_id: str) -> ModelCard:
    """The card of `networks` in the repository `repo_id`."""
    config, metadata = networks.G_ema.config, networks.metadata
    H = networks.G_ema.resolution
    license, license_name = _license_fields(metadata.get("license"))
    data = ModelCardData(
        library_name="stylegan",
        pipeline_tag="unconditional-image-generation",
        tags=["stylegan", "gan", "image-generation", "pytorch", "arxiv:1812.04948"],
        license=license,
        license_name=license_name,
    )
    classes = f", {config.c_dim} classes ({describe_classes(networks.G_ema)})" if config.c_dim else ""
    return ModelCard(
        CARD_TEXT.format(
            data=data.to_yaml(),
            name=repo_id.rsplit("/", 1)[-1],
            repo_id=repo_id,
            pictures=f"![Pictures of seeds {PICTURE_SEEDS[0]} to {PICTURE_SEEDS[-1]}]({PICTURES})",
            psi=PICTURE_PSI,
            cutoff=PICTURE_CUTOFF,
            in_turn=", classes in turn" if config.c_dim else "",
            kind="style-based" if config.has_styles else "traditional",
            what=f"{H} x {H} px, {config.img_channels} channels{classes}",
            labels=f", c=torch.eye({config.c_dim})[[0] * 4]" if config.c_dim else "",
            torch="import torch, " if config.c_dim else "import ",
            configuration=_configuration(networks),
            origin=_origin(networks),
        ),
        ignore_metadata_errors=True,
    )


CARD_TEXT = """\
---
{data}
---
# {name}

{pictures}

Consecutive seeds, none of them selected; truncation psi {psi} on the first {cutoff} styles{in_turn}.

A {kind} generator (Karras, Laine, Aila: [A Style-Based Generator Architecture for Generative Adversarial
Networks](https://arxiv.org/abs/1812.04948)): {what}.

## Use

`pip install 'stylegan[hub]'`, then

```python
{torch}stylegan.interop.hub
G = stylegan.interop.hub.HubNetworks.from_pretrained("{repo_id}").G_ema
pictures = next(stylegan.sample(G, range(4), truncation_psi={psi}, truncation_cutoff={cutoff}{labels}))  # uint8
```

## Configuration

{configuration}

## Training data and licence

{origin}
"""


def _configuration(networks: Networks) -> str:
    values, names = networks.config_json(), [*networks.G_ema.config.to_json(), *TRAINING_FIELDS]
    rows = [f"| {name} | {values[name]} |" for name in names if name in values]
    return "\n".join(["| field | value |", "| --- | --- |", *rows])


def _origin(networks: Networks) -> str:
    metadata = networks.metadata
    lines = [f"- {name}: {value}" for name, value in metadata.items() if isinstance(value, str | int | float)]
    if "license" not in metadata:
        lines.append("- license: none is stated; ask who made this network before you use it")
    elif is_known(metadata["license"]) and "nc" in license_id(metadata["license"]).split("-"):
        lines.append("- **These weights are not for commercial use.**")
    if "source" not in metadata:
        lines.append("- source: not stated")
    kept = ", ".join(networks.modules())
    return "\n".join([*lines, f"- networks in the file: {kept}", "- the package `stylegan` itself is Apache-2.0"])


def _license_fields(license: str | None) -> tuple[str | None, str | None]:
    """(license, license_name) for the card's header. A licence that is not in LICENSES is "other" with a name."""
    if license is None or not is_known(license):
        return None, None
    name = license_id(license)
    return (name, None) if name in LICENSES else ("other", name)


def _save_pictures(G: Generator, path: Path) -> None:
    """Save the card's sheet of pictures: the same seeds for every network, classes in turn."""
    N = len(PICTURE_SEEDS)
    c = one_hot(torch.arange(N) % G.c_dim, G.c_dim) if G.c_dim else None
    batches = sample(G, PICTURE_SEEDS, c=c, truncation_psi=PICTURE_PSI, truncation_cutoff=PICTURE_CUTOFF, batch=4)
    images = np.concatenate(list(batches))
    smallest, largest = PICTURE_PX
    factor = max(1, smallest // images.shape[2])
    sheet = image_grid(images.repeat(factor, 2).repeat(factor, 3), columns=8)
    save_png(sheet.reduce(max(1, images.shape[2] // largest)), path)
