"""The follower: brings a line to the voltage of its input and delivers its current, out of it or into it.

    v_line = v_in,   I_push I_pull = I_quiescent^2,   I_line = I_push - I_pull

It drives word lines, lifts what a sample-and-hold keeps, and is the amplifier of the conveyor
(`circuits.cells.sky130.conveyor`). An amplifier of five transistors moves `top`, the gate of `push`; `bottom`, the gate
of `pull`, stands below it by the voltages of `stack_n` and `stack_p`, of four times their size at four times their
current (class AB, a translinear loop). So neither of the two is ever off, and a change of sign moves `top` by n U_T
times a logarithm, some 0.1 V, not by two thresholds. `stack_n` is a follower, so that the amplifier drives gates only:
fed by the amplifier or by mirrors of both kinds, the stack cost half of its gain or 3 mV.

Sizes. Lines stand at 0.9 V, half the supply, and go 0.2 V up or down from there. `push` and `pull` are of the
low-threshold kind, so that `top` (0.2 to 0.5 V above the line) and `bottom` (0.1 to 0.4 V below it) stay away from the
supply; 2.5 um over 1 um carries 0.1 uA below threshold. Tail and stack take 10 nA, the tail of a cell of rho. The pair
has units of 5 um over 4 um, as SkyWater's wide and long ones match worse. `shield1` and `shield2`, of the low-threshold
kind at the pair's own gates, keep its drains 0.2 V below these: without them the follower erred by 2 mV at rest and by
2 mV more over its range, which no longer pair mended. The loads are long, 4 um over 16 um: they make most of the
offset. Their gates are slow for that (0.4 pF at 5 nA), and the loop must be slower: `slow` is a capacitor of 0.4 pF.
Without it a lightly loaded line rang for ever, 0.15 V from peak to peak.
"""

from __future__ import annotations

from typing import Any

from circuits.cells.sky130.cell import Subcircuit
from circuits.cells.sky130.transistor import Transistor

PORTS = "in line bias pbias vdd"
"""Input, the line that follows it, gates of the n and p current mirrors, supply."""


def class_ab(above: str, below: str) -> tuple[Transistor, ...]:
    """Return a follower whose currents come from the node `above` and go to the node `below`."""
    n, p, low, low_p = "nfet_01v8", "pfet_01v8", "nfet_01v8_lvt", "pfet_01v8_lvt"
    pair: dict[str, Any] = {"width": 5, "length": 4, "units": 4}
    load: dict[str, Any] = {"width": 4, "length": 16}
    feed: dict[str, Any] = {"width": 2, "length": 16}
    out: dict[str, Any] = {"width": 2.5, "length": 1}
    return (
        Transistor(name="tail", kind=n, drain="t", gate="bias", source="0", bulk="0", **feed),
        Transistor(name="in1", kind=n, drain="x", gate="in", source="t", bulk="0", **pair),
        Transistor(name="in2", kind=n, drain="y", gate="line", source="t", bulk="0", **pair),
        Transistor(name="shield1", kind=low, drain="a", gate="in", source="x", bulk="0", width=20, length=1),
        Transistor(name="shield2", kind=low, drain="top", gate="line", source="y", bulk="0", width=20, length=1),
        Transistor(name="load1", kind=p, drain="a", gate="a", source="vdd", bulk="vdd", **load),
        Transistor(name="load2", kind=p, drain="top", gate="a", source="vdd", bulk="vdd", **load),
        Transistor(name="stack_n", kind=low, drain="vdd", gate="top", source="mid", bulk="0", units=4, **out),
        Transistor(name="stack_p", kind=low_p, drain="bottom", gate="bottom", source="mid", bulk="mid", units=4, **out),
        Transistor(name="drain", kind=n, drain="bottom", gate="bias", source="0", bulk="0", **feed),
        Transistor(name="push", kind=low, drain=above, gate="top", source="line", bulk="0", **out),
        Transistor(name="slow", kind=n, drain="0", gate="top", source="0", bulk="0", width=5, length=5, units=2),
        Transistor(name="pull", kind=low_p, drain=below, gate="bottom", source="line", bulk="line", **out),
    )


def follower() -> Subcircuit:
    """Return the follower."""
    return Subcircuit(name="follower", transistors=class_ab("vdd", "0"), ports=PORTS)
