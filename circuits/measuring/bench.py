"""The bench: memristors one beside the other, each between a source of its own and ground, in one transient."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from circuits.simulators.ngspice import Ngspice
from circuits.simulators.process import Limits
from circuits.simulators.waveforms import Waveforms
from circuits.simulators.workplace import workplace
from crossbar.errors import EngineError

OPTIONS = ".options reltol=1e-7 abstol=1e-18 vntol=1e-12 method=gear"
LIMITS = Limits(seconds=120.0, gigabytes=4.0)


class Text(Protocol):
    """What defines `memristor p q x0=`."""

    def subcircuit(self) -> str:
        """Return the definition."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """Memristors on the bench: the state that each begins in, and its source as SPICE has it after `V... node 0`."""

    states: tuple[float, ...]
    sources: tuple[str, ...]


def run(model: Text, placed: Placed, *, seconds: float, step: float, limits: Limits = LIMITS) -> Waveforms:
    """Return the currents `i(v0)`, `i(v1)`, ... that leave the sources, over `seconds`, in steps of at most `step`.

    Raises
    ------
    EngineError
        ngspice is missing, or does not run the text: the message has its words.
    """
    lines = [f"* memristors on a bench\n{model.subcircuit()}{OPTIONS}"]
    for number, (state, source) in enumerate(zip(placed.states, placed.sources, strict=True)):
        lines += [f"V{number} a{number} 0 {source}", f"X{number} a{number} 0 memristor x0={state!r}"]
        lines.append(f".save i(v{number})")
    lines += [f".tran {step!r} {seconds!r} 0 {step!r} uic", ".end"]
    engine = Ngspice()
    engine.check()
    with tempfile.TemporaryDirectory(prefix="hopbar-memristor-") as kept, workplace(Path(kept)) as private:
        path = private / engine.netlist
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        return engine.run(path, limits)


def currents(found: Waveforms, n: int) -> np.ndarray:
    """Return the currents (n_times, n) into the memristors, A.

    Raises
    ------
    EngineError
        Some are no numbers.
    """
    columns = [found.names.index(f"i(v{number})") for number in range(n)]
    into = -found.values[:, columns]
    if not np.isfinite(into).all():
        raise EngineError("ngspice found currents that are no numbers; look at the memristor's expressions near 0 V")
    return into
