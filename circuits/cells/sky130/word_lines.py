"""The driver of a neuron's two word lines: rho as a voltage above `hold` and as much below it, with the lines' current.

    v_high = v_hold + R I rho(k (v_s - v_ref)),   v_low = v_hold - R I rho(k (v_s - v_ref)),   v_read = R I

The pair of `circuits.cells.sky130.sigmoid` makes I rho. A mirror brings it to a resistor R from `hold` to `high`; a
second one, turned round, draws it through a resistor from `low`. Two followers bring the lines there. The resistors
stand outside: 20 megohm at 10 nA are a read voltage of 0.2 V, and a resistor of the memristors' own kind keeps the
weights a ratio of conductances. Their two currents meet in `hold`, which carries only what the mirrors differ by.

Sizes. The followers' inputs go from 0.7 to 1.1 V. The pair's output stands at the first mirror's gate, 0.9 V, above
which a state of 3 (1.12 V) brings the pair's common node no nearer than 0.1 V; `rest` is a diode of the same size, or
the pair's two sides would see drains of 0.9 and 1.8 V, an offset of 5 mV. `shield_p` and `shield_n` (cascodes) keep
outputs of mirrors near their inputs' voltages; without them `low` went 3 % farther than `high`. The lines take their
current from the supply: a driver can bring its line 0.1 uA and more (`circuits.cells.sky130.follower`).
"""

from __future__ import annotations

from typing import Any

from circuits.cells.sky130.cell import Subcircuit, placed
from circuits.cells.sky130.follower import follower
from circuits.cells.sky130.sigmoid import pair, tail
from circuits.cells.sky130.transistor import Transistor

PORTS = "s ref high low above below bias pbias vdd"
"""State, its middle, the nodes of the two resistors, the two word lines, gates of the current mirrors, supply."""


def word_driver() -> Subcircuit:
    """Return the driver."""
    up: dict[str, Any] = {"kind": "pfet_01v8", "source": "vdd", "bulk": "vdd"}
    down: dict[str, Any] = {"kind": "nfet_01v8", "source": "0", "bulk": "0"}
    size: dict[str, Any] = {"width": 2, "length": 16}
    shield: dict[str, Any] = {"gate": "ref", "width": 4, "length": 2}
    mirrors = (
        Transistor(name="rest", drain="rest", gate="rest", **up, **size),
        Transistor(name="up_in", drain="out", gate="out", **up, **size),
        Transistor(name="up_high", drain="high", gate="out", **up, **size),
        Transistor(name="up_turn", drain="up_end", gate="out", **up, **size),
        Transistor(name="shield_p", kind="pfet_01v8_lvt", drain="turn", source="up_end", bulk="vdd", **shield),
        Transistor(name="turn_in", drain="turn", gate="turn", **down, **size),
        Transistor(name="turn_out", drain="turn_end", gate="turn", **down, **size),
        Transistor(name="shield_n", kind="nfet_01v8_lvt", drain="low", source="turn_end", bulk="0", **shield),
    )
    both = pair("low", ("s", "ref"), ("out", "rest"), "t", 10.0, 1.0)
    lines = (
        *placed(follower(), "above", "high above bias pbias vdd"),
        *placed(follower(), "below", "low below bias pbias vdd"),
    )
    return Subcircuit(name="word-driver", transistors=(tail(), *both, *mirrors, *lines), ports=PORTS)
