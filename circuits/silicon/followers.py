"""The follower and the driver of word lines measured: offsets, how near rho, how fast, how unlike."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from circuits.cells.sky130.cell import Cell, rho
from circuits.cells.sky130.follower import follower
from circuits.cells.sky130.process import SUPPLY
from circuits.cells.sky130.word_lines import word_driver
from circuits.silicon.bench import HOLD, Conditions, Signals, head, simulate
from circuits.silicon.dynamics import settled_after
from circuits.silicon.level import Level, rails
from circuits.silicon.neuron import gain_error
from circuits.silicon.spread import draw
from circuits.silicon.transfer import Curve, fit

LEVEL = Level()
LOAD = 3.3e6  # ohm of a word line to a bit line: 60 nA at 0.2 V
WITHIN = 0.01  # of the read voltage
SPAN, STEPS = 200e-6, 2000  # s
POINTS = 81


@dataclass(frozen=True, kw_only=True, slots=True)
class Follower:
    """What was measured of a follower on a line that takes 60 nA 0.2 V away from rest.

    Attributes
    ----------
    offset : float
        Volts of the line less its input, where lines rest.
    error : float
        Largest change of that over inputs from 0.7 to 1.1 V, volts.
    settling : float
        Seconds from 0.9 to 1.1 V, to within 2 mV.
    power : float
        Watts at rest.
    noise : float
        Volts rms from 1 Hz to 1 MHz.
    spread : float
        Volts; standard deviation of the offset.
    nodes : tuple of float
    gate_area : float
        um2.
    transistors : int
    """

    offset: float
    error: float
    settling: float
    power: float
    noise: float
    spread: float
    nodes: tuple[float, float]
    gate_area: float
    transistors: int

    def record(self) -> dict[str, object]:
        """Return it as JSON takes it."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Driver:
    """What was measured of a driver of word lines, the line that goes up and the one that goes down.

    Attributes
    ----------
    errors : tuple of float
        Largest error of each line after gain, offset and height, of the read voltage.
    gains : tuple of float
        Error of each gain, of the paper's 3.
    heights : tuple of float
        Error of each height, of the read voltage.
    rests : tuple of float
        Volts of each line at a state of -3, less `HOLD`.
    power : float
        Watts at a state of 0, what its lines take included.
    nodes : tuple of float
    gate_area : float
        um2.
    transistors : int
    """

    errors: tuple[float, float]
    gains: tuple[float, float]
    heights: tuple[float, float]
    rests: tuple[float, float]
    power: float
    nodes: tuple[float, float]
    gate_area: float
    transistors: int

    def record(self) -> dict[str, object]:
        """Return it as JSON takes it."""
        return asdict(self)


def measure_follower(conditions: Conditions, *, draws: int, seed: int) -> Follower:
    """Measure a follower; errors as `circuits.silicon.bench.simulate`."""
    cell, step = follower(), 2 * LEVEL.read / (POINTS - 1)
    low, high = HOLD - LEVEL.read, HOLD + LEVEL.read
    plain = "Xn in line bias pbias vdd follower"
    analysis = f".dc Vin {low:.9g} {high + step / 10:.9g} {step:.9g}\n.save all"
    found = _simulate(conditions, cell.text(), ["Vin in 0 0", plain], analysis)
    missed = found["v(line)"] - found["v(in)"]
    cards = [
        f"Xn{k} hold line{k} bias pbias vdd follower" + "".join(f" e_{key}={value:.9g}" for key, value in one.items())
        for k, one in enumerate(draw(cell, draws, np.random.default_rng(seed)))
    ]
    unlike = _simulate(conditions, cell.uneven_text(), cards, ".op\n.save all")
    begin, gap = 0.1 * SPAN, SPAN / STEPS
    pulse = f"Vin in 0 pulse({HOLD} {high} {begin:.6g} 1e-8 1e-8 1 2)"
    moved = _simulate(conditions, cell.text(), [pulse, plain], f".tran {gap:.6g} {SPAN:.6g} 0 {gap:.6g}\n.save all")
    still = _simulate(conditions, cell.text(), [f"Vin in 0 {HOLD}", plain], ".op\n.save all")
    bare = _simulate(conditions, cell.text(), ["Rnone hold in 1e9"], ".op\n.save all")
    rustle = _simulate(
        conditions, cell.text(), [f"Vin in 0 dc {HOLD} ac 1", plain], ".noise v(line) Vin dec 20 1 1e6"
    )
    return Follower(
        offset=float(missed[POINTS // 2]), error=float(np.abs(missed - missed[POINTS // 2]).max()),
        settling=settled_after(begin, moved.time, moved["v(line)"], WITHIN * LEVEL.read),
        power=SUPPLY * float(bare["i(vdd)"][-1] - still["i(vdd)"][-1]),
        noise=float(np.sqrt(np.trapezoid(rustle["onoise_spectrum"] ** 2, rustle["frequency"]))),
        spread=float(np.std([unlike[f"v(line{k})"][-1] for k in range(draws)], ddof=1)),
        nodes=found.swing, gate_area=cell.gate_area, transistors=len(cell.transistors),
    )  # fmt: skip


def measure_driver(conditions: Conditions) -> Driver:
    """Measure a driver of word lines; errors as `circuits.silicon.bench.simulate`."""
    cell = word_driver()
    low, high = conditions.ends
    step = (high - low) / (POINTS - 1)
    resistor = LEVEL.read / conditions.current
    cards = [
        "Vs s 0 0", "Xn s ref high low above line bias pbias vdd_n word_driver", "Vsupply vdd vdd_n 0",
        f"Rhigh high hold {resistor:.9g}", f"Rlow low hold {resistor:.9g}", f"Rabove above hold {LOAD:g}",
    ]  # fmt: skip
    found = _simulate(conditions, cell.text(), cards, f".dc Vs {low:.9g} {high + step / 10:.9g} {step:.9g}\n.save all")
    lines = [found["v(above)"] - HOLD, HOLD - found["v(line)"]]
    up, down = (_fitted(cell_of_rho(), found, conditions, one) for one in lines)
    return Driver(
        errors=(up.largest_error, down.largest_error),
        gains=(gain_error(up.gain, conditions), gain_error(down.gain, conditions)),
        heights=(up.amplitude - 1, down.amplitude - 1), rests=(float(lines[0][0]), -float(lines[1][0])),
        power=SUPPLY * float(found["i(vsupply)"][POINTS // 2]), nodes=found.swing, gate_area=cell.gate_area,
        transistors=len(cell.transistors),
    )  # fmt: skip


def cell_of_rho() -> Cell:
    """Return what a line should obey: rho, with the driver's transistors."""
    return Cell(name="line", transistors=word_driver().transistors, law=rho, share=1.0, peak=1.0)


def _fitted(law: Cell, found: Signals, conditions: Conditions, volts: np.ndarray) -> Curve:
    """Return the fit of a line's voltage from where it rests, over the read voltage."""
    state = found["v(s)"] - conditions.middle
    return fit(law, state, (volts - volts[0]) / LEVEL.read)


def _simulate(conditions: Conditions, text: str, cards: list[str], analysis: str) -> Signals:
    kept = [*head(conditions, analysis), text, *rails(conditions), f"Rline line hold {LOAD:g}"]
    return simulate("\n".join([*kept, f"Cline line 0 {LEVEL.line:g}", *cards, analysis, ".end"]) + "\n", conditions)
