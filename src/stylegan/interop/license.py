"""The licence of a network's weights, as its file and its card state it."""

import re

from stylegan.errors import InputError, printable

UNKNOWN_LICENSE = "unknown"
"""How the licence of a network begins if nobody has stated one."""


def checked_license(license: str) -> str:
    """A typed licence, without surrounding spaces. Raises InputError unless it is 1 to 100 printable characters."""
    if not license.strip() or len(license) > 100 or not license.isprintable():
        raise InputError(f"license {printable(license, 100)!r}: must be its name, such as cc-by-4.0, on one short line")
    return license.strip()


def is_known(license: object) -> bool:
    """Has somebody stated the licence?"""
    return license is not None and not str(license).startswith(UNKNOWN_LICENSE)


def license_id(license: str) -> str:
    """The identifier of a licence: "CC BY-NC 4.0" -> "cc-by-nc-4.0"."""
    return re.sub(r"\s+", "-", str(license).strip().lower())
