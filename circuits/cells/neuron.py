"""The neuron: a leaky capacitor whose input current is gated by rho'."""

from __future__ import annotations

RHO = "0.5*(1+tanh(0.5*gain*v({node})))"
SLOPE = "0.25*gain*(1-tanh(0.5*gain*v({node}))*tanh(0.5*gain*v({node})))"


def neuron() -> str:
    """Return the subcircuit `neuron s m`: eq. (2) as a circuit.

    ::

        m (volts = W rho) --> [ x rho'(s) / r_leak ] --> s --+--[ r_leak ]-- 0
                                                             +--[ c_state ]- 0

    C ds/dt = -s/R + rho'(s) m / R, so that tau ds/dt = -s + rho'(s) (W rho(s)); 1 V is a state of 1. rho(s) =
    1 / (1 + exp(-gain s)) is written (1 + tanh(gain s / 2)) / 2, the same number without overflow. The multiplier is
    behavioural in every variant: rho' is what the paper's dynamics ask for, whatever transistors would make it. A
    square is written as a product, since to LTspice `^` is an exclusive or.
    """
    return f"""\
.subckt neuron s m ic=0
Cstate s 0 {{c_state}} ic={{ic}}
Rleak s 0 {{r_leak}}
Bgate 0 s I={SLOPE.format(node="s")}*v(m)/r_leak
.ends neuron
"""
