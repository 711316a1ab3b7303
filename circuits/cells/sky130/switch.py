"""The switch: a transmission gate. Two of them clamp a neuron: one to its input, one to the middle of the state.

States lie at 0.48 to 1.12 V, where one of the two transistors alone would not open far enough at every corner: at 1.8 V
the n one has 0.7 to 1.3 V between gate and source, the p one 0.5 to 1.1 V, near their thresholds of 0.6 to 1.0 V.

Sizes. What must be small is the current of the open switch, as it meets a leak of tens of megohm: 1 pA is 40 uV there.
So the gates are 0.5 um long, over three times the least. The closed one must only be small beside that leak, and charge
a state of 25 pF in a hundredth of its millisecond: 0.4 megohm would do. What the gates take along when they close is
some 1 fC each, of opposite signs: 0.1 mV on a hold capacitor of 5 pF.
"""

from __future__ import annotations

from circuits.cells.sky130.cell import Subcircuit
from circuits.cells.sky130.transistor import Transistor

PORTS = "a b on off vdd"
"""The two ends, and the gates of the n and of the p transistor."""


def switch() -> Subcircuit:
    """Return the transmission gate."""
    transistors = (
        Transistor(name="n", kind="nfet_01v8", drain="a", gate="on", source="b", bulk="0", width=1, length=0.5),
        Transistor(name="p", kind="pfet_01v8", drain="a", gate="off", source="b", bulk="vdd", width=2, length=0.5),
    )
    return Subcircuit(name="switch", transistors=transistors, ports=PORTS)
