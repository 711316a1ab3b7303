"""The switch: a transmission gate. Two of them clamp a neuron: one to its input, one to the middle of the state.

States lie at 0.48 to 1.12 V, where one of the two transistors alone would not open far enough at every corner: at 1.8 V
the n one has 0.7 to 1.3 V between gate and source, the p one 0.5 to 1.1 V, near their thresholds of 0.6 to 1.0 V.

Sizes. What must be small is the current of the open switch, as it meets a leak of tens of megohm and a hold capacitor
for milliseconds: the gates are 0.5 um long, over three times the least, and 0.1 pA is left of it. The closed one has to
hold a clamped state against its neuron's current, some nanoamperes: 0.1 megohm makes 0.1 mV of one.
"""

from __future__ import annotations

from circuits.cells.sky130.cell import Subcircuit
from circuits.cells.sky130.transistor import Transistor

PORTS = "a b on off vdd"
"""The two ends, and the gates of the n and of the p transistor."""


def switch() -> Subcircuit:
    """Return the transmission gate."""
    transistors = (
        Transistor(name="n", kind="nfet_01v8", drain="a", gate="on", source="b", bulk="0", width=4, length=0.5),
        Transistor(name="p", kind="pfet_01v8", drain="a", gate="off", source="b", bulk="vdd", width=8, length=0.5),
    )
    return Subcircuit(name="switch", transistors=transistors, ports=PORTS)
