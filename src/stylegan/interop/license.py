"""The licence of a network's weights, as its file and its card tell it."""

import re

from stylegan.errors import InputError, printable

UNKNOWN_LICENSE = "unknown"
"""How the licence of a network begins where nobody has said which it is."""


def checked_license(license: str) -> str:
    """The licence that somebody typed. Raises InputError for a text that names none."""
    if not license.strip() or len(license) > 100 or not license.isprintable():
        raise InputError(f"license {printable(license, 100)!r}: must be its name, such as cc-by-4.0, on one short line")
    return license.strip()


def is_known(license: object) -> bool:
    """Has somebody said which licence it is?"""
    return license is not None and not str(license).startswith(UNKNOWN_LICENSE)


def license_id(license: str) -> str:
    """ "CC BY-NC 4.0" -> "cc-by-nc-4.0"."""
    return re.sub(r"\s+", "-", str(license).strip().lower())
