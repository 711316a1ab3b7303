"""The core of a neuron, eq. (2) in transistors: two cells of rho' whose tails are what the conveyor split.

    C ds/dt = -(s - ref) / R + 2 (I_plus - I_minus) rho (1 - rho),   rho = 1 / (1 + exp(-k (s - ref)))

Two balanced cells of rho' (`circuits.cells.sky130.slope`) have the two outputs of the bit line's conveyor for their
tails and share the followers. Mirrors take their outputs to the state, one more for the second, as the state swings
lower than an output may. Those of p transistors are of the low-threshold kind, so that they leave the cells their
voltage at the cold corners. The leak R and the capacitance C stand outside.
"""

from __future__ import annotations

from dataclasses import replace

from circuits.cells.sky130.cell import Subcircuit
from circuits.cells.sky130.slope import balanced_slope
from circuits.cells.sky130.transistor import Transistor

PORTS = "s ref plus minus pbias vdd"
"""State, its middle, the two currents that the conveyor sinks, the gate of the p current mirror, supply."""


def core() -> Subcircuit:
    """Return the core."""
    all_of_one = balanced_slope().transistors
    lifts = tuple(one for one in all_of_one if one.name.startswith(("lift_", "feed_")))
    pairs = tuple(one for one in all_of_one if one not in lifts and one.name != "tail")
    mirrors = (
        *_mirror("pfet_01v8_lvt", "up_plus", "s", "vdd", width=4),
        *_mirror("pfet_01v8_lvt", "up_minus", "down", "vdd", width=4),
        *_mirror("nfet_01v8", "down", "s", "0", width=2),
    )
    plus, minus = _renamed(pairs, "plus", "up_plus"), _renamed(pairs, "minus", "up_minus")
    return Subcircuit(name="core", transistors=(*plus, *minus, *lifts, *mirrors), ports=PORTS)


def _mirror(kind: str, diode: str, out: str, rail: str, *, width: float) -> tuple[Transistor, Transistor]:
    """Return a mirror from the node `diode` to `out`."""
    diodes = ((f"{diode}_in", diode), (f"{diode}_out", out))
    first, second = (
        Transistor(name=name, kind=kind, drain=drain, gate=diode, source=rail, bulk=rail, width=width, length=16)
        for name, drain in diodes
    )
    return first, second


def _renamed(pairs: tuple[Transistor, ...], side: str, out: str) -> tuple[Transistor, ...]:
    """Return the pairs of one side: tail `side`, output `out`, the rest of the current from the supply."""
    nodes = {"t": side, "u": f"u_{side}", "w": f"w_{side}", "out": out, "rest": "vdd"}
    moved = ((one, nodes.get(one.drain, one.drain), nodes.get(one.source, one.source)) for one in pairs)
    return tuple(
        replace(one, name=f"{one.name}_{side}", drain=drain, source=source) for one, drain, source in moved
    )
