"""The operational amplifier of `--neuron opamp`: finite gain, one pole, an output that ends within the supply."""

from __future__ import annotations


def opamp() -> str:
    """Return the subcircuit `opamp plus minus out`.

    With A the open-loop gain, f the gain-bandwidth (Hz) and u = `swing` `v_supply` the largest output (volt):

        dx/dt = 2 pi f ((v(plus) - v(minus)) - x / A),    v(out) = u tanh(x / u).

    Its open loop falls by 20 dB a decade from f / A, and reaches 1 at f. Inputs take no current; slew rate, offset and
    output resistance are not modelled, and the state x winds up where the output is at its end.
    """
    return """\
.subckt opamp plus minus out
Bstage 0 x I=open_loop_gain*v(plus,minus)
Rpole x 0 1
Cpole x 0 {open_loop_gain/(6.283185307179586*gain_bandwidth)} ic=0
Bend out 0 V=swing*v_supply*tanh(v(x)/(swing*v_supply))
.ends opamp
"""
