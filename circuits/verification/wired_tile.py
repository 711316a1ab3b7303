"""One tile of a trained chip, its wires included, in a circuit simulator beside `crossbar.wires.solver`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from circuits.circuit.circuit import Circuit
from circuits.circuit.wired import bit_lines, tiles
from circuits.memristors.linear import LinearMemristor
from circuits.simulators.process import Limits
from circuits.simulators.waveforms import Waveforms
from circuits.verification.tile_currents import tile_waveforms
from crossbar.errors import InvalidValue
from crossbar.wires.solver import output_currents


@dataclass(frozen=True, kw_only=True, slots=True)
class TileComparison:
    """Currents (n,) out of one tile's bit lines, in A: without wires, of the chip by `crossbar.wires`, by ngspice."""

    rows: range
    columns: range
    n_memristors: int
    ideal: np.ndarray
    ours: np.ndarray
    theirs: np.ndarray
    waveforms: Waveforms

    @property
    def error(self) -> float:
        """Largest difference over the largest current."""
        return float(np.abs(self.theirs - self.ours).max() / np.abs(self.ours).max())

    @property
    def kept(self) -> float:
        """Currents that leave the tile over what would leave it without wires; of either sign, in magnitude."""
        return float(np.abs(self.ours).sum() / np.abs(self.ideal).sum())


def compare_tile(
    circuit: Circuit, chip_lines: np.ndarray, chip_volts: np.ndarray, states: np.ndarray, folder: Path, limits: Limits
) -> TileComparison:
    """Run the tile of `circuit` that carries most current at `states` (N,) in ngspice, the chip's in `crossbar.wires`.

    `chip_lines` (N, 2 N) are the conductances of the chip (`circuits.verification.chip_reference.lines`), `chip_volts`
    (N,) what its word lines are at.

    Raises
    ------
    InvalidValue
        A circuit without wires, or with memristors that are not resistors.
    EngineError
    """
    wires = circuit.wires
    if wires is None or circuit.device != "linear":
        raise InvalidValue("--mode tile compares linear devices with wires: give --wires, and --device linear")
    volts = circuit.electrical.v_read * circuit.array.driven(circuit.signals(states))
    lines = bit_lines(circuit.array)
    rows, columns = max(
        tiles(circuit.array, wires), key=lambda tile: float((np.abs(volts[tile[0]]) @ lines[np.ix_(*tile)]).sum())
    )
    held = np.ascontiguousarray(lines[np.ix_(rows, columns)])
    chip_held, chip_driven = np.ascontiguousarray(chip_lines[np.ix_(rows, columns)]), chip_volts[rows]
    ours = output_currents(chip_held, chip_driven, wires.r_word_line, wires.r_bit_line)[0]
    theirs, waveforms = tile_waveforms(held, volts[rows], wires, LinearMemristor(), folder, limits)
    return TileComparison(
        rows=rows, columns=columns, n_memristors=int(np.count_nonzero(held)), ideal=chip_driven @ chip_held, ours=ours,
        theirs=theirs, waveforms=waveforms,
    )  # fmt: skip
