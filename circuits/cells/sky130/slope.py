"""rho' times a current without a multiplier: pairs stacked on a pair, whose currents are their tails.

With rho' = gain rho (1 - rho), eq. (2) asks for the pull of the bit lines, I+ - I-, times rho (1 - rho). Each of the
two currents is the tail of a cell of this kind, and their outputs are subtracted.

The stack: the current I rho of a first pair is the tail of a second that is driven the other way round; what leaves is
I rho (1 - rho). Its weakness is an offset d between the two pairs, in units of 1 / k:

    rho(m - d) (1 - rho(m + d)) = exp(-d) / (2 (cosh m + cosh d)),

an error of its height of d. Unlike voltages at the drains make some of it always, and mismatch most of it: 12 %, where
the balanced cell has 5 % (docs/silicon.md). That has a pair on the other half of the first one too, as Gilbert's
multiplier has. Its height errs by exp(d), both add up to

    cosh d / (cosh m + cosh d),

twice the current, and the error is of second order: what is left is the difference between the two upper pairs.

The upper pairs' gates must stand higher than the lower one's: p followers of the low-threshold kind (10 um over 4 um,
in wells of their own) lift both by some 0.4 V, so that the lower pair stays saturated at every corner and no gate comes
nearer than 0.1 V to the supply at a state of 3.
"""

from __future__ import annotations

from circuits.cells.sky130.cell import Cell, slope
from circuits.cells.sky130.sigmoid import pair, tail
from circuits.cells.sky130.transistor import Transistor


def lifted(node: str) -> tuple[Transistor, Transistor]:
    """Return a follower that lifts `node` to `node`_up, and the mirror that feeds it."""
    up = f"{node}_up"
    follower = Transistor(
        name=f"lift_{node}", kind="pfet_01v8_lvt", drain="0", gate=node, source=up, bulk=up, width=10, length=4
    )
    feed = Transistor(
        name=f"feed_{node}", kind="pfet_01v8", drain=up, gate="pbias", source="vdd", bulk="vdd", width=2, length=16
    )
    return follower, feed


def stacked_slope(width: float = 10.0, length: float = 1.0) -> Cell:
    """Return two pairs stacked: I rho (1 - rho)."""
    low = pair("low", ("s", "ref"), ("u", "rest"), "t", width, length)
    high = pair("high", ("s_up", "ref_up"), ("rest", "out"), "u", width, length)
    transistors = (tail(), *low, *high, *lifted("s"), *lifted("ref"))
    return Cell(name="stacked-slope", transistors=transistors, law=slope, share=1.0, peak=0.25)


def balanced_slope(width: float = 10.0, length: float = 1.0) -> Cell:
    """Return three pairs, two of them on the first: 2 I rho (1 - rho)."""
    low = pair("low", ("s", "ref"), ("u", "w"), "t", width, length)
    left = pair("left", ("s_up", "ref_up"), ("rest", "out"), "u", width, length)
    right = pair("right", ("s_up", "ref_up"), ("out", "rest"), "w", width, length)
    transistors = (tail(), *low, *left, *right, *lifted("s"), *lifted("ref"))
    return Cell(name="balanced-slope", transistors=transistors, law=slope, share=2.0, peak=0.25)
