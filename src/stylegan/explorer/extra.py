"""The extra that the explorer needs, asked for when it is used and not when it is imported."""

from importlib.util import find_spec

from stylegan.errors import InputError

NEEDED = ("pydantic", "fastapi", "uvicorn")


def need_extra() -> None:
    """Raise InputError where the extra is not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"for the explorer, {', '.join(missing)} must be installed: pip install 'stylegan[explorer]'")
