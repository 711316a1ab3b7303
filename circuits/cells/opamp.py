"""The operational amplifier of `--neuron opamp`: a finite gain, one pole, and ends to its output."""

from __future__ import annotations


def opamp() -> str:
    """Return the subcircuit `opamp plus minus out`, with an offset `off` of its own.

    With A the open-loop gain, f the gain-bandwidth (Hz), S the slew rate (V/s), u = `swing` `v_supply` the largest
    output (V), e = v(plus) - v(minus) + `v_offset` + `off`, and r the output resistance (ohm):

        dx/dt = S tanh(2 pi f e / S) - 2 pi f x / A,    v(out) = u tanh(x / u) - r i(out).

    Its open loop falls by 20 dB a decade from f / A, and reaches 1 at f; no output moves faster than S. Inputs take no
    current. All amplifiers have `v_offset`. The state x winds up where the output is at its end.
    """
    return """\
.subckt opamp plus minus out off=0
.param c_pole={open_loop_gain/(6.283185307179586*gain_bandwidth)}
Bstage 0 x I=c_pole*slew_rate*tanh(open_loop_gain*(v(plus,minus)+v_offset+off)/(c_pole*slew_rate))
Rpole x 0 1
Cpole x 0 {c_pole} ic=0
Bend y 0 V=swing*v_supply*tanh(v(x)/(swing*v_supply))
Rout y out {r_out}
.ends opamp
"""


def offset(name: str, own: tuple[str, ...]) -> str:
    """Return how an amplifier within a cell takes the offset `name` that the cell's card tells, if it is its `own`."""
    return f" off={{{name}}}" if name in own else ""
