"""The linear memristor: a plain resistor, as the trained weights assume it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

OPEN = 1e30  # ohm, of a device of 0 S: SPICE has no infinite resistance


@dataclass(frozen=True, kw_only=True, slots=True)
class LinearMemristor:
    """I = G V at every voltage, with a state that nothing moves; one R card per device.

    Attributes
    ----------
    g_min, g_max : float
        Range in siemens (not used: a resistor takes any conductance).
    """

    g_min: float = 1e-6
    g_max: float = 1e-4
    read_voltage: ClassVar[float] = 0.1

    def subcircuit(self) -> str:
        """Return nothing: a resistor needs no subcircuit."""
        return ""

    def cards(self, names: list[str], heads: list[str], tails: list[str], conductances: np.ndarray) -> str:
        """Return one R card per device, `names` from `heads` to `tails`, its resistance a plain float in ohm."""
        values = resistances(conductances).tolist()
        rows = zip(names, heads, tails, values, strict=True)
        return "".join([f"R{name} {head} {tail} {value!r}\n" for name, head, tail, value in rows])


def resistances(conductances: np.ndarray) -> np.ndarray:
    """Return the resistances in ohm of devices of `conductances` siemens, `OPEN` where they conduct nothing."""
    return np.divide(1.0, conductances, out=np.full(conductances.shape, OPEN), where=conductances > 0)


def state_cards(names: list[str], heads: list[str], tails: list[str], states: np.ndarray) -> str:
    """Return one X card per device of the subcircuit `memristor`, its initial state a plain float."""
    rows = zip(names, heads, tails, states.tolist(), strict=True)
    return "".join([f"X{name} {head} {tail} memristor x0={state!r}\n" for name, head, tail, state in rows])
