"""The conveyor measured: how well it divides a bit line's current, how still it holds the line, how fast, how unlike.

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
from circuits.silicon.bench import Conditions, Signals, head, simulate
from circuits.silicon.spread import draw
from crossbar.errors import InvalidValue

HOLD = 0.4  # V
READ = 0.1  # V
OUT = 0.5  # V at the output: about where the common node of a pair stands
LINE = 1e-12  # F
LOWEST = 1e-3  # of the largest current
POINTS = 61
TENFOLD = 10
WITHIN = 0.01
STANDS = 0.05
SPAN, STEPS = 60e-6, 3000  # s


@dataclass(frozen=True, kw_only=True, slots=True)
class Conveyor:
    """What was measured of a conveyor.

    Attributes
    ----------
    units : int
        It divides by.
    largest : float
        Amperes of the bit line at full scale.
    error : float
        Largest error of the output over that range, of full scale.
    ratio_error : float
        Largest relative error of the output from a hundredth of full scale on.
    wander : float
        Volts that the bit line moves by from a thousandth of full scale to full scale.
    settling : float
        Seconds to within 1 %, from a tenth of full scale to all of it.
    power : float
        Watts of the amplifier and the output; the line's own current is not counted.
    spread_ratio : float
        Standard deviation of log (output / input) over conveyors with mismatch, at full scale.
    spread_hold : float
        Volts; standard deviation of where the line is held.
    nodes : tuple of float
        The lowest and highest voltage of any node.
    gate_area : float
        um2.
    """

    units: int
    largest: float
    error: float
    ratio_error: float
    wander: float
    settling: float
    power: float
    spread_ratio: float
    spread_hold: float
    nodes: tuple[float, float]
    gate_area: float

    def record(self) -> dict[str, object]:
        """Return it as JSON takes it."""
        return asdict(self)


def measure(
    conditions: Conditions, *, draws: int, rng: np.random.Generator, units: int = 10, largest: float = 1e-6
) -> Conveyor:
    """Measure a conveyor that divides by `units`, for currents up to `largest` (A).

    Raises
    ------
    MissingFile, EngineError, InvalidValue
        As in `circuits.silicon.bench.simulate`.
    """
    cell = conveyor(units)
    brought, found = sweep(cell, conditions, largest)
    output, line = found["i(vout_n)"], found["v(line_n)"]
    relative = output * units / brought - 1
    ratio, hold = _spread(cell, conditions, largest, draws, rng)
    return Conveyor(
        units=units, largest=largest, error=float(np.abs(relative * brought).max() / largest),
        ratio_error=float(np.abs(relative[brought > 0.01 * largest]).max()), wander=float(np.ptp(line)),
        settling=_settling(cell, conditions, largest), power=SUPPLY * float(found["i(vsupply_n)"][-1] + output[-1]),
        spread_ratio=ratio, spread_hold=hold, nodes=found.swing, gate_area=cell.gate_area,
    )  # fmt: skip


def divider(conditions: Conditions, *, draws: int, seed: int) -> Conveyor:
    """Measure the conveyor of ten to one, up to ten times the tail current of `conditions` at its output."""
    largest = 10 * TENFOLD * conditions.current
    return measure(conditions, draws=draws, rng=np.random.default_rng(seed), units=TENFOLD, largest=largest)


def sweep(cell: Subcircuit, conditions: Conditions, largest: float) -> tuple[np.ndarray, Signals]:
    """Return currents (n,) from a thousandth of `largest` to all of it, and a conveyor's signals at them."""
    low = LOWEST * largest
    step = (largest - low) / (POINTS - 1)
    analysis = f".dc Iline {low:.9g} {largest + step / 10:.9g} {step:.12g}\n.save all"
    cards = ["Iline vdd line_n 0", _instance("n", cell, None)]
    found = simulate(_netlist(cell, conditions, cards, analysis, cell.text()), conditions)
    return low + step * np.arange(len(found.time)), found


def _netlist(cell: Subcircuit, conditions: Conditions, cards: list[str], analysis: str, text: str) -> str:
    """Return the netlist; the amplifier is fed with ten times the tail's current."""
    feed = next(one for one in cell.transistors if one.name == "feed")
    bias = [
        f"Vhold hold 0 {HOLD}", f"Vload load 0 {OUT}", f"Ifeed feed 0 {10 * conditions.current:.9g}",
        f"Mfeed feed feed vdd vdd sky130_fd_pr__{feed.kind}__model w={feed.width}u l={feed.length}u",
    ]  # fmt: skip
    return "\n".join([*head(conditions, analysis), text, *bias, *cards, analysis, ".end"]) + "\n"


def _instance(name: str, cell: Subcircuit, errors: Mapping[str, float] | None) -> str:
    told = "" if errors is None else "".join(f" e_{key}={value:.9g}" for key, value in errors.items())
    return (
        f"Vsupply_{name} vdd vdd_{name} 0\n"
        f"X{name} line_{name} hold feed vdd_{name} out_{name} {cell.subcircuit}{told}\n"
        f"Vout_{name} load out_{name} 0\nCline_{name} line_{name} 0 {LINE}"
    )


def _settling(cell: Subcircuit, conditions: Conditions, largest: float) -> float:
    begin, rise = 0.1 * SPAN, 1e-8
    levels = f"{HOLD + 0.1 * READ:.9g} {HOLD + READ:.9g}"
    words = f"Vwords words 0 pulse({levels} {begin:.6g} {rise} {rise} 1 2)\nRline words line_n {READ / largest:.9g}"
    step = SPAN / STEPS
    analysis = f".tran {step:.6g} {SPAN:.6g} 0 {step:.6g}\n.save all"
    netlist = _netlist(cell, conditions, [words, _instance("n", cell, None)], analysis, cell.text())
    found = simulate(netlist, conditions)
    output = found["i(vout_n)"]
    should = largest / next(one.units for one in cell.transistors if one.name == "sink")
    if not abs(output[-1] / should - 1) < STANDS:  # an equilibrium that a sweep finds may be one that is never reached
        raise InvalidValue(
            f"the conveyor comes to {output[-1]:.3g} A in place of {should:.3g} A: its loop is not stable, or too "
            "slow; take a `current` nearer to 10 nA"
        )
    away = np.flatnonzero(np.abs(output - output[-1]) > WITHIN * output[-1])
    return float(found.time[min(int(away[-1]) + 1, len(output) - 1)] - begin)


def _spread(
    cell: Subcircuit, conditions: Conditions, largest: float, draws: int, rng: np.random.Generator
) -> tuple[float, float]:
    names = [f"n{number}" for number in range(draws)]
    cards = [
        f"Iline_{name} vdd line_{name} {largest:.9g}\n{_instance(name, cell, errors)}"
        for name, errors in zip(names, draw(cell, draws, rng), strict=True)
    ]
    found = simulate(_netlist(cell, conditions, cards, ".op\n.save all", cell.uneven_text()), conditions)
    ratio = [np.log(found[f"i(vout_{name})"][-1] / largest) for name in names]
    return float(np.std(ratio, ddof=1)), float(np.std([found[f"v(line_{name})"][-1] for name in names], ddof=1))
