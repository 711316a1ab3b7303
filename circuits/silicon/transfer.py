"""Transfer curves: the output current of a cell over its state, and the numbers that fit it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import curve_fit

from circuits.cells.sky130.cell import Cell
from circuits.silicon.bench import Conditions, Instance, Signals, run

POINTS = 127


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """A cell's output over its state, and its fit, amplitude share law(gain (v - offset)).

    Attributes
    ----------
    cell : Cell
    volts : ndarray (n,)
        Of the state, from its middle.
    current : ndarray (n,)
        Output over the current that its tail should have.
    amplitude : float
        1 in a perfect cell.
    gain : float
        Per volt.
    offset : float
        Volts.
    """

    cell: Cell
    volts: np.ndarray
    current: np.ndarray
    amplitude: float
    gain: float
    offset: float

    @property
    def error(self) -> np.ndarray:
        """What the fit misses (n,), as a share of the law's largest output."""
        full = self.amplitude * self.cell.share * self.cell.peak
        return (self.current - self.cell.current(self.volts, self.amplitude, self.gain, self.offset)) / full

    @property
    def largest_error(self) -> float:
        """The largest of `error`, without its sign."""
        return float(np.abs(self.error).max())


def fit(cell: Cell, volts: np.ndarray, current: np.ndarray) -> Curve:
    """Return the curve with the amplitude, gain and offset of least squares."""
    start = (current.max() / (cell.share * cell.peak), 28.0, 0.0)
    found, _ = curve_fit(cell.current, volts, current, start, x_scale=(0.1, 1.0, 1e-3), method="trf")
    amplitude, gain, offset = (float(one) for one in found)
    return Curve(cell=cell, volts=volts, current=current, amplitude=amplitude, gain=gain, offset=offset)


def sweep(instances: list[Instance], conditions: Conditions) -> Signals:
    """Return all signals while the state goes from end to end."""
    low, high = conditions.ends
    step = (high - low) / (POINTS - 1)
    analysis = f".dc Vs {low:.9g} {high + step / 10:.9g} {step:.12g}\n.save all"
    return run(instances, conditions, f"{conditions.middle:.9g}", analysis)


def curves(instances: list[Instance], conditions: Conditions, found: Signals) -> dict[str, Curve]:
    """Return the curve of each instance by its name, from the signals of a `sweep`."""
    volts = found["v(s)"] - conditions.middle
    return {
        one.name: fit(one.cell, volts, found[f"i(vout_{one.name})"] / conditions.current) for one in instances
    }
