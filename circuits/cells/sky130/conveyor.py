"""The conveyor: holds a bit line at a voltage, whatever current it brings, and sinks a scaled copy of that current.

    I_out = I_line / units,   v_line = v_hold

An amplifier of five transistors moves the gate of `sink` until the bit line, its drain, stands at `hold`; `copy`, one
unit of the same size with the same gate, is the tail of a cell of rho' (`circuits.cells.sky130.slope`). So the bit
line is a virtual ground, and the mirror that scales a memristor's current is the tail that the cell has anyway.

Sizes. The line is held at 0.4 V: word lines then go from 0.4 V to 0.4 V + v_read, memristors see 0 to v_read = 0.1 V,
and `sink` (units of 2 um over 16 um, as the tail) stays saturated. The amplifier's pair is of p transistors, as their
inputs stand that low; 20 um over 4 um, as its offset is one of the bit line: delta volts there are delta times the sum
of all conductances of the line, a current without a signal.
"""

from __future__ import annotations

from circuits.cells.sky130.cell import Subcircuit
from circuits.cells.sky130.transistor import Transistor

PORTS = "line hold feed vdd out"
"""Bit line, the voltage that it is held at, gate of the mirror that feeds the amplifier, supply, output."""


def conveyor(units: int = 10) -> Subcircuit:
    """Return the conveyor that divides by `units`."""
    shape = {"width": 2, "length": 16}
    transistors = (
        Transistor(name="feed", kind="pfet_01v8", drain="t", gate="feed", source="vdd", bulk="vdd", width=4, length=4),
        Transistor(name="in1", kind="pfet_01v8", drain="d", gate="line", source="t", bulk="t", width=20, length=4),
        Transistor(name="in2", kind="pfet_01v8", drain="g", gate="hold", source="t", bulk="t", width=20, length=4),
        Transistor(name="load1", kind="nfet_01v8", drain="d", gate="d", source="0", bulk="0", width=4, length=16),
        Transistor(name="load2", kind="nfet_01v8", drain="g", gate="d", source="0", bulk="0", width=4, length=16),
        Transistor(name="sink", kind="nfet_01v8", drain="line", gate="g", source="0", bulk="0", units=units, **shape),
        Transistor(name="copy", kind="nfet_01v8", drain="out", gate="g", source="0", bulk="0", **shape),
    )
    return Subcircuit(name="conveyor", transistors=transistors, ports=PORTS)
