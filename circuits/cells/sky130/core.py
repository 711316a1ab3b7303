"""The core of a neuron, eq. (2) in transistors: two cells of rho' whose tails are what the conveyor split.

    C ds/dt = -(s - ref) / R + 2 (I_plus - I_minus) rho (1 - rho),   rho = 1 / (1 + exp(-k (s - ref)))

Two balanced cells of rho' (`circuits.cells.sky130.slope`) have the two outputs of the bit line's conveyor for their
tails and share the followers. Mirrors take their outputs to the state, one more for the second, as the state swings
lower than an output may. Those of p transistors are of the low-threshold kind, so that they leave the cells their
voltage at the cold corners. Shields (cascodes) keep the mirrors' outputs near their inputs' voltages, whatever the
state: without them what the two cells have in common, 1.3 nA each, left 0.1 nA at the state. The leak R and the
capacitance C stand outside: R = 40 megohm is a memristor of 25 nS.
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
        *_mirror("pfet_01v8_lvt", "up_plus", "vdd", width=4),
        *_mirror("pfet_01v8_lvt", "up_minus", "vdd", width=4),
        *_mirror("nfet_01v8", "down", "0", width=2),
    )
    shields = (
        _shield("pfet_01v8_lvt", "up_plus", "s", "ref", "vdd"),
        _shield("pfet_01v8_lvt", "up_minus", "down", "ref", "vdd"),
        _shield("nfet_01v8_lvt", "down", "s", "down", "0"),
    )
    plus, minus = _renamed(pairs, "plus", "up_plus"), _renamed(pairs, "minus", "up_minus")
    return Subcircuit(name="core", transistors=(*plus, *minus, *lifts, *mirrors, *shields), ports=PORTS)


def _mirror(kind: str, diode: str, rail: str, *, width: float) -> tuple[Transistor, Transistor]:
    """Return a mirror from the node `diode`, whose output ends at a shield."""
    diodes = ((f"{diode}_in", diode), (f"{diode}_out", f"{diode}_end"))
    first, second = (
        Transistor(name=name, kind=kind, drain=drain, gate=diode, source=rail, bulk=rail, width=width, length=16)
        for name, drain in diodes
    )
    return first, second


def _shield(kind: str, diode: str, out: str, gate: str, rail: str) -> Transistor:
    """Return what stands between the output of the mirror of `diode` and `out`."""
    return Transistor(
        name=f"{diode}_shield", kind=kind, drain=out, gate=gate, source=f"{diode}_end", bulk=rail, width=4, length=2
    )


def _renamed(pairs: tuple[Transistor, ...], side: str, out: str) -> tuple[Transistor, ...]:
    """Return the pairs of one side: tail `side`, output `out`, the rest of the current from the supply."""
    nodes = {"t": side, "u": f"u_{side}", "w": f"w_{side}", "out": out, "rest": "vdd"}
    moved = ((one, nodes.get(one.drain, one.drain), nodes.get(one.source, one.source)) for one in pairs)
    return tuple(
        replace(one, name=f"{one.name}_{side}", drain=drain, source=source) for one, drain, source in moved
    )
