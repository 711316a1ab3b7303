"""The conveyor measured: how well it splits and divides a bit line's current, how still it holds the line, how fast.

The bit line is one resistor, the sum of its memristors, from a voltage that stands for the word lines; and a
capacitance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from circuits.cells.sky130.cell import Subcircuit
from circuits.cells.sky130.conveyor import conveyor
from circuits.cells.sky130.process import SUPPLY
from circuits.silicon.bench import HOLD, Conditions, Signals, bias, head, simulate
from circuits.silicon.dynamics import settled_after
from circuits.silicon.spread import draw
from crossbar.errors import InvalidValue

READ = 0.2  # V
OUT = 0.5  # V at the outputs: about where the common node of a pair stands
LINE = 0.1e-12  # F
POINTS = 81
WITHIN, STANDS = 0.01, 0.05
SPAN, STEPS = 200e-6, 4000  # s


@dataclass(frozen=True, kw_only=True, slots=True)
class Conveyor:
    """What was measured of a conveyor; full scale is `largest` out of the line or into it.

    Attributes
    ----------
    units : int
        It divides by.
    largest : float
        Amperes of the bit line at full scale.
    error : float
        Largest error of the difference of its outputs, of full scale.
    offset : float
        Their difference at no current, of full scale.
    quiescent : float
        Amperes of each output at no current.
    wander : float
        Volts that the bit line moves by over the range.
    settling : float
        Seconds to within 1 % of full scale, from full scale of one sign to that of the other.
    power : float
        Watts at no current.
    spread_ratio : float
        Standard deviation of log (difference / input) over conveyors with mismatch, at full scale of the worse sign.
    spread_offset : float
        Standard deviation of the difference at no current, of full scale.
    spread_hold : float
        Volts; standard deviation of where the line is held.
    nodes : tuple of float
        The lowest and highest voltage of any node.
    transistors : int
    gate_area : float
        um2.
    """

    units: int
    largest: float
    error: float
    offset: float
    quiescent: float
    wander: float
    settling: float
    power: float
    spread_ratio: float
    spread_offset: float
    spread_hold: float
    nodes: tuple[float, float]
    transistors: int
    gate_area: float

    def record(self) -> dict[str, object]:
        """Return it as JSON takes it."""
        return asdict(self)


def measure(conditions: Conditions, *, draws: int, seed: int, units: int = 1) -> Conveyor:
    """Measure a conveyor that divides by `units`, for currents up to ten times the tail's at its outputs.

    Raises
    ------
    MissingFile, EngineError, InvalidValue
        As in `circuits.silicon.bench.simulate`.
    """
    cell, largest = conveyor(units), 10 * units * conditions.current
    brought, found = sweep(cell, conditions, largest)
    plus, minus, middle = found["i(vplus_n)"], found["i(vminus_n)"], len(brought) // 2
    missed = (units * (plus - minus) - brought) / largest
    ratio, offset, hold = _spread(cell, conditions, largest, draws, np.random.default_rng(seed))
    drawn = found["i(vsupply_n)"][middle] + plus[middle] + minus[middle]
    return Conveyor(
        units=units, largest=largest, error=float(np.abs(missed).max()), offset=float(missed[middle]),
        quiescent=float(plus[middle] + minus[middle]) / 2, wander=float(np.ptp(found["v(line_n)"])),
        settling=_settling(cell, conditions, largest, units), power=SUPPLY * float(drawn), spread_ratio=ratio,
        spread_offset=offset / largest * units, spread_hold=hold, nodes=found.swing,
        transistors=len(cell.transistors), gate_area=cell.gate_area,
    )  # fmt: skip


def sweep(cell: Subcircuit, conditions: Conditions, largest: float) -> tuple[np.ndarray, Signals]:
    """Return currents (n,) from one end of the range to the other, into the line, and a conveyor's signals at them."""
    step = 2 * largest / (POINTS - 1)
    analysis = f".dc Iline {-largest:.9g} {largest + step / 10:.9g} {step:.12g}\n.save all"
    cards = ["Iline vdd line_n 0", _instance("n", cell, None)]
    found = simulate(_netlist(conditions, cards, analysis, cell.text()), conditions)
    return -largest + step * np.arange(len(found.time)), found


def _netlist(conditions: Conditions, cards: list[str], analysis: str, text: str) -> str:
    rails = [*bias(conditions), f"Vhold hold 0 {HOLD}", f"Vload load 0 {OUT}"]
    return "\n".join([*head(conditions, analysis), text, *rails, *cards, analysis, ".end"]) + "\n"


def _instance(name: str, cell: Subcircuit, errors: Mapping[str, float] | None) -> str:
    told = "" if errors is None else "".join(f" e_{key}={value:.9g}" for key, value in errors.items())
    nodes = f"hold line_{name} bias pbias vdd_{name} plus_{name} minus_{name}"
    return (
        f"Vsupply_{name} vdd vdd_{name} 0\nX{name} {nodes} {cell.subcircuit}{told}\n"
        f"Vplus_{name} load plus_{name} 0\nVminus_{name} load minus_{name} 0\nCline_{name} line_{name} 0 {LINE}"
    )


def _settling(cell: Subcircuit, conditions: Conditions, largest: float, units: int) -> float:
    begin, rise = 0.1 * SPAN, 1e-8
    levels = f"{HOLD - READ:.9g} {HOLD + READ:.9g}"
    words = f"Vwords words 0 pulse({levels} {begin:.6g} {rise} {rise} 1 2)\nRline words line_n {READ / largest:.9g}"
    step = SPAN / STEPS
    analysis = f".tran {step:.6g} {SPAN:.6g} 0 {step:.6g}\n.save all"
    found = simulate(
        _netlist(conditions, [words, _instance("n", cell, None)], analysis, cell.text()), conditions
    )
    output, should = found["i(vplus_n)"] - found["i(vminus_n)"], largest / units
    if not abs(output[-1] / should - 1) < STANDS:  # an equilibrium that a sweep finds may be one that is never reached
        raise InvalidValue(
            f"the conveyor comes to {output[-1]:.3g} A in place of {should:.3g} A: its loop is not stable, or too "
            "slow; take a `current` nearer to 10 nA"
        )
    return settled_after(begin, found.time, output, WITHIN * should)


def _spread(
    cell: Subcircuit, conditions: Conditions, largest: float, draws: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return the spread of the ratio, of the difference at no current (A), and of the line's voltage."""
    names, errors = [f"n{number}" for number in range(draws)], draw(cell, draws, rng)
    differences: dict[int, list[float]] = {}
    held: list[float] = []
    for sign in (-1, 0, 1):
        cards = [
            f"Iline_{name} vdd line_{name} {sign * largest:.9g}\n{_instance(name, cell, one)}"
            for name, one in zip(names, errors, strict=True)
        ]
        found = simulate(_netlist(conditions, cards, ".op\n.save all", cell.uneven_text()), conditions)
        differences[sign] = [found[f"i(vplus_{name})"][-1] - found[f"i(vminus_{name})"][-1] for name in names]
        held = [found[f"v(line_{name})"][-1] for name in names] if sign == 0 else held
    ratio = max(np.std(np.log(np.abs(differences[sign])), ddof=1) for sign in (-1, 1))
    return float(ratio), float(np.std(differences[0], ddof=1)), float(np.std(held, ddof=1))
