"""The characterised neuron: what ngspice measured of one neuron, as tables.

    s_i = (R / U) F(I_i, s_i),   I_i = sum_j G+_ij (A(s_j) - L(I_i)) + G-_ij (B(s_j) - L(I_i))

A and B are the voltages of the two word lines over the state: rho as it is, twice. F is the current into the state over
that of the bit line and the state: rho' as it is, with its height, its offsets, and what a sign takes along. L is where
the conveyor holds its line. `circuits.silicon.ensemble` has such neurons together.

A fine table of F has 19 currents and 65 states, one simulation of 3 s. The lines are loaded as those of a chip are on
average, as a driver's voltage falls with its current, by millivolts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from circuits.cells.sky130.cell import Cell, rho, slope
from circuits.cells.sky130.neuron import neuron
from circuits.silicon.bench import Conditions, head, simulate
from circuits.silicon.level import Level, mounted, rails
from circuits.silicon.neuron import GAIN
from circuits.silicon.transfer import fit
from crossbar.numerics import checks

LINE = Cell(name="line", transistors=(), law=rho, share=1.0, peak=1.0)
DRIVE = Cell(name="drive", transistors=(), law=slope, share=2.0, peak=0.25)
LARGEST = 0.1e-6  # A of a bit line
FITTED = 15e-9  # A; of the bit line, at which rho' is fitted
NEAR_ZERO = 5.1e-9  # A; up to which the line's resistance is
REACH = 1.6  # units


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """Where tables have their points.

    Attributes
    ----------
    shares : tuple of float
        Currents of either sign over the largest; 0.15, at which rho' is fitted, is one of them.
    states : int
        From end to end, an odd number.
    """

    shares: tuple[float, ...]
    states: int


FINE = Grid(shares=(0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.6, 1.0), states=65)
COARSE = Grid(shares=(0.01, 0.04, 0.15, 0.4, 1.0), states=33)
"""A quarter of the points; where a network rests differs by 0.0014 units at most, of 20 settlings (measured)."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The numbers of one neuron, whose rho has the height h and whose rho' has the height g.

    Attributes
    ----------
    gain, offset : float
        Of rho, the mean of both lines: a, and o in units of the state.
    height : float
        h, the mean of both lines, 1 in a perfect neuron.
    slope_height : float
        g.
    alone : float
        What drives the state without a current of the bit line, in volts of a signal times siemens: over the siemens
        of a weight a pull.
    ends : tuple of float
        By how much the upper and the lower line go further than h rho on average, and half of their difference in
        height, as shares of the read voltage.
    rest : float
        Where the conveyor holds its line at no current, as a share of the read voltage.
    resistance : float
        By how many volts an ampere moves that line, around no current.
    """

    gain: float
    offset: float
    height: float
    slope_height: float
    alone: float
    ends: tuple[float, float]
    rest: float
    resistance: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Characterised:
    """A neuron as it was measured.

    Attributes
    ----------
    conditions : Conditions
    level : Level
    state : ndarray (n,)
        In units.
    above, below : ndarray (n,)
        Volts of the word lines.
    current : ndarray (m,)
        Of the bit line, A.
    line : ndarray (m,)
        Volts of it.
    drive : ndarray (m, n)
        Current into the state, A.
    swing : tuple of float
        The lowest and highest voltage of any node.
    """

    conditions: Conditions
    level: Level
    state: np.ndarray
    above: np.ndarray
    below: np.ndarray
    current: np.ndarray
    line: np.ndarray
    drive: np.ndarray
    swing: tuple[float, float]

    @cached_property
    def fit(self) -> Fit:
        """What fits the tables: rho to both lines, rho' to the drive of two currents of either sign."""
        volts, read, middle = self.state * self.conditions.scale, self.level.read, len(self.current) // 2
        zero = self.line[middle]
        sides = (self.above - zero) / read, (zero - self.below) / read
        lines = [fit(LINE, volts, one) for one in sides]
        some = [k for k, one in enumerate(self.current) if abs(abs(one) - FITTED) < 1e-12]
        slopes = [fit(DRIVE, volts, self.drive[k] / self.current[k]) for k in some]
        gain, offset, height = (
            float(np.mean([getattr(one, name) for one in lines])) for name in ("gain", "offset", "amplitude")
        )
        used = np.abs(self.state) <= 1
        per_ampere = np.mean([self.drive[k] / self.current[k] for k in some], axis=0)[used]
        alone = self.drive[middle][used] @ per_ampere / (per_ampere @ per_ampere) / read
        above, below = (
            float(np.mean((one - LINE.current(volts, of.amplitude, of.gain, of.offset))[used])
                  + (of.amplitude - height) / 2)
            for one, of in zip(sides, lines, strict=True)
        )  # fmt: skip
        near = np.abs(self.current) <= NEAR_ZERO
        moved = np.polyfit(self.current[near], self.line[near], 1)[0]
        return Fit(
            gain=gain * self.conditions.scale / GAIN, offset=offset / self.conditions.scale, height=height,
            slope_height=float(np.mean([one.amplitude for one in slopes])), alone=float(alone), ends=(above, below),
            rest=float(zero / read), resistance=float(moved),
        )  # fmt: skip


def characterise(
    conditions: Conditions, level: Level, load: float, errors: Mapping[str, float] | None = None, grid: Grid = FINE
) -> Characterised:
    """Measure one neuron whose word lines have the conductance `load` (siemens) to lines at rest.

    `errors` are those of its transistors, volts by name; without them all are as drawn.

    Raises
    ------
    InvalidValue, MissingFile, EngineError
        As in `circuits.silicon.bench.simulate`.
    """
    checks.positive("load", load)
    shares = np.array(grid.shares)
    current = LARGEST * np.concatenate([-shares[::-1], [0.0], shares])
    low, high = (conditions.middle + sign * REACH * conditions.scale for sign in (-1, 1))
    step = (high - low) / (grid.states - 1)
    analysis = f".dc Vs {low:.9g} {high + step / 10:.9g} {step:.9g}\n.save all"
    cards = [
        line
        for k, one in enumerate(current)
        for line in (
            *mounted(str(k), conditions, level, errors), f"Vdrive_{k} s s_{k} 0", f"Iline_{k} vdd line_{k} {one:.9g}",
            f"Rabove_{k} above_{k} hold {1 / load:.9g}", f"Rbelow_{k} below_{k} hold {1 / load:.9g}",
        )
    ]  # fmt: skip
    cell = neuron().text() if errors is None else neuron().uneven_text()
    kept = [*head(conditions, analysis), cell, *rails(conditions), "Vs s 0 0", *cards, analysis, ".end"]
    found, middle = simulate("\n".join(kept) + "\n", conditions), len(current) // 2
    return Characterised(
        conditions=conditions, level=level, state=(found["v(s)"] - conditions.middle) / conditions.scale,
        above=found[f"v(above_{middle})"], below=found[f"v(below_{middle})"], current=current,
        line=np.array([found[f"v(line_{k})"][grid.states // 2] for k in range(len(current))]),
        drive=np.array([-found[f"i(vdrive_{k})"] for k in range(len(current))]), swing=found.swing,
    )  # fmt: skip
