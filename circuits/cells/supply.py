"""The supply of a neuron whose signal is its state: what holds its capacitor between the rails."""

from __future__ import annotations

from circuits.cells.neuron import level, told
from circuits.cells.units import OF_STATE


def supply(own: tuple[str, ...] = ("ceiling",), amplifier: str = "behavioural") -> str:
    """Return the subcircuit `supply s`: it draws x (x / ceiling)^8 / r_leak from the state, x = s or gain (s - offset).

    With the integrator that is tau ds/dt = -s - s (s / ceiling)^8 + W rho, `crossbar.hopfield.neurons.Saturating`, of
    which it is the limit: a function of that name has ngspice. Powers are products, since `^` is an exclusive or to
    LTspice.
    """
    inner = ("gain*" if "gain" in own else "") + level(own, amplifier)
    return f"""\
.subckt supply s{told(own)}
Bsquare q 0 V={inner}*{inner}/(ceiling*ceiling)
Bfourth f 0 V=v(q)*v(q)
Brail s 0 I={OF_STATE[amplifier]}{'gain*' if "gain" in own else ""}{inner}*v(f)*v(f)/r_leak
.ends supply
"""
