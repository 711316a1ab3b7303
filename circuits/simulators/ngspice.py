"""ngspice as a batch process: the main engine."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from circuits.circuit.circuit import Circuit
from circuits.dialects import spice
from circuits.simulators.process import LINE, Limits, run_limited
from circuits.simulators.waveforms import Waveforms, read_raw
from circuits.simulators.workplace import workplace
from crossbar.errors import CorruptFile, EngineError

OLDEST = 34  # behavioural sources with ternary operators and uic as used here; tested with 39
REMEDY = "apt-get install ngspice (Debian, Ubuntu) or brew install ngspice (macOS)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ngspice:
    """`ngspice -b`, found on the PATH."""

    command: str = "ngspice"
    name = "ngspice"
    netlist = "circuit.cir"
    remedy = REMEDY

    def version(self) -> str | None:
        """Return the version, such as "39", or None where ngspice is not installed."""
        program = shutil.which(self.command)
        if program is None:
            return None
        try:
            said = subprocess.run(
                [program, "-n", "--version"], capture_output=True, text=True, errors="replace", timeout=20, check=False
            )
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
        with workplace(folder) as private:
            found = self.run(spice.write(circuit, private / self.netlist), limits)
        return replace(found, volt=circuit.electrical.v_state)

    def check(self) -> None:
        """Raise an EngineError with the remedy where ngspice is missing or too old."""
        version = self.version()
        if version is None:
            raise EngineError(f"ngspice is not installed, or its version cannot be read: {REMEDY}")
        if float(version) < OLDEST:
            raise EngineError(f"ngspice {version} is too old, at least {OLDEST} is needed: {REMEDY}")

    def run(self, netlist: Path, limits: Limits) -> Waveforms:
        """Run a netlist of a `workplace` as it is and return its waveforms; -n: no .spiceinit is obeyed."""
        raw = netlist.with_suffix(".raw")
        program = Path(shutil.which(self.command) or self.command).absolute()
        command = [str(program), "-n", "-b", "-r", raw.name, netlist.name]
        outcome = run_limited(self.name, command, netlist.parent, limits)
        refuse_failure(self.name, outcome.log)
        try:
            return read_raw(raw, outcome.used)
        except (CorruptFile, FileNotFoundError) as error:
            raise no_result(self.name, str(error), outcome.log) from error


FAILURES = (
    "run simulation(s) aborted", "timestep too small", "no such parameter", "singular matrix", "fatal error",
    "unknown subckt", "circuit not parsed", "there aren't any circuits loaded", "too few parameters",
)  # fmt: skip


def no_result(engine: str, reason: str, log: str) -> EngineError:
    """Return the error of a run that ended well and left no result: the last words of its log, and how to keep it."""
    lines = [line.strip()[:LINE] for line in log.splitlines() if line.strip()]
    said = "; ".join(lines[-3:]) or "nothing"
    return EngineError(
        f"{engine} gave no result ({reason}); it said: {said}. `hopbar verify --keep FOLDER` keeps netlist and log"
    )


def refuse_failure(engine: str, log: str) -> None:
    """Raise an EngineError where a log tells of a failure that the exit code hides.

    Notes and warnings are none: ngspice also gives them on its way to a solution, by gmin stepping and the like.
    """
    for line in log.splitlines():
        heard = line.lower().removeprefix("stderr").strip()
        if not heard.startswith(("note", "warning")) and any(sign in heard for sign in FAILURES):
            raise EngineError(
                f"{engine} did not solve the circuit: {line.strip()[:LINE]}. Try the other analysis (`hopbar verify "
                "--analysis tran` or `op`), or a chip that was trained longer"
            )
