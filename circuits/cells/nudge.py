"""The nudge source: a current that pulls a state towards a lower loss."""

from __future__ import annotations


def nudge() -> str:
    """Return `nudge s beta`: I = -v(beta) (offset + linear s + exponential (exp(s) - 1)) / r_leak, eq. (8), (10), (11).

    v(beta) is 0 in the free phase, then +beta, then -beta.
    """
    return """\
.subckt nudge s beta offset=0 linear=0 exponential=0
Bpull 0 s I=-v(beta)*(offset+linear*v(s)+exponential*(exp(v(s))-1))/r_leak
.ends nudge
"""
