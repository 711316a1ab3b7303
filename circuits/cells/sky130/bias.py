"""The bias network: makes the gates of all current mirrors out of one resistor.

    I = n U_T ln(8) / R

Two n transistors, one eight times as wide, have one gate and, by a mirror of p transistors, one current; the wide one
has the resistor below its source (a beta multiplier). Its body is at ground, so that U_T ln 8 counts with 1.18 in place
of n: 10 nA at 27 C ask for 6.4 megohm. The current is in proportion to absolute temperature, and with it v_read = R I.

The network rests at no current as well, with `pbias` at the supply and `x` at ground. There `start` is open and lifts
`x`; once `pbias` has come down to 0.8 V and `x` up to 0.4 V, it is 0.4 V from gate to source and so long and narrow
that some 0.1 nA are left. The outputs' diodes are those that
all mirrors copy, 2 um over 16 um.
"""

from __future__ import annotations

from typing import Any

from circuits.cells.sky130.cell import Subcircuit
from circuits.cells.sky130.transistor import Transistor

PORTS = "low bias pbias vdd"
"""The resistor's node, gates of the n and p current mirrors, supply."""


def bias_network() -> Subcircuit:
    """Return the network; its resistor stands outside, from `low` to ground."""
    up: dict[str, Any] = {"kind": "pfet_01v8", "source": "vdd", "bulk": "vdd"}
    down: dict[str, Any] = {"kind": "nfet_01v8", "bulk": "0"}
    mirror: dict[str, Any] = {"width": 2, "length": 16}
    core: dict[str, Any] = {"width": 10, "length": 4}
    transistors = (
        Transistor(name="one", drain="x", gate="x", source="0", **down, **core),
        Transistor(name="eight", drain="pbias", gate="x", source="low", units=8, **down, **core),
        Transistor(name="up_x", drain="x", gate="pbias", **up, **mirror),
        Transistor(name="up_in", drain="pbias", gate="pbias", **up, **mirror),
        Transistor(name="up_out", drain="bias", gate="pbias", **up, **mirror),
        Transistor(name="out", drain="bias", gate="bias", source="0", **down, **mirror),
        Transistor(name="start", drain="vdd", gate="pbias", source="x", width=0.42, length=20, **down),
    )
    return Subcircuit(name="bias-network", transistors=transistors, ports=PORTS)
