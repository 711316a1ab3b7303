"""The nudge source: a current that pulls a state towards a lower loss."""

from __future__ import annotations

from circuits.cells.units import OF_STATE, STATE


def nudge(amplifier: str = "behavioural") -> str:
    """Return `nudge s beta`: I = -v(beta) (offset + linear s + exponential (exp(s) - 1)) / r_leak, eq. (8), (10), (11).

    v(beta) is 0 in the free phase, then +beta, then -beta.
    """
    state = STATE[amplifier]
    return f"""\
.subckt nudge s beta offset=0 linear=0 exponential=0
Bpull 0 s I=-{OF_STATE[amplifier]}v(beta)*(offset+linear*{state}+exponential*(exp({state})-1))/r_leak
.ends nudge
"""
