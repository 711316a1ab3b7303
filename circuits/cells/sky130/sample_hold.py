"""The sample-and-hold: follows a latent's state while it tracks, keeps it, adds the noise, and can clamp with it.

    v_out = v_s(when it was held) + (v_step now - v_step then) C_hold / (C_hold + C_parasitic)

A switch brings the state to a capacitor, whose other plate stands at `step`, outside: a step there, sigma eps times the
volts of a unit, is added to what was held. So z = mu + sigma eps takes no adder. A follower lifts it; its gate is all
that the capacitor sees beside the open switch.

Sizes. A capacitor of 10 pF beside the follower's gate of 80 um2, 0.15 pF, gives 98.6 % of the step; whoever makes the
step divides by that. What the switch takes along when it opens is less than 0.1 mV there, and 0.2 pA of open switch and
gate are 0.2 mV in 10 ms. The follower's offset, 2 mV, is the largest error.
"""

from __future__ import annotations

from circuits.cells.sky130.cell import Subcircuit, placed
from circuits.cells.sky130.follower import follower
from circuits.cells.sky130.switch import switch

PORTS = "s kept out on off bias pbias vdd"
"""State, the plate of the capacitor, output, gates of the switch and of the current mirrors, supply."""


def sample_hold() -> Subcircuit:
    """Return the sample-and-hold; its capacitor stands outside, from `kept` to `step`."""
    transistors = (
        *placed(switch(), "track", "s kept on off vdd"),
        *placed(follower(), "lift", "kept out bias pbias vdd"),
    )
    return Subcircuit(name="sample-hold", transistors=transistors, ports=PORTS)
