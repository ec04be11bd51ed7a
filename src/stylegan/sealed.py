"""JSON records that tell of damage: beside the other fields stands a digest of them, under "record_sha256"."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SEAL = "record_sha256"


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its seal, of what JSON makes of it."""
    return {**record, SEAL: _seal(json.loads(json.dumps(dict(record))))}


def is_sealed(record: Mapping[str, Any]) -> bool:
    """Does it tell of damage? Those of older versions do not."""
    return SEAL in record


def is_intact(record: Mapping[str, Any]) -> bool:
    """Is it what was written? One without a seal is taken on trust."""
    return SEAL not in record or record[SEAL] == _seal(record)


def _seal(record: Mapping[str, Any]) -> str:
    """The SHA-256 of the other fields, in any order and layout: 64 hex digits."""
    fields = {name: value for name, value in record.items() if name != SEAL}
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
