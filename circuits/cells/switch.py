"""The switch that clamps, resets or releases a neuron."""

from __future__ import annotations


def switch() -> str:
    """Return the model `gate` of a voltage-controlled switch: closed above 0.5 V, open below, with r_on and r_off.

    A closed switch of resistance r_on holds a node against the current of its neuron up to about r_on / r_leak.
    """
    return ".model gate sw vt=0.5 vh=0 ron={r_on} roff={r_off}\n"
