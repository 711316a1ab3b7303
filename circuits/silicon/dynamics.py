"""How fast a cell follows, what it draws, and how much it rustles; no load but what takes its current."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.cells.sky130.cell import Cell
from circuits.cells.sky130.process import SUPPLY
from circuits.silicon.bench import Conditions, Instance, run

WITHIN = 0.01  # of the law's largest output
BAND = (1.0, 1e6)  # Hz
DELAY, TIMES, STEPS = 0.5, 10.0, 1000  # in units of `unit_time`
CAPACITANCE = 0.1e-12  # F; about that of the nodes that settle: it only chooses how long is simulated


@dataclass(frozen=True, kw_only=True, slots=True)
class Dynamics:
    """Settling, power and noise of a cell.

    Attributes
    ----------
    settling : float
        Seconds from a step of the state, from -1 to 0, to an output that stays within 1 % of full scale.
    power : float
        Watts from the supply at a state of 0; currents into the output count at the supply's voltage.
    noise : float
        Rms of the output from 1 Hz to 1 MHz at a state of 0, as a share of full scale.
    """

    settling: float
    power: float
    noise: float


def dynamics(cell: Cell, conditions: Conditions) -> Dynamics:
    """Measure a cell by a step, an operating point and a noise analysis."""
    one = Instance(name=cell.subcircuit, cell=cell)
    full = conditions.current * cell.share * cell.peak
    return Dynamics(
        settling=_settling(one, conditions, full), power=_power(one, conditions), noise=_noise(one, conditions, full)
    )


def unit_time(conditions: Conditions) -> float:
    """Return C U / I, the time in which the tail current moves a tenth of a picofarad by one unit of the state."""
    return CAPACITANCE * conditions.scale / conditions.current


def _settling(one: Instance, conditions: Conditions, full: float) -> float:
    unit = unit_time(conditions)
    low, high, rise = conditions.middle - conditions.scale, conditions.middle, unit / 100
    state = f"pulse({low:.9g} {high:.9g} {DELAY * unit:.6g} {rise:.6g} {rise:.6g} 1 2)"
    step = TIMES * unit / STEPS
    found = run([one], conditions, state, f".tran {step:.6g} {TIMES * unit:.6g} 0 {step:.6g}\n.save all")
    output = found[f"i(vout_{one.name})"]
    return settled_after(DELAY * unit, found.time, output, WITHIN * full)


def settled_after(begin: float, time: np.ndarray, output: np.ndarray, within: float) -> float:
    """Return how long after `begin` the `output` (n,) is within `within` of its end, and stays there."""
    away = np.flatnonzero(np.abs(output - output[-1]) > within)
    last = time[min(int(away[-1]) + 1, len(output) - 1)] if len(away) else begin
    return float(last - begin)


def _power(one: Instance, conditions: Conditions) -> float:
    found = run([one], conditions, f"{conditions.middle:.9g}", ".op\n.save all")
    drawn = sum(float(found[f"i({source}_{one.name})"][-1]) for source in ("vsupply", "vout", "vrest"))
    return SUPPLY * drawn


def _noise(one: Instance, conditions: Conditions, full: float) -> float:
    """Return the noise of the output current, which a source of 1 V / A carries to a node."""
    probe = f"Hprobe probe 0 Vout_{one.name} 1\n.noise v(probe) Vs dec 20 {BAND[0]:g} {BAND[1]:g}"
    found = run([one], conditions, f"dc {conditions.middle:.9g} ac 1", probe)
    density = found["onoise_spectrum"]
    return float(np.sqrt(np.trapezoid(density**2, found["frequency"]))) / full

