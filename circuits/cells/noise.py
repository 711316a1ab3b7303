"""The noise source: what makes a latent a sample, z = mu + sigma eps."""

from __future__ import annotations

from circuits.cells.units import OF_STATE


def noise(amplifier: str = "behavioural") -> str:
    """Return `noise h z`: v(z) = v(h) + sigma eps, with sigma the chip's and eps the instance's draw from N(0, 1).

    The draw is a number in the netlist (the `eps` of each card, made from the seed in the title block), so that the
    sample can be repeated and the simulator can be given the same one; hardware would hold one reading of a noisy
    resistor instead.
    """
    return f"""\
.subckt noise h z eps=0
Vdraw e 0 {{eps}}
Bsum z 0 V=v(h)+{OF_STATE[amplifier]}sigma*v(e)
.ends noise
"""
