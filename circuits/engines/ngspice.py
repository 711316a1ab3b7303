"""ngspice as a batch process: the main engine."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from circuits import export
from circuits.engines.process import Limits, run_limited
from circuits.netlist import Circuit
from circuits.waveforms import Waveforms, read_raw
from crossbar.errors import CorruptFile, EngineError

OLDEST = 34  # behavioural sources with ternary operators and uic as used here; tested with 39
REMEDY = "apt-get install ngspice (Debian, Ubuntu) or brew install ngspice (macOS)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ngspice:
    """`ngspice -b`, found on the PATH."""

    command: str = "ngspice"
    name = "ngspice"
    remedy = REMEDY

    def version(self) -> str | None:
        """Return the version, such as "39", or None where ngspice is not installed."""
        program = shutil.which(self.command)
        if program is None:
            return None
        try:
            said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        found = re.search(r"ngspice[- ](\d+(?:\.\d+)?)", said.stdout + said.stderr)
        return found.group(1) if found else None

    def settle(self, circuit: Circuit, folder: Path, limits: Limits) -> Waveforms:
        """Write `circuit` to `folder`, run it, and return its waveforms.

        Raises
        ------
        EngineError
            ngspice is missing, too old, crashed, ran out of time or memory, or did not converge.
        """
        self.check()
        path = export.write(circuit, folder / "circuit.cir")
        return self.run(path, limits)

    def check(self) -> None:
        """Raise an EngineError with the remedy where ngspice is missing or too old."""
        version = self.version()
        if version is None:
            raise EngineError(f"ngspice is not installed, or its version cannot be read: {REMEDY}")
        if float(version) < OLDEST:
            raise EngineError(f"ngspice {version} is too old, at least {OLDEST} is needed: {REMEDY}")

    def run(self, netlist: Path, limits: Limits) -> Waveforms:
        """Run a netlist as it is and return its waveforms."""
        raw = netlist.with_suffix(".raw")
        raw.unlink(missing_ok=True)
        command = [self.command, "-b", "-r", raw.name, netlist.name]
        outcome = run_limited(self.name, command, netlist.parent, limits)
        refuse_failure(self.name, outcome.log)
        try:
            return read_raw(raw, outcome.used)
        except (CorruptFile, FileNotFoundError) as error:
            raise EngineError(f"ngspice gave no result ({error}); see its log beside the netlist") from error


FAILURES = (
    "run simulation(s) aborted", "timestep too small", "no such parameter", "singular matrix", "fatal error",
    "unknown subckt", "circuit not parsed", "there aren't any circuits loaded", "too few parameters",
)  # fmt: skip


def refuse_failure(engine: str, log: str) -> None:
    """Raise an EngineError where a log tells of a failure that the exit code hides."""
    for line in log.splitlines():
        if any(sign in line.lower() for sign in FAILURES):
            raise EngineError(
                f"{engine} did not solve the circuit: {line.strip()}. Try the other analysis (--analysis tran or op), "
                "or a chip that was trained longer"
            )
