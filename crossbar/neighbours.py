"""Other people's packages of the same import names: PyPI has a `crossbar` and a `circuits`; files would mix."""

from __future__ import annotations

from importlib import metadata

NAMES = ("crossbar", "circuits", "hvae")


def foreign() -> dict[str, str]:
    """Return the versions of installed distributions that bear one of our import names, by name.

    >>> foreign()
    {}
    """
    return {one.metadata["Name"]: one.version for name in NAMES for one in metadata.distributions(name=name)}


def warning() -> str:
    """Return what to tell where packages are mixed, and the remedy; nothing where they are not."""
    found = ", ".join(f"{name} {version}" for name, version in foreign().items())
    if not found:
        return ""
    return (
        f"another package of the same import name is installed here ({found}), and its files mix with Hopbar's; "
        "use an environment of its own: python3 -m venv hopbar && hopbar/bin/pip install hopbar"
    )
