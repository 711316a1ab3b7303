"""ngspice's shared library through PySpice or its fork InSpice, in a worker process, which may abort alone."""

from __future__ import annotations

import ast
import ctypes.util
import importlib.metadata
import importlib.util
import os
import site
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from circuits.circuit.circuit import Circuit
from circuits.dialects import spice
from circuits.simulators.ngspice import no_result, refuse_failure
from circuits.simulators.process import Limits, Outcome, run_limited
from circuits.simulators.waveforms import Waveforms
from circuits.simulators.workplace import absolute, workplace
from crossbar.errors import EngineError

WORKER = "circuits.simulators.pyspice_worker"
NEWER = {"InSpice": " (its 1.6.3.3 is no Python before 3.12)"}
LIBRARY = "apt-get install libngspice0 (or set NGSPICE_LIBRARY_PATH to libngspice's file)"


@dataclass(frozen=True, kw_only=True, slots=True)
class PySpice:
    """PySpice 1.5 with libngspice; its subprocess mode is broken with ngspice 39, its shared library works.

    Attributes
    ----------
    package : {"PySpice", "InSpice"}
        InSpice is its maintained fork, of the same interface. A line of its 1.6.3.3 can be read by Python 3.12 and
        later alone.
    """

    package: str = "PySpice"
    netlist = "circuit.cir"

    @property
    def name(self) -> str:
        """The package in small letters."""
        return self.package.lower()

    @property
    def remedy(self) -> str:
        """How to get what is missing."""
        return f"pip install {self.package}{NEWER.get(self.package, '')} and {LIBRARY}"

    def library(self) -> str | None:
        """Return the file name of ngspice's shared library, or None."""
        return os.environ.get("NGSPICE_LIBRARY_PATH") or ctypes.util.find_library("ngspice")

    def version(self) -> str | None:
        """Return the package's version, or None where it or the library is missing."""
        if not self._readable() or self.library() is None:
            return None
        return importlib.metadata.version(self.package)

    def _readable(self) -> bool:
        """Return whether the package is there, and is Python to the Python that runs."""
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            return False
        shared = Path(spec.submodule_search_locations[0]) / "Spice" / "NgSpice" / "Shared.py"
        try:
            ast.parse(shared.read_bytes())
        except (OSError, SyntaxError):
            return False
        return True

    def settle(self, circuit: Circuit, folder: Path, limits: Limits) -> Waveforms:
        """Write `circuit` to `folder`, run it in the shared library, and return its waveforms.

        Raises
        ------
        EngineError
            The package or the library is missing, crashed, ran out of time or memory, or did not converge.
        """
        if self.version() is None:
            raise EngineError(f"{self.package} with ngspice's shared library is not installed: {self.remedy}")
        with workplace(folder) as private:
            netlist = spice.write(circuit, private / self.netlist)
            out = private / "pyspice.npz"
            command = [sys.executable, "-P", "-W", "ignore", "-m", WORKER, self.package, str(netlist), str(out)]
            outcome = run_limited(self.name, command, private, limits, self._search())
            refuse_failure(self.name, outcome.log)
            try:
                with np.load(out, allow_pickle=False) as data:
                    found = _waveforms([str(name).lower() for name in data["names"]], data["values"], outcome)
                    return replace(found, volt=circuit.electrical.v_state)
            except (OSError, ValueError, KeyError) as error:
                raise no_result(self.name, str(error), outcome.log) from error

    def _search(self) -> dict[str, str]:
        """Return where the worker finds us and the library; -P and absolute paths: nothing in its working folder."""
        root = str(Path(__file__).resolve().parents[2])
        paths = [root, absolute(os.environ.get("PYTHONPATH", ""))]
        library = Path(str(self.library()))
        found = str(library if len(library.parts) == 1 else library.absolute())
        return {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONUSERBASE": site.getuserbase(),
            "NGSPICE_LIBRARY_PATH": found,
        }  # fmt: skip


def _waveforms(names: list[str], values: np.ndarray, outcome: Outcome) -> Waveforms:
    keep = [column for column, name in enumerate(names) if name != "time"]
    time = values[:, names.index("time")] if "time" in names else np.zeros(len(values))
    kept = tuple(names[column] for column in keep)
    return Waveforms(time=time, names=kept, values=values[:, keep], **outcome.used)
