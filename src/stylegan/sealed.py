"""JSON records whose damage can be detected: they contain a digest of their other fields, "record_sha256"."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SEAL = "record_sha256"


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its seal, which is computed from the record as JSON gives it back."""
    return {**record, SEAL: _seal(json.loads(json.dumps(dict(record))))}


def is_sealed(record: Mapping[str, Any]) -> bool:
    """Does the record have a seal? Those of older versions do not."""
    return SEAL in record


def is_intact(record: Mapping[str, Any]) -> bool:
    """Is the record as it was written? One without a seal is trusted."""
    return SEAL not in record or record[SEAL] == _seal(record)


def _seal(record: Mapping[str, Any]) -> str:
    """The SHA-256 of the other fields, in any order and layout: 64 hex digits."""
    fields = {name: value for name, value in record.items() if name != SEAL}
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
