"""Run one netlist in ngspice's shared library: `python -m circuits.simulators.pyspice_worker PACKAGE FILE OUT`."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np


def run(package: str, netlist: Path, out: Path) -> int:
    """Simulate `netlist` by PySpice or InSpice, keep time, names and values in `out` (.npz); return an exit code."""
    shared = importlib.import_module(f"{package}.Spice.NgSpice.Shared")
    forbid_init_files(os.environ.get("NGSPICE_LIBRARY_PATH"))
    try:
        library = quiet_library(shared)
        library.load_circuit(netlist.read_text(encoding="ascii"))
        loaded = library.stdout + "\n" + library.stderr
        library.run()
    except (shared.NgSpiceCircuitError, shared.NgSpiceCommandError, NameError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write("\n".join([loaded, library.stdout, library.stderr]))
    plots = [name for name in library.plot_names if name != "const"]
    if not plots:
        sys.stderr.write("error: no result\n")
        return 1
    vectors = library.plot(None, plots[0])
    names = sorted(vectors)
    np.savez(out, names=names, values=np.stack([np.atleast_1d(vectors[name]._data) for name in names], axis=1))
    return 0


def forbid_init_files(path: str | None) -> None:
    """Tell the library at `path` to obey no .spiceinit, where it can be told (from version 40)."""
    if path is not None:
        getattr(ctypes.CDLL(path), "ngSpice_nospiceinit", int)()


def quiet_library(shared: ModuleType) -> Any:
    """Return ngspice's library, as the package wraps it, without its reading of every line on stderr as an error.

    ngspice also writes notes and warnings there: of its version, of gmin stepping. Failures are told by return codes,
    by a missing result, and by the log, which `circuits.simulators.ngspice.refuse_failure` reads.
    """

    class Quiet(shared.NgSpiceShared):  # type: ignore[name-defined, misc]
        _error_in_stdout = _error_in_stderr = property(lambda _: False, lambda _, __: None)

    return Quiet(send_data=False)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
