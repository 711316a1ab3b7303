"""A fresh private folder for each simulation, and an environment in which no file of anybody else acts."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

HOME = "home"  # an empty folder in the private one
SHADOW = ".spiceinit"  # empty: ngspice's library, which has no -n before version 40, looks here before the user's home
KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """Give a private folder to simulate in; what was made in it is moved to `folder` in the end, errors or not.

    Simulators obey files that lie beside a netlist (.spiceinit, .vacaskrc.toml, compiled models, Python modules), and
    `folder` may hold some that came from elsewhere.
    """
    with tempfile.TemporaryDirectory(prefix="hopbar-") as name:
        private = Path(name)
        (private / HOME).mkdir()
        (private / SHADOW).touch()
        try:
            yield private
        finally:
            for made in sorted(private.iterdir()):
                if made.name not in (HOME, SHADOW) and made.is_file() and not made.is_symlink():
                    target = folder / made.name
                    target.unlink(missing_ok=True)  # a link is replaced, not followed
                    shutil.move(made, target)


def environment(private: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a simulator that runs in `private`: paths, an empty home, and `extra`.

    OMP_THREAD_LIMIT holds ngspice to one thread: for transistors it asks for two, whatever OMP_NUM_THREADS says, and on
    a busy machine each waits for the other (16 s of processor time in place of 0.1 s for a cell's step).

    Variables such as SPICE_ASCIIRAWFILE or SPICE_SCRIPTS change what a simulator does; relative entries of PATH would
    find programs in the folder that it runs in.
    """
    own = {name: os.environ[name] for name in KEPT if name in os.environ}
    own["PATH"] = absolute(own.get("PATH", os.defpath))
    home = str(private / HOME)
    threads = {"OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1"}
    return {**own, "HOME": home, "USERPROFILE": home, "LC_ALL": "C", **threads, **(extra or {})}


def absolute(paths: str) -> str:
    """Return the entries of a search path that do not depend on the working folder."""
    return os.pathsep.join(one for one in paths.split(os.pathsep) if Path(one).is_absolute())
