"""The conveyor of two signs: holds a bit line and splits its current into what came in and what went out.

    I_plus - I_minus = I_line / units,   I_plus I_minus = I_quiescent^2,   v_line = v_hold

Word lines come in pairs here: one goes from `hold` up by v_read rho, one down by as much, and a weight's two memristors
stand between them and one bit line. So the line itself subtracts, by Kirchhoff's law, and no transistor sees the common
part of the two currents. With a conveyor for each of G+ and G- a neuron subtracts what two mirrors, unlike by percents,
make of currents that are many times their difference; subtracted by one mirror before rho', by what that one is unlike.
Here unlike mirrors are an error of the weights.

A follower in class AB (`circuits.cells.sky130.follower`) holds the line. What its two outputs carry goes through
mirrors to the two cells of rho' as their tails: `in` that of `pull`, by one mirror, `out` that of `push`, by two. The
quiescent current, 2.5 nA, keeps both fast near zero; it is all that the two have in common.

Sizes. Mirrors of n transistors are those of a tail, 2 um over 16 um; those of p transistors are of the low-threshold
kind, as `push` must stay saturated below them. `shield` (a cascode) keeps the output of theirs at 1.1 V: with 0.2 V
there, 6 % more came out than went in. `units` of them side by side divide the line's current.
"""

from __future__ import annotations

from typing import Any

from circuits.cells.sky130.cell import Subcircuit
from circuits.cells.sky130.follower import class_ab
from circuits.cells.sky130.transistor import Transistor

PORTS = "in line bias pbias vdd plus minus"
"""The voltage that the bit line is held at, bit line, gates of the current mirrors, supply, and the two outputs."""


def conveyor(units: int = 1) -> Subcircuit:
    """Return the conveyor that divides by `units`."""
    tail: dict[str, Any] = {"width": 2, "length": 16}
    up: dict[str, Any] = {"width": 4, "length": 16}
    n, p = "nfet_01v8", "pfet_01v8_lvt"
    mirrors = (
        Transistor(name="down_in", kind=n, drain="down", gate="down", source="0", bulk="0", units=units, **tail),
        Transistor(name="down_out", kind=n, drain="plus", gate="down", source="0", bulk="0", **tail),
        Transistor(name="up_in", kind=p, drain="up", gate="up", source="vdd", bulk="vdd", units=units, **up),
        Transistor(name="up_out", kind=p, drain="up_end", gate="up", source="vdd", bulk="vdd", **up),
        Transistor(
            name="shield", kind=p, drain="turn", gate="in", source="up_end", bulk="vdd", width=4, length=2
        ),
        Transistor(name="turn_in", kind=n, drain="turn", gate="turn", source="0", bulk="0", **tail),
        Transistor(name="turn_out", kind=n, drain="minus", gate="turn", source="0", bulk="0", **tail),
    )
    return Subcircuit(name="conveyor", transistors=(*class_ab("up", "down"), *mirrors), ports=PORTS)
