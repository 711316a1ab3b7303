"""Where compiled kernels and matplotlib's lists of fonts are kept, where neither the installation nor the home is ours.

Numba keeps machine code beside the source or in the user's cache, and fails where it may write to neither; matplotlib
warns. Both then get a folder under the system's temporary one, which only this user may enter: what lies there is run.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping, MutableMapping
from pathlib import Path

_HERE = Path(__file__).parent


def use_writable(environment: MutableMapping[str, str], packages: Path = _HERE) -> list[str]:
    """Set in `environment` what has no place to write and is not set by the user; return the names that were set."""
    places = (packages / "kernels", user_folder(environment, ".cache"))
    needed = [] if any(map(_writable, places)) else ["NUMBA_CACHE_DIR"]
    needed += [] if _writable(user_folder(environment, ".config")) else ["MPLCONFIGDIR"]
    needed = [name for name in needed if name not in environment]
    if needed:
        folder = _private()
        environment.update({name: str(folder) for name in needed})
    return needed


def user_folder(environment: Mapping[str, str], name: str) -> Path:
    """Return the user's folder `name`, `.cache` or `.config`, wherever the environment puts it."""
    variable = {".cache": "XDG_CACHE_HOME", ".config": "XDG_CONFIG_HOME"}[name]
    return Path(environment.get(variable) or Path(environment.get("HOME") or "/nonexistent") / name)


def _writable(folder: Path) -> bool:
    """Tell whether a file can be made in `folder`, or the folder itself where it does not exist."""
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def _private() -> Path:
    """Return this user's own temporary folder, the same in every process; a new one where that name is taken."""
    own = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"hopbar-cache-{own}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="hopbar-cache-"))
    if stat.S_ISDIR(found.st_mode) and found.st_uid == own and not found.st_mode & 0o077:
        return folder
    return Path(tempfile.mkdtemp(prefix="hopbar-cache-"))
