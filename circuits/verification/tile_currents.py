"""One tile with wires, alone in a circuit simulator: the check of `crossbar.wires.solver`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from circuits.circuit.electrical import Wires
from circuits.dialects.tile import segments
from circuits.memristors.registry import MemristorModel
from circuits.simulators.ngspice import Ngspice
from circuits.simulators.process import Limits
from circuits.simulators.waveforms import Waveforms
from circuits.simulators.workplace import workplace


def tile_currents(
    conductances: np.ndarray, voltages: np.ndarray, wires: Wires, model: MemristorModel, folder: Path, limits: Limits
) -> np.ndarray:
    """Return the currents (n,) out of one tile's bit lines, in A, by ngspice (see `tile_waveforms`)."""
    return tile_waveforms(conductances, voltages, wires, model, folder, limits)[0]


def tile_waveforms(
    conductances: np.ndarray, voltages: np.ndarray, wires: Wires, model: MemristorModel, folder: Path, limits: Limits
) -> tuple[np.ndarray, Waveforms]:
    """Return the currents (n,) out of one tile's bit lines, in A, by ngspice, and its run.

    Parameters
    ----------
    conductances : ndarray (m, n)
        Siemens; 0 is an open cell.
    voltages : ndarray (m,)
        At the left ends of the word lines.

    Raises
    ------
    EngineError
        ngspice is missing or failed.
    """
    rows, columns = conductances.shape
    lines = ["* one tile with wires\n", model.subcircuit()]
    lines += [f"Vdrive_{row} d_{row} 0 {float(voltage)!r}\n" for row, voltage in enumerate(voltages)]
    for row in range(rows):
        words = [f"w_{row}_{column}" for column in range(columns)]
        bits = [f"b_{row}_{column}" for column in range(columns)]
        ends = [f"b_{row + 1}_{column}" if row + 1 < rows else f"s_{column}" for column in range(columns)]
        there = np.flatnonzero(conductances[row]).tolist()
        names = [f"p_{row}__{column}" for column in there]
        heads, tails = [words[column] for column in there], [bits[column] for column in there]
        lines.append(segments(words, [f"d_{row}", *words[:-1]], words, wires.r_word_line))
        lines.append(model.cards(names, heads, tails, conductances[row, there]))
        lines.append(segments(bits, bits, ends, wires.r_bit_line))
    for column in range(columns):
        lines.append(f"Vsense_{column} s_{column} 0 0\nHsense_{column} s_out_{column} 0 Vsense_{column} 1e6\n")
        lines.append(f".save v(s_out_{column})\n")
    lines.append(".options reltol=1e-9 abstol=1e-18 vntol=1e-15 gmin=1e-18\n.op\n.end\n")
    engine = Ngspice()
    engine.check()
    with workplace(folder) as private:
        path = private / "tile.cir"
        path.write_text("".join(lines))
        waveforms = engine.run(path, limits)
    return 1e-6 * waveforms.states([f"out_{column}" for column in range(columns)]), waveforms
