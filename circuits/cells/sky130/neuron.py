"""A whole neuron: conveyor of its bit line, eq. (2), and drivers of its word lines; leak and capacitance outside.

    C ds/dt = -(s - ref) / R + 2 I_line rho (1 - rho) / units,   lines at hold +- v_read rho

So W = 2 R v_read (G+ - G-) / (3 U units), with U the volts of a unit of the state (`siemens_per_weight`).
"""

from __future__ import annotations

from circuits.cells.sky130.cell import Subcircuit, placed
from circuits.cells.sky130.conveyor import conveyor
from circuits.cells.sky130.core import core
from circuits.cells.sky130.word_lines import word_driver

PORTS = "line s ref hold high low above below bias pbias vdd"
"""Bit line, state, its middle, lines' rest, the nodes of two resistors, the word lines, gates of mirrors, supply."""


def neuron(units: int = 1) -> Subcircuit:
    """Return the neuron whose bit line's current is divided by `units`."""
    transistors = (
        *placed(conveyor(units), "conveyor", "hold line bias pbias vdd plus minus"),
        *placed(core(), "core", "s ref plus minus pbias vdd"),
        *placed(word_driver(), "driver", "s ref high low above below bias pbias vdd"),
    )
    return Subcircuit(name="neuron", transistors=transistors, ports=PORTS)
