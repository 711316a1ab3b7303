"""What a cell's spread means for a network: the gain, offset and leak of `crossbar.hopfield.mismatch`.

A unit of the state is `scale` volts, and the paper's rho has the gain 3 per unit. A cell of gain k per volt is a neuron
of gain a = k scale / 3; its offset in units is its offset in volts over `scale`. The spread of the leak is that of the
cell of rho', see `circuits.silicon.spread`.

Two things have no place in that model. The height of rho, the tail's mirror, is an error of a whole row of weights. And
the middle of rho' is apart from that of rho, as other transistors make it: there the dynamics are no gradient.
"""

from __future__ import annotations

from circuits.silicon.bench import Conditions
from circuits.silicon.spread import Spread
from crossbar.hopfield import mismatch

GAIN = 3.0
"""Of the paper's rho, per unit of the state."""


def gain_error(gain: float, conditions: Conditions) -> float:
    """Return a - 1 of a cell of `gain` per volt."""
    return gain * conditions.scale / GAIN - 1


def neurons(of_rho: Spread, of_slope: Spread, conditions: Conditions) -> mismatch.Spread:
    """Return the spread of neurons made of the two cells, as `[neurons]` and `hopbar program` take it."""
    return mismatch.Spread(gain=of_rho.of_gain, offset=of_rho.of_offset / conditions.scale, leak=of_slope.of_leak)


def options(spread: mismatch.Spread) -> str:
    """Return the options of `hopbar program` that make such neurons."""
    named = {"gain": spread.gain, "offset": spread.offset, "leak": spread.leak}
    return " ".join(f"--neuron-{name} {value:.2g}" for name, value in named.items())
