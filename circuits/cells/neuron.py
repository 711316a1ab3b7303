"""The neuron: a leaky capacitor whose input current is gated by rho', or enters as it is."""

from __future__ import annotations

RHO = "0.5*(1+tanh(0.5*gain*v({node})))"
SLOPE = "0.25*gain*(1-tanh(0.5*gain*v({node}))*tanh(0.5*gain*v({node})))"
OWN_GAIN = " gain=1"  # of a subcircuit whose every card tells the gain


def neuron(own_gain: bool = False) -> str:
    """Return the subcircuit `neuron s m`: eq. (2) as a circuit.

    ::

        m (volts = W rho) --> [ x rho'(s) / r_leak ] --> s --+--[ r_leak ]-- 0
                                                             +--[ c_state ]- 0

    C ds/dt = -s/R + rho'(s) m / R, so that tau ds/dt = -s + rho'(s) (W rho(s)); 1 V is a state of 1. rho(s) =
    1 / (1 + exp(-gain s)) is written (1 + tanh(gain s / 2)) / 2, the same number without overflow. The multiplier is
    behavioural in every variant: rho' is what the paper's dynamics ask for, whatever transistors would make it. A
    square is written as a product, since to LTspice `^` is an exclusive or. The gain is the netlist's, or (`own_gain`)
    told by each card, where blocks have several.
    """
    return f"""\
.subckt neuron s m ic=0{OWN_GAIN if own_gain else ""}
Cstate s 0 {{c_state}} ic={{ic}}
Rleak s 0 {{r_leak}}
Bgate 0 s I={SLOPE.format(node="s")}*v(m)/r_leak
.ends neuron
"""


def integrator() -> str:
    """Return the subcircuit `integrator s m`: the neuron without a multiplier, tau ds/dt = -s + W rho(s).

    It is the state of a linear neuron and of a classical one, Hopfield's of 1984: m drives s through r_leak, an RC node
    that rests at W rho.
    """
    return """\
.subckt integrator s m ic=0
Cstate s 0 {c_state} ic={ic}
Rleak s 0 {r_leak}
Bdrive 0 s I=v(m)/r_leak
.ends integrator
"""
