"""The switch and the sample-and-hold measured: closed, open, and what they add to a sample."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from circuits.cells.sky130.process import SUPPLY
from circuits.cells.sky130.sample_hold import sample_hold
from circuits.cells.sky130.switch import switch
from circuits.silicon.bench import Conditions, Signals, head, simulate
from circuits.silicon.level import Level, rails

LEVEL = Level()
ACROSS = 0.01  # V across a closed switch
RISE = 1e-6  # s
TRACK, HELD = 1e-3, 10e-3  # s
STATES = (-1.0, 0.0, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Switch:
    """What was measured of a switch.

    Attributes
    ----------
    closed : float
        Largest resistance when closed, over all states, ohm.
    open : float
        Largest current when open, between a state of 0 and any other, amperes.
    gate_area : float
        um2.
    transistors : int
    nodes : tuple of float
    """

    closed: float
    open: float
    gate_area: float
    transistors: int
    nodes: tuple[float, float]

    def record(self) -> dict[str, object]:
        """Return it as JSON takes it."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleHold:
    """What was measured of a sample-and-hold; states in units.

    Attributes
    ----------
    pedestal : float
        Largest error of what is held, right after the switch opens, for states of -1, 0 and 1.
    gain : float
        What of the noise's step arrives.
    offset : float
        Mean error of its output before the step, its follower's.
    droop : float
        Largest change in 10 ms.
    power : float
        Watts.
    gate_area : float
        um2.
    transistors : int
    nodes : tuple of float
    """

    pedestal: float
    gain: float
    offset: float
    droop: float
    power: float
    gate_area: float
    transistors: int
    nodes: tuple[float, float]

    def record(self) -> dict[str, object]:
        """Return it as JSON takes it."""
        return asdict(self)


def measure_switch(conditions: Conditions) -> Switch:
    """Measure a switch; errors as `circuits.silicon.bench.simulate`."""
    cell = switch()
    low, high = conditions.ends
    cards = [
        "Va a 0 0", "Vb b a 0", f"Vacross c a {ACROSS}", f"Xclosed c b vdd 0 vdd {cell.subcircuit}",
        f"Vshut d a 0\nXopen d ref 0 vdd vdd {cell.subcircuit}",
    ]  # fmt: skip
    step = (high - low) / 40
    found = _simulate(conditions, cell.text(), cards, f".dc Va {low:.9g} {high + step / 10:.9g} {step:.9g}\n.save all")
    return Switch(
        closed=float((ACROSS / np.abs(found["i(vacross)"])).max()), open=float(np.abs(found["i(vshut)"]).max()),
        gate_area=cell.gate_area, transistors=len(cell.transistors), nodes=found.swing,
    )  # fmt: skip


def measure_sample_hold(conditions: Conditions) -> SampleHold:
    """Measure a sample-and-hold; errors as `circuits.silicon.bench.simulate`.

    Pedestal, gain and droop are those of the held node, before the follower.
    """
    cell, scale, middle = sample_hold(), conditions.scale, conditions.middle
    opened, stepped = TRACK, 1.5 * TRACK
    gate = f"pwl(0 {{0}} {opened:g} {{0}} {opened + RISE:g} {{1}})"
    step = f"pwl(0 {middle:g} {stepped:g} {middle:g} {stepped + RISE:g} {middle + scale:g})"
    cards = [
        f"Von on 0 {gate.format(SUPPLY, 0)}", f"Voff off 0 {gate.format(0, SUPPLY)}", f"Vstep step 0 {step}",
        *(
            f"Vs{k} s{k} 0 pwl(0 {middle + scale * value:g} {opened + 2 * RISE:g} {middle + scale * value:g} "
            f"{opened + 3 * RISE:g} {middle:g})\nCkeep{k} kept{k} step {LEVEL.keep:g}\n"
            f"X{k} s{k} kept{k} out{k} on off bias pbias vdd {cell.subcircuit}"
            for k, value in enumerate(STATES)
        ),
    ]  # fmt: skip
    end = stepped + HELD
    found = _simulate(conditions, cell.text(), cards, f".tran {TRACK / 100:g} {end:g} 0 {TRACK / 20:g}\n.save all")
    held = np.array(
        [
            np.interp((opened + 5 * RISE, stepped - RISE, stepped + 5 * RISE, end), found.time, found[f"v(kept{k})"])
            for k in range(len(STATES))
        ]
    )
    states = (held - middle) / scale
    lifted = [np.interp(stepped - RISE, found.time, found[f"v(out{k})"]) for k in range(len(STATES))]
    return SampleHold(
        pedestal=float(np.abs(states[:, 0] - STATES).max()), gain=float((states[:, 2] - states[:, 1]).mean()),
        offset=float(np.mean((np.array(lifted) - middle) / scale - STATES)),
        droop=float(np.abs(states[:, 3] - states[:, 2]).max()),
        power=-SUPPLY * float(found["i(vdd)"][-1]) / len(STATES), gate_area=cell.gate_area,
        transistors=len(cell.transistors), nodes=found.swing,
    )  # fmt: skip


def _simulate(conditions: Conditions, text: str, cards: list[str], analysis: str) -> Signals:
    kept = [*head(conditions, analysis), text, *rails(conditions), *cards, analysis, ".end"]
    return simulate("\n".join(kept) + "\n", conditions)
