"""The bench in ngspice, for SPICE text: `uic` begins the transient in the states that the text sets."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from circuits.measuring.bench import ABSTOL, RELTOL, VNTOL, Placed, Response
from circuits.memristors.own import OwnDevice
from circuits.simulators.ngspice import Ngspice
from circuits.simulators.process import Limits
from circuits.simulators.workplace import workplace


@dataclass(frozen=True, kw_only=True, slots=True)
class NgspiceBench:
    """A `circuits.measuring.bench.Bench`."""

    def run(self, own: OwnDevice, placed: Placed, *, seconds: float, step: float, limits: Limits) -> Response:
        """Return the currents over `seconds`, in steps of at most `step`.

        Raises
        ------
        EngineError
            ngspice is missing, or does not run the text: the message has its words.
        """
        options = f".options reltol={RELTOL!r} abstol={ABSTOL!r} vntol={VNTOL!r} method=gear"
        lines = [f"* memristors on a bench\n{own.subcircuit()}{options}"]
        for number, (state, corners) in enumerate(zip(placed.states, placed.sources, strict=True)):
            told = " ".join(f"{time!r} {volts!r}" for time, volts in corners)
            lines += [f"V{number} a{number} 0 PWL({told})", f"X{number} a{number} 0 memristor x0={state!r}"]
            lines.append(f".save i(v{number})")
        lines += [f".tran {step!r} {seconds!r} 0 {step!r} uic", ".end"]
        engine = Ngspice()
        engine.check()
        with tempfile.TemporaryDirectory(prefix="hopbar-memristor-") as kept, workplace(Path(kept)) as private:
            path = private / engine.netlist
            path.write_text("\n".join(lines) + "\n", encoding="ascii")
            found = engine.run(path, limits)
        columns = [found.names.index(f"i(v{number})") for number in range(len(placed.states))]
        return Response(time=found.time, currents=-found.values[:, columns])
