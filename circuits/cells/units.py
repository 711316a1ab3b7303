"""Which volts stand for a state of 1 and a drive of 1, in the words of the cells.

Behavioural cells have 1 V for both. Between amplifiers, which have a supply, a state of 1 is `v_state` and a drive of 1
is `v_drive` (`circuits.circuit.electrical`), so that no state and no drive leaves it at rest.
"""

from __future__ import annotations

STATE = {"behavioural": "v(s)", "opamp": "v(s)/v_state"}
"""The state s, from the voltage of its node."""

DRIVE = {"behavioural": "v(m)", "opamp": "v(m)*(v_state/v_drive)"}
"""The drive W rho in volts of a state, from the voltage of its node."""

OF_STATE = {"behavioural": "", "opamp": "v_state*"}
"""What makes volts of a state."""



def drive(amplifier: str, amount: str) -> str:
    """Return the voltage of a drive of the expression `amount`; a stage between amplifiers ends at its supply."""
    return amount if amplifier == "behavioural" else f"max(-v_supply,min(v_supply,v_drive*{amount}))"
