"""The state of the explorer: everything that a picture depends on, as JSON, with the allowed ranges of every number.

The page, its links, the HTTP API, `stylegan explore --state` and `Explorer` share it. No torch.
"""

import base64
import binascii
import json
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from stylegan.errors import InputError, printable
from stylegan.sampling.seeds import MAX_SEED

MOST_PARTS = 64  # sources and steps in one state
MOST_BYTES = 2**16  # of its JSON
MOST_STYLES = 64  # more than any network has


def whole(value: object) -> object:
    """3 for 3.0: JSON has one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(whole)  # last, so that it comes first
Seed = Annotated[StrictInt, Field(ge=0, le=MAX_SEED), WHOLE]
Part = Annotated[float, Field(ge=0, le=1)]
Parts = Annotated[list[Part], Field(max_length=MOST_STYLES)]
Noise = Literal["own", "const", "none"] | Seed
Class = Annotated[StrictInt, Field(ge=0, le=MAX_SEED), WHOLE]


class Model(BaseModel):
    """Strict: no unknown keys, no texts for numbers, no infinite numbers, no change."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Mutation(Model):
    """Bred: a step towards the w of another seed. t 0 changes nothing, 1 is that w."""

    seed: Seed
    t: Part


class Crossing(Model):
    """Bred of two: each style a part of the way to that of another source. t: one number for each style."""

    source: "Source"
    t: Parts


class Pad(Model):
    """A place between the w of four seeds: at the top left, top right, bottom left and bottom right."""

    seeds: Annotated[list[Seed], Field(min_length=4, max_length=4)] | Seed
    x: Part = 0.0
    y: Part = 0.0
    class_index: Annotated[Class | None, Field(alias="class")] = None
    steps: Annotated[list[Mutation | Crossing], Field(max_length=MOST_PARTS)] = []

    @property
    def corners(self) -> list[int]:
        """The four seeds."""
        return self.seeds if isinstance(self.seeds, list) else [self.seeds] * 4


class Upload(Model):
    """A projected picture, by the name that the explorer gave it."""

    upload: Annotated[StrictStr, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    class_index: Annotated[Class | None, Field(alias="class")] = None
    steps: Annotated[list[Mutation | Crossing], Field(max_length=MOST_PARTS)] = []


Source = Union[Pad, Upload]  # noqa: UP007  "Source" is named before it exists


class Along(Model):
    """A step along a direction, in standard deviations of W, in the styles first to last."""

    name: Annotated[StrictStr, Field(min_length=1, max_length=200)]
    strength: Annotated[float, Field(ge=-20, le=20)]
    layers: Annotated[list[Annotated[StrictInt, Field(ge=0, lt=MOST_STYLES), WHOLE]], Field(min_length=2, max_length=2)]


class State(Model):
    """What a picture is made of. Fields that are left out have the network's defaults.

    mix: for each style, 0 is that of A, 1 that of B. cutoff: null is all styles. noise: for each layer, "own" (of the
    seeds), "const" (stored in the network), "none", or the seed of its noise.
    """

    a: Source
    b: Source | None = None
    mix: Parts | None = None
    psi: Annotated[float, Field(ge=-2, le=2)] | None = None
    cutoff: Annotated[StrictInt, Field(ge=0, le=MOST_STYLES), WHOLE] | None = None
    noise: Annotated[list[Noise], Field(max_length=MOST_STYLES)] | None = None
    directions: Annotated[list[Along], Field(max_length=16)] = []


Crossing.model_rebuild()


def read_state(given: object) -> State:
    """The state of a mapping, of its JSON text, or of the text of a link (the part behind the #).

    Raises InputError naming everything that is wrong.
    """
    if isinstance(given, State):
        return given
    if isinstance(given, str | bytes):
        given = _parsed(given)
    try:
        return State.model_validate(given)
    except ValidationError as e:
        raise InputError("state: " + "; ".join(dict.fromkeys(map(_words, e.errors()[:8])))) from None


def link_of(state: dict[str, Any]) -> str:
    """The state as the text of a link: base64url of its JSON, without padding."""
    text = json.dumps(state, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _parsed(text: str | bytes) -> object:
    """JSON, or base64url of JSON."""
    if len(text) > 2 * MOST_BYTES:
        raise InputError(f"state of {len(text):,} bytes: at most {MOST_BYTES:,} are allowed")
    data = text.encode() if isinstance(text, str) else text
    data = data.strip().lstrip(b"#")
    try:
        if not data.startswith(b"{"):
            data = base64.urlsafe_b64decode(data + b"=" * (-len(data) % 4))
        return json.loads(data)
    except (binascii.Error, ValueError, RecursionError):
        shown = printable(data[:60].decode("ascii", "backslashreplace"))
        raise InputError(
            f"state {shown!r}: must be the text of a link of the explorer (behind the #), or its JSON"
        ) from None


def _words(error: Any) -> str:
    """One of pydantic's errors, in a few words."""
    where = ".".join(str(part) for part in error["loc"] if part not in ("Pad", "Upload", "Mutation", "Crossing"))
    return printable(f"{where or 'it'}: {error['msg']}, given {printable(error['input'], 60)}", 200)
