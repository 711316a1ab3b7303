"""The bench in VACASK, for Verilog-A: an operating point, at which each module sets its state, begins the transient."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from circuits.measuring.bench import ABSTOL, RELTOL, VNTOL, Placed, Response
from circuits.memristors.own import OwnDevice
from circuits.simulators.process import Limits
from circuits.simulators.vacask import Vacask
from circuits.simulators.waveforms import Waveforms
from circuits.simulators.workplace import workplace
from crossbar.errors import EngineError

UNSET = "Operating point analysis failed."
TEXT, COMPILED = "own.va", "own.osdi"


@dataclass(frozen=True, kw_only=True, slots=True)
class VacaskBench:
    """A `circuits.measuring.bench.Bench`."""

    def run(self, own: OwnDevice, placed: Placed, *, seconds: float, step: float, limits: Limits) -> Response:
        """Return the currents over `seconds`, in steps of at most `step`.

        Raises
        ------
        EngineError
            VACASK is missing, the text does not compile, or does not run: the message has the program's words.
        """
        engine, module = Vacask(), own.module()
        with tempfile.TemporaryDirectory(prefix="hopbar-memristor-") as kept, workplace(Path(kept)) as private:
            (private / TEXT).write_text(module.modules.text, encoding="ascii")
            engine.compile(private / TEXT, private / COMPILED, limits)
            path = private / engine.netlist
            path.write_text(_netlist(own, placed, seconds, step), encoding="ascii")
            found = _run(engine, path, limits)
        columns = [found.names.index(f"v{number}:flow(br)") for number in range(len(placed.states))]
        return Response(time=found.time, currents=-found.values[:, columns])


def _run(engine: Vacask, netlist: Path, limits: Limits) -> Waveforms:
    """Run the bench; where it finds no operating point, the remedy is told too."""
    try:
        return engine.run(netlist, limits)
    except EngineError as error:
        if UNSET not in str(error):
            raise
        remedy = "a module must be finite at 0 V, and set its state there, as by `V(x) <+ idt(rate, x0)`"
        raise EngineError(f"no operating point: {remedy} (docs/your_circuit.md); {error}") from error


def _netlist(own: OwnDevice, placed: Placed, seconds: float, step: float) -> str:
    names = [str(number) for number in range(len(placed.states))]
    heads = [f"a{name}" for name in names]
    lines = ["memristors on a bench", "ground 0", f'load "{COMPILED}"', "model source vsource"]
    for name, head, corners in zip(names, heads, placed.sources, strict=True):
        held = (*corners, (2 * seconds + corners[-1][0], corners[-1][1]))  # a wave of one corner is none
        told = ", ".join(f"{time!r}, {volts!r}" for time, volts in held)
        lines.append(f'v{name} ({head} 0) source type="pwl" wave=[{told}]')
    lines.append(own.module().cards(names, heads, ["0"] * len(names), np.array(placed.states)).rstrip())
    saved = " ".join(f"i(v{name})" for name in names)
    lines += [
        "control", f"  options reltol={RELTOL!r} abstol={ABSTOL!r} vntol={VNTOL!r}", '  options tran_method="gear2"',
        f"  save {saved}",
        f'  analysis circuit tran step={step!r} stop={seconds!r} maxstep={step!r} icmode="op"', "endc",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
