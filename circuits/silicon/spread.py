"""What mismatch makes of a cell: many of them, each with transistors of its own, in one simulation (Monte Carlo)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.cells.sky130.cell import Cell, Subcircuit
from circuits.silicon.bench import Conditions, Instance
from circuits.silicon.transfer import Curve, curves, sweep
from crossbar.errors import InvalidValue

FEWEST = 10
AT_ONCE = 100  # cells of one simulation


@dataclass(frozen=True, kw_only=True, eq=False)
class Spread:
    """The fits of many cells.

    Attributes
    ----------
    amplitude, gain, offset : ndarray (draws,)
        As in `circuits.silicon.transfer.Curve`.
    """

    amplitude: np.ndarray
    gain: np.ndarray
    offset: np.ndarray

    @property
    def of_amplitude(self) -> float:
        """Standard deviation of log amplitude."""
        return float(np.log(self.amplitude).std(ddof=1))

    @property
    def of_gain(self) -> float:
        """Standard deviation of log gain."""
        return float(np.log(self.gain).std(ddof=1))

    @property
    def of_offset(self) -> float:
        """Standard deviation of the offset, volts."""
        return float(self.offset.std(ddof=1))

    @property
    def of_leak(self) -> float:
        """Standard deviation of log (gain / amplitude).

        A cell of rho' pulls by amplitude rho (1 - rho), where a neuron of gain a is said to pull by a rho (1 - rho):
        the quotient is its leak (`crossbar.hopfield.mismatch`).
        """
        return float(np.log(self.gain / self.amplitude).std(ddof=1))


def draw(cell: Subcircuit, count: int, rng: np.random.Generator) -> list[dict[str, float]]:
    """Return the errors (volts, by transistor) of `count` cells."""
    sigma = np.array([one.sigma for one in cell.transistors])
    errors = sigma * rng.standard_normal((count, len(sigma)))
    names = [one.name for one in cell.transistors]
    return [dict(zip(names, row, strict=True)) for row in errors.tolist()]


def spread(cell: Cell, conditions: Conditions, count: int, rng: np.random.Generator) -> Spread:
    """Return the spread of `count` cells.

    Raises
    ------
    InvalidValue
        Fewer than ten, of which no spread could be told.
    EngineError, MissingFile
        As in `circuits.silicon.bench.run`.
    """
    if count < FEWEST:
        raise InvalidValue(f"a spread needs at least {FEWEST} draws, but got {count}")
    errors = draw(cell, count, rng)
    fits: list[Curve] = []
    for first in range(0, count, AT_ONCE):
        chunk = errors[first : first + AT_ONCE]
        instances = [Instance(name=f"n{number}", cell=cell, errors=one) for number, one in enumerate(chunk)]
        fits += curves(instances, conditions, sweep(instances, conditions)).values()
    amplitude, gain, offset = np.array([(one.amplitude, one.gain, one.offset) for one in fits]).T
    return Spread(amplitude=amplitude, gain=gain, offset=offset)
